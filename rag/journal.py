"""Vectors kept while a build goes on, so that one that is cut off goes on where it stopped.

The file begins with a line that says which model made the vectors. Each record is a text's key (see `rag.rows.text_key`),
the vector in float32, and the CRC-32 of both: what was only half written is found, and dropped with all that follows it.
The journal holds no text.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from os import SEEK_END
from pathlib import Path
from typing import IO
from zlib import crc32

import numpy as np

from rag.protocols import Embedder, FloatArray
from rag.rows import Key


class Journal:
    """The vectors of an open journal, by key; new ones are added at its end. In memory is only where they stand."""

    def __init__(self, stream: IO[bytes], start: int, keys: Sequence[Key], dimension: int) -> None:
        self._stream = stream
        self._start = start
        self._keys = np.array([int.from_bytes(key[:8], "big") for key in keys], np.uint64)
        self._order = np.argsort(self._keys, kind="stable")
        self._dimension = dimension

    def get(self, key: Key) -> FloatArray | None:
        """Return the vector that an earlier build left."""
        wanted = np.uint64(int.from_bytes(key[:8], "big"))
        at = int(np.searchsorted(self._keys, wanted, sorter=self._order))
        while at < len(self._order) and self._keys[self._order[at]] == wanted:
            self._stream.seek(self._start + int(self._order[at]) * _size(self._dimension))
            record = self._stream.read(_size(self._dimension))
            if record[:16] == key:
                return np.frombuffer(record, "<f4", self._dimension, 16)
            at += 1
        return None

    def add(self, keys: Sequence[Key], vectors: FloatArray) -> None:
        """Append the vectors and hand them to the operating system: they outlive this process."""
        records = (key + vector.astype("<f4").tobytes() for key, vector in zip(keys, vectors, strict=True))
        self._stream.write(b"".join(record + _crc(record) for record in records))
        self._stream.flush()


@contextmanager
def open_journal(file: Path, embedder: Embedder) -> Iterator[Journal]:
    """Open the journal at `file` for more, with what it holds already if that is of the same model. An empty one is removed."""
    head = json.dumps({"journal": 1, "model": embedder.sha256, "dimension": embedder.dimension}).encode() + b"\n"
    with file.open("a+b") as stream:
        stream.seek(0)
        keys: list[Key] = []
        if stream.read(len(head)) == head:
            keys = list(_keys(stream, embedder.dimension))
            stream.truncate(len(head) + len(keys) * _size(embedder.dimension))
        else:
            stream.truncate(0)
            stream.write(head)
            stream.flush()
        try:
            yield Journal(stream, len(head), keys, embedder.dimension)
        finally:
            if stream.seek(0, SEEK_END) == len(head):
                with suppress(OSError):
                    file.unlink(missing_ok=True)


def _keys(stream: IO[bytes], dimension: int) -> Iterator[Key]:
    """Yield the keys of the records up to the first that is not whole."""
    size = _size(dimension)
    while len(record := stream.read(size)) == size and record[-4:] == _crc(record[:-4]):
        yield record[:16]


def _size(dimension: int) -> int:
    return 16 + 4 * dimension + 4


def _crc(record: bytes) -> bytes:
    return crc32(record).to_bytes(4, "little")
