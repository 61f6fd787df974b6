"""A segment: the documents of a stretch of a library, with their chunks, vectors and terms, as files that never change.

    documents.jsonl   chunks.jsonl   one row a line (see rag.rows)
    documents.npy     for each document, and for their end: where its line begins, its first chunk, a hash of its id
    chunks.npy        for each chunk, and for their end: where its line begins, its first sentence, where its span starts
    passages.npy      sentences.npy   vectors;   passages.keys.npy   sentences.keys.npy   the keys of the texts they are of
    codes.faiss       short codes of the passages' vectors;   terms/   postings

Rows are read when they are asked for. Everything in memory is a few numbers a document and a chunk.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from corpus.document import Chunk, Document
from embeddings.postings import Postings
from embeddings.rowfile import BytesFile, RowFile
from embeddings.vectors import read_codes
from rag.hashes import Manifest, check_files
from rag.rows import CHUNKS, DOCUMENTS, Key, chunk_from, document_from, text_key
from stemqa import LibraryError

Table = npt.NDArray[np.int64]
Value = TypeVar("Value")

DOCUMENT_TABLE, CHUNK_TABLE = "documents.npy", "chunks.npy"
PASSAGES, SENTENCES, CODES, TERMS = "passages", "sentences", "codes.faiss", "terms"


class Segment:
    """An opened segment. Its documents, chunks and sentences are numbered 0, 1, 2 ... within it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        """Where its files are now."""
        self._documents: Table = np.load(folder / DOCUMENT_TABLE)
        self._chunks: Table = np.load(folder / CHUNK_TABLE)
        self._lines = {name: BytesFile(folder / name) for name in (DOCUMENTS, CHUNKS)}
        self._by_id = np.argsort(self._documents[2, :-1], kind="stable")
        self.passages, self.sentences = (RowFile(folder / f"{name}.npy") for name in (PASSAGES, SENTENCES))
        self.postings = Postings.load(folder / TERMS)

    @property
    def name(self) -> str:
        """The segment's name, which says what its files hold."""
        return self.folder.name

    @property
    def documents(self) -> int:
        """How many documents there are."""
        return int(self._documents.shape[1]) - 1

    @property
    def chunks(self) -> int:
        """How many chunks there are."""
        return int(self._chunks.shape[1]) - 1

    @property
    def id_hashes(self) -> list[int]:
        """The hash of each document's id, in their order."""
        hashes: list[int] = self._documents[2, :-1].tolist()
        return hashes

    @cached_property
    def codes(self) -> Any:  # noqa: ANN401 -- faiss gives its base class
        """The codes of the passages' vectors."""
        return read_codes(self.folder / CODES)

    @property
    def first_sentences(self) -> Table:
        """The first sentence of each chunk, and the number of sentences: shape (chunks + 1,)."""
        first: Table = self._chunks[1]
        return first

    def document(self, row: int) -> Document:
        """Read a document."""
        return self._read(DOCUMENTS, self._documents[0], row, document_from)

    def chunk(self, row: int) -> Chunk:
        """Read a chunk."""
        return self._read(CHUNKS, self._chunks[0], row, chunk_from)

    def lines(self, name: str, first: int, end: int) -> bytes:
        """Return the lines of the documents, or of the chunks, from `first` to before `end`."""
        starts = (self._documents if name == DOCUMENTS else self._chunks)[0]
        return self._lines[name].between(int(starts[first]), int(starts[end]))

    def chunks_of(self, row: int, end: int | None = None) -> range:
        """Return which chunks are those of a document, or of the documents from there to before `end`."""
        return range(int(self._documents[1, row]), int(self._documents[1, row + 1 if end is None else end]))

    def find(self, hashed: int) -> int | None:
        """Return which document has an id with that hash."""
        hashes = self._documents[2]
        at = int(np.searchsorted(hashes[:-1], hashed, sorter=self._by_id))
        return int(self._by_id[at]) if at < self.documents and hashes[self._by_id[at]] == hashed else None

    def chunk_at(self, row: int, start: int) -> int | None:
        """Return which chunk of the document begins at that character."""
        chunks = self.chunks_of(row)
        starts = self._chunks[2, chunks.start : chunks.stop]
        at = int(np.searchsorted(starts, start))
        return chunks.start + at if at < len(starts) and starts[at] == start else None

    def table(self, name: str, first: int, end: int) -> Table:
        """Return the columns of a table from `first` to `end`, that one included; places begin at 0."""
        cut = (self._documents if name == DOCUMENTS else self._chunks)[:, first : end + 1].copy()
        cut[:2] -= cut[:2, :1]
        return cut

    def keys(self, kind: str) -> npt.NDArray[np.uint64]:
        """Return the keys of the texts of `passages` or `sentences`, by row: shape (n, 2)."""
        keys: npt.NDArray[np.uint64] = np.load(self.folder / f"{kind}.keys.npy")
        return keys

    def vectors(self, kind: str, keys: Mapping[Key, object]) -> dict[Key, npt.NDArray[Any]]:
        """Return the vectors of those texts of `passages` or `sentences` that are among `keys`."""
        own = self.keys(kind)
        wanted = np.frombuffer(b"".join(keys), np.uint64).reshape(-1, 2)
        rows = np.flatnonzero(np.isin(own[:, 0], wanted[:, 0]))
        file = self.passages if kind == PASSAGES else self.sentences
        found = {own[row].tobytes(): int(row) for row in rows}
        return {key: file.between(row, row + 1)[0] for key, row in found.items() if key in keys}

    def _read(self, name: str, starts: Table, row: int, made: Callable[[Mapping[str, Any]], Value]) -> Value:
        try:
            return made(json.loads(self._lines[name].between(int(starts[row]), int(starts[row + 1]))))
        except (ValueError, KeyError, TypeError) as error:
            raise LibraryError(
                f"the library's {self.folder / name} is damaged ({error}); build it again with: "
                f"stemqa index --library {self.folder.parents[1]}"
            ) from None


def open_segments(folder: Path, manifest: Manifest) -> list[Segment]:
    """Open the segments of the library in `folder`; no model is needed. `LibraryError` when a file is missing or damaged."""
    generation = check_files(folder, manifest, quick=True)
    return [Segment(generation / row["name"]) for row in manifest["segments"]]


def id_hash(id: str) -> int:
    """Return what a document's id is found by: 63 bits."""
    return int.from_bytes(text_key(id)[:8], "little") >> 1
