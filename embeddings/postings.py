"""Which texts hold a term and how often, as arrays on the disk, and BM25 scores computed from them when they are asked for.

BM25 as in Lucene (Kamphuis et al. 2020, "Which BM25 do you mean?"), with the k1 and b of Anserini (Yang et al. 2017):
passages are short and of like length, so the length counts for less than with k1 = 1.2 and b = 0.75. A score depends on all
texts, on how many hold the term and on their mean length; so none is stored, and a part of an index can be replaced alone.
Terms are known by 64 bits of a hash: no word stands on the disk.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

import numpy as np
import numpy.typing as npt

from embeddings.rowfile import save_array
from embeddings.terms import Stems
from stemqa import LibraryError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]
K1, B = 0.9, 0.4
_REMEMBERED = 4096
Places = tuple[int, tuple[tuple[int, int], ...]]
Known = tuple[float, tuple[tuple[int, int], ...]]
_FILES = ("terms", "starts", "postings", "lengths")


@dataclass(frozen=True, slots=True)
class Postings:
    """The terms of texts that are numbered 0, 1, 2 ...

    `terms` are hashes, sorted. Term i stands in the texts `postings[0, starts[i] : starts[i + 1]]`, which are sorted,
    as often as `postings[1]` says. `lengths` counts each text's terms; an empty text has length 1.
    """

    terms: npt.NDArray[np.uint64]
    starts: IntArray
    postings: npt.NDArray[np.unsignedinteger]
    lengths: npt.NDArray[np.int32]

    @classmethod
    def of(cls, rows: Iterable[Sequence[str]]) -> Postings:
        """Make postings of texts, given as their terms."""
        hashed = lru_cache(None)(term_hash)
        lengths, terms, numbers, counts = [], [], [], []
        for number, row in enumerate(rows):
            lengths.append(max(1, len(row)))
            for term, count in Counter(row).items():
                terms.append(hashed(term))
                numbers.append(number)
                counts.append(count)
        return cls._sorted(np.array(terms, np.uint64), np.array([numbers, counts], np.int64), np.array(lengths, np.int32))

    @classmethod
    def joined(cls, parts: Sequence[Postings]) -> Postings:
        """Join the texts of the parts, in their order."""
        first = np.cumsum([0, *(len(part) for part in parts)])
        terms = [np.repeat(part.terms, np.diff(part.starts)) for part in parts]
        moved = [np.add(part.postings, [[start], [0]], dtype=np.int64) for part, start in zip(parts, first, strict=False)]
        return cls._sorted(np.concatenate(terms), np.concatenate(moved, axis=1), np.concatenate([p.lengths for p in parts]))

    def taken(self, texts: IntArray) -> Postings:
        """Return the postings of these texts alone, numbered in the order given."""
        number = np.full(len(self), -1)
        number[texts] = np.arange(len(texts))
        now = number[self.postings[0]]
        kept = now >= 0
        terms = np.repeat(self.terms, np.diff(self.starts))[kept]
        return self._sorted(terms, np.stack([now[kept], self.postings[1][kept].astype(np.int64)]), self.lengths[texts])

    @classmethod
    def _sorted(cls, terms: npt.NDArray[np.uint64], postings: IntArray, lengths: npt.NDArray[np.int32]) -> Postings:
        order = np.lexsort((postings[0], terms))
        distinct, starts = np.unique(terms[order], return_index=True)
        smallest = np.uint16 if postings.max(initial=0) < 2**16 else np.uint32
        return cls(distinct, np.append(starts, len(order)).astype(np.int64), postings[:, order].astype(smallest), lengths)

    @classmethod
    def load(cls, folder: Path) -> Postings:
        """Open what `save` wrote, the postings mapped. `LibraryError` when the folder holds none."""
        try:
            return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r" if name == "postings" else None) for name in _FILES))
        except (OSError, EOFError, ValueError) as error:
            raise LibraryError(f"{folder} is not a lexical index ({error}); build the library again") from None

    def save(self, folder: Path) -> None:
        """Write the arrays into `folder`, which is made."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            save_array(folder / f"{name}.npy", getattr(self, name))

    def __len__(self) -> int:
        return len(self.lengths)

    def place(self, term: np.uint64) -> tuple[int, int]:
        """Return where in `postings` those of the term begin and end."""
        i = int(np.searchsorted(self.terms, term))
        if i == len(self.terms) or self.terms[i] != term:
            return 0, 0
        return int(self.starts[i]), int(self.starts[i + 1])


class Bm25Index:
    """BM25 over the texts of all parts, which are numbered through in their order."""

    def __init__(self, parts: Sequence[Postings]) -> None:
        self._parts = parts
        self._first = np.cumsum([0, *map(len, parts)])
        self._size = int(self._first[-1])
        mean = sum(int(part.lengths.sum(dtype=np.int64)) for part in parts) / max(1, self._size)
        self._norms = [K1 * ((1 - B) + B * part.lengths / mean) for part in parts]
        self._stems = Stems()
        self._known_places: dict[str, Places] = {}

    @classmethod
    def build(cls, texts: Iterable[str]) -> Bm25Index:
        """Make an index of `texts`, in one part."""
        stems = Stems()
        return cls([Postings.of(map(stems.terms, texts))])

    def __len__(self) -> int:
        return self._size

    def terms(self, text: str) -> list[str]:
        """Return the index's own terms of `text`, in order, repeats kept."""
        return self._stems.terms(text)

    def idf(self, term: str) -> float:
        """Return ln(1 + (N - n + 0.5) / (n + 0.5)) for a term that n of N texts hold (Robertson's, as in Lucene)."""
        n = self._places(term)[0]
        return math.log(1 + (self._size - n + 0.5) / (n + 0.5))

    def __contains__(self, term: str) -> bool:
        return self._places(term)[0] > 0

    def scores(self, text: str) -> FloatArray:
        """Return the BM25 score of every text: shape (len(self),). Zero where no term is shared."""
        known = self._known(text)
        return np.concatenate([self._scores(i, known) for i in range(len(self._parts))])

    def search(self, text: str, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` best numbers sharing a term with `text` and their BM25 scores, best first, ties by number."""
        known = self._known(text)
        numbers, best, least = np.zeros(0, np.int64), np.zeros(0, np.float32), np.float32(0)
        for i, first in enumerate(self._first[:-1] if known and k > 0 else ()):
            found, scores = self._at_least(i, known, least)
            numbers, best = np.concatenate([numbers, found + first]), np.concatenate([best, scores])
            if len(best) > k:
                least = np.partition(best, -k)[-k]
                kept = best >= least
                numbers, best = numbers[kept], best[kept]
        order = np.lexsort((numbers, -best))[: max(0, k)]
        return numbers[order], best[order]

    def _at_least(self, i: int, known: Sequence[Known], least: np.float32) -> tuple[IntArray, FloatArray]:
        """Return the numbers within a part that share a term, and may share none but those that score `least`; their scores.

        A term adds less than its idf. What holds no term but those whose idfs together are below `least` is not looked at, and
        of the rest only what can still reach it (Turtle and Flood 1995, MaxScore): frequent terms cost next to nothing.
        """
        rarest = sorted(known, key=lambda term: -term[0])
        left = np.cumsum([idf for idf, _ in rarest][::-1])[::-1] * (1 + 1e-4)  # more than rounding can add
        looked_at = int((left >= least).sum())
        rough = self._scores(i, rarest[:looked_at])
        if looked_at == len(rarest):
            found = np.flatnonzero(rough >= least) if least > 0 else np.flatnonzero(rough)
        else:
            found = np.flatnonzero(rough * (1 + 1e-4) >= max(least - left[looked_at], 1e-9))
        scores = self._scores_of(i, known, found)
        reached = scores >= least
        return found[reached], scores[reached]

    def _scores_of(self, i: int, known: Sequence[Known], numbers: IntArray) -> FloatArray:
        """Return what `_scores` has for these numbers, which are sorted."""
        part, norms = self._parts[i], self._norms[i][numbers]
        scores = np.zeros(len(numbers), np.float32)
        for idf, places in known:
            start, end = places[i]
            holders = part.postings[0, start:end]
            at = np.searchsorted(holders, numbers.astype(holders.dtype))
            held = np.flatnonzero(at < end - start)
            held = held[holders[at[held]] == numbers[held]]
            counts = part.postings[1, start:end][at[held]]
            scores[held] += (idf * (counts / (norms[held] + counts))).astype(np.float32)
        return scores

    def _known(self, text: str) -> list[Known]:
        """Return for each term of `text` that a text holds, repeats kept: its idf, and its place in each part."""
        known = []
        for term in self.terms(text):
            n, places = self._places(term)
            if n:
                known.append((float(np.float32(self.idf(term))), places))
        return known

    def _places(self, term: str) -> Places:
        """Return how many texts hold the term, and its place in each part. What was asked is kept for a while."""
        found = self._known_places.get(term)
        if found is None:
            hashed = np.uint64(term_hash(term))
            places = tuple(part.place(hashed) for part in self._parts)
            if len(self._known_places) >= _REMEMBERED:
                self._known_places = {}
            found = self._known_places[term] = (sum(end - start for start, end in places), places)
        return found

    def _scores(self, i: int, known: Sequence[Known]) -> FloatArray:
        part, norms = self._parts[i], self._norms[i]
        scores = np.zeros(len(part), np.float32)
        for idf, places in known:
            start, end = places[i]
            if start < end:
                numbers, counts = part.postings[:, start:end]
                scores[numbers] += (idf * (counts / (norms[numbers] + counts))).astype(np.float32)
        return scores


def term_hash(term: str) -> int:
    """Return what a term is known by."""
    return int.from_bytes(blake2b(term.encode(), digest_size=8).digest(), "little")
