"""The composition root: picks the concrete parts, and answers questions with them."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from types import MappingProxyType

from embeddings.encoder import open_embedder
from embeddings.evidence import open_evidence_model
from rag.calibration import EVIDENCE, SIMILARITY, Calibration
from rag.cite import check, cite
from rag.compose import MAX_SENTENCES, choose, render
from rag.evidence import PASSAGES, Candidate, answer_signals, candidates, has_witness
from rag.extract import Extractor
from rag.guard import has_words, screen
from rag.library import Library
from rag.messages import MESSAGES, too_long, unanswered
from rag.protocols import Embedder, EvidenceModel
from rag.query import Query, queries, whole_query
from rag.reply import Answer, Citation, Hit, Reason, Refusal, Reply, Trace
from rag.retrieve import collapse, retrieve, wording
from rag.settings import Settings
from stemqa import LibraryError

_BREADTH = 3 * PASSAGES
"""How many chunks are retrieved: enough that `PASSAGES` are left when those that say the same are collapsed."""


@dataclass(frozen=True, slots=True)
class _Reading:
    """What was found for one part of a question: the probabilities that it is on the library's subject, and that, if it is, it
    is answered.
    """

    query: Query
    hits: tuple[Hit, ...]
    found: tuple[Candidate, ...]
    subject: float
    answer: float

    @property
    def confidence(self) -> float:
        """The probability that the library answers it."""
        return self.subject * self.answer


@dataclass(frozen=True, slots=True)
class Assistant:
    """A library that can be asked. Safe to use from several threads."""

    library: Library
    reader: EvidenceModel | None = None
    max_question_chars: int = 2000

    @property
    def calibration(self) -> Calibration:
        """The library's calibration for the way in which evidence is found."""
        return self.library.calibrations[EVIDENCE if self.reader else SIMILARITY]

    @property
    def extractor(self) -> Extractor:
        """What reads passages that are not the library's, with the same models."""
        return Extractor(self.library.embedder, self.reader)

    @classmethod
    def open(cls, settings: Settings) -> Assistant:
        """Open `settings.library` and load its models. `LibraryError` or `ModelError` when that cannot be done."""
        return cls._with_models(settings, *_models(settings))

    def reopened(self, settings: Settings) -> Assistant:
        """Open `settings.library` as it is now, with the models that are loaded already. `LibraryError` as `open`."""
        return self._with_models(settings, self.library.embedder, self.reader, before=self.library)

    @classmethod
    def _with_models(
        cls, settings: Settings, embedder: Embedder, reader: EvidenceModel | None, *, before: Library | None = None
    ) -> Assistant:
        library = Library.open(settings.library, embedder, before=before)
        if reader and (EVIDENCE not in library.calibrations or library.manifest["evidence"]["sha256"] != reader.sha256):
            raise LibraryError(
                f"the library {settings.library} holds no calibration for this evidence model; "
                f"bring it up to date with: stemqa index --library {settings.library}"
            )
        return cls(library, reader, settings.max_question_chars)

    def ask(self, question: str) -> Reply:
        """Answer `question` with cited sentences, or refuse. Every quote is checked against its source before it leaves."""
        started = perf_counter()
        question = unicodedata.normalize("NFC", question).strip()
        reason = screen(question, max_chars=self.max_question_chars, embedder=self.library.embedder)
        if reason in {Reason.INVALID_QUESTION, Reason.EMERGENCY}:
            refusal = _refusal(question, reason)
            if len(question) > self.max_question_chars:
                refusal = replace(refusal, message=too_long(self.max_question_chars))
            return self._timed(refusal, started, started)
        parts = [whole_query(self.library, question)] if reason else queries(self.library, question)
        readings = [self._read(query) for query in parts]
        retrieved = perf_counter()
        reply = self._decide(question, reason, readings)
        check(self.library, reply)
        return self._timed(reply, started, retrieved)

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """Return the at most `k` best passages, best first; of passages that say the same, the best one."""
        query = whole_query(self.library, unicodedata.normalize("NFC", question).strip())
        if not has_words(question):
            return []
        hits = retrieve(self.library, query.text, query.vector, 3 * k)
        return [group[0] for group in collapse(self.library, hits)][:k]

    def _read(self, query: Query) -> _Reading:
        hits = tuple(retrieve(self.library, query.text, query.vector, _BREADTH))
        distinct = [group[0] for group in collapse(self.library, hits)]
        calibration = self.calibration
        found = tuple(candidates(self.library, query, distinct, model=calibration.sentence, reader=self.reader))
        if not found:
            return _Reading(query, hits, (), 0.0, 0.0)
        signals = answer_signals(query, found)
        answer = calibration.answer.probability(signals) if has_witness(found[0]) else 0.0
        return _Reading(query, hits, found, calibration.subject.probability(signals), answer)

    def _decide(self, question: str, reason: Reason | None, readings: Sequence[_Reading]) -> Reply:
        """Answer or refuse: the one place where that is decided."""
        calibration = self.calibration
        confidence = max(reading.confidence for reading in readings)
        on_subject = [r for r in readings if r.subject >= calibration.scope]
        answered = [r for r in on_subject if r.found and r.answer >= calibration.threshold]
        if reason is None and not answered:
            reason = Reason.NO_EVIDENCE if on_subject else Reason.OUT_OF_SCOPE
        if reason is not None:
            nearest = self._nearest(readings) if on_subject else ()
            return replace(_refusal(question, reason), nearest=nearest, confidence=confidence)
        choices = choose(self.library, [reading.found for reading in answered])
        sentences, citations = render(self.library, choices, (hit for r in answered for hit in r.hits))
        missed = [r.query.typed for r in readings if r not in answered]
        note = unanswered(missed[0]) if missed else None
        return Answer(question, sentences, citations, min(r.confidence for r in answered), Trace(""), note)

    def _nearest(self, readings: Sequence[_Reading]) -> tuple[Citation, ...]:
        """Cite the sentences nearest to the question as reading: one of each passage, none that says what another says."""
        found = sorted((c for reading in readings for c in reading.found), key=lambda c: -c.score)
        passages: dict[str, Candidate] = {}
        distinct: dict[tuple[str, ...], Candidate] = {}
        for candidate in found:
            passages.setdefault(candidate.chunk.id, candidate)
        for candidate in passages.values():
            text = self.library.documents[candidate.chunk.document_id].text
            distinct.setdefault(wording(candidate.span.of(text)), candidate)
        chosen = list(distinct.values())[:MAX_SENTENCES]
        return tuple(cite(self.library, c.chunk, c.span, number=i) for i, c in enumerate(chosen, start=1))

    def _timed(self, reply: Reply, started: float, retrieved: float) -> Reply:
        now = perf_counter()
        steps = {"retrieve": retrieved - started, "answer": now - retrieved, "total": now - started}
        timings = {step: round(seconds * 1000, 3) for step, seconds in steps.items()}
        return replace(reply, trace=Trace(self.library.fingerprint, MappingProxyType(timings)))


def open_extractor(settings: Settings) -> Extractor:
    """Open what reads passages; no library is needed. `ModelError` when the models cannot be loaded."""
    return Extractor(*_models(settings))


def _models(settings: Settings) -> tuple[Embedder, EvidenceModel | None]:
    embedder = open_embedder(settings.model, threads=settings.threads)
    return embedder, open_evidence_model(threads=settings.threads) if settings.evidence == "on" else None


def _refusal(question: str, reason: Reason) -> Refusal:
    return Refusal(question, reason, MESSAGES[reason], (), Trace(""))
