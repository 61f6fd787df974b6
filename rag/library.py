"""A library, opened: documents, chunks, vectors and terms, bound to one model. `rag.store` says how it lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.document import Chunk
from embeddings.postings import Bm25Index
from embeddings.rowfile import Rows
from embeddings.spelling import Speller
from embeddings.vectors import EXACT, CodedIndex, FlatIndex
from rag.calibration import Calibrations, calibrations_from
from rag.contents import Chunks, Documents
from rag.doubt import Doubt
from rag.hashes import Manifest, check_files
from rag.protocols import Embedder, FloatArray, IntArray, LexicalIndex, VectorIndex
from rag.segment import Segment
from rag.store import WORDS, check_model, read_manifest
from stemqa import LibraryError

_TRIES = 5
"""How often a library that is replaced while it is opened is opened anew."""


@dataclass(frozen=True, slots=True)
class Library:
    """An opened library. `fingerprint` names its exact contents: documents, chunking, model, calibration.

    Chunk i has vector i and lexical number i. The vectors of its sentences begin at row `first_sentence[i]`. `doubt` knows
    whether files that were not hashed at opening have turned out to be damaged.
    """

    fingerprint: str
    manifest: Mapping[str, Any]
    segments: Sequence[Segment]
    documents: Documents
    chunks: Chunks
    vectors: VectorIndex
    lexical: LexicalIndex
    sentence_vectors: Rows
    first_sentence: npt.NDArray[np.int64]
    speller: Speller
    calibrations: Calibrations
    embedder: Embedder
    doubt: Doubt

    def number(self, chunk: Chunk) -> int:
        """Return the place of a chunk of the library in `chunks`."""
        return self.chunks.number(chunk)

    def cosine_of(self, chunk: Chunk, vector: FloatArray) -> float:
        """Return the cosine of a question's vector with the chunk's."""
        return float(self.vectors.cosines(vector, np.array([self.number(chunk)]))[0])

    def best_sentence_cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return for each numbered chunk the cosine of the question's vector with its nearest sentence."""
        if not len(numbers):
            return np.zeros(0, np.float32)
        counts = self.first_sentence[numbers + 1] - self.first_sentence[numbers]
        starts = np.cumsum(counts) - counts
        rows = np.repeat(self.first_sentence[numbers] - starts, counts) + np.arange(counts.sum())
        best: FloatArray = np.maximum.reduceat(self.sentence_vectors.take(rows).astype(np.float32) @ vector, starts)
        return best

    def sentences_of(self, chunk: Chunk) -> FloatArray:
        """Return the vectors of the chunk's sentences: shape (len(chunk.sentences), dimension)."""
        first = self.first_sentence[self.number(chunk)]
        return self.sentence_vectors.take(np.arange(first, first + len(chunk.sentences))).astype(np.float32)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder, *, before: Library | None = None) -> Library:
        """Open the library in `folder`. `LibraryError` when it is missing, damaged, or made with another model.

        Where another process puts a new library in its place meanwhile, the new one is opened. Segments that `before` has
        opened already are used as they are.
        """
        manifest = read_manifest(folder)
        for _ in range(_TRIES):
            try:
                return cls._read(folder, manifest, embedder, before)
            except (LibraryError, OSError):
                last, manifest = manifest, read_manifest(folder)
                if manifest == last:
                    break
        return cls._read(folder, manifest, embedder, before)

    @classmethod
    def _read(cls, folder: Path, manifest: Manifest, embedder: Embedder, before: Library | None) -> Library:
        check_model(folder, manifest, embedder)
        generation = check_files(folder, manifest, quick=True)
        opened = {segment.name: segment for segment in before.segments} if before else {}
        names = [row["name"] for row in manifest["segments"]]
        segments = [opened.get(name) or Segment(generation / name) for name in names]
        for segment in segments:
            segment.folder = generation / segment.name  # of one that was opened before, the folder is gone soon
        counts = [np.diff(segment.first_sentences) for segment in segments]
        return cls(
            fingerprint=str(manifest["fingerprint"]),
            manifest=MappingProxyType(dict(manifest)),
            segments=segments,
            documents=Documents(segments),
            chunks=Chunks(segments),
            vectors=_vectors(segments),
            lexical=Bm25Index([segment.postings for segment in segments]),
            sentence_vectors=Rows([segment.sentences for segment in segments]),
            first_sentence=np.concatenate([[0], np.cumsum(np.concatenate(counts))]).astype(np.int64),
            speller=Speller(json.loads((generation / WORDS).read_text(encoding="utf-8"))),
            calibrations=calibrations_from(manifest["calibrations"]),
            embedder=embedder,
            doubt=Doubt(folder, manifest, sound=before.doubt.sound if before else frozenset()),
        )


def _vectors(segments: Sequence[Segment]) -> VectorIndex:
    if sum(segment.chunks for segment in segments) <= EXACT:
        return FlatIndex.build(*(segment.passages.between(0, segment.chunks) for segment in segments))
    return CodedIndex([segment.codes for segment in segments], Rows([segment.passages for segment in segments]))
