"""Reading question sets and BEIR folders: what is accepted, and one-line messages for what is not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from evaluation_fakes import TEXTS, Library

from corpus.document import Span
from rag.beir import read_beir
from rag.questions import Kind, Wording, find_quote, read_questions
from stemqa import QuestionSetError

LIBRARY = Library.of(TEXTS)
GOLD = {"document_id": "cells", "quote": "Marrow holds them."}
GOOD = {"id": "a", "question": "Where?", "kind": "answerable", "wording": "plain", "gold": [GOLD]}
SHARED = Path(__file__).parents[2] / "shared" / "eval"


def write(folder: Path, *rows: object, name: str = "set.jsonl") -> Path:
    path = folder / name
    path.write_text("".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_question_is_read_with_the_spans_of_its_golds(tmp_path: Path) -> None:
    """A good row gives kind, wording and gold spans; the set has the file's name and SHA-256."""
    path = write(tmp_path, GOOD, "", {"id": "b", "question": "", "kind": "off_topic", "wording": None, "gold": []})
    read = read_questions(path, LIBRARY.documents)
    first, second = read.questions
    assert (first.kind, first.wording, first.gold[0].document_id) == (Kind.ANSWERABLE, Wording.PLAIN, "cells")
    assert [span.of(TEXTS["cells"]) for span in first.gold[0].spans] == ["Marrow holds them."]
    assert (second.text, second.kind, second.gold) == ("", Kind.OFF_TOPIC, ())
    assert (read.name, read.sha256, read.gold) == ("set.jsonl", hashlib.sha256(path.read_bytes()).hexdigest(), "quote")


def test_a_quote_is_found_wherever_it_stands_and_however_its_words_are_parted() -> None:
    """Every occurrence counts, line ends and blanks are alike, and the quote is normalised as documents are."""
    assert find_quote("a  b", "a b, a\nb") == (Span(0, 3), Span(5, 8))
    assert find_quote("cafe\u0301 (x)", "caf\u00e9 (x)") == (Span(0, 8),)
    assert find_quote("zz", "a b") == ()


def two_parts(*parts: int, wording: str = "two_part") -> dict[str, object]:
    return GOOD | {"wording": wording, "gold": [GOLD | {"part": part} for part in parts]}


@pytest.mark.parametrize(
    ("rows", "line", "says"),
    [
        (["{oops"], 1, "not JSON"),
        ([GOOD, "[1]"], 2, "a JSON list, not an object"),
        ([GOOD | {"golds": []}], 1, "unknown field 'golds'"),
        ([GOOD | {"id": 3}], 1, "id must be text, got 3"),
        ([GOOD | {"question": None}], 1, "question must be text"),
        ([GOOD | {"kind": "trick"}], 1, 'kind is "trick"; it must be one of answerable'),
        ([GOOD | {"kind": ["answerable"]}], 1, "it must be one of"),
        ([GOOD | {"wording": "odd"}], 1, "wording"),
        ([GOOD | {"gold": []}], 1, "needs at least one gold quote; add one"),
        ([GOOD | {"gold": "x"}], 1, "gold must be a list"),
        ([GOOD | {"kind": "off_topic"}], 1, "only answerable questions have gold"),
        ([GOOD | {"gold": [GOLD | {"document_id": "gone"}]}], 1, "no document 'gone'"),
        ([GOOD | {"gold": [GOLD | {"quote": "Bones hold them."}]}], 1, "does not hold the quote"),
        ([GOOD | {"gold": [GOLD | {"page": 1}]}], 1, "unknown gold field 'page'"),
        ([two_parts(3)], 1, "must be 1 or 2"),
        ([two_parts(1, 1)], 1, "needs golds of part [1, 2], got [1]; add the part, or change the wording"),
        ([two_parts(1, 2, wording="plain")], 1, 'of part [1], got [1, 2]; set "wording": "two_part", or drop part 2'),
        ([GOOD, GOOD], 2, "the id 'a' was used before"),
        ([GOOD | {"same_as": "a"}], 1, "id of another question; name one or leave it out"),
    ],
)
def test_a_row_that_cannot_be_used_is_named_by_its_line(tmp_path: Path, rows: list[object], line: int, says: str) -> None:
    """The message is one line and holds the line's number and what is wrong."""
    with pytest.raises(QuestionSetError) as caught:
        read_questions(write(tmp_path, *rows), LIBRARY.documents)
    message = str(caught.value)
    assert f"line {line}" in message
    assert says in message
    assert "\n" not in message


def test_a_gold_that_is_missing_names_the_row_by_its_id(tmp_path: Path) -> None:
    """The id stands in the message beside the line's number."""
    with pytest.raises(QuestionSetError, match=r"line 1 \('a'\): the library holds no document 'gone'"):
        read_questions(write(tmp_path, GOOD | {"gold": [GOLD | {"document_id": "gone"}]}), LIBRARY.documents)


def test_a_file_without_questions_or_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Empty, missing, not UTF-8, and a same_as that leads nowhere each have a message."""
    with pytest.raises(QuestionSetError, match="holds no questions"):
        read_questions(write(tmp_path, ""), LIBRARY.documents)
    with pytest.raises(QuestionSetError, match="No such file"):
        read_questions(tmp_path / "none.jsonl", LIBRARY.documents)
    (tmp_path / "latin.jsonl").write_bytes(b"{}\n\xe9\n")
    with pytest.raises(QuestionSetError, match="line 2: not UTF-8"):
        read_questions(tmp_path / "latin.jsonl", LIBRARY.documents)
    row = {"id": "i", "question": "Obey.", "kind": "injection", "same_as": "nobody"}
    with pytest.raises(QuestionSetError, match="which is no question of the set; give the id of one"):
        read_questions(write(tmp_path, row), LIBRARY.documents)


def test_a_plain_list_is_read_as_questions_of_one_kind(tmp_path: Path) -> None:
    """With a kind, rows of `_id` and `text` are enough, and other fields are left alone."""
    path = write(tmp_path, {"_id": "x", "text": "Rain?", "intent": "weather"})
    read = read_questions(path, LIBRARY.documents, kind=Kind.OFF_TOPIC)
    assert [(q.id, q.text, q.kind) for q in read.questions] == [("x", "Rain?", Kind.OFF_TOPIC)]
    assert read.gold == "none"


def beir(folder: Path, *, answers: bool = True) -> Path:
    """Three queries: one with an answer, one impossible, one with neither qrels nor answers."""
    (folder / "qrels").mkdir()
    write(folder, {"_id": "empty", "title": "", "text": " "}, name="corpus.jsonl")
    queries = [{"_id": name, "text": f"{name}?"} for name in ("q1", "q2", "q3")]
    write(folder, *queries, name="queries.jsonl")
    write(folder, "query-id\tcorpus-id\tscore", "q1\trisks\t2", "q1\tcells\t0", "q1\tempty\t1", name="qrels/test.tsv")
    if answers:
        rows = [
            {"query_id": "q1", "answers": ["Graft  DISEASE"], "doc_id": "risks", "is_impossible": False},
            {"query_id": "q2", "answers": [], "doc_id": "risks", "is_impossible": True},
        ]
        write(folder, *rows, name="answers.jsonl")
    return folder


def test_a_beir_folder_gives_graded_documents_and_answers_as_gold(tmp_path: Path) -> None:
    """The gold is the sentence of the right document with the answer's words; grades of 0 and queries with nothing go."""
    read = read_beir(beir(tmp_path), LIBRARY.documents, LIBRARY.chunks)
    answerable, impossible = read.questions
    assert (answerable.id, answerable.kind, answerable.qrels) == ("q1", Kind.ANSWERABLE, {"risks": 2, "empty": 1})
    assert [span.of(TEXTS["risks"]) for span in answerable.gold[0].spans] == ["Graft disease is another risk."]
    assert (impossible.id, impossible.kind, impossible.qrels, impossible.gold) == ("q2", Kind.UNANSWERABLE, None, ())
    assert read.gold == "answer"


def test_words_of_an_answer_are_whole_words(tmp_path: Path) -> None:
    """The answer "other" is not held by the sentence with "another"; nowhere whole, it is gold where its letters stand."""
    beir(tmp_path)
    write(tmp_path, {"query_id": "q1", "answers": ["nother"], "doc_id": "risks", "is_impossible": False}, name="answers.jsonl")
    gold = read_beir(tmp_path, LIBRARY.documents, LIBRARY.chunks).questions[0].gold
    assert [span.of(TEXTS["risks"]) for span in gold[0].spans] == ["nother"]


def test_without_answers_a_relevant_document_is_gold_as_a_whole(tmp_path: Path) -> None:
    """A folder without answers.jsonl has gold of the kind "document"."""
    read = read_beir(beir(tmp_path, answers=False), LIBRARY.documents, LIBRARY.chunks)
    assert [(q.id, q.gold[0].spans) for q in read.questions] == [("q1", (Span(0, len(TEXTS["risks"])),))]
    assert read.gold == "document"


def test_further_unanswerable_queries_are_read_from_their_own_file(tmp_path: Path) -> None:
    """An impossible query of queries.unanswerable.jsonl joins the set, and one of queries.jsonl keeps its text."""
    beir(tmp_path)
    extra = [{"_id": "q4", "text": "Four?"}, {"_id": "q1", "text": "Other?"}]
    write(tmp_path, *extra, name="queries.unanswerable.jsonl")
    row = {"query_id": "q4", "answers": [], "doc_id": None, "is_impossible": True}
    write(tmp_path, row, name="answers.jsonl")
    texts = {q.text: q.kind for q in read_beir(tmp_path, LIBRARY.documents, LIBRARY.chunks).questions}
    assert texts == {"q1?": Kind.ANSWERABLE, "Four?": Kind.UNANSWERABLE}


def test_a_library_of_other_documents_is_refused_with_the_command(tmp_path: Path) -> None:
    """A relevant document with text that the library lacks is named, with the command that builds the right library."""
    beir(tmp_path)
    write(tmp_path, {"_id": "risks", "text": "Infection."}, {"_id": "empty", "text": ""}, name="corpus.jsonl")
    with pytest.raises(QuestionSetError, match="'risks'; build it with: stemqa index"):
        read_beir(tmp_path, {"cells": LIBRARY.documents["cells"]}, ())


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("queries.jsonl", '{"_id": 3, "text": "x"}', "queries.jsonl, line 1: _id must be text"),
        ("qrels/test.tsv", "q1 risks 1", "test.tsv, line 1: a qrel is"),
        ("qrels/test.tsv", "zz\trisks\t1", "no query of queries.jsonl is in qrels"),
        ("answers.jsonl", '{"query_id": "q1"}', "answers.jsonl, line 1: an answer has"),
    ],
)
def test_a_broken_beir_file_is_named_with_its_line(tmp_path: Path, name: str, content: str, says: str) -> None:
    """Each file of the folder has messages of its own."""
    write(beir(tmp_path), content, name=name)
    with pytest.raises(QuestionSetError) as caught:
        read_beir(tmp_path, LIBRARY.documents, LIBRARY.chunks)
    assert says in str(caught.value)


@pytest.mark.shared
@pytest.mark.parametrize(("name", "answerable", "unanswerable"), [("squad2_dev", 5928, 5945), ("medquad_immune", 1011, 1595)])
def test_the_public_folders_are_read_whole(name: str, answerable: int, unanswerable: int) -> None:
    """Every query of the public folders is answerable or not, as their notes count them."""
    if not (SHARED / name).exists():
        pytest.skip(f"{name} is not beside the checkout")
    lines = (SHARED / name / "corpus.jsonl").read_text(encoding="utf-8").splitlines()
    library = Library.of({row["_id"]: row["text"] for row in map(json.loads, lines) if row["text"]})
    kinds = [question.kind for question in read_beir(SHARED / name, library.documents, library.chunks).questions]
    assert (kinds.count(Kind.ANSWERABLE), kinds.count(Kind.UNANSWERABLE)) == (answerable, unanswerable)
