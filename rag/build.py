"""Building a library: collected documents -> chunks -> vectors and terms -> a generation -> put in place.

Documents and chunks go to the disk as they come and are read back from there: of the texts one copy at most is in memory.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from corpus.chunks import chunk_document, embedding_text
from corpus.document import Document
from embeddings.terms import Bm25Index, count_words
from embeddings.vectors import FlatIndex
from rag.calibration import Calibrations
from rag.collect import Collected
from rag.embed import Known, fill
from rag.journal import Journal, open_journal
from rag.previous import Previous, previous_library
from rag.protocols import Embedder
from rag.rows import CHUNKS, DOCUMENTS, FILES, chunk_row, document_row, line, stored_chunks, text_key
from rag.stamp import stamps
from rag.store import FORMAT, JOURNAL, file_facts, install, new_generation, writing
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
        write_library(folder, [Collected(documents)], parts, previous=previous_library(folder), progress=progress)


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

    `upkeep` is asked when all has been collected. Vectors of `previous` are used again, and chunks of documents that are its.
    """
    with new_generation(folder) as new:
        counts = _write_rows(new, collected, previous)
        if not counts["chunks"]:
            raise LibraryError("the documents hold no sentence to index; give files with text")
        with open_journal(folder / JOURNAL, parts.embedder) as journal:
            _write_vectors(new, counts, parts.embedder, (previous, journal), progress)
        _write_terms(new)
        files = file_facts(new)
        known = upkeep()
        facts = {
            **parts.contents(),
            "corpus": {"documents": counts["documents"], "sha256": files[DOCUMENTS]["sha256"]},
            "passages": {"chunks": counts["chunks"], "sha256": files[CHUNKS]["sha256"]},
            "counts": counts,
            "roots": list(known.roots),
            "excluded": list(known.excluded),
            "stamps": dict(known.stamps),
            "files": files,
        }
        return install(folder, new, facts)


def _write_rows(new: Path, collected: Iterable[Collected], previous: Previous | None) -> dict[str, int]:
    """Write documents, chunks and file records as they come, and return how many."""
    counts = {"documents": 0, "chunks": 0, "sentences": 0}
    if previous and previous.manifest["chunking"] != _CHUNKING:
        previous = None
    with ExitStack() as stack:
        documents, chunks, files = (
            stack.enter_context((new / name).open("w", encoding="utf-8", newline="\n")) for name in (DOCUMENTS, CHUNKS, FILES)
        )
        for read in collected:
            if read.record is not None:
                files.write(line(read.record.to_row()))
            for document in read.documents:
                documents.write(line(document_row(document)))
                counts["documents"] += 1
                again = previous.chunks(document.id) if previous and read.stored else None
                for chunk in chunk_document(document, max_words=CHUNK_WORDS) if again is None else again:
                    chunks.write(line(chunk_row(chunk, text_key(embedding_text(document, chunk)))))
                    counts["chunks"] += 1
                    counts["sentences"] += len(chunk.sentences)
    return counts


def _write_vectors(
    new: Path, counts: Mapping[str, int], embedder: Embedder, sources: tuple[Previous | None, Journal], progress: Progress
) -> None:
    previous, journal = sources
    passages = np.empty((counts["chunks"], embedder.dimension), np.float32)
    texts = (embedding_text(document, chunk) for document, chunk in stored_chunks(new))
    known = previous.passages(embedder) if previous else Known()
    fill(passages, texts, embedder, sources=(known, journal), told=lambda *done: progress("passages", *done))
    FlatIndex.build(passages).save(new / "passages.faiss")
    del passages, known
    sentences = np.empty((counts["sentences"], embedder.dimension), np.float16)
    texts = (span.of(document.text) for document, chunk in stored_chunks(new) for span in chunk.sentences)
    known = previous.sentences(embedder) if previous else Known()
    fill(sentences, texts, embedder, sources=(known, journal), told=lambda *done: progress("sentences", *done))
    np.save(new / "sentences.npy", sentences)


def _write_terms(new: Path) -> None:
    texts = [(document.title, embedding_text(document, chunk)) for document, chunk in stored_chunks(new)]
    # A title says what a passage is about, so its words count twice.
    Bm25Index.build([f"{title}\n{text}" for title, text in texts]).save(new / "terms")
    vocabulary = dict(sorted(count_words(text for _, text in texts).items()))
    (new / "words.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
