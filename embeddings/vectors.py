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

    def __init__(self, index: Any) -> None:
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

    def save(self, file: Path) -> None:
        """Write the index to `file`."""
        faiss.write_index(self._index, str(file))

    def __len__(self) -> int:
        return int(self._index.ntotal)

    def search(self, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` nearest numbers and their cosines, best first, ties by number."""
        k = min(k, len(self))
        if k == 0:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        # With unit vectors the inner product is the cosine: higher is nearer.
        cosines, numbers = self._index.search(vector.reshape(1, -1), k)
        order = np.lexsort((numbers[0], -cosines[0]))
        return numbers[0][order].astype(np.int64), cosines[0][order]

    def cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return the cosine of `vector` with each numbered vector: shape (len(numbers),)."""
        result: FloatArray = self._vectors[numbers] @ vector
        return result
