"""JSON Lines in the BEIR form: one document per line, with `_id`, `title` and `text`; other fields become metadata.

A line that cannot be read is reported with its number and does not stop the rest.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import BinaryIO

from corpus.decode import check_text, decode, normalise
from corpus.document import Document
from corpus.markdown import flat_meta, scalar
from corpus.plain import plain_document
from stemqa import DocumentError

_LINES_REPORTED = 5  # per file; the rest is counted


def jsonl_documents(file: BinaryIO, source: str, report: Callable[[str], None]) -> Iterator[Document]:
    """Yield a document per line of `file`. `report` gets one line of text for each of the first unreadable ones."""
    failures = 0
    for number, line in enumerate(_lines(file), start=1):
        if not line.strip():
            continue
        try:
            yield _document(_row(line), f"{source}:{number}")
        except DocumentError as error:
            failures += 1
            if failures <= _LINES_REPORTED:
                report(f"{source}:{number} {error}; left out")
    if failures > _LINES_REPORTED:
        report(f"{source}: {failures - _LINES_REPORTED} more lines could not be read; left out")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the file's lines as UTF-8; a file with a byte order mark is decoded as a whole."""
    head = file.read(4)
    if not head:
        raise DocumentError("is empty")
    file.seek(0)
    if head.startswith((b"\xff\xfe", b"\xfe\xff", b"\xef\xbb\xbf", b"\0\0\xfe\xff")):
        yield from (line.encode() for line in decode(file.read()).split("\n"))
    else:
        yield from file


def _row(line: bytes) -> dict[str, object]:
    try:
        row = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        raise DocumentError("is not UTF-8, which JSON Lines must be") from None
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise DocumentError("is not a JSON object with the fields _id, title and text")
    return row


def _document(row: dict[str, object], place: str) -> Document:
    text = row.get("text")
    if not isinstance(text, str) or not text.strip():
        raise DocumentError("has no text in its field 'text'")
    check_text(text)
    id_ = scalar(row.get("_id", row.get("id")))
    title = scalar(row.get("title"))
    source = scalar(row.get("url")) or scalar(row.get("source")) or place
    meta = flat_meta({name: value for name, value in row.items() if name not in {"_id", "id", "title", "text"}})
    for value in (id_, title, source, *(piece for entry in meta.items() for part in entry for piece in part)):
        check_text(value)
    return plain_document(normalise(text), stem=id_ or place, source=source, title=title, id=id_ or None, meta=meta)
