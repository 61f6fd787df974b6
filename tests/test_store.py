"""The library's files: whole or refused, whatever happens to the writer, the disk, a byte, or another process."""

from __future__ import annotations

import json
import os
import random
import resource
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from conftest import CALIBRATION, NOTES, HashEmbedder, make_library, no_progress
from tqdm.auto import tqdm

from corpus.document import Document, text_sha256
from rag.build import build_library
from rag.hashes import check_files, file_sha256
from rag.journal import open_journal
from rag.library import Library
from rag.lock import only_writer
from rag.rows import text_key
from rag.store import JOURNAL, MANIFEST, read_manifest
from stemqa import LibraryError

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")  # children only write, and end with _exit

OTHERS = tuple(
    Document.create(
        f"The spleen of animal {n} filters blood. It lies at the left, in place {n}.", title=f"T{n}", source=f"s{n}"
    )
    for n in range(12)
)
WORDS = {"spleen": OTHERS, "thymus": NOTES}
"""A word that only one of two libraries holds, and its documents."""


class Counting(HashEmbedder):
    """Remembers what it embeds, and breaks off after so many texts."""

    def __init__(self, most: int = 10**9) -> None:
        self.texts: list[str] = []
        self.most = most

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        if len(self.texts) >= self.most:
            raise KeyboardInterrupt
        self.texts += texts
        return super().embed_passages(texts)


def build(folder: Path, documents: Sequence[Document], embedder: HashEmbedder | None = None) -> None:
    build_library(
        folder,
        documents,
        embedder=embedder or HashEmbedder(),
        calibrations={"similarity": CALIBRATION},
        progress=no_progress,
    )


def in_child(work: Callable[[], None]) -> int:
    """Do `work` in a child of this process, which it leaves with what it raised on its lips; return the child's id."""
    child = os.fork()
    if child:
        return child
    code = 0
    try:
        tqdm.set_lock(threading.RLock())  # the one it has is shared with the parent: a killed child would keep it
        work()
    except BaseException as error:  # noqa: BLE001 -- the child must never come back into the tests
        os.write(2, f"{type(error).__name__}: {error}\n".encode())
        code = 1
    os._exit(code)


def said(work: Callable[[], None]) -> tuple[int, str]:
    """Do `work` in a child and return its exit code and what it wrote to stderr."""
    reading, writing = os.pipe()

    def piped() -> None:
        os.dup2(writing, 2)
        work()

    child = in_child(piped)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as stream:
        text = stream.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def whole(folder: Path) -> str:
    """Open the library, check every hash of it, and return the word of `WORDS` whose documents it holds, and no other."""
    library = Library.open(folder, HashEmbedder())
    generation = folder / library.manifest["generation"]
    for name, facts in library.manifest["files"].items():
        assert file_sha256(generation / name) == facts["sha256"]
    assert all(document.sha256 == text_sha256(document.text) for document in library.documents.values())
    (found,) = [word for word in WORDS if len(library.lexical.search(word, 1)[0])]
    assert list(library.documents.values()) == list(WORDS[found])
    number = int(library.lexical.search(found, 1)[0][0])
    assert found in library.chunks[number].span.of(library.documents[library.chunks[number].document_id].text).lower()
    assert library.sentences_of(library.chunks[number]).shape[1] == library.embedder.dimension
    return found


# ---------------------------------------------------------------- writers that die


def test_a_killed_writer_leaves_the_old_library_or_the_new_one(tmp_path: Path) -> None:
    """`kill -9` at 220 random moments of a rebuild: each time the library opens, is whole, and is one of the two."""
    folder = tmp_path / "library"
    build(folder, NOTES)
    started = time.perf_counter()
    os.waitpid(in_child(lambda: build(folder, OTHERS)), 0)  # to fork takes its time too, the more this process holds
    seconds = time.perf_counter() - started
    draw = random.Random(7)
    seen = {"thymus": 0, "spleen": 0}
    killed = 0
    now = "spleen"
    for _ in range(220):
        goal = "thymus" if now == "spleen" else "spleen"
        child = in_child(lambda documents=WORDS[goal]: build(folder, documents))
        time.sleep(draw.random() * 1.1 * seconds)
        os.kill(child, signal.SIGKILL)
        killed += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        now = whole(folder)
        seen[now] += 1
    assert killed > 40
    assert min(seen.values()) > 5
    build(folder, NOTES)
    assert sorted(path.name for path in folder.iterdir()) == sorted([".lock", MANIFEST, read_manifest(folder)["generation"]])


def test_a_reader_never_sees_a_library_that_is_half_replaced(tmp_path: Path) -> None:
    """Opened again and again while another process rebuilds all the time, it is always one of the two, and whole."""
    folder = tmp_path / "library"
    build(folder, NOTES)

    def rebuild() -> None:
        for _ in range(12):
            build(folder, OTHERS)
            build(folder, NOTES)

    child = in_child(rebuild)
    try:
        opened = dict.fromkeys(WORDS, 0)
        while os.waitpid(child, os.WNOHANG) == (0, 0):
            library = Library.open(folder, HashEmbedder())
            (word,) = [word for word in WORDS if len(library.lexical.search(word, 1)[0])]
            assert list(library.documents.values()) == list(WORDS[word])
            opened[word] += 1
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    assert min(opened.values()) > 0


def test_what_a_killed_writer_left_is_tidied_up(tmp_path: Path) -> None:
    """Unfinished generations, and those that no manifest names, are gone after the next build, even of the same library."""
    build(tmp_path, NOTES)
    before = read_manifest(tmp_path)
    (tmp_path / ".new-abc" / "generation").mkdir(parents=True)
    (tmp_path / ".new-manifest.json").write_text("{", encoding="utf-8")
    (tmp_path / "g-0123456789abcdef").mkdir()
    (tmp_path / "g-0123456789abcdef" / "documents.jsonl").write_text("x", encoding="utf-8")
    build(tmp_path, NOTES)
    assert read_manifest(tmp_path) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", before["generation"], MANIFEST]


def test_rebuilding_does_not_touch_a_whole_generation(tmp_path: Path) -> None:
    """The files of a library that is built again as it stands stay the very same files."""
    build(tmp_path, NOTES)
    inodes = {path: path.stat().st_ino for path in tmp_path.rglob("*")}
    build(tmp_path, NOTES)
    assert {path: path.stat().st_ino for path in tmp_path.rglob("*")} == inodes


# ---------------------------------------------------------------- one writer


def test_a_second_writer_fails_at_once_and_names_the_first(tmp_path: Path) -> None:
    """While one process writes, another is told which one it is and since when; when that dies, nothing is left to clear."""
    build(tmp_path, NOTES)
    code = "import sys, time; from pathlib import Path; from rag.lock import only_writer\n"
    code += f"with only_writer(Path({str(tmp_path)!r})): print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert select.select([holder.stdout], [], [], 30)[0]
        assert holder.stdout.readline() == b"held\n"
        started = time.perf_counter()
        with pytest.raises(
            LibraryError, match=rf"is being written by process {holder.pid} since \d\d:\d\d; wait for it or stop"
        ):
            build(tmp_path, OTHERS)
        assert time.perf_counter() - started < 1
        assert whole(tmp_path) == "thymus"
        holder.kill()
    build(tmp_path, OTHERS)
    assert whole(tmp_path) == "spleen"


def test_two_threads_do_not_write_at_once(tmp_path: Path) -> None:
    """The lock keeps apart the threads of one process as well."""
    with only_writer(tmp_path):
        caught: list[BaseException] = []

        def write() -> None:
            try:
                build(tmp_path, NOTES)
            except LibraryError as error:
                caught.append(error)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
    assert f"process {os.getpid()} " in str(caught[0])


# ---------------------------------------------------------------- disks


def test_a_full_disk_leaves_the_old_library(tmp_path: Path) -> None:
    """Wherever the room ends (here: for each of many sizes that no file may pass), one line says so and nothing is lost."""
    folder = tmp_path / "library"
    build(folder, OTHERS)
    sizes = sorted({facts["bytes"] for facts in read_manifest(folder)["files"].values()})
    build(folder, NOTES)
    failed = 0
    for size in [0, 1, 100, *(size - 1 for size in sizes if size > 1)]:

        def limited(size: int = size) -> None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            build(folder, OTHERS)

        code, text = said(limited)
        assert code == 1
        assert text.startswith(f"LibraryError: the library in {folder} cannot be written: File too large; make room or choose")
        assert text.count("\n") == 1
        assert whole(folder) == "thymus"
        failed += 1
    assert failed > 8
    build(folder, OTHERS)
    assert whole(folder) == "spleen"


def test_a_real_file_system_that_is_full_leaves_the_old_library(tmp_path: Path) -> None:
    """On a file system of 200 kB a library that does not fit is refused in one line, and the one that stands answers."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=200k", "stemqa-test", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("no file system may be mounted here")
    try:
        build(disk / "library", NOTES)
        many = [Document.create(f"Word{n} stands in sentence {n}. " * 40, title=f"T{n}", source=f"s{n}") for n in range(100)]
        with pytest.raises(LibraryError, match="cannot be written: No space left on device; make room"):
            build(disk / "library", many)
        assert whole(disk / "library") == "thymus"
        build(disk / "library", OTHERS)
        assert whole(disk / "library") == "spleen"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("where", ["/proc/library", "file/library"])
def test_where_nothing_can_be_written_one_line_says_so(tmp_path: Path, where: str) -> None:
    """In a place that takes no files no library is made, and the message names the place and the remedy."""
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    if where.startswith("/proc") and not Path("/proc").is_dir():
        pytest.skip("there is no /proc")
    with pytest.raises(LibraryError, match=r"cannot be written: .*choose another folder with --library") as error:
        build(tmp_path / where, NOTES)
    assert "\n" not in str(error.value)


# ---------------------------------------------------------------- bytes


def test_every_flipped_byte_is_found_and_named(tmp_path: Path) -> None:
    """One bit of any byte (400 of the manifest's, 40 of each other file's, drawn) makes opening fail, and the file is named."""
    build(tmp_path, NOTES)
    generation = check_files(tmp_path, read_manifest(tmp_path))
    draw = random.Random(3)
    for file in [tmp_path / MANIFEST, *(path for path in generation.rglob("*") if path.is_file())]:
        data = file.read_bytes()
        places = draw.sample(range(len(data)), min(400 if file.name == MANIFEST else 40, len(data)))
        for place in places:
            changed = bytearray(data)
            changed[place] ^= 1 << draw.randrange(8)
            file.write_bytes(changed)
            with pytest.raises(LibraryError) as error:
                Library.open(tmp_path, HashEmbedder())
            named = {file.relative_to(tmp_path).as_posix(), f"the library in {tmp_path} has format"}
            assert any(name in str(error.value) for name in named)
        file.write_bytes(data)
    assert whole(tmp_path) == "thymus"


def test_a_library_that_is_damaged_is_named_as_such(tmp_path: Path) -> None:
    """Where nobody replaces it, a library without its files is damaged, and is not waited for."""
    make_library(tmp_path, NOTES)
    (check_files(tmp_path, read_manifest(tmp_path)) / "words.json").unlink()
    with pytest.raises(LibraryError, match=r"is missing: g-\w+/words.json; build it again with: stemqa index"):
        Library.open(tmp_path, HashEmbedder())


# ---------------------------------------------------------------- builds that go on


def long_documents(count: int) -> list[Document]:
    return [
        Document.create(f"Cell {n} is cell number {n}. Cell {n} divides into {2 * n} cells.", title=f"Cell {n}", source=f"c{n}")
        for n in range(count)
    ]


def test_a_build_that_was_cut_off_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """What was embedded before is not embedded again; the journal holds no text, and is gone when the library is there."""
    documents = long_documents(700)
    first = Counting(most=600)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path, documents, first)
    journal = (tmp_path / JOURNAL).read_bytes()
    assert b"Cell" not in journal
    assert b"divides" not in journal
    second = Counting()
    build(tmp_path, documents, second)
    assert len(first.texts) >= 600
    assert not set(first.texts) & set(second.texts)
    assert not (tmp_path / JOURNAL).exists()
    assert len(Library.open(tmp_path, HashEmbedder()).documents) == 700


def test_a_journal_that_ends_in_the_middle_is_cut_to_what_is_whole(tmp_path: Path) -> None:
    """A record that was half written, and all behind a damaged one, are dropped; what stands before is used."""
    vectors = HashEmbedder().embed_passages(["one", "two", "three"])
    keys = [text_key(text) for text in ("one", "two", "three")]
    file = tmp_path / JOURNAL
    with open_journal(file, HashEmbedder()) as journal:
        journal.add(keys, vectors)
    data = file.read_bytes()
    for cut, left in [(data[:-1], 2), (data[:-300], 1), (data[:-400] + b"x" + data[-399:], 1)]:
        file.write_bytes(cut)
        with open_journal(file, HashEmbedder()) as journal:
            assert [journal.get(key) is not None for key in keys] == [True, left > 1, False]
            journal.add(keys[2:], vectors[2:])
        with open_journal(file, HashEmbedder()) as journal:
            found = journal.get(keys[2])
            assert found is not None
            np.testing.assert_array_equal(found, vectors[2])


def test_a_journal_of_another_model_is_not_used(tmp_path: Path) -> None:
    """Vectors of other weights are dropped."""

    class Other(HashEmbedder):
        sha256 = "1" * 64

    key = text_key("one")
    with open_journal(tmp_path / JOURNAL, HashEmbedder()) as journal:
        journal.add([key], HashEmbedder().embed_passages(["one"]))
    with open_journal(tmp_path / JOURNAL, Other()) as journal:
        assert journal.get(key) is None
    with open_journal(tmp_path / JOURNAL, HashEmbedder()) as journal:
        assert journal.get(key) is None


def test_the_manifest_is_as_it_was_written(tmp_path: Path) -> None:
    """Even white space that changes nothing of what a manifest says makes it another one."""
    build(tmp_path, NOTES)
    file = tmp_path / MANIFEST
    file.write_text(json.dumps(json.loads(file.read_text(encoding="utf-8"))), encoding="utf-8")
    with pytest.raises(LibraryError, match="is damaged: it is not as it was written"):
        read_manifest(tmp_path)
