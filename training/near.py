"""The passages of all pairs: which are near a question, and where in one it is most tempting to look."""

import random
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from training import perturb
from training.pairs import Pair, words


class Passages:
    """Distinct passages by row, their documents, names and words, and a term-weight matrix to find near ones with."""

    def __init__(self, pairs: Sequence[Pair]) -> None:
        places: dict[tuple[str, str], int] = {}
        self.all: list[Pair] = []
        self.of_document: dict[str, list[int]] = defaultdict(list)
        self.names: dict[str, list[str]] = defaultdict(list)
        self.words: dict[str, list[str]] = defaultdict(list)
        for pair in pairs:
            text = " ".join(pair.sentences)
            if (pair.document, text) not in places:
                places[pair.document, text] = len(self.all)
                self.of_document[pair.document].append(len(self.all))
                self.all.append(pair)
                self.names[pair.document] += perturb.entities(text)
            self.names[pair.source] += perturb.entities(pair.question)
            self.words[pair.document] += perturb.content_words(pair.question)
            self.words[pair.source] += perturb.content_words(pair.question)
        self._vectors = TfidfVectorizer(sublinear_tf=True, stop_words=sorted(perturb.STOP), dtype=np.float32)
        self._matrix = self._vectors.fit_transform(" ".join((p.context, *p.sentences)) for p in self.all)
        self.of_source: dict[str, list[int]] = defaultdict(list)
        for row, pair in enumerate(self.all):
            self.of_source[pair.source].append(row)

    def near(self, pair: Pair, rng: random.Random, *, same_document: bool, top: int) -> list[int]:
        """Rows of other passages near the question by weighted terms, of the same document or of others; shuffled."""
        if same_document:
            rows = [row for row in self.of_document[pair.document] if self.all[row].sentences != pair.sentences]
        else:
            rows = self.of_source[pair.source]
            if rng.random() < 0.25 or len(rows) < 50:
                rows = range(len(self.all))
            rows = [row for row in rng.sample(list(rows), min(len(rows), 1500)) if self.all[row].work != pair.work]
        if not rows:
            return []
        query = self._vectors.transform([pair.context + " " + pair.question])
        scores = (self._matrix[rows] @ query.T).toarray().ravel()
        best = [rows[k] for k in np.argsort(-scores, kind="stable")[:top]]
        rng.shuffle(best)
        return best


def likely(question: str, pair: Pair) -> list[int]:
    """Find the sentence that shares most words with the question: where an unanswerable one is most tempting."""
    asked = set(words(question)) - perturb.STOP
    shared = [len(asked & set(words(sentence))) for sentence in pair.sentences]
    return [max(range(len(shared)), key=shared.__getitem__)]


def window(pair: Pair, centre: Sequence[int], budget: int, rng: random.Random) -> list[int]:
    """Return indices of sentences around `centre` (all of it where it fits) of at most `budget` words."""
    sizes = [len(sentence.split()) for sentence in pair.sentences]
    low, high = min(centre), max(centre)
    if sum(sizes[low : high + 1]) > budget:
        low = high = rng.choice(list(centre))
    total = sum(sizes[low : high + 1])
    open_ends = {-1, 1}
    while open_ends:
        side = rng.choice(sorted(open_ends))
        near = low - 1 if side < 0 else high + 1
        if not 0 <= near < len(sizes) or total + sizes[near] > budget:
            open_ends.discard(side)
            continue
        total += sizes[near]
        low, high = min(low, near), max(high, near)
    return list(range(low, high + 1))
