"""A library of many segments: the same as one of one segment, and an update that rewrites only what has changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from conftest import CALIBRATION, HashEmbedder, make_library, no_progress
from test_index import Shelf, all_bytes, shelf  # noqa: F401 -- a fixture

from corpus.document import Document
from rag import hashes, splice
from rag import library as library_module
from rag.build import build_library
from rag.library import Library
from rag.retrieve import retrieve
from rag.store import read_manifest
from stemqa import LibraryError

QUESTIONS = ("Which cell divides into 14 cells?", "cell number 44", "the organ of animal 9", "divides")


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let segments have four to twelve passages."""
    for name, value in {"LEAST": 4, "USUAL": 3, "MOST": 12}.items():
        monkeypatch.setattr(splice, name, value)


def cells(count: int) -> list[Document]:
    return [
        Document.create(f"Cell {n} is cell number {n}. Cell {n} divides into {2 * n} cells.", title=f"Cell {n}", source=f"c{n}")
        for n in range(count)
    ]


def build(folder: Path, documents: Sequence[Document]) -> dict[str, int]:
    """Build a library and return its files with their inodes."""
    build_library(folder, documents, embedder=HashEmbedder(), calibrations={"similarity": CALIBRATION}, progress=no_progress)
    generation = folder / read_manifest(folder)["generation"]
    return {path.relative_to(generation).as_posix(): path.stat().st_ino for path in generation.rglob("*") if path.is_file()}


def found(library: Library, question: str) -> list[tuple[str, float]]:
    vector = HashEmbedder().embed_query(question)
    return [(hit.chunk.id, hit.score) for hit in retrieve(library, question, vector, 20)]


def test_many_segments_answer_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Documents, chunks, hits and scores are those of a library of one segment; with codes too, while all are compared."""
    many = make_library(tmp_path / "many", cells(60))
    monkeypatch.setattr(splice, "LEAST", 1000)
    monkeypatch.setattr(splice, "MOST", 1000)
    one = make_library(tmp_path / "one", cells(60))
    assert (len(many.segments) > 5, len(one.segments)) == (True, 1)
    monkeypatch.setattr(library_module, "EXACT", 10)
    coded = Library.open(tmp_path / "many", HashEmbedder())
    assert type(coded.vectors) is not type(many.vectors)
    for question in QUESTIONS:
        assert found(many, question) == found(one, question) == found(coded, question)
    assert (many.documents, [*many.chunks]) == (one.documents, [*one.chunks])
    assert [many.number(chunk) for chunk in many.chunks] == list(range(len(many.chunks)))


def test_an_update_rewrites_the_segment_of_what_has_changed(shelf: Shelf) -> None:  # noqa: F811
    """The other segments stay the very same files; all is as if it had been built anew; nothing of the old text is left."""
    shelf.write(**{f"n{n:02}": f"Animal {n} has an organ. It weighs {n} grams." for n in range(60)}, zz="A quokka zorbulates.")
    shelf.index(shelf.docs)

    def inodes() -> dict[str, int]:
        files = (path for path in shelf.settings.library.glob("g-*/s-*/*") if path.is_file())
        return {path.as_posix().split("/g-")[1][17:]: path.stat().st_ino for path in files}

    before = inodes()
    shelf.write(n30="Animal 30 has no organ at all.")
    shelf.index()
    after = inodes()
    assert shelf.parsed == ["docs/n30.txt"]
    new = {name.split("/")[0] for name in after.keys() - before.keys()}
    assert 1 <= len(new) <= 2
    assert len({name.split("/")[0] for name in after}) > 5
    assert all(before[name] == inode for name, inode in after.items() if name in before)
    (shelf.docs / "zz.txt").unlink()
    shelf.index()
    assert b"zorbul" not in all_bytes(shelf.settings.library).lower()
    assert b"30 grams" not in all_bytes(shelf.settings.library)
    files = read_manifest(shelf.settings.library)["files"]
    (shelf.settings.library / "manifest.json").unlink()
    shelf.index(shelf.docs)
    assert read_manifest(shelf.settings.library)["files"] == files


def test_what_was_not_hashed_at_opening_is_hashed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a flipped byte in any file a large library opens, and soon answers with the damage only, which names the file."""
    build(tmp_path, cells(12))
    monkeypatch.setattr(hashes, "OPENING_BYTES", 0)
    library = Library.open(tmp_path, HashEmbedder())
    library.doubt.settle()
    for name in read_manifest(tmp_path)["files"]:
        file = tmp_path / read_manifest(tmp_path)["generation"] / name
        data = file.read_bytes()
        if not data:
            continue
        file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
        with pytest.raises(LibraryError, match=name):
            Library.open(tmp_path, HashEmbedder()).doubt.settle()
        file.write_bytes(data)
    library = Library.open(tmp_path, HashEmbedder(), before=library)
    library.doubt.settle()
    assert found(library, QUESTIONS[0])


def test_damage_is_met_before_it_is_taken_over(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """Bringing a large library up to date finds a flipped byte where it takes from, or, with nothing to do, anywhere."""
    shelf.write(**{f"n{n:02}": f"Animal {n} has an organ. It weighs {n} grams." for n in range(30)})
    shelf.index(shelf.docs)
    whole = shelf.manifest
    monkeypatch.setattr(hashes, "OPENING_BYTES", 0)
    for text in (None, "Animal 7 has two organs."):
        for file in shelf.settings.library.glob("g-*/s-*/documents.jsonl"):
            data = file.read_bytes()
            if b"Animal 7 " in data:
                file.write_bytes(data.replace(b"organ", b"0rgan", 1))
        if text:
            shelf.write(n07=text)
        shelf.index()
        assert b"0rgan" not in all_bytes(shelf.settings.library)
        assert text or shelf.manifest == whole
        assert len(shelf.embedder.texts) < 45
        assert len(shelf.library.documents) == 33


def test_a_new_library_takes_over_what_is_open(tmp_path: Path) -> None:
    """Reopened after an update, a library opens anew only the segments that have changed."""
    build(tmp_path, cells(60))
    before = Library.open(tmp_path, HashEmbedder())
    build(tmp_path, [*cells(60), Document.create("The spleen filters blood.", title="Spleen", source="s")])
    after = Library.open(tmp_path, HashEmbedder(), before=before)
    same = {id(segment) for segment in before.segments} & {id(segment) for segment in after.segments}
    assert len(same) >= len(before.segments) - 2
    assert found(after, "spleen")[0][0].endswith(":0-25")
    assert not [name for name, _ in found(before, "spleen") if before.documents[name.split(":")[0]].title == "Spleen"]
