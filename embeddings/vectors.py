"""Nearest vectors, exactly, with faiss. The only module that imports it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from stemqa import LibraryError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class FlatIndex:
    """Unit vectors, numbered in the order given, searched one by one: exact, and fast enough up to about 100,000."""

    def __init__(self, index: Any) -> None:  # noqa: ANN401 -- faiss reads it back as its base class
        self._index = index
        self._vectors: FloatArray = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)

    @classmethod
    def build(cls, vectors: FloatArray) -> FlatIndex:
        """Make an index of unit vectors of shape (n, dimension)."""
        index = faiss.IndexFlatIP(vectors.shape[1])
        index.add(np.ascontiguousarray(vectors, np.float32))
        return cls(index)

    @classmethod
    def load(cls, file: Path) -> FlatIndex:
        """Open what `save` wrote. `LibraryError` when it is no such file."""
        try:
            return cls(faiss.read_index(str(file)))
        except RuntimeError as error:
            raise LibraryError(
                f"{file} is not a vector index ({str(error).splitlines()[0]}); build the library again"
            ) from None

    def to_array(self) -> FloatArray:
        """Return a copy of the vectors, by number, which outlives the index: shape (n, dimension)."""
        return self._vectors.copy()

    def save(self, file: Path) -> None:
        """Write the index to `file`. `OSError` when that fails."""
        # faiss's own writing to a file passes over an error at its end: a full disk would leave it cut short, and silent.
        with file.open("wb") as stream:
            stream.write(faiss.serialize_index(self._index).data)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` nearest numbers and their cosines, best first, ties by number."""
        k = min(k, len(self))
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        # With unit vectors the inner product is the cosine: higher is nearer.
        cosines, numbers = (rows[0] for rows in self._index.search(vector.reshape(1, -1), min(k + 1, len(self))))
        if len(cosines) > k and cosines[k] == cosines[k - 1]:  # faiss keeps any of those that are equal at the cut
            cosines, numbers = self._not_below(vector, cosines[k])
        order = np.lexsort((numbers, -cosines))[:k]
        return numbers[order].astype(np.int64), cosines[order]

    def _not_below(self, vector: FloatArray, cosine: np.float32) -> tuple[FloatArray, IntArray]:
        below = float(np.nextafter(cosine, np.float32(-np.inf)))
        _, cosines, numbers = self._index.range_search(vector.reshape(1, -1), below)
        return cosines, numbers

    def cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return the cosine of `vector` with each numbered vector: shape (len(numbers),)."""
        # Not by BLAS, whose last bit depends on a row's place: equal vectors must have equal cosines.
        result: FloatArray = (self._vectors[numbers] * vector).sum(axis=1)
        return result
