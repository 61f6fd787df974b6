"""A hand-made library of three documents and an assistant whose replies are written down, for the tests of evaluation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from corpus.document import Chunk, Document, Span
from rag.reply import Answer, AnswerSentence, Citation, Hit, Reason, Refusal, Reply, Trace

TEXTS = {
    "cells": "Stem cells can renew themselves. They become other cells. Marrow holds them.",
    "risks": "Infection is a risk. Graft disease is another risk.",
    "copy": "Marrow holds them. Nothing else is said.",
}


def split(text: str) -> tuple[Span, ...]:
    """Sentences end with a full stop and a blank."""
    spans, start = [], 0
    for sentence in text.split(". "):
        end = min(start + len(sentence) + 1, len(text))
        if end > start:
            spans.append(Span(start, end))
        start = end + 1
    return tuple(spans)


@dataclass(frozen=True)
class Library:
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
    fingerprint: str = "fingerprint"

    @classmethod
    def of(cls, texts: Mapping[str, str]) -> Library:
        """One chunk per sentence."""
        documents = {name: Document.create(text, title=name, source=f"{name}.txt", id=name) for name, text in texts.items()}
        chunks = tuple(Chunk.create(d, (s,), d.sections[0]) for d in documents.values() for s in split(d.text))
        return cls(documents, chunks)

    def cite(self, number: int, name: str, sentence: int) -> Citation:
        document = self.documents[name]
        span = split(document.text)[sentence]
        return Citation(number, name, name, "", "", None, span, span.of(document.text), document.sha256)

    def answer(self, *places: tuple[str, int], confidence: float = 0.9, scores: Sequence[float] = (), ms: float = 10) -> Answer:
        """Answer with these sentences; without scores the first is the best."""
        citations = tuple(self.cite(number, *place) for number, place in enumerate(places, 1))
        marks = scores or [1 - number / 10 for number in range(len(places))]
        sentences = tuple(AnswerSentence(c.quote, (c.number,), s) for c, s in zip(citations, marks, strict=True))
        return Answer("?", sentences, citations, confidence, trace(ms))

    def refusal(self, reason: Reason, *nearest: tuple[str, int], confidence: float = 0.1, ms: float = 10) -> Refusal:
        citations = tuple(self.cite(number, *place) for number, place in enumerate(nearest, 1))
        return Refusal("?", reason, "No.", citations, trace(ms), confidence)

    def hits(self, *places: tuple[str, int]) -> list[Hit]:
        by_start = {(c.document_id, c.span.start): c for c in self.chunks}
        chunks = [by_start[name, split(self.documents[name].text)[sentence].start] for name, sentence in places]
        return [Hit(chunk, 1 / rank) for rank, chunk in enumerate(chunks, 1)]


def trace(ms: float) -> Trace:
    return Trace("fingerprint", {"retrieve": ms / 2, "answer": ms / 2, "total": ms})


@dataclass
class Assistant:
    """Gives the reply and the hits that are written down for a question."""

    library: Library
    replies: Mapping[str, Reply] = field(default_factory=dict)
    found: Mapping[str, list[Hit]] = field(default_factory=dict)

    def ask(self, question: str) -> Reply:
        return self.replies[question]

    def search(self, question: str, k: int = 10) -> list[Hit]:
        return self.found.get(question, [])[:k]
