"""The library that stands, as a source of what need not be made again: documents, chunks, vectors."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from json import loads
from pathlib import Path
from typing import Any

import numpy as np

from corpus.document import Chunk, Document
from embeddings.vectors import FlatIndex
from rag.embed import Known
from rag.protocols import Embedder
from rag.rows import CHUNKS, DOCUMENTS, FILES, FileRecord, chunk_from, document_from, read_lines, stored_chunks, text_key
from rag.store import Manifest, check_files, read_manifest
from stemqa import LibraryError

Place = tuple[int, int]
"""Where in a file something begins, and how many bytes it has."""


class Previous:
    """A whole library on disk. Nothing of it is kept in memory but where its rows stand."""

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.manifest = manifest
        self._generation = check_files(folder, manifest)

    @cached_property
    def records(self) -> tuple[FileRecord, ...]:
        """The files that it was made of, in its order; none where it was made of documents alone."""
        return tuple(map(FileRecord.from_row, read_lines(self._generation / FILES)))

    def document(self, id: str) -> Document:
        """Return the document with that id, which must be one of those that the records name."""
        (row,) = self._rows(DOCUMENTS, self._documents[id])
        return document_from(row)

    def chunks(self, document_id: str) -> list[Chunk]:
        """Return the chunks of a document, none where it has none."""
        place = self._chunks.get(document_id)
        return [] if place is None else list(map(chunk_from, self._rows(CHUNKS, place)))

    def passages(self, embedder: Embedder) -> Known:
        """Return the vectors of the chunks, if they are this model's."""
        if not self._is_of(embedder):
            return Known()
        keys = (bytes.fromhex(row["embedded"]) for row in read_lines(self._generation / CHUNKS))
        return Known({key: i for i, key in enumerate(keys)}, FlatIndex.load(self._generation / "passages.faiss").to_array())

    def sentences(self, embedder: Embedder) -> Known:
        """Return the vectors of the sentences, if they are this model's."""
        if not self._is_of(embedder):
            return Known()
        keys = (text_key(span.of(document.text)) for document, c in stored_chunks(self._generation) for span in c.sentences)
        return Known({key: i for i, key in enumerate(keys)}, np.load(self._generation / "sentences.npy", mmap_mode="r"))

    def _is_of(self, embedder: Embedder) -> bool:
        model = self.manifest["model"]
        return bool((model["sha256"], model["dimension"]) == (embedder.sha256, embedder.dimension))

    @cached_property
    def _documents(self) -> dict[str, Place]:
        ids = (name for record in self.records for name in record.documents)
        return dict(zip(ids, _lines(self._generation / DOCUMENTS), strict=True))

    @cached_property
    def _chunks(self) -> dict[str, Place]:
        """Where the chunks of each document stand: behind one another."""
        found: dict[str, Place] = {}
        file = self._generation / CHUNKS
        for row, (start, size) in zip(read_lines(file), _lines(file), strict=True):
            first, length = found.get(row["document_id"], (start, 0))
            found[row["document_id"]] = (first, length + size)
        return found

    def _rows(self, name: str, place: Place) -> list[dict[str, Any]]:
        with (self._generation / name).open("rb") as stream:
            stream.seek(place[0])
            return [loads(line) for line in stream.read(place[1]).split(b"\n") if line]


def previous_library(folder: Path) -> Previous | None:
    """Return the library in `folder`; None where there is none, or none that is whole."""
    try:
        return Previous(folder, read_manifest(folder))
    except LibraryError:
        return None


def _lines(file: Path) -> Iterator[Place]:
    start = 0
    with file.open("rb") as stream:
        for line in stream:
            yield start, len(line)
            start += len(line)
