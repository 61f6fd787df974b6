"""The values of text: Span, Section, Document, Chunk.

All offsets count code points of `Document.text`, which is normalised once, in loading, and never again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

Meta = Mapping[str, str | tuple[str, ...]]

_NO_META: Meta = MappingProxyType({})


def text_sha256(text: str) -> str:
    """Return the SHA-256 of `text` in UTF-8, in hexadecimal: 64 characters."""
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A half-open range of code points. `ValueError` unless 0 <= start < end."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start

    def of(self, text: str) -> str:
        """Return the slice of `text`. `ValueError` when the span reaches beyond it."""
        if self.end > len(text):
            raise ValueError(f"span [{self.start}, {self.end}) reaches beyond a text of {len(text)} characters")
        return text[self.start : self.end]

    def shifted(self, offset: int) -> Span:
        """Return this span moved by `offset` code points."""
        return Span(self.start + offset, self.end + offset)

    def covers(self, other: Span) -> bool:
        """Whether `other` lies wholly inside this span."""
        return self.start <= other.start and other.end <= self.end


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of body text under one path of headings.

    `span` holds the prose and not the heading line itself. `page` counts from 1 and is None where the format has no pages.
    """

    span: Span
    headings: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """One text of the library. Make it with `Document.create`, which computes the hash and, where none is given, the id.

    `sections` are disjoint, in reading order, and lie inside `text`; only text inside a section is ever quoted.
    """

    id: str
    title: str
    source: str
    text: str
    sha256: str
    meta: Meta = field(default_factory=lambda: _NO_META)  # Python 3.11 takes no mappingproxy as a default
    sections: tuple[Section, ...] = ()

    def __post_init__(self) -> None:
        end = 0
        for section in self.sections:
            if section.span.start < end or section.span.end > len(self.text):
                raise ValueError(f"document {self.id!r}: section {section.span} overlaps its neighbour or leaves the text")
            end = section.span.end

    @classmethod
    def create(  # noqa: PLR0913 -- a document has that many facts, all but one by keyword
        cls,
        text: str,
        *,
        title: str,
        source: str,
        id: str | None = None,
        meta: Meta = _NO_META,
        sections: tuple[Section, ...] | None = None,
    ) -> Document:
        """Make a document of normalised `text`. Without an `id` it is the first 16 digits of the text's SHA-256.

        Without `sections` the whole text is one.
        """
        digest = text_sha256(text)
        if sections is None:
            sections = (Section(Span(0, len(text))),) if text else ()
        return cls(id or digest[:16], title, source, text, digest, MappingProxyType(dict(meta)), sections)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Whole sentences of one section, retrieved together. `sentences` are spans of the document, inside `span`."""

    id: str
    document_id: str
    span: Span
    sentences: tuple[Span, ...]
    headings: tuple[str, ...] = ()
    page: int | None = None

    @classmethod
    def create(cls, document: Document, sentences: tuple[Span, ...], section: Section) -> Chunk:
        """Make a chunk of at least one sentence; its id is derived from document id and span, never random."""
        span = Span(sentences[0].start, sentences[-1].end)
        return cls(f"{document.id}:{span.start}-{span.end}", document.id, span, sentences, section.headings, section.page)
