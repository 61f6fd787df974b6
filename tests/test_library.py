"""The library on disk: the same after a round trip, bound to its model and contents, and whole or refused."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import CALIBRATION, NOTES, HashEmbedder, make_library, no_progress

from corpus.document import Document, Section, Span
from rag.build import build_library
from rag.calibration import Calibration, Linear
from rag.library import Library
from rag.store import FORMAT, read_manifest
from stemqa import LibraryError

NEW = Document.create("Skin heals. It is renewed for life.", title="Skin", source="notes/skin.txt", id="skin")
ONLY = {"similarity": CALIBRATION}
FILES = ("documents.jsonl", "chunks.jsonl", "passages.npy", "sentences.npy", "words.json", "codes.faiss", "terms/postings.npy")


class OtherEmbedder(HashEmbedder):
    """As the word-hash embedder, but its weights have another hash."""

    name = "other"
    sha256 = "1" * 64


class Torn(HashEmbedder):
    """An embedder that breaks while the second kind of text is embedded, as a machine may that loses its power."""

    def __init__(self) -> None:
        self.calls = 0

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.calls += 1
        if self.calls > 1:
            raise KeyboardInterrupt
        return super().embed_passages(texts)


def build(folder: Path, documents: Sequence[Document] = NOTES, calibration: Calibration = CALIBRATION) -> str:
    """Build a library and return its fingerprint."""
    build_library(folder, documents, embedder=HashEmbedder(), calibrations={"similarity": calibration}, progress=no_progress)
    return str(read_manifest(folder)["fingerprint"])


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files but those of writers: the lock, which stays, and the vectors of a build cut off."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def generation(folder: Path) -> Path:
    (found,) = folder.glob("g-*")
    return found


def one_line(error: pytest.ExceptionInfo[LibraryError], *parts: object) -> None:
    """Check that the message is one line that holds all `parts`."""
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert str(part) in message


def test_documents_and_chunks_are_what_was_built(tmp_path: Path) -> None:
    """Opened, a library holds the very documents, with their metadata and sections, and chunks that are slices of them."""
    text = "Intro.\n\nZellen können\tsich teilen 🧬.\u2028Cafe\u0301 bar."
    rich = Document.create(
        text,
        title="Über “Zellen”",
        source="dir/ü.md",
        id="ü/1",
        meta={"topics": ("a", "b"), "date": "2026"},
        sections=(Section(Span(0, 6)), Section(Span(8, len(text)), ("One", "Two"), page=3)),
    )
    library = make_library(tmp_path / "library", [rich, *NOTES])
    assert list(library.documents.values()) == [rich, *NOTES]
    assert all(document.sha256 == library.documents[document.id].sha256 for document in (rich, *NOTES))
    for chunk in library.chunks:
        document = library.documents[chunk.document_id]
        assert all(chunk.span.covers(span) and span.of(document.text).strip() for span in chunk.sentences)
    assert {(c.headings, c.page) for c in library.chunks if c.document_id == "ü/1"} == {((), None), (("One", "Two"), 3)}


def test_chunks_vectors_and_terms_have_one_numbering(tmp_path: Path) -> None:
    """Chunk i has vector i, lexical number i, and the sentence vectors of its own sentences."""
    library = make_library(tmp_path / "library", NOTES)
    embedder = HashEmbedder()
    assert len(library.chunks) == len(library.vectors) == len(library.lexical)
    for i, chunk in enumerate(library.chunks):
        document = library.documents[chunk.document_id]
        text = f"{document.title} {chunk.span.of(document.text)}"
        assert library.number(chunk) == i
        assert library.vectors.search(embedder.embed_query(text), 1)[0].tolist() == [i]
        assert library.lexical.search(text, 1)[0].tolist() == [i]
        assert library.cosine_of(chunk, embedder.embed_query(text)) == pytest.approx(1, abs=1e-5)
        expected = embedder.embed_passages([span.of(document.text) for span in chunk.sentences])
        np.testing.assert_allclose(library.sentences_of(chunk), expected, atol=1e-3)


def test_building_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """Two builds of the same parts are the same in every file, the manifest too."""
    assert build(tmp_path / "one") == build(tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_building_over_itself_changes_nothing(tmp_path: Path) -> None:
    """Building a library where it stands already leaves the same files and nothing else."""
    build(tmp_path)
    before = contents(tmp_path)
    build(tmp_path)
    assert contents(tmp_path) == before


def changed_documents() -> dict[str, Sequence[Document]]:
    first, *rest = NOTES
    text, section = first.text, first.sections[0]
    made = {"title": first.title, "source": first.source, "id": first.id}
    return {
        "text": [Document.create(text + " More.", **made), *rest],
        "title": [replace(first, title="T"), *rest],
        "source": [replace(first, source="s.txt"), *rest],
        "id": [replace(first, id="other"), *rest],
        "meta": [replace(first, meta={"date": "2026"}), *rest],
        "sections": [replace(first, sections=(Section(section.span, ("H",)),)), *rest],
        "order": [*rest, first],
        "fewer": rest,
    }


@pytest.mark.parametrize("change", list(changed_documents()))
def test_every_change_of_a_document_changes_the_fingerprint(tmp_path: Path, change: str) -> None:
    """Another text, title, source, id, metadata, section, order or number of documents is another library."""
    documents = changed_documents()[change]
    assert build(tmp_path / "old") != build(tmp_path / "new", documents)


@pytest.mark.parametrize(
    "calibration",
    [
        replace(CALIBRATION, threshold=0.6),
        replace(CALIBRATION, scope=0.4),
        replace(CALIBRATION, sentence=Linear({"coverage": 10.0}, -4.0)),
        replace(CALIBRATION, subject=Linear({"nearest_passage": 10.0}, -6.0)),
        replace(CALIBRATION, answer=Linear({"best": 2.0}, 0.0)),
    ],
)
def test_another_calibration_changes_the_fingerprint(tmp_path: Path, calibration: Calibration) -> None:
    """The threshold, the scope and all three models are part of what a library is, and come back when it is opened."""
    assert build(tmp_path / "old") != build(tmp_path / "new", calibration=calibration)
    assert Library.open(tmp_path / "new", HashEmbedder()).calibrations["similarity"] == calibration


def test_another_model_is_refused(tmp_path: Path) -> None:
    """Opening with another model than at building names both models and the command that mends it."""
    build(tmp_path)
    with pytest.raises(LibraryError) as error:
        Library.open(tmp_path, OtherEmbedder())
    one_line(error, "word-hash", "other", "STEMQA_MODEL", f"stemqa index --library {tmp_path}")


def test_a_missing_library_is_refused(tmp_path: Path) -> None:
    """Where there is no library, the message says so and how to build one."""
    with pytest.raises(LibraryError) as error:
        Library.open(tmp_path / "none", HashEmbedder())
    one_line(error, "there is no library in", f"stemqa index PATH... --library {tmp_path / 'none'}")


@pytest.mark.parametrize("file", FILES)
@pytest.mark.parametrize("damage", ["missing", "short", "one bit"])
def test_a_damaged_file_is_named(tmp_path: Path, file: str, damage: str) -> None:
    """A file that is gone, cut short or changed by one bit is named, with the remedy."""
    build(tmp_path)
    (path,) = (path for path in generation(tmp_path).rglob("*") if path.as_posix().endswith(f"/{file}"))
    data = path.read_bytes()
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(data[:-1] if damage == "short" else data[:-2] + bytes([data[-2] ^ 1]) + data[-1:])
    with pytest.raises(LibraryError) as error:
        Library.open(tmp_path, HashEmbedder())
    one_line(error, "missing" if damage == "missing" else "damaged", file, "build it again with: stemqa index")


def test_every_file_is_guarded(tmp_path: Path) -> None:
    """The manifest lists each file of the generation with its size and hash, and no other."""
    build(tmp_path)
    folder = generation(tmp_path)
    files = read_manifest(tmp_path)["files"]
    assert {name: facts["bytes"] for name, facts in files.items()} == {n: len(data) for n, data in contents(folder).items()}
    assert all(any(f"/{name}".endswith(f"/{file}") for name in files) for file in FILES)


def test_a_half_deleted_library_is_refused_and_mended(tmp_path: Path) -> None:
    """A library whose files are gone is refused, and building it again makes it whole."""
    build(tmp_path)
    before = contents(tmp_path)
    shutil.rmtree(generation(tmp_path))
    with pytest.raises(LibraryError, match="is missing"):
        Library.open(tmp_path, HashEmbedder())
    build(tmp_path)
    assert contents(tmp_path) == before


def edited(change: Callable[[dict[str, Any]], object]) -> Callable[[str], str]:
    def edit(text: str) -> str:
        manifest = json.loads(text)
        change(manifest)
        return json.dumps(manifest)

    return edit


@pytest.mark.parametrize(
    ("edit", "found"),
    [
        (lambda _: "", "cannot be read as a manifest"),
        (lambda text: text[: len(text) // 2], "cannot be read as a manifest"),
        (lambda _: "[]", "cannot be read as a manifest"),
        (lambda _: "null", "cannot be read as a manifest"),
        (lambda _: '{"name": "a web page"}', "cannot be read as a manifest"),
        (lambda _: '{"format": 1}', "format 1"),
        (lambda _: json.dumps({"format": FORMAT}), "damaged"),
        (edited(lambda m: m.update(format=99)), "format 99"),
        (edited(lambda m: m.pop("generation")), "damaged"),
        (edited(lambda m: m.pop("files")), "damaged"),
        (edited(lambda m: m["calibrations"]["similarity"].update(threshold=0.0)), "damaged"),
        (edited(lambda m: m["model"].update(sha256="1" * 64)), "damaged"),
    ],
)
def test_a_manifest_that_is_damaged_or_edited_is_refused(tmp_path: Path, edit: Callable[[str], str], found: str) -> None:
    """A manifest that is no JSON, lacks something or was changed by hand is refused in one line with the remedy."""
    build(tmp_path)
    file = tmp_path / "manifest.json"
    file.write_text(edit(file.read_text(encoding="utf-8")), encoding="utf-8")
    with pytest.raises(LibraryError) as error:
        Library.open(tmp_path, HashEmbedder())
    one_line(error, found, "stemqa index PATH... --library")
    build(tmp_path)
    assert Library.open(tmp_path, HashEmbedder()).documents.keys() == {document.id for document in NOTES}


@pytest.mark.parametrize("name", ["thesis.docx", "g-notes", "src/main.py"])
def test_a_folder_with_other_files_is_refused(tmp_path: Path, name: str) -> None:
    """No library is written among files that are not its own, and none of them is touched."""
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("mine", encoding="utf-8")
    with pytest.raises(LibraryError) as error:
        build(tmp_path)
    one_line(error, "holds other files", name.split("/", maxsplit=1)[0])
    assert contents(tmp_path) == {name: b"mine"}


def test_a_new_library_replaces_the_old_one(tmp_path: Path) -> None:
    """After building from other documents only their generation is left, and it is the one that opens."""
    build(tmp_path)
    build(tmp_path, NOTES[:1])
    assert list(Library.open(tmp_path, HashEmbedder()).documents) == ["where"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", generation(tmp_path).name, "manifest.json"]


def test_a_build_that_is_cut_off_leaves_the_old_library(tmp_path: Path) -> None:
    """When building breaks off in the middle, the old library is there, whole, and a later build succeeds."""
    build(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        build_library(tmp_path, [NEW], embedder=Torn(), calibrations={"similarity": CALIBRATION}, progress=no_progress)
    assert contents(tmp_path) == before
    assert len(Library.open(tmp_path, HashEmbedder()).documents) == 3
    build(tmp_path, NOTES[:2])
    assert len(Library.open(tmp_path, HashEmbedder()).documents) == 2


def test_a_build_that_dies_before_the_manifest_leaves_the_old_library(tmp_path: Path) -> None:
    """With a new generation in place but the old manifest, the old library answers; the next build tidies up."""
    build(tmp_path / "other", NOTES[:2])
    build(tmp_path / "library")
    shutil.copytree(generation(tmp_path / "other"), tmp_path / "library" / generation(tmp_path / "other").name)
    (tmp_path / "library" / ".new-manifest.json").write_text('{"form', encoding="utf-8")
    assert len(Library.open(tmp_path / "library", HashEmbedder()).documents) == 3
    build(tmp_path / "library")
    assert len(list((tmp_path / "library").glob("g-*"))) == 1


def test_an_opened_library_stays_readable_while_it_is_replaced(tmp_path: Path) -> None:
    """A library that is open answers from its own files although another one has taken their place."""
    build(tmp_path)
    library = Library.open(tmp_path, HashEmbedder())
    before = [library.sentences_of(chunk) for chunk in library.chunks]
    build(tmp_path, NOTES[:1])
    for chunk, vectors in zip(library.chunks, before, strict=True):
        np.testing.assert_array_equal(library.sentences_of(chunk), vectors)
    assert len(library.lexical.search("marrow", 9)[0]) == 1


@pytest.mark.parametrize("documents", [[], [Document.create("", title="Empty", source="e.txt")]])
def test_documents_without_a_sentence_are_refused(tmp_path: Path, documents: Sequence[Document]) -> None:
    """Nothing to index is an error that leaves nothing behind."""
    with pytest.raises(LibraryError, match="no sentence to index; give files with text"):
        build(tmp_path, documents)
    assert contents(tmp_path) == {}


def test_a_file_in_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """A library cannot be written where a file stands; the message says why and what to do."""
    (tmp_path / "library").write_text("mine", encoding="utf-8")
    with pytest.raises(LibraryError) as error:
        build(tmp_path / "library")
    one_line(error, "cannot be written", "choose another folder with --library")


def test_progress_is_told_from_nothing_to_all(tmp_path: Path) -> None:
    """Progress of each kind of work starts at 0, never falls, and ends at the whole."""
    told: list[tuple[str, int, int]] = []
    build_library(
        tmp_path,
        NOTES,
        embedder=HashEmbedder(),
        calibrations={"similarity": CALIBRATION},
        progress=lambda *facts: told.append(facts),
    )
    counts = read_manifest(tmp_path)["counts"]
    assert counts == {"documents": 3, "chunks": 3, "sentences": 8}
    for what, total in [("passages", 3), ("sentences", 7)]:  # two of the sentences are the same
        done = [d for w, d, t in told if w == what and t == total]
        assert (done[0], done[-1], sorted(done)) == (0, total, done)
