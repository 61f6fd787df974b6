"""Chunks: whole sentences of one section, about evenly long, each sentence exactly once."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.document import Chunk, Document, Section, Span
from corpus.sentences import split_sentences

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\s\u3040-\u30ff\u3400-\u9fff]+")  # Han and kana have no spaces
_MID_PARAGRAPH = 0.1  # cost of parting two sentences of one paragraph ...
_AFTER_COLON = 0.5  # ... and of parting a list from the words that lead into it; one chunk more costs 1


def chunk_document(document: Document, *, max_words: int = 120) -> tuple[Chunk, ...]:
    """Return the document's chunks in reading order: at most `max_words` words, unless one sentence alone is longer.

    Every sentence of every section is in exactly one chunk; no chunk reaches from one section into another.
    `ValueError` when `max_words` is not positive.
    """
    if max_words < 1:
        raise ValueError(f"max_words must be at least 1, got {max_words}")
    return tuple(
        Chunk.create(document, group, section)
        for section in document.sections
        for group in _groups(document.text, section, max_words)
    )


def embedding_text(document: Document, chunk: Chunk) -> str:
    """Return title, heading path and the chunk's text: for embedding and term search only, never for quoting."""
    headings = [heading for heading in chunk.headings if heading != document.title]
    return "\n".join(filter(None, (document.title, " > ".join(headings), chunk.span.of(document.text))))


def _groups(text: str, section: Section, max_words: int) -> Iterator[tuple[Span, ...]]:
    sentences = split_sentences(text, section.span)
    start = 0
    for end in _ends(text, sentences, max_words):
        yield sentences[start:end]
        start = end


def _ends(text: str, sentences: Sequence[Span], max_words: int) -> list[int]:
    """Return after how many sentences each group ends, by least total cost.

    A group costs 1 and the square of the share of `max_words` that it leaves unused (as lines do in Knuth and Plass,
    "Breaking paragraphs into lines", 1981), so groups are few and even; a worse place to part costs extra.
    """
    words = [len(_WORD.findall(text, span.start, span.end)) for span in sentences]
    best: list[tuple[float, int]] = [(0.0, 0)]  # for each number of sentences: least cost, and where its last group starts
    for end in range(1, len(sentences) + 1):
        best.append(min(_choices(best, words, end, max_words)))
        if end < len(sentences):
            cost, start = best[end]
            best[end] = (cost + _parting(text, sentences[end - 1], sentences[end]), start)
    ends: list[int] = []
    at = len(sentences)
    while at:
        ends.append(at)
        at = best[at][1]
    return ends[::-1]


def _choices(best: list[tuple[float, int]], words: list[int], end: int, max_words: int) -> Iterator[tuple[float, int]]:
    """Yield the cost of every group that ends at `end`, and where it starts."""
    total = 0
    for start in range(end - 1, -1, -1):
        total += words[start]
        if total > max_words and start < end - 1:
            return
        unused = max(0.0, 1 - total / max_words)
        yield best[start][0] + 1 + unused * unused, start


def _parting(text: str, before: Span, after: Span) -> float:
    if text[before.end - 1] == ":":
        return _AFTER_COLON
    return 0.0 if "\n" in text[before.end : after.start] else _MID_PARAGRAPH
