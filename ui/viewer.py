"""The source of a citation as a page: the document's whole text, with the cited span marked by offset.

The article on the page holds every code point of `Document.text`, in order and as text: nothing is interpreted as markup,
and nothing is searched for. Without JavaScript it works the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import pairwise

from corpus.document import Document, Section, Span
from ui.wire import document_path

EXCERPT_CHARS = 20_000
"""How much text on either side of a cited span the source panel shows; the page shows all of it."""

GONE = (
    "The library holds no document {id!r}. If an earlier answer led here: the document has been taken out of the library "
    "since. Ask again to hear what the library says now."
)
"""Of a document that is not there."""
CHANGED = (
    "This document has changed since the answer that led here was given, so the cited passage is not marked. "
    "Ask again to have it quoted from the text as it is now."
)
"""Of a document that a citation was made of in another form."""

_BREAK = re.compile(r"\n(?:[ \t]*\n)+|\n(?=[ \t]*(?:[-*+•‣◦–—]|\d{1,3}[.)])[ \t])")
_NEWLINES = re.compile(r"\n\s*")
_HASHES = re.compile(r"#{1,6}[ \t]+")
_ITEM = re.compile(r"[ \t]*(?:[-*+•‣◦–—]|\d{1,3}[.)])[ \t]")


@dataclass(frozen=True, slots=True)
class Block:
    """A stretch of a document that is set as one paragraph, list item or heading. `level` is 0 for what is no heading."""

    span: Span
    kind: str
    level: int = 0


def blocks(document: Document) -> Iterator[Block]:
    """Divide the text into blocks, without gap or overlap; outside the sections every line is a block of its own."""
    text, sections = document.text, document.sections
    starts = [*(section.span.start for section in sections), len(text)]
    ends = [section.span.end for section in sections]
    cuts = {match.end() for match in _BREAK.finditer(text)} | set(starts)
    for outside in zip([0, *ends], starts, strict=True):
        cuts |= {match.end() for match in _NEWLINES.finditer(text, *outside)}
    for start, end in pairwise(sorted({0, *cuts})):
        following = bisect_right(ends, start)
        yield _block(text, Span(start, end), sections[following] if following < len(sections) else None)


def _block(text: str, span: Span, section: Section | None) -> Block:
    """Return a block; `section` is the one that it lies in, or else the next. A heading stands before its section."""
    if section and span.end <= section.span.start:
        words = _HASHES.sub("", span.of(text).strip(), count=1)
        if words in section.headings:
            return Block(span, "heading", level=section.headings.index(words) + 1)
    return Block(span, "item" if _ITEM.match(text, span.start, span.end) else "paragraph")


def article(document: Document, *, cited: Span | None = None, within: Span | None = None) -> str:
    """Return the text as HTML, `cited` in <mark> (the first has the id "cited"); only the blocks that touch `within`.

    `ValueError` when `cited` reaches beyond the text.
    """
    if cited:
        cited.of(document.text)
    shown = [b for b in blocks(document) if not within or (b.span.start < within.end and within.start < b.span.end)]
    first = next((b for b in shown if cited and b.span.end > cited.start), None)
    return "".join(_block_html(document.text, block, cited, is_first=block is first) for block in shown)


def _block_html(text: str, block: Block, cited: Span | None, *, is_first: bool) -> str:
    start, end = block.span.start, block.span.end
    if cited and cited.start < end and start < cited.end:
        low, high = max(start, cited.start), min(end, cited.end)
        target = ' id="cited" tabindex="-1"' if is_first else ""
        mark = f'<mark{target} aria-label="Cited passage: {escape(text[low:high])}">{escape(text[low:high])}</mark>'
        inner = f"{escape(text[start:low])}{mark}{escape(text[high:end])}"
    elif block.level and (hashes := _HASHES.match(text, start, end)):
        body = hashes.end()
        inner = f'<span class="hash" aria-hidden="true">{escape(text[start:body])}</span>{escape(text[body:end])}'
    else:
        inner = escape(text[start:end])
    if block.level:
        tag = f"h{min(block.level + 1, 6)}"
        return f"<{tag}>{inner}</{tag}>"
    return f'<p class="{block.kind}">{inner}</p>'


def excerpt(document: Document, *, cited: Span | None) -> str:
    """Return the source panel's article: the text around `cited`, and a line where some of it is left out."""
    start, end = (cited.start, cited.end) if cited else (0, 1)
    within = Span(max(0, start - EXCERPT_CHARS), max(end, min(len(document.text), end + EXCERPT_CHARS)))
    left_out = '<p class="left-out">The text goes on; the full source has all of it.</p>'
    before = left_out if within.start > 0 else ""
    after = left_out if within.end < len(document.text) else ""
    return f"{before}{article(document, cited=cited, within=within)}{after}"


def document_page(document: Document, *, cited: Span | None = None, note: str = "") -> str:
    """Return the page of one document, with `cited` marked, and with `note` above its text."""
    jump = '<a class="jump" href="#cited">Go to the cited passage</a>' if cited else ""
    said = f'<p class="note" role="status">{escape(note)}</p>' if note else ""
    return page(
        document.title,
        f"""<header class="source-head"><h1>{escape(document.title)}</h1>{_facts(document)}{jump}{said}</header>
<article class="source-text">{article(document, cited=cited)}</article>""",
    )


def documents_page(documents: Iterable[Document]) -> str:
    """Return the page that lists the library's documents."""
    rows = "".join(f"<li>{document_link(d)}<span>{len(d.text):,} characters</span></li>" for d in documents)
    return page(
        "Documents",
        f'<header class="source-head"><h1>Documents</h1><p>Everything that an answer can quote.</p></header>'
        f'<ul class="document-list">{rows}</ul>',
    )


def problem_page(title: str, detail: str) -> str:
    """Return the page that a browser sees instead of a document that cannot be shown."""
    return page(title, f'<header class="source-head"><h1>{escape(title)}</h1><p>{escape(detail)}</p></header>')


def document_link(document: Document) -> str:
    """Return a link to the document's page."""
    return f'<a href="{escape(document_path(document.id))}">{escape(document.title or document.id)}</a>'


def page(title: str, body: str) -> str:
    """Return a whole page around `body`, which is HTML. All it loads is this server's own style and theme script."""
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{escape(title)} · stemqa</title>
<link rel="icon" href="/ui/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/ui/base.css">
<link rel="stylesheet" href="/ui/source.css">
<script src="/ui/theme.js"></script>
</head>
<body class="source-page">
<nav aria-label="Site"><a class="brand" href="/">stemqa</a><a href="/documents">Documents</a></nav>
<main>
{body}
</main>
</body>
</html>
"""


def _facts(document: Document) -> str:
    rows = {"Source": document.source, "Identifier": document.id, "SHA-256": document.sha256}
    items = "".join(f"<div><dt>{name}</dt><dd>{escape(value)}</dd></div>" for name, value in rows.items() if value)
    return f"<dl>{items}</dl>"
