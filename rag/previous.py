"""The library that stands, as a source of what need not be made again: documents, chunks, vectors, postings."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from corpus.chunks import embedding_text
from corpus.document import Document
from embeddings.terms import count_words
from rag.embed import Known
from rag.hashes import Manifest, broken, damage, is_sound, quick_files
from rag.protocols import Embedder
from rag.rows import FILES, FileRecord, read_lines
from rag.segment import Segment, id_hash
from rag.splice import Kept
from rag.store import WORDS, read_manifest
from stemqa import LibraryError


class DamageError(LibraryError):
    """A file of which something was to be taken over is damaged, and that had not been seen before."""


class Previous:
    """A library on disk, less what of it is damaged. Of a large one not every byte is looked at, unless `thorough`."""

    def __init__(self, folder: Path, manifest: Manifest, *, thorough: bool = False) -> None:
        self.manifest = manifest
        self._folder = folder
        self._generation = folder / str(manifest["generation"])
        self._broken = broken(folder, manifest, quick=not thorough)
        self._looked_at = set(manifest["files"] if thorough else quick_files(manifest))
        lost = {name.partition("/")[0] for name in self._broken}
        self.segments = [Segment(self._generation / row["name"]) for row in manifest["segments"] if row["name"] not in lost]

    @property
    def is_whole(self) -> bool:
        """Whether no damage was found."""
        return not self._broken

    @property
    def is_looked_over(self) -> bool:
        """Whether every byte was looked at."""
        return self._looked_at == set(self.manifest["files"])

    def look_at(self, segment: Segment) -> None:
        """`DamageError` when a file of the segment is damaged."""
        for name, facts in self.segment_facts(segment)[1].items():
            if name not in self._looked_at and not is_sound(self._generation / name, facts):
                raise DamageError(damage(self._folder, self.manifest, name))
            self._looked_at.add(name)

    @cached_property
    def records(self) -> tuple[FileRecord, ...]:
        """The files that it was made of and whose documents are whole, in its order; none where it was made of documents."""
        if FILES in self._broken:
            return ()
        records = map(FileRecord.from_row, read_lines(self._generation / FILES))
        return tuple(record for record in records if self.is_whole or all(self.kept(name) for name in record.documents))

    def kept(self, id: str) -> Kept | None:
        """Return where the document of that id stands."""
        place = self._places.get(id_hash(id))
        return None if place is None else Kept(self.segments[place[0]], place[1], id_hash(id))

    def document(self, id: str) -> Document:
        """Return the document with that id, which must be one of those that the records name."""
        kept = self.kept(id)
        assert kept is not None, id
        return kept.segment.document(kept.row)

    def segment_facts(self, segment: Segment) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what the manifest says of a segment: how many documents and so on, and size and hash of each file."""
        row = next(row for row in self.manifest["segments"] if row["name"] == segment.name)
        files = {name: facts for name, facts in self.manifest["files"].items() if name.startswith(f"{segment.name}/")}
        return row, files

    def words(self, kept: set[int]) -> Counter[str]:
        """Return in how many passages of the documents whose ids have one of these hashes each word stands."""
        counts = Counter(json.loads((self._generation / WORDS).read_text(encoding="utf-8")))
        for hashed, (number, row) in self._places.items():
            if hashed not in kept:
                segment = self.segments[number]
                self.look_at(segment)
                document = segment.document(row)
                counts.subtract(count_words(embedding_text(document, segment.chunk(i)) for i in segment.chunks_of(row)))
        return +counts

    def known(self, embedder: Embedder) -> Known:
        """Return the vectors, if they are this model's."""
        return Known(self.segments if self.is_of(embedder) else (), self.look_at)

    def is_of(self, embedder: Embedder) -> bool:
        """Whether its vectors are this model's."""
        model = self.manifest["model"]
        return bool((model["sha256"], model["dimension"]) == (embedder.sha256, embedder.dimension))

    @cached_property
    def _places(self) -> Mapping[int, tuple[int, int]]:
        """Segment and row of each document, by the hash of its id."""
        return {hash_: (i, row) for i, segment in enumerate(self.segments) for row, hash_ in enumerate(segment.id_hashes)}


def previous_library(folder: Path, *, thorough: bool = False) -> Previous | None:
    """Return the library in `folder`; None where there is none, or none that can be read."""
    try:
        return Previous(folder, read_manifest(folder), thorough=thorough)
    except LibraryError:
        return None
