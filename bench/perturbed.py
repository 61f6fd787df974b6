"""An embedder for measuring scale: vectors like real ones, at no cost, so that a million passages need no hour of embedding.

A few thousand glosses are embedded with the default model. The vector of any other text is made of two of these, of a third
one's share as noise, all drawn by the text's hash: as with real texts there are dense and thin places, and neighbours of
neighbours. Recall on such vectors is told beside recall on real ones.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from bench.glosses import glosses
from embeddings.encoder import open_embedder
from rag.protocols import FloatArray

REAL = 4096
_SHARES = np.array([0.7, 0.45, 0.35], np.float32)


class Perturbed:
    """Vectors drawn by a text's hash among mixtures of real ones. `file` holds those; it is made where it is not there."""

    name = "perturbed"
    sha256 = "5" * 64

    def __init__(self, file: Path) -> None:
        if not file.exists():
            texts = [f"{head}\n{text}" for head, text in random.Random(0).sample(glosses(), REAL)]
            np.save(file, open_embedder("", threads=2).embed_passages(texts))
        self._real: FloatArray = np.load(file)
        self.dimension = int(self._real.shape[1])

    def embed_passages(self, texts: Sequence[str]) -> FloatArray:
        """Return one unit vector per text: shape (len(texts), dimension)."""
        drawn = b"".join(blake2b(text.encode(), digest_size=12).digest() for text in texts)
        rows = np.frombuffer(drawn, np.uint32).reshape(-1, 3) % len(self._real)
        vectors = np.einsum("k,nkd->nd", _SHARES, self._real[rows])
        unit: FloatArray = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit

    def embed_query(self, text: str) -> FloatArray:
        """Return the question's unit vector: shape (dimension,)."""
        return self.embed_passages([text])[0]

    def near(self, vector: FloatArray, seed: int) -> FloatArray:
        """Return a question's vector, near `vector` but not next to it."""
        mixed = vector + 0.7 * self._real[seed % len(self._real)]
        unit: FloatArray = mixed / np.linalg.norm(mixed)
        return unit
