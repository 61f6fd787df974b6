"""CSV and TSV: one document per file, each row readable alone: "- Heading: cell; Heading: cell"."""

from __future__ import annotations

import csv
from collections import Counter
from io import StringIO
from typing import Literal

from corpus.blocks import Block, join
from corpus.decode import decode
from corpus.document import Document
from corpus.rendering import inline_text, row_blocks, stands_like_head
from stemqa import DocumentError

_DELIMITERS = ",;\t|"
_SAMPLE = 16_384  # characters from which the delimiter is told
_TALLEST = 30  # lines in one cell


def table_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of a CSV or TSV file. `DocumentError`, without the file's name, if it cannot be read or has no rows.

    A first row of one cell above a table is the title.
    """
    rows = [row for row in _rows(decode(data)) if any(row)]
    named = [cell for cell in rows[0] if cell] if len(rows) > 1 else []
    title = named[0] if len(named) == 1 and len([cell for cell in rows[1] if cell]) > 1 else ""
    rows = rows[1:] if title else rows
    head, body = (rows[0], rows[1:]) if stands_like_head(rows) else ([], rows)
    text, sections = join([Block(title, level=1), *row_blocks(head, body)], title=title or stem)
    if not sections:
        raise DocumentError("holds no rows with text")
    return Document.create(text, title=title or stem, source=source, sections=sections)


def _rows(text: str) -> list[list[str]]:
    mark = _delimiter(text[:_SAMPLE].rpartition("\n")[0] or text[:_SAMPLE])
    try:
        rows = _parsed(text, mark)
        if any(cell.count("\n") > _TALLEST for row in rows for cell in row):  # a quote that nothing closes swallows the rest
            rows = _parsed(text, mark, csv.QUOTE_NONE)
    except csv.Error as error:
        raise DocumentError(f"cannot be read as a table: {error}") from None
    return [[inline_text(cell).replace("\n", " ") for cell in row] for row in rows]


def _parsed(text: str, mark: str, quoting: Literal[0, 3] = csv.QUOTE_MINIMAL) -> list[list[str]]:
    return list(csv.reader(StringIO(text, newline=""), delimiter=mark, quoting=quoting))


def _delimiter(sample: str) -> str:
    """Return the mark that parts most rows of a sample into the same number of cells, at least two; the comma for none.

    `csv.Sniffer` counts marks inside quotes too, and takes the commas of prose in a table of tabs for the delimiter.
    """
    return max(_DELIMITERS, key=lambda mark: _evenness(_parsed(sample, mark)))


def _evenness(rows: list[list[str]]) -> tuple[float, int]:
    widths = Counter(len(row) for row in rows if row)
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return (count / widths.total(), width) if width > 1 else (0, 0)
