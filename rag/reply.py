"""The values of a reply: Hit, Citation, Answer, Refusal.

A Reply is an Answer or a Refusal; surfaces use `match` and `assert_never`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from corpus.document import Chunk, Span


class Reason(StrEnum):
    """Why a question is not answered."""

    NO_EVIDENCE = "no_evidence"
    OUT_OF_SCOPE = "out_of_scope"
    PERSONAL_ADVICE = "personal_advice"
    EMERGENCY = "emergency"
    INVALID_QUESTION = "invalid_question"


@dataclass(frozen=True, slots=True)
class Hit:
    """A retrieved chunk. `score` is the fused score in [0, 1], higher is better; ranks count from 1, None where not found."""

    chunk: Chunk
    score: float
    dense_rank: int | None = None
    lexical_rank: int | None = None


@dataclass(frozen=True, slots=True)
class Citation:
    """Where a quote stands: `quote == text[span.start:span.end]` of the document whose text has `document_sha256`."""

    number: int
    document_id: str
    title: str
    source: str
    section: str
    page: int | None
    span: Span
    quote: str
    document_sha256: str


def section_name(headings: Iterable[str]) -> str:
    """Return a path of headings as one line: "Risks › Early"."""
    return " › ".join(headings)


@dataclass(frozen=True, slots=True)
class AnswerSentence:
    """One sentence shown. `text` is the quote of each of its citations' first; `citations` are their numbers, never empty.

    `emphasis` is where in `text` a short answer stands, None where none was told for sure. `ValueError` when it reaches beyond.
    """

    text: str
    citations: tuple[int, ...]
    score: float
    emphasis: Span | None = None

    def __post_init__(self) -> None:
        if self.emphasis:
            self.emphasis.of(self.text)


@dataclass(frozen=True, slots=True)
class Trace:
    """How a reply came about: milliseconds per step ("retrieve", "answer", "total") and the library that served it."""

    library: str
    timings_ms: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Answer:
    """Verbatim sentences with their citations. `ValueError` when a sentence has no citation or names one that is not there.

    `note` says, in a fixed text, which part of the question the library does not answer; None when all of it is answered.
    """

    question: str
    sentences: tuple[AnswerSentence, ...]
    citations: tuple[Citation, ...]
    confidence: float
    trace: Trace
    note: str | None = None

    def __post_init__(self) -> None:
        by_number = {citation.number: citation for citation in self.citations}
        if not self.sentences or len(by_number) != len(self.citations):
            raise ValueError("an answer needs at least one sentence, and citations with numbers of their own")
        for sentence in self.sentences:
            if not sentence.citations or not by_number.keys() >= set(sentence.citations):
                raise ValueError(f"the sentence {sentence.text!r} has no citation, or one that is not there")
            if by_number[sentence.citations[0]].quote != sentence.text:
                raise ValueError(f"the sentence {sentence.text!r} is not the quote of its first citation")

    @property
    def text(self) -> str:
        """The sentences in order, each followed by its citation marks: "First. [1] Second. [2]"."""
        return " ".join(f"{s.text} {''.join(f'[{n}]' for n in s.citations)}" for s in self.sentences)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An honest "no": a reason and its fixed message. `nearest` are passages offered as reading, not as an answer."""

    question: str
    reason: Reason
    message: str
    nearest: tuple[Citation, ...]
    trace: Trace
    confidence: float = 0.0


Reply = Answer | Refusal
