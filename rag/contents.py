"""The documents and chunks of an opened library, read when they are asked for; what was read is kept for a while."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import overload

import numpy as np

from corpus.document import Chunk, Document
from rag.segment import Segment, id_hash

_CHARACTERS = 2**25
"""Of documents so many characters are kept; then the store begins anew. Small libraries are in memory whole after a while."""
_CHUNKS = 2**15


class Documents(Mapping[str, Document]):
    """Documents by their ids, in the order of the library."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._size = sum(segment.documents for segment in segments)
        self._held: dict[tuple[int, int], Document] = {}
        self._characters = 0

    def __len__(self) -> int:
        return self._size

    def __iter__(self) -> Iterator[str]:
        for i, segment in enumerate(self._segments):
            for row in range(segment.documents):
                yield self._at(i, row).id

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and _place(self._segments, id) is not None

    def __getitem__(self, id: str) -> Document:
        place = _place(self._segments, id)
        if place is None:
            raise KeyError(id)
        return self._at(*place)

    def _at(self, i: int, row: int) -> Document:
        found = self._held.get((i, row))
        if found is None:
            found = self._segments[i].document(row)
            self._characters += len(found.text)
            if self._characters > _CHARACTERS:
                self._held, self._characters = {}, len(found.text)
            self._held[i, row] = found
        return found


class Chunks(Sequence[Chunk]):
    """All chunks by their numbers."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self._segments = segments
        self._first = np.cumsum([0, *(segment.chunks for segment in segments)])
        self._held: dict[int, Chunk] = {}

    def __len__(self) -> int:
        return int(self._first[-1])

    @overload
    def __getitem__(self, number: int) -> Chunk: ...
    @overload
    def __getitem__(self, number: slice) -> Sequence[Chunk]: ...
    def __getitem__(self, number: int | slice) -> Chunk | Sequence[Chunk]:
        if isinstance(number, slice):
            return [self[i] for i in range(*number.indices(len(self)))]
        number = int(number) + (len(self) if number < 0 else 0)
        if not 0 <= number < len(self):
            raise IndexError(f"there is no chunk {number}; there are {len(self)}")
        found = self._held.get(number)
        if found is None:
            if len(self._held) >= _CHUNKS:
                self._held = {}
            i = int(np.searchsorted(self._first, number, side="right")) - 1
            found = self._held[number] = self._segments[i].chunk(number - int(self._first[i]))
        return found

    def number(self, chunk: Chunk) -> int:
        """Return the number of a chunk of the library. `KeyError` when it is none."""
        place = _place(self._segments, chunk.document_id)
        if place is None:
            raise KeyError(chunk.id)
        row = self._segments[place[0]].chunk_at(place[1], chunk.span.start)
        if row is None:
            raise KeyError(chunk.id)
        return int(self._first[place[0]]) + row


def _place(segments: Sequence[Segment], id: str) -> tuple[int, int] | None:
    """Return in which segment the document is, and where in it."""
    hashed = id_hash(id)
    for i, segment in enumerate(segments):
        row = segment.find(hashed)
        if row is not None:
            return i, row
    return None
