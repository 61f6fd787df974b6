"""How inline text, list items and tables read as plain text, whatever format they come from.

A table becomes rows "- Heading: cell; Heading: cell", so that each row can be read and quoted alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from corpus.blocks import Block
from corpus.decode import normalise

_SPACES = re.compile(r"[ \t\f\v\u00a0\u2000-\u200a\u202f\u205f]+")
_UNSEEN = re.compile(r"[\u00ad\u200b\u2060\ufeff]")  # soft hyphens, and spaces and joints without width
_FILLED_IN = re.compile(
    r"(?:untitled(?: ?document)?|document|unknown|title|no title|noname|"
    r"(?:microsoft word - )?.*\.(?:docx?|odt|rtf|html?|dotx?))\s*\d*\Z",
    re.IGNORECASE,
)
_YEAR = re.compile(r"(?:1[5-9]|20)\d\d\Z")
_LONGEST_NAME = 60  # characters of a column's name, where nothing but its place says that it is one


def inline_text(text: str) -> str:
    """Return `text` normalised, each line trimmed and with single spaces, without empty lines and unseen characters."""
    found = normalise(_UNSEEN.sub("", text)).split("\n")
    return "\n".join(filter(None, (_SPACES.sub(" ", line).strip() for line in found)))


def given_title(title: str) -> str:
    """Return the title that a file gives itself; nothing for one that a program filled in."""
    return "" if _FILLED_IN.match(title) else title


def item_blocks(blocks: Iterable[Block], marker: str, *, tight: bool) -> Iterator[Block]:
    """Yield the blocks inside a list item, the first behind `marker`, the others indented. A heading in an item is prose."""
    for inner, block in enumerate(block for block in blocks if block.text):
        indented = block.text.replace("\n", "\n" + " " * len(marker))
        lead = marker if inner == 0 else " " * len(marker)
        yield replace(block, text=lead + indented, level=0, tight=block.tight if inner else tight)


def row_blocks(head: Sequence[str], body: Iterable[Sequence[str]]) -> Iterator[Block]:
    """Yield one tight block per row that holds text, each cell led by its column's heading where there is one."""
    tight = False
    for row in body:
        names = [*head, *[""] * (len(row) - len(head))]
        cells = [f"{name.removesuffix(':')}: {cell}" if name else cell for name, cell in zip(names, row, strict=False) if cell]
        if cells:
            yield Block("- " + "; ".join(cells).replace("\n", " "), tight=tight)
            tight = True


def stands_like_head(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first of a table's rows names its columns: short, different names with letters, none empty but the first."""
    first = rows[0] if rows else ()
    return (
        len(rows) > 1
        and len(first) > 1
        and len(set(first)) == len(first)
        and all(
            any(map(str.isalpha, name)) or (place > 0 and _YEAR.match(name)) or not (name or place)
            for place, name in enumerate(first)
        )
        and all(len(name) <= _LONGEST_NAME for name in first)
    )
