"""The life of a library: what is added, changed, renamed, gone and taken out, and what that costs."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEmbedder, no_progress

from corpus.document import Document
from corpus.load import SourceFile, read_file
from embeddings.evidence import EvidencePassage, PassageEvidence
from rag import assistant as assistant_module
from rag import build as build_module
from rag import collect as collect_module
from rag import index as index_module
from rag.assistant import Assistant
from rag.index import index, remove
from rag.library import Library
from rag.reply import Answer
from rag.roots import Changes
from rag.settings import Settings
from rag.store import read_manifest
from stemqa import DocumentError, LibraryError

CELLS = "Stem cells live in the bone marrow. They renew the blood for a lifetime."
THYMUS = "The thymus teaches young cells. It lies behind the breastbone."
SPLEEN = "The spleen filters the blood. It lies at the left."
ROWS = '{"_id": "r1", "title": "One", "text": "Rivers run."}\n{"_id": "r2", "title": "Two", "text": "Lakes lie still."}\n'


class Counting(HashEmbedder):
    """Remembers the texts that it embeds."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        self.texts += texts
        return super().embed_passages(texts)


@dataclass
class Shelf:
    """A folder of documents and its library, with what bringing it up to date has cost."""

    docs: Path
    settings: Settings
    embedder: Counting = field(default_factory=Counting)
    parsed: list[str] = field(default_factory=list)
    reported: list[str] = field(default_factory=list)

    def write(self, **texts: str) -> None:
        """Write files: `a="..."` is docs/a.txt."""
        for name, text in texts.items():
            (self.docs / f"{name}.txt").write_text(text, encoding="utf-8")

    def forget(self) -> None:
        for seen in (self.embedder.texts, self.parsed, self.reported):
            seen.clear()

    def index(self, *paths: Path) -> Changes:
        self.forget()
        return index(paths, self.settings, report=self.reported.append, progress=no_progress)

    def remove(self, *names: object) -> Changes:
        self.forget()
        return remove([str(name) for name in names], self.settings, report=self.reported.append, progress=no_progress)

    @property
    def library(self) -> Library:
        return Library.open(self.settings.library, HashEmbedder())

    @property
    def sources(self) -> list[str]:
        return [document.source for document in self.library.documents.values()]

    @property
    def manifest(self) -> bytes:
        return (self.settings.library / "manifest.json").read_bytes()


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """Return a shelf with three files, not yet indexed; what is parsed and embedded is counted."""
    made = Shelf(tmp_path / "docs", Settings(library=tmp_path / "library", evidence="off"))
    made.docs.mkdir()
    made.write(a=CELLS, b=THYMUS, c=SPLEEN)

    def counted(file: SourceFile, **options: object) -> tuple[Document, ...]:
        made.parsed.append(file.source)
        return read_file(file, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(collect_module, "read_file", counted)
    for module in (index_module, assistant_module):
        monkeypatch.setattr(module, "open_embedder", lambda _model, *, threads: made.embedder)
    return made


def all_bytes(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


# ---------------------------------------------------------------- index


def test_what_is_unchanged_costs_nothing(shelf: Shelf) -> None:
    """The second time nothing is parsed or embedded, and the manifest is the same to the byte; with or without the path."""
    assert shelf.index(shelf.docs) == Changes(added=3, written=True)
    assert (len(shelf.parsed), len(shelf.embedder.texts)) == (3, 9)
    before = shelf.manifest
    for paths in ([shelf.docs], []):
        assert shelf.index(*paths) == Changes(unchanged=3)
        assert not shelf.parsed + shelf.embedder.texts + shelf.reported
        assert shelf.manifest == before


def test_a_file_that_was_touched_is_unchanged(shelf: Shelf) -> None:
    """Its bytes decide, not its date."""
    shelf.index(shelf.docs)
    os.utime(shelf.docs / "a.txt", (1, 1))
    assert shelf.index() == Changes(unchanged=3)


def test_a_changed_file_is_replaced_and_only_what_is_new_is_embedded(shelf: Shelf) -> None:
    """Of a file with one new sentence the passage and that sentence are embedded, and no other file is parsed."""
    shelf.index(shelf.docs)
    shelf.write(a=CELLS + " Marrow is soft.")
    assert shelf.index() == Changes(changed=1, unchanged=2, written=True)
    assert shelf.parsed == ["docs/a.txt"]
    assert sorted(shelf.embedder.texts) == ["Marrow is soft.", f"a\n{CELLS} Marrow is soft."]
    assert len(shelf.library.documents) == 3


def test_deleted_means_deleted(shelf: Shelf) -> None:
    """Of a file that is gone no byte is left in the library's files, nor is it found or cited."""
    shelf.write(d="The quokka zorbulates at dusk. Quokkas sleep by day.")
    shelf.index(shelf.docs)
    question = "When does the quokka zorbulate?"
    assistant = Assistant.open(shelf.settings)
    assert isinstance(assistant.ask(question), Answer)
    assert assistant.search(question)[0].chunk.document_id in assistant.library.documents
    assert b"zorbulat" in all_bytes(shelf.settings.library).lower()
    (shelf.docs / "d.txt").unlink()
    assert shelf.index() == Changes(removed=1, unchanged=3, written=True)
    assert not shelf.embedder.texts
    for word in (b"quokka", b"zorbul", b"d.txt"):
        assert word not in all_bytes(shelf.settings.library).lower()
    assistant = Assistant.open(shelf.settings)
    reply = assistant.ask(question)
    cited = reply.citations if isinstance(reply, Answer) else reply.nearest
    assert not {citation.document_id for citation in cited} - assistant.library.documents.keys()
    assert not {hit.chunk.document_id for hit in assistant.search(question)} - assistant.library.documents.keys()


def test_a_renamed_file_is_the_same_document_under_a_new_source(shelf: Shelf) -> None:
    """Id and text stay, the source is new, and no sentence is embedded again."""
    shelf.index(shelf.docs)
    ids = set(shelf.library.documents)
    (shelf.docs / "a.txt").rename(shelf.docs / "z.txt")
    assert shelf.index() == Changes(renamed=1, unchanged=2, written=True)
    assert set(shelf.library.documents) == ids
    assert shelf.sources == ["docs/b.txt", "docs/c.txt", "docs/z.txt"]
    assert shelf.embedder.texts == [f"z\n{CELLS}"]


def test_text_that_moves_between_files_is_not_embedded_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence keeps its vector wherever it stands, in another file or in passages of another length."""
    shelf.index(shelf.docs)
    shelf.write(a=CELLS.split(". ", maxsplit=1)[0] + ".", b=f"{THYMUS} {CELLS.split('. ')[1]}")
    shelf.index()
    assert sorted(text.split("\n")[0] for text in shelf.embedder.texts) == ["a", "b"]
    monkeypatch.setattr(build_module, "CHUNK_WORDS", 6)
    monkeypatch.setattr(build_module, "_CHUNKING", {"max_words": 6})
    assert shelf.index() == Changes(unchanged=3, written=True)
    assert not shelf.parsed
    assert all("\n" in text for text in shelf.embedder.texts)
    assert all(len(chunk.sentences) == 1 for chunk in shelf.library.chunks)


def test_an_updated_library_is_as_good_as_a_new_one(shelf: Shelf, tmp_path: Path) -> None:
    """After adding, changing and deleting, documents, chunks, vectors and fingerprint are those of a library built anew."""
    shelf.index(shelf.docs)
    shelf.write(b=THYMUS + " It shrinks with age.", d="Skin heals.")
    (shelf.docs / "c.txt").unlink()
    shelf.index()
    updated = shelf.library
    shelf.settings = replace(shelf.settings, library=tmp_path / "anew")
    shelf.index(shelf.docs)
    anew = shelf.library
    assert (updated.fingerprint, updated.documents, [*updated.chunks]) == (anew.fingerprint, anew.documents, [*anew.chunks])
    assert updated.manifest["files"] == anew.manifest["files"]


def test_paths_are_added(shelf: Shelf, tmp_path: Path) -> None:
    """A second path joins the first; both are kept in the manifest, which is no part of the fingerprint."""
    shelf.index(shelf.docs / "a.txt")
    first = shelf.library.fingerprint
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "copy.txt").write_text(CELLS, encoding="utf-8")
    assert shelf.index(tmp_path / "more") == Changes(added=1, unchanged=1, written=True)
    assert shelf.reported == ["more/copy.txt has the same text as docs/a.txt; kept once"]
    assert shelf.library.fingerprint == first
    roots = read_manifest(shelf.settings.library)["roots"]
    assert [(Path(root["path"]).name, root["files"]) for root in roots] == [("a.txt", 1), ("more", 1)]


def test_a_folder_takes_in_the_files_that_were_named_below_it(shelf: Shelf) -> None:
    """After a file and then its folder only the folder is kept, so that the file may go like any other."""
    shelf.index(shelf.docs / "a.txt")
    shelf.index(shelf.docs)
    assert [root["path"] for root in read_manifest(shelf.settings.library)["roots"]] == [str(shelf.docs)]
    before = shelf.manifest
    assert not shelf.index(shelf.docs / "a.txt")
    assert shelf.manifest == before
    (shelf.docs / "a.txt").unlink()
    assert shelf.index().removed == 1


def test_a_duplicate_takes_the_place_of_the_first(shelf: Shelf) -> None:
    """The same text twice is one document, and reported each time; when the first file goes, the second gives it."""
    shelf.write(d=CELLS)
    shelf.index(shelf.docs)
    told = ["docs/d.txt has the same text as docs/a.txt; kept once"]
    assert (shelf.reported, len(shelf.library.documents)) == (told, 3)
    assert not shelf.index()
    assert (shelf.reported, shelf.parsed) == (told, [])
    shelf.write(b=THYMUS + " More.")
    shelf.index()
    assert (shelf.reported, shelf.parsed) == (told, ["docs/b.txt"])
    (shelf.docs / "a.txt").unlink()
    shelf.index()
    assert shelf.sources == ["docs/b.txt", "docs/c.txt", "docs/d.txt"]
    assert not shelf.reported


def test_two_documents_with_one_id_are_refused(shelf: Shelf) -> None:
    """As long as two files give one id to different texts, the library stays as it was."""
    shelf.index(shelf.docs)
    before = shelf.manifest
    for name, text in {"x": "Rivers run.", "y": "Lakes lie."}.items():
        (shelf.docs / f"{name}.md").write_text(f"---\nid: same\n---\n# T\n\n{text}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"docs/x.md and docs/y.md are different documents with one id, 'same'; give one"):
        shelf.index()
    assert shelf.manifest == before


def test_what_cannot_be_read_is_told_each_time_and_read_once(shelf: Shelf) -> None:
    """A file that is no text is reported again, without being parsed again, until it changes."""
    (shelf.docs / "bad.txt").write_bytes(b"\0\1\2")
    shelf.index(shelf.docs)
    told = shelf.reported.copy()
    assert told[0].startswith("docs/bad.txt ")
    assert not shelf.index()
    assert (shelf.reported, shelf.parsed) == (told, [])
    shelf.write(bad="Now it is text.")
    assert shelf.index() == Changes(changed=1, unchanged=3, written=True)
    assert not shelf.reported


def test_other_parsing_code_parses_again(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """With another stamp of the parsing code every file is read anew; what comes out the same is not embedded again."""
    shelf.index(shelf.docs)
    fingerprint = shelf.library.fingerprint
    monkeypatch.setattr(index_module, "stamps", lambda: {"parsing": "other", "writing": "other"})
    assert shelf.index() == Changes(unchanged=3, written=True)
    assert (len(shelf.parsed), shelf.embedder.texts) == (3, [])
    assert shelf.library.fingerprint == fingerprint
    assert shelf.index() == Changes(unchanged=3)


def test_a_damaged_library_is_mended_from_its_roots(shelf: Shelf) -> None:
    """Where files are damaged but the manifest is not, `index` alone builds the same library again."""
    shelf.index(shelf.docs)
    before = shelf.manifest
    for path in shelf.settings.library.glob("g-*/**/*.jsonl"):
        path.write_text("{}", encoding="utf-8")
    shelf.index()
    assert shelf.manifest == before
    assert shelf.library.documents
    (shelf.settings.library / "manifest.json").write_text("{}", encoding="utf-8")
    with pytest.raises(LibraryError, match="cannot be read as a manifest"):
        shelf.index()
    shelf.index(shelf.docs)
    assert "built anew, of what is named now alone" in shelf.reported[0]
    assert shelf.manifest == before


def test_another_model_embeds_everything_again(shelf: Shelf) -> None:
    """Vectors of other weights are not used; nothing is parsed for it."""
    shelf.index(shelf.docs)
    shelf.embedder.sha256 = "1" * 64
    assert shelf.index() == Changes(unchanged=3, written=True)
    assert (len(shelf.embedder.texts), shelf.parsed) == (9, [])


def test_another_evidence_model_makes_the_library_stale(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A library is bound to the evidence model that it was calibrated for; bringing it up to date embeds nothing."""

    class Reader:
        sha256 = "2" * 64

        def score(self, question: str, passages: Sequence[EvidencePassage]) -> list[PassageEvidence]:
            raise NotImplementedError

    shelf.index(shelf.docs)
    before = shelf.library.fingerprint
    with pytest.raises(LibraryError, match="no calibration for this evidence model; bring it up to date with: stemqa index"):
        Assistant._with_models(shelf.settings, HashEmbedder(), Reader())
    monkeypatch.setattr(index_module, "evidence_sha256", lambda: Reader.sha256)
    assert shelf.index() == Changes(unchanged=3, written=True)
    assert not shelf.parsed + shelf.embedder.texts
    assert shelf.library.fingerprint != before
    assert Assistant._with_models(shelf.settings, HashEmbedder(), Reader()).reader is not None


# ---------------------------------------------------------------- roots that are gone


@pytest.mark.parametrize("how", ["missing", "empty"])
def test_a_root_that_is_gone_loses_nothing(shelf: Shelf, tmp_path: Path, how: str) -> None:
    """Where a whole root is missing, or empty as an unmounted disk is, the message names it and the remedy, which works."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.txt").write_text("Rivers run.", encoding="utf-8")
    shelf.index(shelf.docs, other)
    before = shelf.manifest
    shelf.docs.rename(tmp_path / "away")
    if how == "empty":
        shelf.docs.mkdir()
    for paths in ([], [other]):
        with pytest.raises(LibraryError) as error:
            shelf.index(*paths)
        assert f"{shelf.docs} is not there any more" in str(error.value)
        assert f"stemqa remove {shelf.docs} --library {shelf.settings.library}" in str(error.value)
        assert shelf.manifest == before
    assert len(shelf.library.documents) == 4
    assert shelf.remove(shelf.docs) == Changes(removed=3, unchanged=1, written=True)
    assert shelf.sources == ["other/x.txt"]
    assert shelf.index() == Changes(unchanged=1)


def test_a_root_that_has_moved_is_found_by_its_files(shelf: Shelf, tmp_path: Path) -> None:
    """Where all files of a root that is gone are found below one that is named now, that one takes its place."""
    shelf.index(shelf.docs)
    moved = shelf.docs.rename(tmp_path / "papers")
    assert shelf.index(moved) == Changes(renamed=3, written=True)
    assert [root["path"] for root in read_manifest(shelf.settings.library)["roots"]] == [str(moved)]


def test_a_path_that_is_not_there_changes_nothing(shelf: Shelf, tmp_path: Path) -> None:
    """A misspelt path is an error before anything is written; no library folder comes of it."""
    with pytest.raises(DocumentError, match="does not exist"):
        shelf.index(tmp_path / "nowhere")
    with pytest.raises(LibraryError, match="there is no library in"):
        shelf.index()
    assert not shelf.settings.library.exists()


# ---------------------------------------------------------------- remove


def by_path(shelf: Shelf) -> object:
    return shelf.docs / "b.txt"


def by_id(shelf: Shelf) -> object:
    return next(document.id for document in shelf.library.documents.values() if document.source == "docs/b.txt")


@pytest.mark.parametrize("name", [by_path, by_id])
def test_a_removed_file_stays_out_until_it_is_named(shelf: Shelf, name: Callable[[Shelf], object]) -> None:
    """By path or by its document's id: nothing is embedded, no byte is left, and the message says how it comes back."""
    shelf.index(shelf.docs)
    assert shelf.remove(name(shelf)) == Changes(removed=1, unchanged=2, written=True)
    assert not shelf.embedder.texts + shelf.parsed
    assert f"back in with: stemqa index {shelf.docs / 'b.txt'}" in shelf.reported[0]
    assert b"thymus" not in all_bytes(shelf.settings.library).lower()
    for paths in ([], [shelf.docs]):
        assert shelf.index(*paths) == Changes(unchanged=2)
    assert shelf.index(shelf.docs / "b.txt") == Changes(added=1, unchanged=2, written=True)
    assert len(shelf.sources) == 3
    assert read_manifest(shelf.settings.library)["excluded"] == []


def test_one_document_of_a_file_stays_out(shelf: Shelf) -> None:
    """Of a file with several documents only the named one goes, and it stays out when the file changes."""
    rows = shelf.docs / "rows.jsonl"
    rows.write_text(ROWS, encoding="utf-8")
    shelf.index(shelf.docs)
    shelf.remove("r1")
    assert "r1" not in shelf.library.documents
    assert "r2" in shelf.library.documents
    assert b"Rivers" not in all_bytes(shelf.settings.library)
    assert not shelf.index()
    rows.write_text(ROWS.replace("Lakes lie", "Ponds lie"), encoding="utf-8")
    shelf.index()
    assert "r1" not in shelf.library.documents
    assert "Ponds" in shelf.library.documents["r2"].text
    shelf.index(rows)
    assert "r1" in shelf.library.documents


def test_a_folder_below_a_root_stays_out(shelf: Shelf) -> None:
    """A subfolder is taken out with all its files, those that are added to it later too."""
    (shelf.docs / "old").mkdir()
    shutil.move(shelf.docs / "a.txt", shelf.docs / "old" / "a.txt")
    shelf.index(shelf.docs)
    assert shelf.remove(shelf.docs / "old").removed == 1
    (shelf.docs / "old" / "new.txt").write_text("Rivers run.", encoding="utf-8")
    assert shelf.index() == Changes(unchanged=2)


def test_a_removed_text_that_stands_in_another_file_is_kept_from_there(shelf: Shelf) -> None:
    """Taking out a file keeps the same text of another one; taking out the document takes out both."""
    shelf.write(d=CELLS)
    shelf.index(shelf.docs)
    shelf.remove(shelf.docs / "a.txt")
    assert shelf.sources == ["docs/b.txt", "docs/c.txt", "docs/d.txt"]
    shelf.remove(next(document.id for document in shelf.library.documents.values() if document.text == CELLS))
    assert shelf.sources == ["docs/b.txt", "docs/c.txt"]
    assert not shelf.index()


def test_with_its_last_document_the_library_goes(shelf: Shelf) -> None:
    """Taking out everything leaves no file with a text of it, and a library can be made there again."""
    shelf.index(shelf.docs)
    assert shelf.remove(shelf.docs) == Changes(removed=3, written=True)
    assert not list(shelf.settings.library.iterdir())
    shelf.index(shelf.docs)
    assert len(shelf.sources) == 3


def test_what_the_library_does_not_hold_cannot_be_removed(shelf: Shelf, tmp_path: Path) -> None:
    """An unknown name is an error that says how to see what there is, and nothing is removed."""
    shelf.index(shelf.docs)
    before = shelf.manifest
    for name in ("nothing", tmp_path / "docs" / "z.txt", tmp_path):
        with pytest.raises(LibraryError, match="stemqa list"):
            shelf.remove(shelf.docs / "a.txt", name)
    assert shelf.manifest == before


def test_removing_needs_no_file(shelf: Shelf, tmp_path: Path) -> None:
    """A document is taken out although the disk with the files is not there."""
    shelf.index(shelf.docs)
    name = by_id(shelf)
    shelf.docs.rename(tmp_path / "away")
    assert shelf.remove(name).removed == 1
    assert len(shelf.library.documents) == 2
