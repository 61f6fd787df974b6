"""How sure a short answer must be to be marked: fitted on held-out pairs, measured on squad2_dev.

A mark counts by its word F1 with the nearest annotated answer (as in SQuAD: lower case, no articles, no punctuation); where
the source annotates none, it counts 0. So what a definition or a list gets marked tells against the mark.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embeddings.emphasis import whole_words
from embeddings.evidence import EvidencePassage, OnnxEvidenceModel

TARGET = 0.75
"""Mean word F1 of what is marked on held-out pairs. On squad2_dev, where every answer is annotated, it is about 0.9."""
FEWEST = 20  # marks that a mean is taken of
RIGHT = 0.8  # word F1 from which a mark is right

_WORD = re.compile(r"\w+")
_ARTICLES = frozenset({"a", "an", "the"})


@dataclass(frozen=True, slots=True)
class Mark:
    """The short answer in the sentence most likely to answer: how sure it is, and its word F1."""

    certainty: float
    f1: float


def word_f1(one: str, other: str) -> float:
    first, second = ([w for w in _WORD.findall(text.lower()) if w not in _ARTICLES] for text in (one, other))
    both = sum((Counter(first) & Counter(second)).values())
    return 2 * both / (len(first) + len(second)) if both else float(first == second)


def mark(model: OnnxEvidenceModel, question: str, passage: EvidencePassage, answers: Sequence[str]) -> Mark | None:
    """Return the mark that the best sentence would get if any certainty did; None where it has no short answer."""
    windows = model.logits(question, [passage])[0]
    best = max(((w.sentences[k], start + k, w.spans[k]) for start, w in windows for k in range(len(w.sentences))), key=_first)
    _, number, found = best
    start, end = passage.sentences[number]
    place = whole_words(passage.text[start:end], found) if found else None
    if found is None or place is None:
        return None
    text = passage.text[start + place[0] : start + place[1]]
    return Mark(found.certainty, max((word_f1(text, answer) for answer in answers), default=0.0))


def _first(row: tuple[float, int, object]) -> float:
    return row[0]


def fit_emphasis(marks: Sequence[Mark | None]) -> float:
    """Return the least certainty at which what is marked has a mean F1 of TARGET or more; 0, so none, where there is none."""
    sure = sorted((m for m in marks if m), key=lambda m: -m.certainty)
    means = np.cumsum([m.f1 for m in sure]) / np.arange(1, len(sure) + 1)
    enough = [k for k in range(FEWEST - 1, len(sure)) if means[k] >= TARGET]
    return round(sure[enough[-1]].certainty, 4) if enough else 0.0


def report_emphasis(marks: Sequence[Mark | None], least: float) -> dict[str, float]:
    """Return the share of questions with a mark, the marks' mean F1, and the share of those that are right."""
    made = [m.f1 for m in marks if m and least <= m.certainty < 0]
    values = {"questions": len(marks), "marked": len(made) / max(1, len(marks))}
    if made:
        values |= {"F1": float(np.mean(made)), "right": float(np.mean([f1 >= RIGHT for f1 in made]))}
    return {name: round(value, 4) for name, value in values.items()}
