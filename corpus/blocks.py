"""Blocks: what a parser of a structured format finds, headings and prose in reading order, and the one text made of them.

blocks -> Document.text, with headings on lines of their own, and the sections between them
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from corpus.document import Section, Span


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of normalised text. `level` is 1 to 6 for a heading and 0 for prose; `page` counts from 1.

    A `tight` block follows the one before it without a blank line, as items of a list and rows of a table do.
    """

    text: str
    level: int = 0
    tight: bool = False
    page: int | None = None


def join(blocks: Iterable[Block], *, title: str) -> tuple[str, tuple[Section, ...]]:
    """Return one text of all blocks, and its sections: prose of one page under one path of headings.

    A heading of level 1 that repeats the title is in no path. Blocks without text are left out.
    """
    parts: list[str] = []
    sections: list[Section] = []
    path: dict[int, str] = {}
    length, fresh = 0, True
    for block in blocks:
        if not block.text.strip():
            continue
        gap = "" if not parts else "\n" if block.tight else "\n\n"
        start = length + len(gap)
        length = start + len(block.text)
        parts += (gap, block.text) if gap else (block.text,)
        if block.level:
            path = {level: heading for level, heading in path.items() if level < block.level} | {block.level: block.text}
            fresh = True
        elif fresh or sections[-1].page != block.page:
            headings = tuple(heading for level, heading in path.items() if (level, heading) != (1, title))
            sections.append(Section(Span(start, length), headings, block.page))
            fresh = False
        else:
            sections[-1] = replace(sections[-1], span=Span(sections[-1].span.start, length))
    return "".join(parts), tuple(sections)
