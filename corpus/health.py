"""What may be wrong with documents before anybody asks about them: one finding for each kind, with the first examples.

Nothing is changed, and a finding need not be a fault: a glossary has short passages, and a leaflet may be in two languages.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, islice
from pathlib import PurePosixPath

from corpus.document import Chunk, Document, Section, Span
from corpus.duplicates import near_duplicates, words_of
from corpus.language import foreign

SHORT_WORDS = 5
"""A passage of fewer words rarely says anything by itself."""
LONG_WORDS = 240
"""A passage of more words is twice as long as passages are made: it holds a sentence without end, a table or a list."""
_REPLACED = re.compile("\N{REPLACEMENT CHARACTER}+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where something was found. `page` and `span` are None where it is the whole document; `note` says what was seen."""

    document_id: str
    source: str
    page: int | None
    span: Span | None
    note: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One kind of thing that may be wrong: how often, and the first places."""

    name: str
    meaning: str
    count: int
    examples: tuple[Place, ...]


@dataclass(frozen=True, slots=True)
class _Corpus:
    documents: Sequence[Document]
    chunks: Sequence[Chunk]
    by_id: Mapping[str, Document]

    def text(self, chunk: Chunk) -> str:
        return chunk.span.of(self.by_id[chunk.document_id].text)

    def place(self, chunk: Chunk, note: str, span: Span | None = None) -> Place:
        document = self.by_id[chunk.document_id]
        return Place(document.id, document.source, chunk.page, span or chunk.span, note)


def examine(documents: Sequence[Document], chunks: Sequence[Chunk], *, examples: int = 5) -> tuple[Finding, ...]:
    """Return a finding for each kind, in a fixed order, also where nothing was found. `chunks` are those of `documents`."""
    corpus = _Corpus(documents, chunks, {document.id: document for document in documents})
    return tuple(_finding(name, meaning, look(corpus), examples) for name, (meaning, look) in _KINDS.items())


def _finding(name: str, meaning: str, places: Iterable[Place], examples: int) -> Finding:
    rest = iter(places)
    first = tuple(islice(rest, examples))
    return Finding(name, meaning, len(first) + sum(1 for _ in rest), first)


def _same_documents(corpus: _Corpus) -> Iterator[Place]:
    first: dict[str, str] = {}
    for document in corpus.documents:
        other = first.setdefault(document.sha256, document.id)
        if other != document.id:
            yield _whole(document, f"has the text of {other}")


def _same_passages(corpus: _Corpus) -> Iterator[Place]:
    first: dict[str, Chunk] = {}
    for chunk in corpus.chunks:
        other = first.setdefault(words_of(corpus.text(chunk)), chunk)
        if other is not chunk:
            yield corpus.place(chunk, f"says the same as {other.id}")


def _near_passages(corpus: _Corpus) -> Iterator[Place]:
    distinct: dict[str, Chunk] = {}
    for chunk in corpus.chunks:
        distinct.setdefault(words_of(corpus.text(chunk)), chunk)
    chunks = list(distinct.values())
    for earlier, later, similarity in near_duplicates(list(distinct)):
        yield corpus.place(chunks[later], f"{similarity:.0%} like {chunks[earlier].id}")


def _without_text(corpus: _Corpus) -> Iterator[Place]:
    yield from (_whole(document, "has no text that can be quoted") for document in corpus.documents if not document.sections)


def _empty_pages(corpus: _Corpus) -> Iterator[Place]:
    for document in corpus.documents:
        filled = {section.page for section in document.sections if section.page is not None}
        for page in range(1, max(filled, default=0)):
            if page not in filled:
                yield Place(document.id, document.source, page, None, "no text: empty, a picture, or a scan")


def _mojibake(corpus: _Corpus) -> Iterator[Place]:
    from ftfy.badness import BADNESS_RE  # noqa: PLC0415 -- needed for checking alone

    for chunk in corpus.chunks:
        text = corpus.text(chunk)
        if found := _REPLACED.search(text) or BADNESS_RE.search(text):
            span = Span(*found.span()).shifted(chunk.span.start)
            yield corpus.place(chunk, f"{found.group()!r}", span)


def _untitled(corpus: _Corpus) -> Iterator[Place]:
    for document in corpus.documents:
        if document.title.strip() in {"", PurePosixPath(document.source).stem, PurePosixPath(document.source).name}:
            yield _whole(document, f"title {document.title!r}")


def _short(corpus: _Corpus) -> Iterator[Place]:
    for chunk in corpus.chunks:
        if (words := len(corpus.text(chunk).split())) < SHORT_WORDS:
            yield corpus.place(chunk, f"{words} words")


def _long(corpus: _Corpus) -> Iterator[Place]:
    for chunk in corpus.chunks:
        if (words := len(corpus.text(chunk).split())) > LONG_WORDS:
            yield corpus.place(chunk, f"{words} words")


def _foreign_documents(corpus: _Corpus) -> Iterator[Place]:
    for document in corpus.documents:
        if told := foreign(" ".join(_prose(document, document.sections))):
            yield _whole(document, "language {} ({:.0%})".format(*told))


def _foreign_pages(corpus: _Corpus) -> Iterator[Place]:
    """Yield pages, and where a format has none, sections, in another language than English inside an English document."""
    for document in corpus.documents:
        if foreign(" ".join(_prose(document, document.sections))):
            continue
        for page, sections in groupby(document.sections, key=lambda section: section.page or section):
            whole = list(sections)
            if told := foreign(" ".join(_prose(document, whole))):
                span = Span(whole[0].span.start, whole[-1].span.end)
                number = page if isinstance(page, int) else None
                yield Place(document.id, document.source, number, span, "language {} ({:.0%})".format(*told))


def _prose(document: Document, sections: Iterable[Section]) -> Iterator[str]:
    return (section.span.of(document.text) for section in sections)


def _whole(document: Document, note: str) -> Place:
    return Place(document.id, document.source, None, None, note)


_KINDS: Mapping[str, tuple[str, Callable[[_Corpus], Iterator[Place]]]] = {
    "same_documents": ("documents with the text of another", _same_documents),
    "same_passages": ("passages that repeat another word for word", _same_passages),
    "near_passages": ("passages that nearly repeat another", _near_passages),
    "without_text": ("documents without text", _without_text),
    "empty_pages": ("pages without text, before the last that has some", _empty_pages),
    "mojibake": ("passages with characters that were decoded wrongly", _mojibake),
    "untitled": ("documents named by their file alone", _untitled),
    "short_passages": (f"passages of fewer than {SHORT_WORDS} words", _short),
    "long_passages": (f"passages of more than {LONG_WORDS} words", _long),
    "foreign_documents": ("documents that are not in English", _foreign_documents),
    "foreign_pages": ("pages or sections that are not in English, in documents that are", _foreign_pages),
}
