"""Question and passages -> Extraction: which sentences of passages that somebody brings answer, and whether any does.

    passages -> sentences -> signals -> probabilities -> the sentences worth showing

No library is needed, and no question is refused: this tells what the passages hold, and is no reply to a reader. Passages are
judged in the normal form that documents have; spans count the code points of each passage as it was given.
"""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any

from corpus.document import Span
from corpus.given import Given
from corpus.sentences import split_sentences
from embeddings.evidence import EvidencePassage
from embeddings.spelling import rarity
from embeddings.terms import STOP_WORDS, Stems, words
from rag.calibration import EVIDENCE, SIMILARITY, Linear
from rag.evidence import log_odds
from rag.guard import has_words
from rag.protocols import Embedder, EvidenceModel

_POOLED = ("answerable", "similarity")

Signals = Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Extract:
    """A sentence that answers: where it stands in the numbered passage as given, and the probability that it answers."""

    passage: int
    span: Span
    score: float


@dataclass(frozen=True, slots=True)
class Extraction:
    """What the passages hold: the probability that anything in them answers, and the sentences worth showing, best first."""

    answerable: float
    spans: tuple[Extract, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a passage, its place as given, and the signals that it answers."""

    passage: int
    span: Span
    signals: Signals


@dataclass(frozen=True, slots=True)
class ExtractCalibration:
    """What turns signals into an extraction; all of it fitted by `training/extraction.py`, as `origin` says on what.

    `sentence` gives the probability that a sentence answers, `answer` that anything in all passages together does. A sentence
    is worth showing when its probability is at least `keep` of the best one's, and `answer`'s is at least `threshold`.
    """

    sentence: Linear
    answer: Linear
    keep: float
    threshold: float
    origin: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> ExtractCalibration:
        """Read what `to_json` gave."""
        linear = {name: Linear(dict(values[name]["weights"]), values[name]["intercept"]) for name in ("sentence", "answer")}
        return cls(**linear, keep=values["keep"], threshold=values["threshold"], origin=values["origin"])

    def judge(self, found: Sequence[Sentence]) -> Extraction:
        """Judge all sentences of the passages; among equals, the earlier one stands first."""
        scored = [Extract(s.passage, s.span, self.sentence.probability(s.signals)) for s in found]
        scored.sort(key=lambda e: (-e.score, e.passage, e.span))
        if not scored:
            return Extraction(0.0, ())
        answerable = self.answer.probability(pooled(found, best=scored[0].score))
        shown = [e for e in scored if e.score >= self.keep * scored[0].score and answerable >= self.threshold]
        return Extraction(answerable, tuple(shown))


@cache
def default_extract_calibrations() -> Mapping[str, ExtractCalibration]:
    """Return the calibrations that the project ships for each way to find evidence; from `rag/extraction.json`."""
    values = json.loads((resources.files("rag") / "extraction.json").read_text(encoding="utf-8"))
    return MappingProxyType({way: ExtractCalibration.from_json(value) for way, value in values.items()})


@dataclass(frozen=True, slots=True)
class Extractor:
    """Reads passages with the trained model or, without a `reader`, by similarity. Safe to use from several threads."""

    embedder: Embedder
    reader: EvidenceModel | None

    def extract(self, question: str, passages: Sequence[str]) -> Extraction:
        """Return what `passages` hold for `question`: nothing where nothing is asked or nothing is said."""
        calibration = default_extract_calibrations()[EVIDENCE if self.reader else SIMILARITY]
        return calibration.judge(self.sentences(question, passages))

    def sentences(self, question: str, passages: Sequence[str]) -> list[Sentence]:
        """Return every sentence of `passages` with its signals, in order."""
        question = unicodedata.normalize("NFC", question).strip()
        if not has_words(question):
            return []
        given = [Given.of(passage) for passage in passages]
        spans = [split_sentences(g.text, Span(0, len(g.text))) if g.text else () for g in given]
        read = [EvidencePassage("", g.text, tuple((s.start, s.end) for s in own)) for g, own in zip(given, spans, strict=True)]
        signals = self._by_model(question, read) if self.reader else self._by_similarity(question, read)
        places = [(number, g.span(span)) for number, (g, own) in enumerate(zip(given, spans, strict=True)) for span in own]
        return [Sentence(number, span, own) for (number, span), own in zip(places, signals, strict=True) if span]

    def _by_model(self, question: str, passages: Sequence[EvidencePassage]) -> list[Signals]:
        assert self.reader
        read = self.reader.score(question, passages)
        best = log_odds(max((p for found in read for p in found.sentences), default=0.0))
        return [
            {"evidence": log_odds(p), "behind": best - log_odds(p), "answerable": log_odds(found.answerable)}
            for found in read
            for p in found.sentences
        ]

    def _by_similarity(self, question: str, passages: Sequence[EvidencePassage]) -> list[Signals]:
        texts = [passage.text[start:end] for passage in passages for start, end in passage.sentences]
        cosines = (self.embedder.embed_passages(texts) @ self.embedder.embed_query(question)).tolist()
        best = max(cosines, default=0.0)
        return [
            {"similarity": cosine, "behind": best - cosine, "coverage": coverage}
            for cosine, coverage in zip(cosines, _coverages(question, texts), strict=True)
        ]


def pooled(found: Sequence[Sentence], *, best: float) -> Signals:
    """Return the signals that anything answers, of all sentences, at least one; `best` is the highest score of one.

    Passages are pooled by the strongest of each signal and by how many they are, not as independent chances (noisy or):
    those that are brought together speak of one subject, and where one misleads, its neighbours do so too.
    """
    highest = {f"most_{name}": max(s.signals[name] for s in found) for name in _POOLED if name in found[0].signals}
    return {"best": log_odds(best), "passages": math.log(len({s.passage for s in found})), **highest}


def _coverages(question: str, texts: Sequence[str]) -> Iterator[float]:
    """Yield each text's share of the question's terms, each term counting as much as it is rare in English."""
    terms = Stems().terms
    weights = {term: rarity(word) for word in words(question) if word not in STOP_WORDS for term in terms(word)}
    total = sum(weights.values())
    for text in texts:
        held = set(terms(text))
        yield sum(weight for term, weight in weights.items() if term in held) / total if total else 0.0
