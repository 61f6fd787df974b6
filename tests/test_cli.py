"""The command line: data on stdout, messages on stderr, exit codes 0, 1 and 2, and never a traceback."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stemqa import __version__
from ui.cli import main

RESTORED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
STEMQA = str(Path(sys.executable).with_name("stemqa"))

NOTE = (
    "Hematopoietic stem cells live in the bone marrow and renew the blood for a lifetime.\n"
    "The thymus is a small organ behind the breastbone. It teaches young T cells to spare the body's own tissue.\n"
)
GUIDE = """---
id: transplants
title: Transplants
---
# Transplants

## Donors

In an allogeneic transplant the cells come from a donor, and the donor's immune cells may attack the recipient's tissue.

## Caf\N{COMBINING ACUTE ACCENT}s

\N{MUSICAL SYMBOL G CLEF} The clinic's cafe\N{COMBINING ACUTE ACCENT} opens at eight in the morning.
"""
THYMUS = "What does the thymus teach young T cells?"


@dataclass(frozen=True, slots=True)
class Run:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The JSON objects on stdout, one a line."""
        return [json.loads(line) for line in self.out.split("\n") if line]


Stemqa = Callable[..., Run]


@pytest.fixture
def stemqa(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Stemqa:
    """Return a function that runs a command here, with no STEMQA_ variable set."""
    for name in [name for name in os.environ if name.startswith("STEMQA_")]:
        monkeypatch.delenv(name)

    def run(*arguments: object, stdin: bytes = b"") -> Run:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as end:
            code = int(end.code or 0)
        captured = capsys.readouterr()
        return Run(code, captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def notes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a plain text and a Markdown file."""
    folder = tmp_path_factory.mktemp("cli") / "notes"
    folder.mkdir()
    (folder / "cells.txt").write_text(NOTE, encoding="utf-8")
    (folder / "guide.md").write_text(GUIDE, encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def library(notes: Path) -> Path:
    """Return a library of the notes, made by the command with the default model."""
    folder = notes.parent / "library"
    assert main(["index", str(notes), "--library", str(folder)]) == 0
    return folder


def _is_one_message(run: Run) -> bool:
    lines = run.err.splitlines()
    return run.code == 1 and not run.out and lines[-1].startswith("stemqa: ") and "Traceback" not in run.err


# ---------------------------------------------------------------- index, show, info


def test_index_does_nothing_where_the_library_is_up_to_date(stemqa: Stemqa, notes: Path, library: Path) -> None:
    """A second `index` of the same files says so and leaves the library as it is."""
    before = (library / "manifest.json").stat().st_mtime_ns
    run = stemqa("index", notes, "--library", library)
    assert (run.code, run.out) == (0, "")
    assert "2 documents" in run.err
    assert "up to date" in run.err
    assert (library / "manifest.json").stat().st_mtime_ns == before


def test_index_builds_anew_what_has_changed(stemqa: Stemqa, notes: Path, tmp_path: Path) -> None:
    """After a file is gone, `index` builds the library without it, and its document cannot be shown any more."""
    mine = Path(shutil.copytree(notes, tmp_path / "notes"))
    assert "built" in stemqa("index", mine, "--library", tmp_path / "lib").err
    (mine / "guide.md").unlink()
    assert "1 documents" in stemqa("index", mine, "--library", tmp_path / "lib").err
    assert _is_one_message(stemqa("show", "transplants", "--library", tmp_path / "lib"))


def test_index_without_a_path_takes_the_shipped_articles(stemqa: Stemqa, tmp_path: Path) -> None:
    """`stemqa index` alone makes a library of the twelve articles."""
    assert stemqa("index", "--library", tmp_path).code == 0
    assert stemqa("info", "--json", "--library", tmp_path).rows[0]["documents"] == 12


def test_show_without_an_id_lists_the_documents(stemqa: Stemqa, library: Path) -> None:
    """It prints what `list` prints."""
    run = stemqa("show", "--library", library)
    assert run.code == 0
    assert "transplants" in run.out
    assert run.out == stemqa("list", "--library", library).out


def test_show_prints_the_text_that_offsets_count_in(stemqa: Stemqa, library: Path) -> None:
    """Every citation of a reply is a slice of what `show` prints, accents and characters beyond 16 bits included."""
    questions = [THYMUS, "When does the clinic's café open?", "Where do the cells of an allogeneic transplant come from?"]
    replies = [stemqa("ask", question, "--json", "--library", library).rows[0] for question in questions]
    citations = [citation for reply in replies for citation in reply["citations"] + reply["nearest"]]
    assert {citation["document_id"] for citation in citations} > {"transplants"}
    for citation in citations:
        shown = stemqa("show", citation["document_id"], "--library", library)
        assert shown.code == 0
        assert shown.out[citation["start"] : citation["end"]] == citation["quote"]


def test_no_model_is_opened_to_look_at_documents(
    stemqa: Stemqa, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`list`, `show` and `check` read a library whatever the model is that asking would take."""
    monkeypatch.setenv("STEMQA_MODEL", str(tmp_path / "none"))
    for command in (["list"], ["show"], ["show", "transplants"], ["check"]):
        run = stemqa(*command, "--library", library)
        assert (run.code, run.err) == (0, "")
    assert (
        stemqa("check", "--json", "--library", library).rows[0]["library"]
        == stemqa("info", "--json", "--library", library).rows[0]["fingerprint"]
    )


def test_info_says_what_the_library_is_made_of(stemqa: Stemqa, library: Path) -> None:
    """The fingerprint of `info` is that of the replies; model and counts are named."""
    reply = stemqa("ask", THYMUS, "--json", "--library", library).rows[0]
    facts = stemqa("info", "--json", "--library", library).rows[0]
    assert facts["fingerprint"] == reply["library"]
    assert facts["documents"] == 2
    assert facts["stemqa"] == __version__
    text = stemqa("info", "--library", library).out
    assert reply["library"] in text
    assert "MiniLM" in text


# ---------------------------------------------------------------- ask


def test_ask_is_readable_in_eighty_columns(stemqa: Stemqa, library: Path) -> None:
    """Sentences with marks, then the sources with title, file and offsets, no line over 80 characters."""
    run = stemqa("ask", *THYMUS.split(), "--library", library)
    assert run.code == 0
    answer, sources = run.out.split("\n\nSources\n\n")
    assert "It teaches young T cells to spare the body's own tissue. [" in " ".join(answer.split())
    assert "[1] " in sources
    assert "notes/cells.txt, characters " in sources
    assert max(map(len, run.out.splitlines())) <= 80


def test_a_refusal_is_no_error(stemqa: Stemqa, library: Path) -> None:
    """A question for a doctor gets the message of its reason on stdout, and exit code 0."""
    run = stemqa("ask", "Should I have a transplant?", "--library", library)
    assert (run.code, run.err) == (0, "")
    assert run.out.startswith("A question for your own doctor\n")
    assert max(map(len, run.out.splitlines())) <= 80
    reply = stemqa("ask", "Should I have a transplant?", "--json", "--library", library).rows[0]
    assert (reply["kind"], reply["reason"]) == ("refusal", "personal_advice")
    assert " ".join(reply["message"].split()) in " ".join(run.out.split())


def test_a_batch_has_one_reply_a_line_in_the_order_of_its_rows(stemqa: Stemqa, library: Path, tmp_path: Path) -> None:
    """Ids come back as they were, text or number; blank lines and other fields are passed over."""
    rows = [
        {"id": "b", "question": THYMUS, "kind": "answerable"},
        {"id": 7, "question": "Should I stop my tablets?"},
        {"id": "a\u2028", "question": "  "},
        {"id": "b", "question": THYMUS},
    ]
    file = tmp_path / "questions.jsonl"
    file.write_text("\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows), encoding="utf-8")
    run = stemqa("ask", "--batch", file, "--json", "--library", library)
    assert (run.code, run.err) == (0, "")
    assert [reply["id"] for reply in run.rows] == ["b", 7, "a\u2028", "b"]
    assert [reply["reason"] for reply in run.rows] == [None, "personal_advice", "invalid_question", None]
    single = stemqa("ask", THYMUS, "--json", "--library", library).rows[0]
    assert _timeless(run.rows[0]) == _timeless(single)


def _timeless(reply: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in reply.items() if key not in {"id", "timings_ms"}}


def test_a_batch_is_read_from_standard_input(stemqa: Stemqa, library: Path) -> None:
    """`--batch -` reads rows, and `ask -` one question, from stdin."""
    row = json.dumps({"id": "x", "question": THYMUS}).encode()
    batch = stemqa("ask", "--batch", "-", "--json", "--library", library, stdin=row).rows[0]
    single = stemqa("ask", "-", "--json", "--library", library, stdin=THYMUS.encode()).rows[0]
    assert batch["id"] == "x"
    assert _timeless(batch) == _timeless(single)


@pytest.mark.parametrize("question", ["caf\\ud800\\ud800 \\udcff", "\\u0000", "\\u202e\\u2066 stem cells?", "𝔰𝔱𝔢𝔪"])
def test_a_question_of_any_characters_gets_a_reply(stemqa: Stemqa, library: Path, question: str) -> None:
    """Lone surrogates, controls and letters beyond 16 bits neither fail nor break the JSON."""
    row = f'{{"id": "x", "question": "{question}"}}'.encode()
    for command in ("ask", "search"):
        run = stemqa(command, "--batch", "-", "--json", "--library", library, stdin=row)
        assert (run.code, run.err) == (0, "")
        assert run.rows[0]["id"] == "x"


# ---------------------------------------------------------------- search


def test_search_finds_passages_with_their_offsets(stemqa: Stemqa, library: Path) -> None:
    """A hit's start and end cut its passage out of the shown document; -k bounds their number."""
    found = stemqa("search", "donor transplant", "-k", "1", "--json", "--library", library).rows[0]
    assert len(found["hits"]) == 1
    hit = found["hits"][0]
    assert hit["document_id"] == "transplants"
    assert hit["chunk_id"] == f"transplants:{hit['start']}-{hit['end']}"
    text = stemqa("show", "transplants", "--library", library).out
    assert "allogeneic" in text[hit["start"] : hit["end"]]
    readable = stemqa("search", "donor", "transplant", "--library", library).out
    assert readable.startswith("1. Transplants")
    assert max(map(len, readable.splitlines())) <= 80


def test_a_batch_of_searches_keeps_ids_and_order(stemqa: Stemqa, library: Path) -> None:
    """Each row of a batch gives one line with its id and its hits, best first."""
    rows = [{"id": "two", "question": "thymus"}, {"id": 1, "question": "donor"}]
    stdin = "\n".join(map(json.dumps, rows)).encode()
    run = stemqa("search", "--batch", "-", "--json", "--library", library, stdin=stdin)
    assert [row["id"] for row in run.rows] == ["two", 1]
    for row in run.rows:
        scores = [hit["score"] for hit in row["hits"]]
        assert scores == sorted(scores, reverse=True)
        assert {"document_id", "chunk_id", "start", "end", "score"} <= row["hits"][0].keys()


def test_escape_sequences_of_a_document_do_not_reach_the_terminal(stemqa: Stemqa, tmp_path: Path) -> None:
    """What would move the cursor or retitle the window is replaced in what people read, and kept in JSON."""
    row = {"_id": "\x1b[31mred", "title": "\x1b]0;own", "text": f"Stem cells renew themselves\x1b[2J for life. {NOTE * 30}"}
    (tmp_path / "d.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert stemqa("index", tmp_path / "d.jsonl", "--library", tmp_path / "lib").code == 0
    for command in (["ask", "Do stem cells renew themselves?"], ["search", "stem cells"], ["show"], ["info"]):
        run = stemqa(*command, "--library", tmp_path / "lib")
        assert run.code == 0
        assert "\x1b" not in run.out


def test_a_text_keeps_its_control_characters_but_on_a_terminal(
    stemqa: Stemqa, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Piped, `show` prints the very text; on a terminal each control character is one other, and the last line ends."""
    text = f"{NOTE}\tStem cells\x1b[2J renew\x9b themselves\x0c for life."
    (tmp_path / "d.jsonl").write_text(json.dumps({"_id": "d", "text": text}), encoding="utf-8")
    assert stemqa("index", tmp_path / "d.jsonl", "--library", tmp_path / "lib").code == 0
    assert stemqa("show", "d", "--library", tmp_path / "lib").out == text
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    shown = stemqa("show", "d", "--library", tmp_path / "lib").out
    assert shown == f"{NOTE}\tStem cells\ufffd[2J renew\ufffd themselves\ufffd for life.\n"


# ---------------------------------------------------------------- evaluate


@pytest.fixture(scope="session")
def questions(notes: Path) -> Path:
    """Return a question set about the notes."""
    rows = [
        {
            "id": "thymus",
            "kind": "answerable",
            "wording": "plain",
            "question": THYMUS,
            "gold": [{"document_id": "transplants", "quote": "the cells come from a donor"}],
        },
        {"id": "advice", "kind": "personal_advice", "question": "Should I have a transplant?"},
    ]
    file = notes.parent / "questions.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return file


def test_evaluate_prints_a_table_and_writes_json_and_a_page(
    stemqa: Stemqa, library: Path, questions: Path, tmp_path: Path
) -> None:
    """The table goes to stdout; --output holds evaluation.json and a page that refers to nothing outside itself."""
    run = stemqa("evaluate", questions, "--library", library, "--output", tmp_path / "out")
    assert run.code == 0, run.err
    assert "2 questions" in run.out
    report = json.loads((tmp_path / "out" / "evaluation.json").read_text(encoding="utf-8"))
    assert report["question_set"]["count"] == 2
    page = (tmp_path / "out" / "evaluation.html").read_text(encoding="utf-8")
    assert "<svg" in page
    assert "src=" not in page


def test_evaluate_compares_with_itself_and_finds_nothing_worse(
    stemqa: Stemqa, library: Path, questions: Path, tmp_path: Path
) -> None:
    """Against its own report the exit code is 0."""
    assert stemqa("evaluate", questions, "--library", library, "--output", tmp_path).code == 0
    run = stemqa("evaluate", questions, "--library", library, "--baseline", tmp_path / "evaluation.json")
    assert run.code == 0, run.err


def test_evaluate_reads_a_beir_folder_with_a_library_of_its_own(stemqa: Stemqa, tmp_path: Path) -> None:
    """Without --library the folder's corpus is indexed for the evaluation, and nothing else is touched."""
    folder = tmp_path / "beir"
    (folder / "qrels").mkdir(parents=True)
    texts = {"d1": "The thymus teaches young T cells.", "d2": "Bone marrow holds stem cells of the blood."}
    lines = [json.dumps({"_id": key, "title": key, "text": text}) + "\n" for key, text in texts.items()]
    (folder / "corpus.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "queries.jsonl").write_text(json.dumps({"_id": "q1", "text": "What does the thymus teach?"}), encoding="utf-8")
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\nq1\td1\t1\n", encoding="utf-8")
    run = stemqa("evaluate", folder)
    assert run.code == 0, run.err
    assert "nDCG at 10" in run.out
    assert sorted(path.name for path in folder.iterdir()) == ["corpus.jsonl", "qrels", "queries.jsonl"]


def test_evaluate_refuses_options_of_another_kind_of_set(stemqa: Stemqa, questions: Path, tmp_path: Path) -> None:
    """What would be ignored is wrong usage: --kind with a folder, --answers and --queries with a file."""
    for arguments, said in (
        ([tmp_path, "--kind", "off_topic"], "--kind is for a file"),
        ([questions, "--answers"], "are for a BEIR folder"),
        ([questions, "--queries", "queries.jsonl"], "are for a BEIR folder"),
        (["--answers"], "are for a BEIR folder"),
        (["--kind", "foo"], "'foo' is none of answerable, unanswerable, personal_advice"),
    ):
        run = stemqa("evaluate", *arguments)
        assert (run.code, run.out) == (2, "")
        assert said in run.err


# ---------------------------------------------------------------- bad input: one line, the remedy, no traceback


def _empty_folder(where: Path) -> Path:
    return where


def _only_pictures(where: Path) -> Path:
    (where / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return where


def _binary(where: Path) -> Path:
    (where / "noise.txt").write_bytes(bytes(range(256)) * 40)
    return where


def _pdf_by_another_name(where: Path) -> Path:
    (where / "paper.md").write_bytes(b"%PDF-1.7\n")
    return where


def _blank(where: Path) -> Path:
    (where / "blank.txt").write_text(" \n", encoding="utf-8")
    return where


def _broken_lines(where: Path) -> Path:
    (where / "rows.jsonl").write_text('{"_id": "a", "text"\n[1]\n', encoding="utf-8")
    return where


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (_empty_folder, "holds no document; files that end in .txt, .md"),
        (_only_pictures, "holds no document; files that end in .txt, .md"),
        (_binary, "none of 1 files could be read"),
        (_pdf_by_another_name, "none of 1 files could be read"),
        (_blank, "none of 1 files could be read"),
        (_broken_lines, "none of 1 files could be read"),
        (lambda where: where / "missing", "missing does not exist; name a file or folder"),
    ],
)
def test_index_of_nothing_readable(stemqa: Stemqa, tmp_path: Path, make: Callable[[Path], Path], words: str) -> None:
    """Empty, missing and unreadable input ends in one line that says what is read, and no library is left behind."""
    (tmp_path / "in").mkdir()
    run = stemqa("index", make(tmp_path / "in"), "--library", tmp_path / "lib")
    assert _is_one_message(run)
    assert words in run.err
    assert not (tmp_path / "lib").exists()


def test_index_leaves_out_what_cannot_be_read_and_says_so(stemqa: Stemqa, tmp_path: Path) -> None:
    """Broken JSON lines and binary files are reported by name and line; the rest is indexed."""
    good = json.dumps({"_id": "good", "title": "Thymus", "text": "The thymus teaches young T cells."})
    (tmp_path / "rows.jsonl").write_text(f'{good}\n{{"_id": "bad"\n', encoding="utf-8")
    _binary(tmp_path)
    run = stemqa("index", tmp_path, "--library", tmp_path / "lib")
    assert run.code == 0
    assert "rows.jsonl" in run.err
    assert "line 2" in run.err
    assert "noise.txt" in run.err
    assert "Traceback" not in run.err
    assert stemqa("show", "--library", tmp_path / "lib").out.split()[:2] == ["good", "Thymus"]


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1252"])
def test_index_detects_the_encoding_of_a_document(stemqa: Stemqa, tmp_path: Path, encoding: str) -> None:
    """A text in another encoding is shown as it was meant."""
    text = "Die Thymusdrüse schult die jungen T-Zellen für den Körper. Später übernehmen größere Drüsen ähnliche Aufgaben.\n"
    (tmp_path / "note.txt").write_bytes(text.encode(encoding))
    assert stemqa("index", tmp_path / "note.txt", "--library", tmp_path / "lib").code == 0
    row = stemqa("search", "Thymusdrüse", "--json", "--library", tmp_path / "lib").rows[0]
    assert stemqa("show", row["hits"][0]["document_id"], "--library", tmp_path / "lib").out == text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"id": "a", "question": "x"}\n{"id": "b"', "line 2: not JSON"),
        (b'{"id": "a", "question": "caf\xe9"}', "line 1: not UTF-8; save the file as UTF-8"),
        (b"[]", "line 1: a JSON list, not an object"),
        (b'{"question": "no id"}', 'line 1: write {"id": "...", "question": "..."}'),
        (b'{"id": true, "question": "x"}', 'line 1: write {"id": "...", "question": "..."}'),
        (b'{"id": "a", "question": 5}', 'line 1: write {"id": "...", "question": "..."}'),
        (b"[" * 100_000, "line 1: not JSON"),
    ],
)
@pytest.mark.parametrize("command", ["ask", "search"])
def test_a_broken_batch_is_refused_before_anything_is_answered(
    stemqa: Stemqa, library: Path, tmp_path: Path, command: str, data: bytes, words: str
) -> None:
    """The message names the file and the line."""
    file = tmp_path / "questions.jsonl"
    file.write_bytes(data)
    run = stemqa(command, "--batch", file, "--json", "--library", library)
    assert _is_one_message(run)
    assert f"{file}, {words}" in run.err


def test_a_missing_batch_is_one_line(stemqa: Stemqa, library: Path, tmp_path: Path) -> None:
    """A batch or a question set that is not there is named."""
    for command in (["ask", "--batch", tmp_path / "none.jsonl"], ["evaluate", tmp_path / "none.jsonl"]):
        run = stemqa(*command, "--library", library)
        assert _is_one_message(run)
        assert "none.jsonl" in run.err


@pytest.mark.parametrize("filler", ["stem cells ", "x", "?", "q1w2 ", "\N{COMBINING ACUTE ACCENT}"])
def test_a_question_of_200_000_characters_is_refused_at_once(stemqa: Stemqa, library: Path, filler: str) -> None:
    """It is an invalid question, whatever it is made of, and a search with it is one line."""
    question = (filler * 200_000)[:200_000]
    row = json.dumps({"id": "long", "question": question}).encode()
    reply = stemqa("ask", "--batch", "-", "--json", "--library", library, stdin=row).rows[0]
    assert reply["reason"] == "invalid_question"
    assert "at most 2,000 characters" in reply["message"]
    assert reply["timings_ms"]["total"] < 1000
    search = stemqa("search", "-", "--library", library, stdin=question.encode())
    assert _is_one_message(search)
    assert "shorten it to 2,000" in search.err


def _library_files(library: Path) -> list[str]:
    files = (path for path in library.rglob("*") if path.is_file() and path.name != ".lock")
    return sorted(path.relative_to(library).as_posix() for path in files)


def test_a_library_of_which_any_file_is_missing_or_cut_is_refused_and_mended(
    stemqa: Stemqa, notes: Path, library: Path, tmp_path: Path
) -> None:
    """Each file in turn: the message names the folder and the command that mends it, which does."""
    names = _library_files(library)
    assert len(names) > 5
    for name in names:
        for harm in (Path.unlink, lambda path: os.truncate(path, path.stat().st_size // 2)):
            hurt = tmp_path / "lib"
            shutil.copytree(library, hurt)
            harm(hurt / name)
            run = stemqa("ask", THYMUS, "--library", hurt)
            assert _is_one_message(run), name
            assert "stemqa index " in run.err
            assert f"--library {hurt}" in run.err
            shutil.rmtree(hurt)
    shutil.copytree(library, tmp_path / "lib")
    for name in names[::2]:
        (tmp_path / "lib" / name).unlink()
    assert stemqa("index", notes, "--library", tmp_path / "lib").code == 0
    assert stemqa("ask", THYMUS, "--library", tmp_path / "lib").code == 0


@pytest.mark.parametrize("command", [["ask", "x y"], ["search", "x"], ["show"], ["info"], ["evaluate"]])
def test_a_library_that_is_not_there_is_one_line(stemqa: Stemqa, tmp_path: Path, command: list[str]) -> None:
    """Every command that reads a library says how to build one."""
    run = stemqa(*command, "--library", tmp_path / "none")
    assert _is_one_message(run)
    assert run.err.startswith("stemqa: there is no library in ")
    assert f"stemqa index PATH... --library {tmp_path / 'none'}" in run.err


def test_a_library_is_not_written_among_other_files(stemqa: Stemqa, notes: Path) -> None:
    """Naming the documents' own folder as the library changes nothing in it."""
    before = _library_files(notes)
    run = stemqa("index", notes, "--library", notes)
    assert _is_one_message(run)
    assert "name an empty or new folder" in run.err
    assert _library_files(notes) == before


def test_a_library_where_a_file_stands_is_one_line(stemqa: Stemqa, notes: Path) -> None:
    """A file's name given as the library is neither read nor replaced."""
    for command in (["index", notes], ["ask", THYMUS]):
        assert _is_one_message(stemqa(*command, "--library", notes / "cells.txt"))
    assert (notes / "cells.txt").read_text(encoding="utf-8") == NOTE


def test_a_library_built_with_another_model_is_refused(
    stemqa: Stemqa, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names both models and the way out."""
    (tmp_path / "config.json").write_text('{"hidden_size": 384}', encoding="utf-8")
    (tmp_path / "model.safetensors").write_bytes(b"other weights")
    monkeypatch.setenv("STEMQA_MODEL", str(tmp_path))
    run = stemqa("ask", THYMUS, "--library", library)
    assert _is_one_message(run)
    assert "was built with the model all-MiniLM-L6-v2" in run.err
    assert f"not with {tmp_path}" in run.err
    assert f"stemqa index --library {library}" in run.err


def _serve(*arguments: object) -> Run:
    """Run `stemqa serve` in a process of its own: what the server's libraries leave open is theirs."""
    run = subprocess.run([STEMQA, "serve", *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False)
    return Run(run.returncode, run.stdout, run.stderr)


def test_a_port_in_use_is_one_line(library: Path) -> None:
    """`serve` says which port, and how to choose another."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        run = _serve("--port", port, "--library", library)
    assert _is_one_message(run)
    assert f"port {port} on 127.0.0.1 is in use" in run.err
    assert "--port" in run.err


def test_a_server_without_a_library_ends_with_one_line(tmp_path: Path) -> None:
    """`serve` does not stay up with nothing to serve, and says how to build a library."""
    run = _serve("--port", 0, "--library", tmp_path / "none")
    assert _is_one_message(run)
    assert f"stemqa index PATH... --library {tmp_path / 'none'}" in run.err


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("STEMQA_LIBARY", "x", "unknown setting STEMQA_LIBARY"),
        ("STEMQA_PORT", "many", "is not a whole number"),
        ("STEMQA_MODEL", "/no/such/model", "the model '/no/such/model'"),
    ],
)
def test_a_setting_that_cannot_be_used_is_one_line(
    stemqa: Stemqa, library: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, words: str
) -> None:
    """A misspelt name, a wrong value and a model that is not there are each named."""
    monkeypatch.setenv(name, value)
    run = stemqa("ask", THYMUS, "--library", library)
    assert _is_one_message(run)
    assert words in run.err


def test_an_unknown_document_is_one_line(stemqa: Stemqa, library: Path) -> None:
    """`show` of an id that is not there names the library and says how to list those that are."""
    run = stemqa("show", "nothing", "--library", library)
    assert _is_one_message(run)
    assert f"the library {library} holds no document 'nothing'" in run.err
    assert f"stemqa list --library {library}" in run.err


# ---------------------------------------------------------------- extract


PASSAGES = [
    "Skin is soft.",
    "Cafe\N{COMBINING ACUTE ACCENT}s have \U0001d6fc doors.\r\nPlatelets live for about eight to ten days in the blood.",
]


def _rows(*rows: object) -> bytes:
    return b"\n".join(json.dumps(row).encode() for row in rows)


@pytest.mark.parametrize("evidence", ["on", "off"])
def test_extract_needs_no_library(stemqa: Stemqa, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, evidence: str) -> None:
    """Each row gives one line, in order, with spans that fit the passages as they were given; by model and by similarity."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEMQA_EVIDENCE", evidence)
    question = "How long do platelets live in the blood?"
    stdin = _rows(
        {"id": 7, "question": question, "passages": PASSAGES, "more": 1}, {"id": "b", "question": question, "passages": []}
    )
    run = stemqa("extract", "--batch", "-", "--json", stdin=stdin)
    assert (run.code, run.err) == (0, "")
    first, second = run.rows
    assert list(first) == ["id", "answerable", "spans"]
    assert first["id"] == 7
    assert 0.5 < first["answerable"] <= 1
    span = first["spans"][0]
    assert list(span) == ["passage", "start", "end", "score"]
    assert PASSAGES[span["passage"]][span["start"] : span["end"]] == "Platelets live for about eight to ten days in the blood."
    assert second == {"id": "b", "answerable": 0.0, "spans": []}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"id": "a", "question": "x"}, 'line 2: write {"id": "...", "question": "...", "passages": ["...", ...]}'),
        ({"id": "a", "question": "x", "passages": "text"}, 'line 2: write {"id"'),
        ({"id": "a", "question": "x", "passages": ["text", None]}, 'line 2: write {"id"'),
        ({"question": "x", "passages": []}, 'line 2: write {"id"'),
        ({"id": "a", "question": "x" * 2001, "passages": []}, "line 2: the question has 2,001 characters; shorten it to 2,000"),
        ([], "line 2: a JSON list, not an object"),
    ],
)
def test_a_broken_row_of_passages_is_refused_before_anything_is_read(
    stemqa: Stemqa, tmp_path: Path, row: object, words: str
) -> None:
    """The message names the file and the line, and what to write."""
    file = tmp_path / "rows.jsonl"
    file.write_bytes(_rows({"id": "good", "question": "x", "passages": ["text"]}, row))
    run = stemqa("extract", "--batch", file, "--json")
    assert _is_one_message(run)
    assert f"{file}, {words}" in run.err


# ---------------------------------------------------------------- usage, options, signals


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["answer"],
        ["ask"],
        ["search"],
        ["ask", "x", "--batch", "y"],
        ["extract"],
        ["search", "x", "-k", "0"],
        ["search", "x", "-k", "many"],
        ["serve", "--port", "many"],
        ["ask", "x", "--colour"],
    ],
)
def test_wrong_usage_ends_with_2(stemqa: Stemqa, arguments: list[str]) -> None:
    """What cannot be understood prints the usage on stderr and nothing on stdout."""
    run = stemqa(*arguments)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("usage: stemqa")


@pytest.mark.parametrize(
    "command", ["index", "remove", "list", "show", "ask", "search", "evaluate", "serve", "info", "check", "watch"]
)
def test_every_command_takes_a_library_and_has_help(stemqa: Stemqa, command: str) -> None:
    """`stemqa COMMAND --help` names --library."""
    run = stemqa(command, "--help")
    assert run.code == 0
    assert "--library DIR" in run.out


def test_version_is_that_of_the_package(stemqa: Stemqa) -> None:
    """`stemqa --version` prints name and version."""
    assert stemqa("--version").out == f"stemqa {__version__}\n"


def test_the_library_option_wins_over_the_variable(
    stemqa: Stemqa, library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """STEMQA_LIBRARY is the default of --library."""
    monkeypatch.setenv("STEMQA_LIBRARY", str(library))
    assert stemqa("info").code == 0
    assert stemqa("info", "--library", tmp_path / "none").code == 1


def test_a_reader_that_closes_the_pipe_causes_no_message(stemqa: Stemqa, tmp_path: Path) -> None:
    """`stemqa show long | head -c 3` is quiet, with more to come than a pipe holds."""
    row = {"_id": "long", "title": "Long", "text": f"The thymus{' ' * 200_000}teaches young T cells."}
    (tmp_path / "long.jsonl").write_text(json.dumps(row), encoding="utf-8")
    assert stemqa("index", tmp_path / "long.jsonl", "--library", tmp_path / "lib").code == 0
    command = f"{STEMQA} show long --library {tmp_path / 'lib'} | head -c 3; echo ${{PIPESTATUS[0]}}"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60, check=False)
    assert (run.stdout, run.stderr) == ("The0\n", "")


def test_ctrl_c_is_quiet(library: Path) -> None:
    """An interrupted command ends with 130 and no traceback."""
    # Where the tests run in the background, an interrupt is ignored, and a child would inherit that.
    command = [sys.executable, "-c", RESTORED, STEMQA, "ask", "-", "--library", str(library)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        with pytest.raises(subprocess.TimeoutExpired):  # it waits for its question
            process.wait(timeout=2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (130, "", "")


@pytest.fixture
def served(library: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Yield a server of the library, once it has printed its address, and that address."""
    command = [STEMQA, "serve", "--port", "0", "--library", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        try:
            yield process, line.split()[-1] if line else ""
        finally:
            process.kill()


def test_a_server_answers_as_the_terminal_does_and_ends_quietly(
    stemqa: Stemqa, library: Path, served: tuple[subprocess.Popen[str], str]
) -> None:
    """The same reply over HTTP, ready when the address is printed, and exit code 0 on Ctrl-C."""
    process, address = served
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(f"{address}/readyz", timeout=10) as response:
        assert response.status == 200
    body = json.dumps({"question": THYMUS}).encode()
    request = urllib.request.Request(f"{address}/api/v1/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        over_http = json.load(response)
    assert _timeless(over_http) == _timeless(stemqa("ask", THYMUS, "--json", "--library", library).rows[0])
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "Traceback" not in err
