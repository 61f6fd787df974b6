"""Nearest vectors, with faiss, exactly or by codes. The only module that imports it.

Up to `EXACT` vectors each one is compared. Beyond that, codes of one bit a number are compared (RaBitQ: Gao and Long 2024, with
the fast scan of faiss), and the `COMPARED` nearest by these are compared exactly. Codes need no training over all
vectors, unlike lists, and can be taken out, unlike the nodes of a graph: so the codes of a part are made of the part alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import numpy.typing as npt

from embeddings.rowfile import Rows
from stemqa import LibraryError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

EXACT = 100_000
"""Up to how many vectors each one is compared."""
COMPARED = 1000
"""How many of the nearest by their codes are compared exactly; docs/scale.md has the recall with more and fewer."""
_OF_A_PART = 200
"""How many of these come from one part at most: neighbours stand together where a document is about one thing."""


class FlatIndex:
    """Unit vectors, numbered in the order given, searched one by one: exact, and fast enough up to about 100,000."""

    def __init__(self, index: Any) -> None:  # noqa: ANN401 -- faiss reads it back as its base class
        self._index = index
        self._vectors: FloatArray = faiss.rev_swig_ptr(index.get_xb(), index.ntotal * index.d).reshape(index.ntotal, index.d)

    @classmethod
    def build(cls, *vectors: FloatArray) -> FlatIndex:
        """Make an index of unit vectors, each array of shape (n, dimension)."""
        index = faiss.IndexFlatIP(vectors[0].shape[1])
        for part in vectors:
            index.add(np.ascontiguousarray(part, np.float32))
        return cls(index)

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
        return _cosines(self._vectors[numbers], vector)


class CodedIndex:
    """Unit vectors in parts, numbered through in their order, searched by their codes; `rows` reads the vectors themselves."""

    def __init__(self, codes: Sequence[Any], rows: Rows) -> None:
        self._codes = codes
        self._first = np.cumsum([0, *(0 if code is None else code.ntotal for code in codes)])
        self._rows = rows

    def __len__(self) -> int:
        return int(self._first[-1])

    def search(self, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return `k` of the nearest numbers and their true cosines, best first, ties by number; now and then one is missed."""
        near, numbers = [], []
        for codes, first in zip(self._codes, self._first, strict=False):
            if codes is None:
                continue
            products, found = codes.search(vector.reshape(1, -1), min(max(k, _OF_A_PART), codes.ntotal))
            near.append(products[0])
            numbers.append(found[0] + first)
        all_near, all_numbers = np.concatenate(near), np.concatenate(numbers)
        compared = max(k, COMPARED)
        if compared < len(all_near):
            all_numbers = all_numbers[np.argpartition(-all_near, compared)[:compared]]
        cosines = self.cosines(vector, all_numbers)
        order = np.lexsort((all_numbers, -cosines))[: max(0, k)]
        return all_numbers[order], cosines[order]

    def cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return the cosine of `vector` with each numbered vector: shape (len(numbers),)."""
        return _cosines(self._rows.take(numbers), vector)


def write_codes(file: Path, vectors: FloatArray) -> None:
    """Write the codes of unit vectors of shape (n, dimension) to `file`. `OSError` when that fails."""
    if not len(vectors):  # faiss gives up the process on none
        file.write_bytes(b"")
        return
    index = faiss.IndexRaBitQFastScan(vectors.shape[1], faiss.METRIC_INNER_PRODUCT)
    index.train(vectors)
    index.add(vectors)
    # faiss's own writing to a file passes over an error at its end: a full disk would leave it cut short, and silent.
    file.write_bytes(faiss.serialize_index(index).data)


def read_codes(file: Path) -> Any:  # noqa: ANN401 -- faiss gives its base class
    """Open what `write_codes` wrote; None where it is of no vector. `LibraryError` when it is no such file."""
    try:
        if file.stat().st_size == 0:
            return None
        return faiss.read_index(str(file))
    except (OSError, RuntimeError) as error:
        raise LibraryError(f"{file} is not a vector index ({str(error).splitlines()[0]}); build the library again") from None


def _cosines(rows: FloatArray, vector: FloatArray) -> FloatArray:
    # Not by BLAS, whose last bit depends on a row's place: equal vectors must have equal cosines.
    result: FloatArray = (rows * vector).sum(axis=1)
    return result
