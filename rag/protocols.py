"""The outside things of the joint, each a small Protocol owned here and implemented in `embeddings`.

Vectors are float32 and of unit length, so a dot product is a cosine. Every score here is "higher is better".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from embeddings.evidence import EvidencePassage, PassageEvidence

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]


class Embedder(Protocol):
    """Strings to vectors. `name` and `sha256` (of the weights) say which model; `dimension` is the vectors' length."""

    @property
    def name(self) -> str: ...
    @property
    def sha256(self) -> str: ...
    @property
    def dimension(self) -> int: ...

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return one unit vector per text: shape (len(texts), dimension)."""
        ...

    def embed_query(self, text: str) -> FloatArray:
        """Return the question's unit vector: shape (dimension,)."""
        ...


class VectorIndex(Protocol):
    """Unit vectors, numbered 0, 1, 2 ... in the order in which they were added."""

    def search(self, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` nearest numbers and their cosines, best first, ties by number."""
        ...

    def cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return the cosine of `vector` with each numbered vector: shape (len(numbers),)."""
        ...


class LexicalIndex(Protocol):
    """BM25 over texts, numbered as the vectors are."""

    def search(self, text: str, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` best numbers sharing a term with `text` and their BM25 scores, best first, ties by number."""
        ...

    def terms(self, text: str) -> list[str]:
        """Return the index's own terms of `text` (lower case, stemmed, no stop words), in order, repeats kept."""
        ...

    def __contains__(self, term: str) -> bool:
        """Whether any text holds the term."""
        ...

    def idf(self, term: str) -> float:
        """Return the term's inverse document frequency; a term that the index does not know gets the largest."""
        ...


class EvidenceModel(Protocol):
    """Reads a question and passages together, and tells which sentences answer. `sha256` is that of its weights."""

    @property
    def sha256(self) -> str: ...

    def score(self, question: str, passages: Sequence[EvidencePassage]) -> list[PassageEvidence]:
        """Return for each passage the probability of each sentence, and of the passage, that it answers."""
        ...
