"""Bytes to Documents: the parser for each kind of file.

A parser takes a file's bytes, `stem` (its name without suffix, for a title), `source` (how a reader knows it) and makes a
document. It raises `DocumentError`, without the file's name, when nothing of it can be read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from io import BytesIO
from typing import cast

from corpus.decode import decode
from corpus.document import Document
from corpus.kinds import PACKAGES, check_kind
from corpus.limits import Limits

Report = Callable[[str], None]
Parser = Callable[..., Document]

ARCHIVE = ".zip"
JSONL = ".jsonl"
SAFE = (".txt", ".md", ".markdown", JSONL)
"""Suffixes of plain text, which is parsed where it is; all others are parsed in a process that can be given up."""

_PARSERS: Mapping[str, str] = {
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".epub": "epub",
    ".xml": "jats",
    ".nxml": "jats",
    ".docx": "docx",
    ".odt": "odt",
    ".csv": "table",
    ".tsv": "table",
    ".pdf": "pdf",
}
SUFFIXES = (*SAFE, *_PARSERS)


def parse(  # noqa: PLR0913 -- what a parser takes, its limits, and where to report to
    data: bytes, suffix: str, *, stem: str, source: str, limits: Limits, report: Report
) -> Iterable[Document]:
    """Yield the documents of a file with one of the `SUFFIXES`; `report` gets a line for each part that cannot be read."""
    if suffix == JSONL:
        from corpus.jsonl import jsonl_documents  # noqa: PLC0415 -- each parser is imported when a file needs it

        yield from jsonl_documents(BytesIO(data), source, report)
    elif suffix == ".txt":
        from corpus.plain import plain_document  # noqa: PLC0415 -- as above

        yield plain_document(decode(data), stem=stem, source=source)
    elif suffix in SAFE:
        from corpus.markdown import markdown_document  # noqa: PLC0415 -- as above

        yield markdown_document(decode(data), stem=stem, source=source)
    else:
        check_kind(data, suffix)
        if suffix in PACKAGES:
            _check_package(data, suffix, limits)
        yield _parser(_PARSERS[suffix])(data, stem=stem, source=source, **({"report": report} if suffix == ".pdf" else {}))


def _check_package(data: bytes, suffix: str, limits: Limits) -> None:
    """Hold the package to the limit on what it unpacks to: a parser knows only the limit that is the default."""
    from corpus.package import open_package  # noqa: PLC0415 -- as above

    with open_package(data, kind=PACKAGES[suffix], max_bytes=limits.unpacked_bytes):
        pass


def _parser(name: str) -> Parser:
    """Return the function `NAME_document` of the module `corpus.NAME`, which is imported now."""
    return cast("Parser", getattr(import_module(f"corpus.{name}"), f"{name}_document"))
