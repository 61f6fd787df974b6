"""Writing segments: new documents, and documents of segments that stand, taken over as they are.

Where one segment ends and the next begins is drawn by the documents' ids, so that it is the same however a library came to be,
and that a changed document changes one segment, now and then a second one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, groupby
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.chunks import embedding_text
from corpus.document import Chunk, Document
from embeddings.postings import Postings
from embeddings.rowfile import save_array
from embeddings.terms import Stems
from embeddings.vectors import write_codes
from rag.rows import CHUNKS, DOCUMENTS, chunk_row, document_row, line, text_key
from rag.segment import CHUNK_TABLE, CODES, DOCUMENT_TABLE, PASSAGES, SENTENCES, TERMS, Segment, Table, id_hash

LEAST, USUAL, MOST = 8_000, 5_000, 20_000
"""Passages of a segment: at least, about so many more, and not more, unless a document has more."""

Embed = Callable[[str, Sequence[str], npt.NDArray[Any]], None]
"""Writes the vectors of `PASSAGES` or `SENTENCES`, of the texts given, into an array."""


@dataclass(frozen=True, slots=True)
class Fresh:
    """A document to be written, with its chunks."""

    document: Document
    chunks: tuple[Chunk, ...]

    @property
    def size(self) -> int:
        """How many chunks it has."""
        return len(self.chunks)

    @property
    def hash(self) -> int:
        """What the document's id is found by."""
        return id_hash(self.document.id)


@dataclass(frozen=True, slots=True)
class Kept:
    """A document of a segment that stands."""

    segment: Segment
    row: int
    hash: int

    @property
    def size(self) -> int:
        """How many chunks it has."""
        return len(self.segment.chunks_of(self.row))


Member = Fresh | Kept


@dataclass(frozen=True, slots=True)
class _Piece:
    """Documents that follow each other. The tables are without their last column, places counted from the piece's begin."""

    lines: tuple[bytes, bytes]
    tables: tuple[Table, Table]
    sentences: int
    keys: tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]
    vectors: tuple[npt.NDArray[np.float32], npt.NDArray[np.float16]]
    postings: Postings


def grouped(members: Iterable[Member]) -> Iterator[list[Member]]:
    """Part the documents of a library into those of its segments."""
    group: list[Member] = []
    size = 0
    for member in members:
        group.append(member)
        size += member.size
        if size >= MOST or (size >= LEAST and member.hash * USUAL < member.size << 63):
            yield group
            group, size = [], 0
    if group:
        yield group


def whole(group: Sequence[Member]) -> Segment | None:
    """Return the segment that these documents are, all of them and in its order; None when there is none."""
    first = group[0]
    if not isinstance(first, Kept) or first.segment.documents != len(group):
        return None
    same = (isinstance(m, Kept) and m.segment is first.segment and m.row == row for row, m in enumerate(group))
    return first.segment if all(same) else None


def write_segment(folder: Path, group: Sequence[Member], embed: Embed, dimension: int) -> dict[str, int]:
    """Write a segment of these documents into `folder`, and return how many documents, chunks and sentences it has."""
    pieces = [
        _fresh([m for m in run if isinstance(m, Fresh)], embed, dimension) if segment is None else _kept(segment, rows)
        for segment, rows, run in _runs(group)
    ]
    for i, name in enumerate((DOCUMENTS, CHUNKS)):
        with (folder / name).open("wb") as stream:
            stream.writelines(piece.lines[i] for piece in pieces)
    counts = _write_tables(folder, pieces)
    for i, name in enumerate((PASSAGES, SENTENCES)):
        vectors = np.concatenate([piece.vectors[i] for piece in pieces])
        save_array(folder / f"{name}.npy", vectors)
        save_array(folder / f"{name}.keys.npy", np.concatenate([piece.keys[i] for piece in pieces]))
        if name == PASSAGES:
            write_codes(folder / CODES, vectors)
    Postings.joined([piece.postings for piece in pieces]).save(folder / TERMS)
    return counts


def _runs(group: Sequence[Member]) -> Iterator[tuple[Segment | None, tuple[int, int], list[Member]]]:
    """Yield documents that are new, and such as follow each other in one segment with their first and last row there."""

    def kind(numbered: tuple[int, Member]) -> tuple[Segment | None, int]:
        place, member = numbered
        return (member.segment, member.row - place) if isinstance(member, Kept) else (None, 0)

    for (segment, _), run in groupby(enumerate(group), kind):
        members = [member for _, member in run]
        rows = (first.row, first.row + len(members)) if isinstance(first := members[0], Kept) else (0, 0)
        yield segment, rows, members


def _write_tables(folder: Path, pieces: Sequence[_Piece]) -> dict[str, int]:
    counts = {"documents": 0, "chunks": 0, "sentences": 0}
    places = [0, 0]
    tables: tuple[list[Table], list[Table]] = ([], [])
    for piece in pieces:
        for i, further in enumerate(("chunks", "sentences")):
            tables[i].append(piece.tables[i] + np.array([[places[i]], [counts[further]], [0]], np.int64))
            places[i] += len(piece.lines[i])
        for name, number in zip(counts, (piece.tables[0].shape[1], piece.tables[1].shape[1], piece.sentences), strict=True):
            counts[name] += number
    for i, (name, further) in enumerate(((DOCUMENT_TABLE, "chunks"), (CHUNK_TABLE, "sentences"))):
        end = np.array([[places[i]], [counts[further]], [0]])
        save_array(folder / name, np.concatenate([*tables[i], end], axis=1).astype(np.int64))
    return counts


def _kept(segment: Segment, rows: tuple[int, int]) -> _Piece:
    chunks = segment.chunks_of(*rows)
    first, end = segment.first_sentences[chunks.start], segment.first_sentences[chunks.stop]
    places = ((chunks.start, chunks.stop), (int(first), int(end)))
    return _Piece(
        lines=(segment.lines(DOCUMENTS, *rows), segment.lines(CHUNKS, *places[0])),
        tables=(segment.table(DOCUMENTS, *rows)[:, :-1], segment.table(CHUNKS, *places[0])[:, :-1]),
        sentences=int(end - first),
        keys=(segment.keys(PASSAGES)[slice(*places[0])], segment.keys(SENTENCES)[slice(*places[1])]),
        vectors=(segment.passages.between(*places[0]), segment.sentences.between(*places[1])),
        postings=segment.postings.taken(np.arange(*places[0])),
    )


def _fresh(run: Sequence[Fresh], embed: Embed, dimension: int) -> _Piece:
    rows = [(member.document, chunk) for member in run for chunk in member.chunks]
    texts = [embedding_text(document, chunk) for document, chunk in rows]
    spans = [span.of(document.text) for document, chunk in rows for span in chunk.sentences]
    passages, sentences = np.empty((len(texts), dimension), np.float32), np.empty((len(spans), dimension), np.float16)
    embed(PASSAGES, texts, passages)
    embed(SENTENCES, spans, sentences)
    stems = Stems()
    documents = [line(document_row(member.document)).encode() for member in run]
    chunks = [line(chunk_row(chunk)).encode() for _, chunk in rows]
    return _Piece(
        lines=(b"".join(documents), b"".join(chunks)),
        tables=(
            np.array([_starts(documents), _sums(member.size for member in run), [m.hash for m in run]], np.int64),
            np.array(
                [_starts(chunks), _sums(len(c.sentences) for _, c in rows), [c.span.start for _, c in rows]], np.int64
            ).reshape(3, -1),
        ),
        sentences=len(spans),
        keys=(_keys(texts), _keys(spans)),
        vectors=(passages, sentences),
        # A title says what a passage is about, so its words count twice.
        postings=Postings.of(stems.terms(f"{d.title}\n{text}") for (d, _), text in zip(rows, texts, strict=True)),
    )


def _starts(lines: Sequence[bytes]) -> list[int]:
    return _sums(map(len, lines))


def _sums(sizes: Iterable[int]) -> list[int]:
    """Return what stands before each: one value for each size."""
    return list(accumulate(sizes, initial=0))[:-1]


def _keys(texts: Sequence[str]) -> npt.NDArray[np.uint64]:
    return np.frombuffer(b"".join(map(text_key, texts)), np.uint64).reshape(-1, 2)
