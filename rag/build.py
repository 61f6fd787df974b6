"""Building a library: collected documents -> chunks -> segments with vectors and terms -> a generation -> put in place.

It is a stream: documents are read, cut into chunks and written a segment at a time, and no more than that is in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy.typing as npt

from corpus.chunks import chunk_document, embedding_text
from corpus.document import Document, text_sha256
from embeddings.terms import count_words
from rag.calibration import Calibrations
from rag.collect import Collected
from rag.embed import Known, fill
from rag.hashes import file_facts
from rag.journal import Journal, open_journal
from rag.previous import Previous, previous_library
from rag.protocols import Embedder
from rag.rows import CHUNKS, DOCUMENTS, FILES, line
from rag.splice import Fresh, Kept, Member, grouped, whole, write_segment
from rag.stamp import stamps
from rag.store import FORMAT, JOURNAL, WORDS, install, link, new_generation, writing
from stemqa import LibraryError

CHUNK_WORDS = 120
_CHUNKING = {"max_words": CHUNK_WORDS}

Progress = Callable[[str, int, int], None]
"""Told of long work: what is being done, how much is done, how much there is."""


@dataclass(frozen=True, slots=True)
class Parts:
    """What a library is made with. `evidence` is the SHA-256 of the evidence model that a calibration is for, or empty."""

    embedder: Embedder
    calibrations: Calibrations
    evidence: str = ""

    def contents(self) -> dict[str, Any]:
        """Return what of this decides the library's answers, as its manifest names it."""
        model = {"name": self.embedder.name, "sha256": self.embedder.sha256, "dimension": self.embedder.dimension}
        calibrations = {name: calibration.to_json() for name, calibration in self.calibrations.items()}
        evidence = {"sha256": self.evidence}
        return {
            "format": FORMAT,
            "model": model,
            "chunking": _CHUNKING,
            "calibrations": calibrations,
            "evidence": evidence,
        }


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What a manifest remembers for the next time: named folders and files, what was taken out, stamps of the code."""

    roots: Sequence[Mapping[str, Any]] = ()
    excluded: Sequence[Mapping[str, str]] = ()
    stamps: Mapping[str, str] = field(default_factory=stamps)


def build_library(
    folder: Path, documents: Sequence[Document], *, embedder: Embedder, calibrations: Calibrations, progress: Progress
) -> None:
    """Write a library of just these `documents` to `folder`, in place of one that is there. It remembers no file.

    `LibraryError` when it cannot be written. Deterministic for the same parts.
    """
    with writing(folder):
        parts = Parts(embedder, calibrations)
        write_library(
            folder, [Collected(documents)], parts, previous=previous_library(folder, thorough=True), progress=progress
        )


def write_library(  # noqa: PLR0913 -- all but three by keyword
    folder: Path,
    collected: Iterable[Collected],
    parts: Parts,
    *,
    previous: Previous | None,
    progress: Progress,
    upkeep: Callable[[], Upkeep] = Upkeep,
) -> bool:
    """Write a library to `folder`, which the caller holds with `writing`. Return whether it is another one than before.

    `upkeep` is asked when all has been collected. Vectors of `previous` are used again; where it was made with the same parts
    by the same code, its segments and the documents in them are taken over as they are.
    """
    with new_generation(folder) as new, open_journal(folder / JOURNAL, parts.embedder) as journal:
        again = previous if previous and _is_alike(previous, parts) else None
        reading = _Reading(previous, again)
        sources = (previous.known(parts.embedder) if previous else Known(), journal)
        with (new / FILES).open("w", encoding="utf-8", newline="\n") as files:
            written = _write_segments(
                new, reading.members(collected, files), again, _Embedding(parts.embedder, sources, progress)
            )
        if not written.counts["chunks"]:
            raise LibraryError("the documents hold no sentence to index; give files with text")
        vocabulary = dict(sorted(reading.words().items()))
        (new / WORDS).write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
        known = upkeep()
        facts = {
            **parts.contents(),
            "corpus": {"documents": written.counts["documents"], "sha256": written.sha256(DOCUMENTS)},
            "passages": {"chunks": written.counts["chunks"], "sha256": written.sha256(CHUNKS)},
            "counts": written.counts,
            "roots": list(known.roots),
            "excluded": list(known.excluded),
            "stamps": dict(known.stamps),
            "segments": written.segments,
            "files": {**written.files, **file_facts(new, FILES, WORDS)},
        }
        return install(folder, new, facts)


def _is_alike(previous: Previous, parts: Parts) -> bool:
    """Whether segments of `previous` are what writing their documents would give."""
    manifest = previous.manifest
    return (
        previous.is_of(parts.embedder)
        and (manifest["format"], manifest["chunking"]) == (FORMAT, _CHUNKING)
        and manifest["stamps"]["writing"] == stamps()["writing"]
        and previous.is_whole
    )


class _Reading:
    """Collected files to documents as segments take them; words are counted meanwhile. `again` may be taken over."""

    def __init__(self, previous: Previous | None, again: Previous | None) -> None:
        self._previous = previous
        self._again = again
        self._counts: Counter[str] = Counter()
        self._kept: set[int] = set()

    def members(self, collected: Iterable[Collected], files: IO[str]) -> Iterator[Member]:
        """Yield each document; the records of files are written as they come."""
        for read in collected:
            if read.record is not None:
                files.write(line(read.record.to_row()))
            for name in read.stored:
                yield self._stored(name)
            yield from map(self._fresh, read.documents)

    def words(self) -> Counter[str]:
        """Return in how many passages each word stands, when all documents have been read."""
        if self._again is not None and self._kept:
            return self._again.words(self._kept) + self._counts
        return self._counts

    def _stored(self, name: str) -> Member:
        kept = self._again.kept(name) if self._again else None
        if kept is not None:
            self._kept.add(kept.hash)
            return kept
        assert self._previous is not None
        standing = self._previous.kept(name)
        assert standing is not None, name
        self._previous.look_at(standing.segment)
        return self._fresh(standing.segment.document(standing.row))

    def _fresh(self, document: Document) -> Fresh:
        chunks = chunk_document(document, max_words=CHUNK_WORDS)
        self._counts.update(count_words(embedding_text(document, chunk) for chunk in chunks))
        return Fresh(document, chunks)


class _Embedding:
    """Embeds texts of one segment after the other, and tells how many of all so far are done."""

    def __init__(self, embedder: Embedder, sources: tuple[Known, Journal], progress: Progress) -> None:
        self.embedder = embedder
        self._sources = sources
        self._progress = progress
        self._before: Counter[str] = Counter()

    def __call__(self, kind: str, texts: Sequence[str], rows: npt.NDArray[Any]) -> None:
        """Write the vectors of the texts into `rows`."""
        last = 0

        def told(done: int, total: int) -> None:
            nonlocal last
            last = total
            self._progress(kind, self._before[kind] + done, self._before[kind] + total)

        fill(rows, texts, self.embedder, sources=(kind, *self._sources), told=told)
        self._before[kind] += last


@dataclass(slots=True)
class _Written:
    """What the manifest says of the segments."""

    counts: dict[str, int]
    segments: list[dict[str, Any]] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)

    def add(self, row: Mapping[str, Any], files: Mapping[str, Any]) -> None:
        """Take in a segment."""
        self.segments.append(dict(row))
        self.files.update(files)
        for name in self.counts:
            self.counts[name] += row[name]

    def sha256(self, name: str) -> str:
        """Return a hash of all documents, or of all chunks."""
        return text_sha256("\n".join(self.files[f"{row['name']}/{name}"]["sha256"] for row in self.segments))


def _write_segments(new: Path, members: Iterable[Member], again: Previous | None, embedding: _Embedding) -> _Written:
    written = _Written({"documents": 0, "chunks": 0, "sentences": 0})
    for group in grouped(members):
        standing = whole(group)
        if standing is not None and again is not None:
            link(standing.folder, new / standing.name)
            written.add(*again.segment_facts(standing))
            continue
        for segment in {m.segment for m in group if isinstance(m, Kept)}:
            assert again is not None
            again.look_at(segment)
        folder = new / "segment"
        folder.mkdir()
        counts = write_segment(folder, group, embedding, embedding.embedder.dimension)
        facts = file_facts(folder)
        name = f"s-{text_sha256(json.dumps(facts, sort_keys=True))[:16]}"
        folder.rename(new / name)
        written.add({"name": name, **counts}, {f"{name}/{file}": values for file, values in facts.items()})
    return written
