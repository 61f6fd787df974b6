"""Risky files are parsed in a process of its own: what hangs, crashes or grows is given up, and the rest is read."""

from __future__ import annotations

import gc
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pdf_writer import column, pdf

from corpus import bounded
from corpus.bounded import close_worker
from corpus.document import Document
from corpus.limits import Limits
from corpus.load import load_documents
from stemqa import DocumentError

CRASH = "makes its parser crash, or needs more than 1,024 MB of memory (STEMQA_PARSE_MEMORY_MB allows more)"
TABLE = "{0}\nKind,What it does\nCell of the kind {0},It divides.\n"


@pytest.fixture(autouse=True)
def _fresh() -> None:
    """Let every test start a process of its own, which imports what the test has put in place."""
    close_worker()


def parser_that(monkeypatch: pytest.MonkeyPatch, folder: Path, does: str) -> None:
    """Put a module in PDFium's place that does this when it is imported."""
    (folder / "modules").mkdir()
    (folder / "modules/pypdfium2.py").write_text(does)
    monkeypatch.syspath_prepend(str(folder / "modules"))


def read(folder: Path, limits: Limits = Limits()) -> tuple[list[Document], list[str]]:  # noqa: B008 -- frozen
    """Return the documents of a folder with a PDF file between two tables, and what was reported."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / "a.csv").write_text(TABLE.format("A"))
    (docs / "b.pdf").write_bytes(pdf(column(("Cells of the kind B divide.",))))
    (docs / "c.csv").write_text(TABLE.format("C"))
    reported: list[str] = []
    return list(load_documents([docs], report=reported.append, limits=limits)), reported


def pid() -> int:
    """Return the number of the process that runs."""
    worker = bounded._SLOT._worker
    assert worker is not None
    return worker._process.pid


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("while True: pass", "took longer than 3 s to read (STEMQA_PARSE_SECONDS allows more)"),
        ("import time; time.sleep(999)", "took longer than 3 s to read (STEMQA_PARSE_SECONDS allows more)"),
        ("import os; os.abort()", CRASH),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            CRASH,
        ),
        (
            "import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
            "had its parser killed by the system, which may lack the 1,024 MB of memory that STEMQA_PARSE_MEMORY_MB allows it",
        ),
        ("bytearray(1 << 31)", "needs more than 1,024 MB of memory (STEMQA_PARSE_MEMORY_MB allows more)"),
        ("raise KeyError('x')", "is damaged in a way that its parser does not know (KeyError)"),
        ("def f(): f()\nf()", "is nested too deeply"),
        ("import os; os._exit(0)", CRASH),
    ],
)
def test_a_file_that_its_parser_does_not_survive_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, does: str, said: str
) -> None:
    """One line says what happened, and the files before and after it are read."""
    parser_that(monkeypatch, tmp_path, does)
    documents, reported = read(tmp_path, Limits(seconds=3, memory_bytes=1024**3))
    assert [document.title for document in documents] == ["A", "C"]
    assert reported == [f"docs/b.pdf {said}; left out"]


def test_what_a_parser_prints_does_not_come_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Output of a parser and of its C library is not taken for a reply."""
    parser_that(monkeypatch, tmp_path, "import os\nprint('noise' * 99)\nos.write(1, b'noise')\nraise KeyError")
    documents, reported = read(tmp_path)
    assert len(documents) == 2
    assert reported == ["docs/b.pdf is damaged in a way that its parser does not know (KeyError); left out"]


def test_documents_come_whole(tmp_path: Path) -> None:
    """Title, text, sections, pages, hash and metadata are those that the parser made."""
    (_, page, _), reported = read(tmp_path)
    assert not reported
    made = Document.create("Cells of the kind B divide.", title="b", source="docs/b.pdf")
    assert (page.title, page.text, page.source, page.sha256) == (made.title, made.text, made.source, made.sha256)
    assert [(section.span, section.page) for section in page.sections] == [(made.sections[0].span, 1)]
    with pytest.raises(TypeError):
        page.meta["x"] = "y"  # type: ignore[index]


def test_one_process_serves_all_files(tmp_path: Path) -> None:
    """The process stays for the next file, and a new one replaces it when it is gone or when it has grown."""
    path = tmp_path / "a.csv"
    path.write_text(TABLE.format("A"))

    def served(limits: Limits = Limits()) -> int:  # noqa: B008 -- frozen
        assert list(bounded.parse_bounded(path, source="a", limits=limits, report=pytest.fail))
        return pid()

    first = served()
    assert served() == first
    bounded._SLOT._worker._process.kill()  # type: ignore[union-attr]
    bounded._SLOT._worker._process.wait()  # type: ignore[union-attr]
    second = served()
    assert second != first
    close_worker()
    assert bounded._SLOT._worker is None
    gc.collect()  # nothing is left open, which would be a warning, and so an error


def test_what_the_parent_holds_is_not_counted(tmp_path: Path) -> None:
    """The process stays for the next file also where the one that starts it holds more memory than a file may need."""
    (tmp_path / "a.csv").write_text(TABLE.format("A"))
    close_worker()
    held = np.ones(40_000_000)  # 320 MB
    assert list(
        bounded.parse_bounded(tmp_path / "a.csv", source="a", limits=Limits(memory_bytes=600 * 1024**2), report=pytest.fail)
    )
    assert pid()
    assert held[0]


def test_an_interrupt_does_not_mix_up_replies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a file is parsed ends the process; the next file gets its own reply."""
    parser_that(monkeypatch, tmp_path, "import time; time.sleep(999)")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        signal.setitimer(signal.ITIMER_REAL, 3)
        with pytest.raises(KeyboardInterrupt):
            read(tmp_path)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert bounded._SLOT._worker is None
    (tmp_path / "docs/b.pdf").unlink()
    assert [document.title for document in load_documents([tmp_path / "docs"])] == ["A", "C"]


def test_several_threads_take_turns(tmp_path: Path) -> None:
    """Each thread gets the documents of its own file."""
    for number in range(12):
        (tmp_path / f"{number}.csv").write_text(TABLE.format(number))

    def title(number: int) -> str:
        path = tmp_path / f"{number}.csv"
        (document,) = bounded.parse_bounded(path, source="x", limits=Limits(), report=pytest.fail)
        return document.title

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(title, range(12))) == [str(number) for number in range(12)]


def test_a_process_that_does_not_start_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the interpreter cannot start the process, each file that needs it is reported."""
    monkeypatch.setattr(sys, "executable", "/bin/false")
    path = tmp_path / "a.csv"
    path.write_text(TABLE.format("A"))
    with pytest.raises(DocumentError, match="the process that is to do so does not start"):
        list(bounded.parse_bounded(path, source="a", limits=Limits(), report=pytest.fail))


def test_the_process_ends_with_its_input_and_is_light() -> None:
    """A worker whose parent is gone ends by itself, and starting one imports no heavy library."""
    heavy = "{'numpy', 'torch', 'lxml', 'pypdfium2', 'chardet', 'yaml', 'markdown_it'}"
    code = f"import sys, corpus.worker; sys.exit(sorted({heavy} & set(sys.modules)) or 0)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    ended = subprocess.run([sys.executable, "-m", "corpus.worker"], input=b"", capture_output=True, timeout=60, check=False)
    assert ended.returncode == 0


@pytest.mark.parametrize("field", ["seconds", "memory_bytes", "file_bytes", "unpacked_bytes"])
def test_a_limit_is_positive(field: str) -> None:
    """A limit of nothing is a mistake."""
    with pytest.raises(ValueError, match="limits must be positive"):
        Limits(**{field: 0})
