"""Documents, chunks and read files as lines of JSON, and back."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType
from typing import Any

from corpus.document import Chunk, Document, Section, Span

DOCUMENTS, CHUNKS, FILES = "documents.jsonl", "chunks.jsonl", "files.jsonl"

Key = bytes
"""What a text's vector is known by: the first 16 bytes of the text's SHA-256."""

_encoded = json.JSONEncoder(ensure_ascii=False).encode  # `json.dumps` makes an encoder for every row


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was read: what it was, and what came of it.

    `path` is absolute; `root` is the named folder or file that it was found by. `documents` are the ids of those kept.
    `duplicates` maps an id to the path of the file that gave the same text first; `excluded` are ids that were taken out.
    `troubles` are the lines that reading it reported, `limits` those it was read under, if there were any.
    """

    source: str
    root: str
    path: str
    bytes: int
    sha256: str
    documents: tuple[str, ...] = ()
    duplicates: Mapping[str, str] = field(default_factory=dict)
    excluded: tuple[str, ...] = ()
    troubles: tuple[str, ...] = ()
    limits: tuple[float, ...] = ()

    @property
    def size(self) -> int:
        """How many documents the file held, kept or not."""
        return len(self.documents) + len(self.duplicates) + len(self.excluded)

    def to_row(self) -> dict[str, Any]:
        """Return plain values that `from_row` reads; what is empty is left out."""
        return {name: value for name in self.__slots__ if (value := getattr(self, name)) not in ((), {})}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> FileRecord:
        """Read what `to_row` gave."""
        values: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in row.items()}
        return cls(**values)


def text_key(text: str) -> Key:
    """Return what the text's vector is known by."""
    return sha256(text.encode("utf-8")).digest()[:16]


def document_row(document: Document) -> dict[str, Any]:
    """Return plain values that `document_from` reads."""
    return {
        "id": document.id,
        "title": document.title,
        "source": document.source,
        "sha256": document.sha256,
        "meta": dict(document.meta),
        "sections": [[s.span.start, s.span.end, list(s.headings), s.page] for s in document.sections],
        "text": document.text,
    }


def document_from(row: Mapping[str, Any]) -> Document:
    """Read what `document_row` gave."""
    sections = tuple(Section(Span(start, end), tuple(headings), page) for start, end, headings, page in row["sections"])
    meta = {key: tuple(value) if isinstance(value, list) else value for key, value in row["meta"].items()}
    return Document(row["id"], row["title"], row["source"], row["text"], row["sha256"], MappingProxyType(meta), sections)


def chunk_row(chunk: Chunk) -> dict[str, Any]:
    """Return plain values that `chunk_from` reads."""
    return {
        "id": chunk.id,
        "document_id": chunk.document_id,
        "span": [chunk.span.start, chunk.span.end],
        "sentences": [[s.start, s.end] for s in chunk.sentences],
        "headings": list(chunk.headings),
        "page": chunk.page,
    }


def chunk_from(row: Mapping[str, Any]) -> Chunk:
    """Read what `chunk_row` gave."""
    sentences = tuple(Span(start, end) for start, end in row["sentences"])
    return Chunk(row["id"], row["document_id"], Span(*row["span"]), sentences, tuple(row["headings"]), row["page"])


def line(row: Mapping[str, Any]) -> str:
    """Return the row as one line of JSON."""
    return _encoded(row) + "\n"


def read_lines(file: Path) -> Iterator[dict[str, Any]]:
    """Read a file of such lines, a row at a time."""
    with file.open(encoding="utf-8", newline="\n") as stream:
        yield from map(json.loads, stream)
