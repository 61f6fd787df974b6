"""The one JSON form of a reply: the same over HTTP, in the terminal and in a file.

Offsets count code points of the document's normalised text. Importing this module imports neither fastapi nor gradio.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Literal, assert_never
from urllib.parse import quote, urlencode

from pydantic import BaseModel, ConfigDict, Field
from pydantic.config import JsonDict

from corpus.document import Document, Span
from rag.reply import Answer, AnswerSentence, Citation, Hit, Reason, Refusal, Reply, Trace, section_name

TEXT_DIGITS = 12
"""How many digits of a text's SHA-256 a link holds, to tell the text that it was made for from a later one."""


class WireModel(BaseModel):
    """Frozen, and strict about names: a field that is not in the form is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class WireEmphasis(WireModel):
    """A stretch of a sentence's `text`."""

    start: int = Field(description="First code point, counted from 0.")
    end: int = Field(description="The code point after its last.")


class WireSentence(WireModel):
    """One sentence of an answer, word for word as its first citation's document has it."""

    text: str
    citations: list[int] = Field(description="Numbers of the citations; the first is where the sentence was taken from.")
    score: float = Field(description="Probability, 0 to 1, that the sentence answers the question.")
    emphasis: WireEmphasis | None = Field(description="Where in the sentence a short answer stands, if one was told for sure.")


class WireCitation(WireModel):
    """Where a quote stands: `quote` is characters `start` to `end` of the document's normalised text."""

    number: int
    document_id: str
    document_sha256: str = Field(description="SHA-256 of the document's normalised text in UTF-8.")
    title: str
    source: str
    section: str
    page: int | None
    start: int = Field(description="First code point of the quote, counted from 0.")
    end: int = Field(description="The code point after its last.")
    quote: str
    url: str = Field(description="Path of the page that shows the source with the quote marked.")


class WireTimings(WireModel):
    """Milliseconds; 0 for a step that was not needed."""

    retrieve: float = 0.0
    answer: float = 0.0
    total: float = 0.0


_EXAMPLE: JsonDict = {
    "id": "3f2a9c41d07be586",
    "kind": "answer",
    "question": "From which sources can stem cells be obtained?",
    "text": "Stem cells can be obtained from various sources, among them adult tissues, "
    "umbilical cord blood and embryonic tissue. [1]",
    "sentences": [
        {
            "text": "Stem cells can be obtained from various sources, among them adult tissues, "
            "umbilical cord blood and embryonic tissue.",
            "citations": [1],
            "score": 0.97,
            "emphasis": {"start": 60, "end": 116},
        }
    ],
    "citations": [
        {
            "number": 1,
            "document_id": "what-stem-cells-are",
            "document_sha256": "0" * 64,
            "title": "What stem cells are",
            "source": "what-stem-cells-are.md",
            "section": "Where stem cells are taken from",
            "page": None,
            "start": 365,
            "end": 482,
            "quote": "Stem cells can be obtained from various sources, among them adult tissues, "
            "umbilical cord blood and embryonic tissue.",
            "url": "/documents/what-stem-cells-are?start=365&end=482&text=000000000000#cited",
        }
    ],
    "confidence": 0.97,
    "reason": None,
    "message": None,
    "note": None,
    "nearest": [],
    "library": "7d1c0b52e9a84f36",
    "timings_ms": {"retrieve": 6.1, "answer": 2.4, "total": 8.6},
}


class WireReply(WireModel):
    """A reply. An answer has sentences and citations; a refusal has a reason, a message and perhaps passages to read."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    kind: Literal["answer", "refusal"]
    question: str
    text: str = Field(description='The sentences with citation marks, "First. [1] Second. [2]"; for a refusal, its message.')
    sentences: list[WireSentence]
    citations: list[WireCitation]
    confidence: float = Field(ge=0, le=1)
    reason: Reason | None
    message: str | None
    note: str | None = Field(default=None, description="Which part of the question the library does not answer.")
    nearest: list[WireCitation] = Field(description="Of a refusal: passages offered as reading, not as an answer.")
    library: str = Field(description="Fingerprint of the library that served the reply.")
    timings_ms: WireTimings


class WireHit(WireModel):
    """A passage found by a search, best first; `score` is 0 to 1, higher is better."""

    document_id: str
    chunk_id: str
    start: int
    end: int
    score: float
    title: str
    section: str
    text: str
    url: str


class WireHits(WireModel):
    """The passages that a search found."""

    id: str
    hits: list[WireHit]


def document_path(document_id: str, span: Span | None = None, *, sha256: str = "") -> str:
    """Return the path of the page that shows a document, with `span` marked when one is given.

    `sha256` is that of the text that the span counts in: of another text the page marks nothing.
    """
    path = f"/documents/{quote(document_id, safe='')}"
    if span is None:
        return path
    text = {"text": sha256[:TEXT_DIGITS]} if sha256 else {}
    return f"{path}?{urlencode({'start': span.start, 'end': span.end, **text})}#cited"


def reply_id(question: str, *, library: str) -> str:
    """Return a digest of library and question, 16 hexadecimal digits: the same question to the same library has the same id."""
    return hashlib.sha256(f"{library}\n{question}".encode("utf-8", "surrogatepass")).hexdigest()[:16]


def to_wire(reply: Reply, *, id: str | None = None) -> WireReply:
    """Return the JSON form of `reply`; without an `id` it is `reply_id` of its question."""
    match reply:
        case Answer():
            return WireReply(
                id=id or reply_id(reply.question, library=reply.trace.library),
                kind="answer",
                question=reply.question,
                text=reply.text,
                sentences=[_sentence(sentence) for sentence in reply.sentences],
                citations=[_citation(citation) for citation in reply.citations],
                confidence=reply.confidence,
                reason=None,
                message=None,
                note=reply.note,
                nearest=[],
                library=reply.trace.library,
                timings_ms=_timings(reply.trace),
            )
        case Refusal():
            return WireReply(
                id=id or reply_id(reply.question, library=reply.trace.library),
                kind="refusal",
                question=reply.question,
                text=reply.message,
                sentences=[],
                citations=[],
                confidence=reply.confidence,
                reason=reply.reason,
                message=reply.message,
                nearest=[_citation(citation) for citation in reply.nearest],
                library=reply.trace.library,
                timings_ms=_timings(reply.trace),
            )
        case _:
            assert_never(reply)


def hits_to_wire(hits: Iterable[Hit], *, id: str, documents: Mapping[str, Document]) -> WireHits:
    """Return the JSON form of a search's hits; `documents` are the library's, and hold every hit's document."""
    return WireHits(id=id, hits=[_hit(hit, documents[hit.chunk.document_id]) for hit in hits])


def _sentence(sentence: AnswerSentence) -> WireSentence:
    bold = WireEmphasis(start=found.start, end=found.end) if (found := sentence.emphasis) else None
    return WireSentence(text=sentence.text, citations=list(sentence.citations), score=sentence.score, emphasis=bold)


def _citation(citation: Citation) -> WireCitation:
    return WireCitation(
        number=citation.number,
        document_id=citation.document_id,
        document_sha256=citation.document_sha256,
        title=citation.title,
        source=citation.source,
        section=citation.section,
        page=citation.page,
        start=citation.span.start,
        end=citation.span.end,
        quote=citation.quote,
        url=document_path(citation.document_id, citation.span, sha256=citation.document_sha256),
    )


def _timings(trace: Trace) -> WireTimings:
    return WireTimings(**{name: trace.timings_ms.get(name, 0.0) for name in WireTimings.model_fields})


def _hit(hit: Hit, document: Document) -> WireHit:
    chunk = hit.chunk
    return WireHit(
        document_id=chunk.document_id,
        chunk_id=chunk.id,
        start=chunk.span.start,
        end=chunk.span.end,
        score=hit.score,
        title=document.title,
        section=section_name(chunk.headings),
        text=chunk.span.of(document.text),
        url=document_path(document.id, chunk.span, sha256=document.sha256),
    )
