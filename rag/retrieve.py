"""Question -> Hits: dense and lexical search over the same chunks, their scores normalised and summed."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from rag.library import Library
from rag.protocols import FloatArray, IntArray
from rag.reply import Hit

POOL = 100
"""How many chunks each of the two searches puts forward."""
DENSE_WEIGHT = 0.5
"""Share of the cosine in the fused score; BM25 has the rest. Measured in docs/decisions.md."""
SENTENCE_SHARE = 1 / 3
"""How much of a chunk's cosine is that of its nearest sentence; the rest is that of the whole. Measured there too."""
_JOINED = re.compile(r"(?<=[^\W\d_])-(?=[^\W\d_])")
_TOKEN = re.compile(r"[^\s.,;:!()\[\]{}\"“”«»*_#`|…]+")
_DASHES = frozenset("-–—•")


def retrieve(library: Library, question: str, vector: FloatArray, k: int) -> list[Hit]:
    """Return the at most `k` best chunks, best first, ties by number.

    `vector` is the question's. How near a chunk is, is told from the whole of it and from its nearest sentence (a passage that
    answers in one sentence need not be about it). Scores of both searches are divided by the best of theirs,
    so each lies in [0, 1]; a chunk that only one search found has its true cosine, and as BM25 score zero. `LibraryError` when
    a file of the library has turned out to be damaged.
    """
    library.doubt.check()
    numbers, dense, lexical = _pool(library, question, vector)
    if not len(numbers):
        return []
    fused = DENSE_WEIGHT * _scaled(dense) + (1 - DENSE_WEIGHT) * _scaled(lexical)
    dense_rank, lexical_rank = _ranks(dense), _ranks(lexical)
    best = np.lexsort((numbers, -fused))[:k]
    return [
        Hit(library.chunks[numbers[i]], float(fused[i]), int(dense_rank[i]), int(lexical_rank[i]) if lexical[i] > 0 else None)
        for i in best
    ]


def collapse(library: Library, hits: Sequence[Hit]) -> list[tuple[Hit, ...]]:
    """Group hits whose passages say the same, word for word; the best of each group stands first."""
    groups: dict[tuple[str, ...], list[Hit]] = {}
    for hit in hits:
        text = hit.chunk.span.of(library.documents[hit.chunk.document_id].text)
        groups.setdefault(wording(text), []).append(hit)
    return [tuple(group) for group in groups.values()]


def wording(text: str) -> tuple[str, ...]:
    """Return what `text` says word for word: equal for two texts that differ only in capitals, spacing and punctuation.

    Signs that carry meaning are kept, so that "CD34+" and "CD34-", "> 5" and "< 5", "is" and "isn't" stay apart.
    """
    plain = _JOINED.sub(" ", text.casefold().replace("’", "'"))
    tokens = (token.strip("'‘") for token in _TOKEN.findall(plain))
    return tuple(token for token in tokens if token and token not in _DASHES)


def _pool(library: Library, question: str, vector: FloatArray) -> tuple[IntArray, FloatArray, FloatArray]:
    found_dense, _ = library.vectors.search(vector, POOL)
    found_lexical, scores = library.lexical.search(question, POOL)
    numbers = np.union1d(found_dense, found_lexical)
    lexical = np.zeros(len(numbers), np.float32)
    lexical[np.searchsorted(numbers, found_lexical)] = scores
    whole, sentence = library.vectors.cosines(vector, numbers), library.best_sentence_cosines(vector, numbers)
    return numbers, (1 - SENTENCE_SHARE) * whole + SENTENCE_SHARE * sentence, lexical


def _scaled(scores: FloatArray) -> FloatArray:
    """Map the best score to 1 and zero to 0; a negative cosine counts as zero."""
    best = float(scores.max(initial=0.0))
    scaled: FloatArray = np.clip(scores, 0, None) / best if best > 0 else np.zeros_like(scores)
    return scaled


def _ranks(scores: FloatArray) -> IntArray:
    ranks = np.empty(len(scores), np.int64)
    ranks[np.argsort(-scores, kind="stable")] = np.arange(1, len(scores) + 1)
    return ranks
