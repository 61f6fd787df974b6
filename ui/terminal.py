"""Replies, hits and documents as plain text for a terminal of 80 columns. Control characters of sources are not passed on."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from corpus.document import Document, Span
from rag.messages import NEAREST, TITLES
from rag.reply import Answer, Citation, Hit, Refusal, Reply, section_name

WIDTH = 80

# A document may hold escape sequences that would move the cursor or retitle the window; white space is folded anyway.
_CONTROLS = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if not chr(code).isspace()}

# A text that is shown as it stands, with its lines, keeps tabs and line feeds alone.
_CONTROLS_IN_LINES = {code: "\N{REPLACEMENT CHARACTER}" for code in (*range(32), *range(127, 160)) if chr(code) not in "\t\n"}

_BOLD, _PLAIN = "\x1b[1m", "\x1b[22m"


def reply_text(reply: Reply, *, bold: bool = False) -> str:
    """Return a reply to read: the sentences and where they stand, or why there are none and what may be read instead.

    With `bold`, short answers are set in bold by escape sequences (ECMA-48), which a terminal obeys and a file need not hold.
    """
    match reply:
        case Answer():
            note = (_wrapped(reply.note),) if reply.note else ()
            text = _wrapped(reply.text)
            return _blocks(_bold(text, reply) if bold else text, *note, "Sources", *map(_source, reply.citations))
        case Refusal():
            reading = (_wrapped(NEAREST[reply.reason]), *map(_reading, reply.nearest)) if reply.nearest else ()
            return _blocks(TITLES[reply.reason], _wrapped(reply.message), *reading)
        case _:
            assert_never(reply)


def hits_text(hits: Sequence[Hit], documents: Mapping[str, Document]) -> str:
    """Return search hits to read, best first, each with its score and the passage."""
    return _blocks(*(_hit(number, hit, documents[hit.chunk.document_id]) for number, hit in enumerate(hits, 1)))


def document_text(text: str) -> str:
    """Return a document's text for a terminal: each control character but tab and line feed is replaced, so offsets stay."""
    return text.translate(_CONTROLS_IN_LINES)


def table_text(rows: Iterable[Sequence[str]]) -> str:
    """Return `rows` of equal length in columns, two spaces apart."""
    cells = [[cell.translate(_CONTROLS) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "".join(f"{line}\n" for line in lines)


def _bold(wrapped: str, answer: Answer) -> str:
    """Return the answer's wrapped text with its short answers in bold. Wrapping moves white space and nothing else."""
    places = [i for i, character in enumerate(wrapped) if not character.isspace()]
    marks: list[tuple[int, str]] = []
    begun = 0
    for sentence in answer.sentences:
        if sentence.emphasis:
            start = begun + _solid(sentence.text[: sentence.emphasis.start])
            end = start + _solid(sentence.emphasis.of(sentence.text))
            marks += [(places[start], _BOLD), (places[end - 1] + 1, _PLAIN)] if start < end else []
        begun += _solid(sentence.text) + sum(len(f"[{number}]") for number in sentence.citations)
    for at, mark in reversed(marks):
        wrapped = wrapped[:at] + mark + wrapped[at:]
    return wrapped


def _solid(text: str) -> int:
    return sum(not character.isspace() for character in text)


def _source(citation: Citation) -> str:
    mark = f"[{citation.number}]"
    indent = " " * (len(mark) + 1)
    return f"{_wrapped(_headline(citation), first=f'{mark} ', indent=indent)}\n{_wrapped(_place(citation), indent=indent)}"


def _reading(citation: Citation) -> str:
    return f"{_source(citation)}\n{_wrapped(citation.quote, indent=' ' * 6)}"


def _hit(number: int, hit: Hit, document: Document) -> str:
    mark = f"{number}. "
    indent = " " * len(mark)
    span = hit.chunk.span
    title = _path(document.title, section_name(hit.chunk.headings))
    where = f"{document.source}, {_range(span)}, score {hit.score:.3f}"
    lines = (_wrapped(title, first=mark, indent=indent), _wrapped(where, indent=indent))
    return "\n".join((*lines, _wrapped(span.of(document.text), indent=indent)))


def _headline(citation: Citation) -> str:
    return _path(citation.title, citation.section)


def _path(title: str, section: str) -> str:
    return f"{title} › {section}" if section and section != title else title


def _place(citation: Citation) -> str:
    page = "" if citation.page is None else f"page {citation.page}, "
    return f"{citation.source}, {page}{_range(citation.span)}"


def _range(span: Span) -> str:
    return f"characters {span.start}–{span.end}"


def _wrapped(text: str, *, first: str | None = None, indent: str = "") -> str:
    return textwrap.fill(
        text.translate(_CONTROLS),
        WIDTH,
        initial_indent=indent if first is None else first,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _blocks(*blocks: str) -> str:
    return "\n\n".join(blocks) + "\n" if blocks else ""
