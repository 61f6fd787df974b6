"""Terms and BM25, with bm25s and the Snowball stemmer. The only module that imports them.

BM25 as in Lucene (Kamphuis et al. 2020, "Which BM25 do you mean?"), with the k1 and b of Anserini (Yang et al. 2017):
passages are short and of like length, so the length counts for less than with k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt
import Stemmer

from stemqa import LibraryError

FloatArray = npt.NDArray[np.float32]
IntArray = npt.NDArray[np.int64]

_WORD = re.compile(r"[^\W_]+")
_ENDING = re.compile(r"['’`](?:s|re|ve|ll|m|d)\b|(?<!\bca)n['’`]t\b|(?<=\bcan)['’`]t\b", re.IGNORECASE)

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers herself him himself
    his how i if in into is it its itself just may me might more most must my myself no nor not now of off on once only or other
    our ours ourselves out over own please same shall she should so some such tell than that the their theirs them themselves
    then there these they this those through to too under until up upon us very was we were what when where whether which while
    who whom whose why will with within wo would you your yours yourself yourselves
    """.split()  # noqa: SIM905 -- one word a line would be six screens
)


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without accents and without the endings 's, n't and such, in order."""
    plain = text if text.isascii() else "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(_ENDING.sub("", plain).lower())


class Stems:
    """Texts to terms: words less stop words, stemmed (Snowball English). Stems are remembered."""

    def __init__(self) -> None:
        self._stemmer = Stemmer.Stemmer("english")

    def terms(self, text: str) -> list[str]:
        """Return the terms of `text`, in order, repeats kept."""
        stems: list[str] = self._stemmer.stemWords([w for w in words(text) if w not in STOP_WORDS])
        return stems


class Bm25Index:
    """BM25 over texts, numbered in the order given; built once, stored, and opened memory-mapped."""

    def __init__(self, engine: bm25s.BM25, size: int) -> None:
        self._engine = engine
        self._size = size
        self._stems = Stems()
        indptr = engine.scores["indptr"]
        # The engine adds an empty word of its own, past the last column.
        columns = ((term, i) for term, i in engine.vocab_dict.items() if term)
        self._document_frequency = {term: int(indptr[i + 1] - indptr[i]) for term, i in columns}

    @classmethod
    def build(cls, texts: Sequence[str]) -> Bm25Index:
        """Make an index of `texts`."""
        stems = Stems()
        engine = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
        tokens = [stems.terms(text) or [""] for text in texts]  # the engine takes no empty text
        # The engine's own numbering is that of a set, another one in each process: files are to be the same.
        number = {term: i for i, term in enumerate(sorted(set(chain.from_iterable(tokens))))}
        engine.index(([[number[term] for term in row] for row in tokens], number), show_progress=False)
        return cls(engine, len(texts))

    @classmethod
    def load(cls, folder: Path) -> Bm25Index:
        """Open what `save` wrote. `LibraryError` when the folder holds no such index."""
        try:
            engine = bm25s.BM25.load(str(folder), mmap=True, load_corpus=False)
        except (OSError, EOFError, ValueError, KeyError) as error:
            raise LibraryError(f"{folder} is not a lexical index ({error}); build the library again") from None
        return cls(engine, int(engine.scores["num_docs"]))

    def save(self, folder: Path) -> None:
        """Write the index into `folder`."""
        self._engine.save(str(folder), show_progress=False)

    def __len__(self) -> int:
        return self._size

    def terms(self, text: str) -> list[str]:
        """Return the index's own terms of `text`, in order, repeats kept."""
        return self._stems.terms(text)

    def idf(self, term: str) -> float:
        """Return ln(1 + (N - n + 0.5) / (n + 0.5)) for a term that n of N texts hold (Robertson's, as in Lucene)."""
        n = self._document_frequency.get(term, 0)
        return math.log(1 + (self._size - n + 0.5) / (n + 0.5))

    def __contains__(self, term: str) -> bool:
        return term in self._document_frequency

    def scores(self, text: str) -> FloatArray:
        """Return the BM25 score of every text: shape (len(self),). Zero where no term is shared."""
        known = [term for term in self.terms(text) if term in self._document_frequency]
        if not known:
            return np.zeros(self._size, np.float32)
        result: FloatArray = self._engine.get_scores(known)
        return result

    def search(self, text: str, k: int) -> tuple[IntArray, FloatArray]:
        """Return the at most `k` best numbers sharing a term with `text` and their BM25 scores, best first, ties by number."""
        scores = self.scores(text)
        k = min(k, int(np.count_nonzero(scores > 0)))
        if k < 1:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        numbers = np.flatnonzero(scores >= np.partition(scores, -k)[-k])
        order = np.lexsort((numbers, -scores[numbers]))[:k]
        return numbers[order].astype(np.int64), scores[numbers][order]


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Count in how many of `texts` each word stands."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(words(text)))
    return counts
