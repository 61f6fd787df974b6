"""`stemqa check` and `stemqa watch`: what they say, and that a library follows its folder."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from stemqa import LibraryError
from ui.cli import main
from ui.watch import Folders, follow

RESTORED = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_DFL); os.execv(sys.argv[1], sys.argv[1:])"
STEMQA = str(Path(sys.executable).with_name("stemqa"))
CELLS = "Stem cells live in the bone marrow and renew the blood for a lifetime.\n"
THYMUS = "The thymus is a small organ behind the breastbone, and it teaches young T cells to spare the body.\n"


def _until(reached: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


# ---------------------------------------------------------------- check


def test_check_prints_counts_and_examples(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is found is printed with its place, the rest by name; --json is one object that says the same; exit code 0."""
    notes = tmp_path / "notes"
    notes.mkdir()
    (notes / "cells.txt").write_text(f"Cells\n\n{CELLS}", encoding="utf-8")
    (notes / "again.txt").write_text(f"More about cells\n\n{CELLS}\nThe word is donâ€™t, he said.\n", encoding="utf-8")
    library = str(tmp_path / "library")
    assert main(["index", str(notes), "--library", library]) == 0
    capsys.readouterr()
    assert main(["check", "--library", library]) == 0
    text = capsys.readouterr().out
    assert text.startswith("2 documents, ")
    assert "\n1 passages with characters that were decoded wrongly\n" in text
    assert "notes/again.txt, " in text
    assert "None: documents with the text of another;" in text
    assert main(["check", "--json", "--library", library]) == 0
    (row,) = map(json.loads, capsys.readouterr().out.splitlines())
    found = {finding["name"]: finding for finding in row["findings"]}
    assert (row["documents"], found["mojibake"]["count"], found["same_documents"]["count"]) == (2, 1, 0)
    (example,) = found["mojibake"]["examples"]
    assert example.keys() == {"document_id", "source", "page", "start", "end", "note"}
    assert (example["source"], example["end"] - example["start"]) == ("notes/again.txt", len(example["note"]) - 2)


def test_check_needs_a_library(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no library, one line says how to build one."""
    assert main(["check", "--library", str(tmp_path)]) == 1
    assert "build one with: stemqa index" in capsys.readouterr().err


# ---------------------------------------------------------------- watch


@contextmanager
def _watching(folder: Path, library: Path) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", RESTORED, STEMQA, "watch", str(folder), "--library", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def test_a_library_follows_its_folder(tmp_path: Path) -> None:
    """A file is added, changed, spoilt and removed, and each time one line says so; Ctrl-C ends it with 0 and no traceback."""
    notes, library = tmp_path / "notes", tmp_path / "library"
    notes.mkdir()
    (notes / "cells.txt").write_text(CELLS, encoding="utf-8")
    with _watching(notes, library) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert next(lines) == f"Watching {notes} for the library {library}; Ctrl-C ends it\n"
        assert "files: 1 added, 0 changed, 0 removed (" in next(lines)
        (notes / "thymus.txt").write_text(THYMUS, encoding="utf-8")
        assert "files: 1 added, 0 changed, 0 removed (" in next(lines)
        (notes / "thymus.txt").write_text(THYMUS.replace("young", "new"), encoding="utf-8")
        assert "files: 0 added, 1 changed, 0 removed (" in next(lines)
        (notes / "cells.txt").unlink()
        assert "files: 0 added, 0 changed, 1 removed (" in next(lines)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (0, "", "")
    assert _sentence_of(library) == THYMUS.replace("young", "new").strip()


def _sentence_of(library: Path) -> str:
    run = subprocess.run(
        [STEMQA, "search", "thymus", "--json", "--library", str(library)], capture_output=True, text=True, check=True
    )
    (hit,) = json.loads(run.stdout)["hits"]
    return str(hit["text"])


def test_watch_takes_folders(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file, or a path that is not there, is an error in one line."""
    (tmp_path / "a.txt").write_text(CELLS, encoding="utf-8")
    for path in ("a.txt", "none"):
        assert main(["watch", str(tmp_path / path), "--library", str(tmp_path / "library")]) == 1
        assert "is no folder" in capsys.readouterr().err


@dataclass
class _Indexing:
    """Stands in for indexing: fails as it is told to, and counts how often it was asked."""

    failures: list[Exception] = field(default_factory=list)
    times: int = 0

    def __call__(self) -> str:
        self.times += 1
        if self.failures:
            raise self.failures.pop(0)
        return f"update {self.times}"


@contextmanager
def _following(folder: Path, update: _Indexing, *, besides: Path = Path("/nowhere")) -> Iterator[list[str]]:
    told: list[str] = []
    stop = threading.Event()
    folders = Folders([folder], besides)
    options = {"tell": told.append, "retry_seconds": 0.05, "stop": stop}
    thread = threading.Thread(target=follow, args=(folders, update), kwargs=options, daemon=True)
    thread.start()
    yield told
    stop.set()
    thread.join(10)
    assert not thread.is_alive()


def test_another_writer_is_told_of_once_and_waited_for(tmp_path: Path) -> None:
    """While another process writes the library, one line says so, and the update is tried until it succeeds."""
    update = _Indexing([LibraryError("the library x is being written by process 7") for _ in range(3)])
    with _following(tmp_path, update) as told:
        _until(lambda: told[-1:] == ["update 4"])
    assert told == ["not updated: the library x is being written by process 7; tried again every 0.05 s", "update 4"]


def test_an_error_of_one_update_does_not_end_it(tmp_path: Path) -> None:
    """After an update that failed, the next change is taken up as ever, and another error is told of again."""
    update = _Indexing([LibraryError("a"), OSError("b")])
    with _following(tmp_path, update) as told:
        _until(lambda: len(told) == 3)
        (tmp_path / "new.txt").write_text(CELLS, encoding="utf-8")
        _until(lambda: len(told) == 4)
    assert [line.partition(";")[0] for line in told] == ["not updated: a", "not updated: b", "update 3", "update 4"]


def test_files_that_change_together_are_one_update(tmp_path: Path) -> None:
    """Twenty files that are written one after the other are taken up at once."""
    update = _Indexing()
    with _following(tmp_path, update) as told:
        _until(lambda: len(told) == 1)
        for number in range(20):
            (tmp_path / f"{number}.txt").write_text(CELLS, encoding="utf-8")
            time.sleep(0.01)
        _until(lambda: len(told) == 2)
        time.sleep(1)
    assert told == ["update 1", "update 2"]


def test_the_library_and_hidden_files_are_of_no_interest(tmp_path: Path) -> None:
    """What is written into a library inside the folder, or into hidden files and folders, makes no update."""
    update, library = _Indexing(), tmp_path / "library"
    library.mkdir()
    (tmp_path / ".git").mkdir()
    with _following(tmp_path, update, besides=library) as told:
        _until(lambda: len(told) == 1)
        for name in ("library/manifest.json", ".git/index", ".hidden.txt"):
            (tmp_path / name).write_text("x", encoding="utf-8")
        time.sleep(1.5)
        assert told == ["update 1"]
        (tmp_path / "seen.txt").write_text("x", encoding="utf-8")
        _until(lambda: len(told) == 2)


def test_a_folder_that_is_replaced_is_watched_again(tmp_path: Path) -> None:
    """A folder that is removed and made again, as programs that synchronise do, is followed as before."""
    folder, update = tmp_path / "notes", _Indexing()
    folder.mkdir()
    with _following(folder, update) as told:
        _until(lambda: len(told) == 1)
        shutil.rmtree(folder)
        time.sleep(0.5)
        folder.mkdir()
        time.sleep(0.5)
        seen = len(told)
        (folder / "new.txt").write_text(CELLS, encoding="utf-8")
        _until(lambda: len(told) > seen)
