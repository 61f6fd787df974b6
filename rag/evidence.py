"""Hits -> Evidence: every sentence of the best passages with the signals that it answers, and its probability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.document import Chunk, Span
from embeddings.evidence import EvidencePassage, PassageEvidence
from rag.calibration import Linear
from rag.library import Library
from rag.protocols import EvidenceModel, FloatArray
from rag.query import Query
from rag.reply import Hit

PASSAGES = 8
"""How many passages are read for sentences."""

_POINTER = "this|that|these|those|it|its|they|their|them|he|she|his|her|such|the former|the latter|the same"
_LEANS = re.compile(
    r"\W*(?:(?:however|moreover|furthermore|additionally|similarly|likewise|also|therefore|thus|hence|then|instead),?\s+)?"
    rf"(?:(?:in|by|for|with|through|during|of|at|under|from|on)\s+)?(?:{_POINTER}|both(?!(?:\s+\w+)+\s+and\b))\b"
    r"(?!\s+(?:who|whose|whom|with|that)\b)"
    r"(?!\s+is\s+(?:not\s+)?(?:known|important|possible|clear|likely|estimated|thought|believed)\s+that)",
    re.IGNORECASE,
)
_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december"
_SPANS_OF_TIME = "century|years?|months?|weeks?|days?|hours?|minutes?|decades?|early|late|before|after|during|since|until"
_NUMBERS = "one|two|three|four|five|six|seven|eight|nine|ten|half|third|dozen|hundred|thousand|million|percent"
_KINDS = tuple(
    (re.compile(asks, re.IGNORECASE), re.compile(answers))
    for asks, answers in (
        (
            r"\bwhen\b|\b(?:what|which) (?:year|date|century|month|day|decade|time)\b|\bhow long\b",
            rf"\b(?:1[0-9]{{3}}|20[0-9]{{2}})\b|(?i:\b(?:{_MONTHS}|{_SPANS_OF_TIME})\b)",
        ),
        (
            r"\bhow (?:many|much|often|large|big|high|old|far|tall)\b|\bwhat (?:percentage|number|proportion|share)\b",
            rf"\d|(?i:\b(?:{_NUMBERS})s?\b)",
        ),
        (r"\b(?:who|whom|whose|where|which (?:country|city|person|company))\b", r"(?<=[\w,;:)] )[A-Z]"),
        (
            r"\bwhy\b|\breasons?\b|\bcauses?\b",
            r"(?i:\b(?:because|due to|caus|leads?\b|led\b|result|since\b|so that|in order|reason))",
        ),
    )
)
"""What a question's word asks for, and what a sentence must hold to give it: a time, a number, a name, a cause."""


_FOCUS = re.compile(
    r"\b(?:which|what|how many|how much)\s+((?:\w+\s+){0,2}?\w{3,})"
    r"(?=\s+(?:\w+\s+)?(?:is|are|was|were|do|does|did|can|has|have)\b)",
    re.IGNORECASE,
)
_CARRIED = (
    *("similarity", "coverage", "context_coverage", "passage_coverage", "missing", "passage_missing", "focus", "kind"),
    *("evidence", "answerable"),
)
_LARGEST_LOGIT = 7.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer: `number` counts the sentences of its chunk; `score` is the probability that it does."""

    hit: Hit
    number: int
    score: float
    signals: Mapping[str, float]

    @property
    def chunk(self) -> Chunk:
        """The passage that the sentence stands in."""
        return self.hit.chunk

    @property
    def span(self) -> Span:
        """The sentence's place in its document."""
        return self.chunk.sentences[self.number]


def candidates(
    library: Library, query: Query, hits: Sequence[Hit], *, model: Linear, reader: EvidenceModel | None
) -> list[Candidate]:
    """Return every sentence of the first `PASSAGES` hits with its score, best first; among equals, the earlier one.

    `model` makes the score of the signals. With a `reader`, two of them are its log odds that the sentence answers and that
    its passage does.
    """
    hits = hits[:PASSAGES]
    weights = term_weights(library, query.terms)
    read = reader.score(query.text, [_passage(library, hit.chunk) for hit in hits]) if reader else [None] * len(hits)
    found = [
        Candidate(hit, i, model.probability(signals), signals)
        for hit, passage in zip(hits, read, strict=True)
        for i, signals in enumerate(_signals(library, query, hit, weights, passage))
    ]
    return sorted(found, key=lambda c: (-c.score, c.chunk.document_id, c.span))


def answer_signals(query: Query, found: Sequence[Candidate]) -> dict[str, float]:
    """Return the signals that the library answers `query` at all, from its candidates, at least one, best first."""
    best = found[0]
    signals = {
        "best": _logit(best.score),
        "second": _logit(found[1 if len(found) > 1 else 0].score),
        "nearest": max(c.signals["similarity"] for c in found),
        "nearest_passage": max(c.signals["passage_similarity"] for c in found),
        "most_answerable": max(c.signals.get("answerable", 0.0) for c in found),
        "terms": float(np.log1p(len(query.terms))),
    }
    return signals | {name: best.signals[name] for name in _CARRIED if name in best.signals}


def term_weights(library: Library, terms: Iterable[str]) -> dict[str, float]:
    """Return each term's weight: its inverse document frequency in the library."""
    return {term: library.lexical.idf(term) for term in terms}


def leans_back(sentence: str) -> bool:
    """Whether `sentence` cannot stand alone: it opens by pointing at the sentence before it."""
    return bool(_LEANS.match(sentence))


def _passage(library: Library, chunk: Chunk) -> EvidencePassage:
    document = library.documents[chunk.document_id]
    sentences = tuple((span.start - chunk.span.start, span.end - chunk.span.start) for span in chunk.sentences)
    return EvidencePassage(" > ".join((document.title, *chunk.headings)), chunk.span.of(document.text), sentences)


def _signals(
    library: Library, query: Query, hit: Hit, weights: Mapping[str, float], read: PassageEvidence | None
) -> Iterable[dict[str, float]]:
    """Yield the signals of each sentence of a passage. One that leans on the sentence before it is seen with that one."""
    chunk = hit.chunk
    document = library.documents[chunk.document_id]
    texts = [span.of(document.text) for span in chunk.sentences]
    vectors = library.sentences_of(chunk)
    about = set(library.lexical.terms(" ".join((document.title, *chunk.headings))))
    terms = [set(library.lexical.terms(text)) for text in texts]
    whole = about.union(*terms)
    focus = _focus(library, query)
    shared = {
        "passage_missing": _missing(whole, weights, library),
        "passage_similarity": library.cosine_of(chunk, query.vector),
        "passage_coverage": _coverage(whole, weights),
        "retrieval": hit.score,
    } | ({"answerable": _logit(read.answerable)} if read else {})
    for i, text in enumerate(texts):
        leaning = i > 0 and leans_back(text)
        vector = _unit(vectors[i] + vectors[i - 1]) if leaning else vectors[i]
        own = terms[i] | terms[i - 1] if leaning else terms[i]
        yield (
            shared
            | {
                "similarity": float(vector @ query.vector),
                "coverage": _coverage(own, weights),
                "context_coverage": _coverage(own | about, weights),
                "missing": _missing(own | about, weights, library),
                "focus": float(not focus or focus in own) - float(bool(focus) and focus not in whole),
                "kind": answer_kind(query.text, text),
                "short": float(len(text.split()) < 5),
                "question": float(text.endswith("?")),
            }
            | ({"evidence": _logit(read.sentences[i])} if read else {})
        )


def answer_kind(question: str, sentence: str) -> float:
    """Return 1 when `sentence` holds the kind of thing that `question` asks for, -1 when not, 0 when none is asked for."""
    for asks, answers in _KINDS:
        if asks.search(question):
            return 1.0 if answers.search(sentence) else -1.0
    return 0.0


def _coverage(found: set[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in found) / total if total else 0.0


def _missing(found: set[str], weights: Mapping[str, float], library: Library) -> float:
    """Return the weight of the heaviest term that is not found, as a share of the heaviest weight that can be."""
    return max((weight for term, weight in weights.items() if term not in found), default=0.0) / library.lexical.idf("")


def _focus(library: Library, query: Query) -> str:
    """Return the term right after the question's word ("which genes", "how many patients"): what is asked for. Or nothing."""
    match = _FOCUS.search(query.asked)
    terms = library.lexical.terms(match.group(1)) if match else []
    return terms[-1] if terms else ""


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    unit: FloatArray = vector / length if length else vector
    return unit


def _logit(p: float) -> float:
    """Return the log odds, kept within bounds so that one signal alone decides nothing."""
    return float(np.clip(np.log(max(p, 1e-9) / max(1 - p, 1e-9)), -_LARGEST_LOGIT, _LARGEST_LOGIT))
