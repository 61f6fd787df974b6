"""Passages that say nearly the same: MinHash of word triples and banding (Broder 1997), by datasketch. Its only user.

Candidates that share a band are compared exactly, so a pair that is returned is one; a pair at the limit may be missed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

SIMILAR = 0.8
"""Share of the word triples of both texts that are common (Jaccard) from which they count as near duplicates."""
_PERMUTATIONS = 64
_BANDED = 0.6
"""Banding aims lower than that, so that few pairs of it are missed."""
_TRIPLE = 3
_WORDS = re.compile(r"\w+")


def words_of(text: str) -> str:
    """Return the words of `text`: equal for texts that differ in case, spacing and punctuation alone."""
    return " ".join(_WORDS.findall(text.casefold()))


def near_duplicates(texts: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Yield (earlier, later, similarity) for each text that nearly repeats an earlier one, which is the most similar found.

    `texts` are as `words_of` returns them, each given once; those of fewer than three words are passed over. Takes time and
    memory in proportion to their number.
    """
    from datasketch import MinHash, MinHashLSH  # noqa: PLC0415 -- imports scipy

    index = MinHashLSH(threshold=_BANDED, num_perm=_PERMUTATIONS)
    for number, text in enumerate(texts):
        if not (own := _triples(text)):
            continue
        minhash = MinHash(num_perm=_PERMUTATIONS)
        minhash.update_batch([triple.encode() for triple in own])
        near = [(_jaccard(own, _triples(texts[other])), -other) for other in index.query(minhash)]
        index.insert(number, minhash)
        if near and (best := max(near))[0] >= SIMILAR:
            yield -best[1], number, best[0]


def _triples(text: str) -> set[str]:
    words = text.split(" ")
    return {" ".join(words[i : i + _TRIPLE]) for i in range(len(words) - _TRIPLE + 1)}


def _jaccard(a: set[str], b: set[str]) -> float:
    return len(a & b) / len(a | b)
