"""Hits -> Evidence: every sentence of the best passages with the signals that it answers, and its probability."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from corpus.document import Chunk, Span
from embeddings.evidence import EvidencePassage, PassageEvidence
from rag.calibration import Linear
from rag.demands import Demands
from rag.library import Library
from rag.protocols import EvidenceModel, FloatArray
from rag.query import Query
from rag.reply import Hit

PASSAGES = 10
"""How many passages are read for sentences."""

_POINTER = "this|that|these|those|it|its|they|their|them|he|she|his|her|such|the former|the latter|the same"
_LEANS = re.compile(
    r"\W*(?:(?:however|moreover|furthermore|additionally|similarly|likewise|also|therefore|thus|hence|then|instead),?\s+)?"
    rf"(?:(?:in|by|for|with|through|during|of|at|under|from|on)\s+)?(?:{_POINTER}|both(?!(?:\s+\w+)+\s+and\b))\b"
    r"(?!\s+(?:who|whose|whom|with|that)\b)"
    r"(?!\s+is\s+(?:not\s+)?(?:known|important|possible|clear|likely|estimated|thought|believed)\s+that)",
    re.IGNORECASE,
)
_NOT_OF_THE_ANSWER = ("retrieval", "passage_similarity", "short", "question")
_LARGEST_LOGIT = 7.0
_DENIED, _UNLIKE = -1.0, 0.3  # log odds of the evidence, and a cosine, below which neither speaks for a sentence
_LARGEST_SHORT = 10.0


@dataclass(frozen=True, slots=True)
class Candidate:
    """A sentence that may answer: `number` counts the sentences of its chunk; `score` is the probability that it does.

    `emphasis` is the place in the document of a short answer within the sentence, None where the reader tells none for sure.
    """

    hit: Hit
    number: int
    score: float
    signals: Mapping[str, float]
    emphasis: Span | None = None

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

    A sentence that asks is left out: it answers nothing, however near it is to the question.

    `model` makes the score of the signals. With a `reader`, two of them are its log odds that the sentence answers and that
    its passage does.
    """
    hits = hits[:PASSAGES]
    weights = term_weights(library, query.terms)
    read = reader.score(query.text, [_passage(library, hit.chunk) for hit in hits]) if reader else [None] * len(hits)
    found = [
        Candidate(hit, i, model.probability(signals), signals, _emphasis(hit.chunk, passage, i))
        for hit, passage in zip(hits, read, strict=True)
        for i, signals in enumerate(_signals(library, query, hit, weights, passage))
        if not signals["question"]
    ]
    return sorted(found, key=lambda c: (-c.score, c.chunk.document_id, c.span))


def answer_signals(query: Query, found: Sequence[Candidate]) -> dict[str, float]:
    """Return the signals that the library answers `query` at all, from its candidates, at least one, best first."""
    best = found[0]
    signals = {
        "best": log_odds(best.score),
        "second": log_odds(found[1 if len(found) > 1 else 0].score),
        "nearest": max(c.signals["similarity"] for c in found),
        "nearest_passage": max(c.signals["passage_similarity"] for c in found),
        "most_evidence": max(c.signals.get("evidence", 0.0) for c in found),
        "most_short": max(c.signals.get("short_answer", 0.0) for c in found),
        "most_answerable": max(c.signals.get("answerable", 0.0) for c in found),
        "terms": float(np.log1p(len(query.terms))),
    }
    return signals | {name: value for name, value in best.signals.items() if name not in _NOT_OF_THE_ANSWER}


def has_witness(best: Candidate) -> bool:
    """Whether anything speaks for the best sentence: the evidence model, a term in common with its passage, or a near meaning.

    Where nothing does, all signals together are right too seldom (docs/decisions.md).
    """
    signals = best.signals
    return signals.get("evidence", 0.0) >= _DENIED or signals["passage_coverage"] > 0 or signals["similarity"] >= _UNLIKE


def term_weights(library: Library, terms: Iterable[str]) -> dict[str, float]:
    """Return each term's weight: its inverse document frequency in the library."""
    return {term: library.lexical.idf(term) for term in terms}


def leans_back(sentence: str) -> bool:
    """Whether `sentence` cannot stand alone: it opens by pointing at the sentence before it."""
    return bool(_LEANS.match(sentence))


def _emphasis(chunk: Chunk, read: PassageEvidence | None, number: int) -> Span | None:
    """Return where in the document the short answer within a sentence stands, if the reader tells one."""
    found = read.emphasis[number] if read else None
    return Span(*found).shifted(chunk.span.start) if found else None


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
    demands = Demands.of(query.asked, library.lexical.terms)
    shared = {
        "passage_missing": _missing(whole, weights, library),
        "passage_similarity": library.cosine_of(chunk, query.vector),
        "passage_coverage": _coverage(whole, weights),
        "retrieval": hit.score,
        **demands.own_signals(lambda term: term in library.lexical),
    } | ({"answerable": log_odds(read.answerable)} if read else {})
    for i, text in enumerate(texts):
        leaning = i > 0 and leans_back(text)
        vector = _unit(vectors[i] + vectors[i - 1]) if leaning else vectors[i]
        own = terms[i] | terms[i - 1] if leaning else terms[i]
        signals = shared | {
            "similarity": float(vector @ query.vector),
            "coverage": _coverage(own, weights),
            "context_coverage": _coverage(own | about, weights),
            "missing": _missing(own | about, weights, library),
            "short": float(len(text.split()) < 5),
            "question": float(text.endswith("?")),
            **demands.unmet(text, terms=own, passage_terms=whole),
        }
        yield signals | _read_signals(read, i)


def _read_signals(read: PassageEvidence | None, number: int) -> dict[str, float]:
    if read is None:
        return {}
    short = float(np.clip(read.short_answers[number], -_LARGEST_SHORT, _LARGEST_SHORT))
    return {"evidence": log_odds(read.sentences[number]), "short_answer": short}


def _coverage(found: set[str], weights: Mapping[str, float]) -> float:
    total = sum(weights.values())
    return sum(weight for term, weight in weights.items() if term in found) / total if total else 0.0


def _missing(found: set[str], weights: Mapping[str, float], library: Library) -> float:
    """Return the weight of the heaviest term that is not found, as a share of the heaviest weight that can be."""
    return max((weight for term, weight in weights.items() if term not in found), default=0.0) / library.lexical.idf("")


def _unit(vector: FloatArray) -> FloatArray:
    length = float(np.linalg.norm(vector))
    unit: FloatArray = vector / length if length else vector
    return unit


def log_odds(p: float) -> float:
    """Return the log odds, kept within bounds so that one signal alone decides nothing."""
    return float(np.clip(np.log(max(p, 1e-9) / max(1 - p, 1e-9)), -_LARGEST_LOGIT, _LARGEST_LOGIT))
