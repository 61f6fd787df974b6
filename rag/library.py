"""A library, opened: documents, chunks, vectors and terms, bound to one model. `rag.store` says how it lies on the disk."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.document import Chunk, Document
from embeddings.spelling import Speller
from embeddings.terms import Bm25Index
from embeddings.vectors import FlatIndex
from rag.calibration import Calibrations, calibrations_from
from rag.protocols import Embedder, FloatArray, IntArray
from rag.rows import CHUNKS, chunk_from, read_lines, stored_documents
from rag.store import Manifest, check_files, check_model, read_manifest
from stemqa import LibraryError

_TRIES = 5
"""How often a library that is replaced while it is opened is opened anew."""


@dataclass(frozen=True, slots=True)
class Library:
    """An opened library. `fingerprint` names its exact contents: documents, chunking, model, calibration.

    `number` maps a chunk's id to its place in `chunks`; chunk i has vector i and lexical number i. `sentence_vectors` has one
    unit row per sentence, in the order of the chunks; the rows of chunk i start at `first_sentence[i]`.
    """

    fingerprint: str
    manifest: Mapping[str, Any]
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
    number: Mapping[str, int]
    vectors: FlatIndex
    lexical: Bm25Index
    sentence_vectors: npt.NDArray[np.float16]
    first_sentence: npt.NDArray[np.int64]
    speller: Speller
    calibrations: Calibrations
    embedder: Embedder

    def cosine_of(self, chunk: Chunk, vector: FloatArray) -> float:
        """Return the cosine of a question's vector with the chunk's."""
        return float(self.vectors.cosines(vector, np.array([self.number[chunk.id]]))[0])

    def best_sentence_cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return for each numbered chunk the cosine of the question's vector with its nearest sentence."""
        if not len(numbers):
            return np.zeros(0, np.float32)
        counts = self.first_sentence[numbers + 1] - self.first_sentence[numbers]
        starts = np.cumsum(counts) - counts
        rows = np.repeat(self.first_sentence[numbers] - starts, counts) + np.arange(counts.sum())
        best: FloatArray = np.maximum.reduceat(self.sentence_vectors[rows].astype(np.float32) @ vector, starts)
        return best

    def sentences_of(self, chunk: Chunk) -> FloatArray:
        """Return the vectors of the chunk's sentences: shape (len(chunk.sentences), dimension)."""
        first = self.first_sentence[self.number[chunk.id]]
        return self.sentence_vectors[first : first + len(chunk.sentences)].astype(np.float32)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder) -> Library:
        """Open the library in `folder`. `LibraryError` when it is missing, damaged, or made with another model.

        Where another process puts a new library in its place meanwhile, the new one is opened.
        """
        manifest = read_manifest(folder)
        for _ in range(_TRIES):
            try:
                return cls._read(folder, manifest, embedder)
            except (LibraryError, OSError):
                last, manifest = manifest, read_manifest(folder)
                if manifest == last:
                    break
        return cls._read(folder, manifest, embedder)

    @classmethod
    def _read(cls, folder: Path, manifest: Manifest, embedder: Embedder) -> Library:
        check_model(folder, manifest, embedder)
        generation = check_files(folder, manifest)
        documents = {document.id: document for document in stored_documents(generation)}
        chunks = tuple(map(chunk_from, read_lines(generation / CHUNKS)))
        counts = [len(chunk.sentences) for chunk in chunks]
        return cls(
            fingerprint=str(manifest["fingerprint"]),
            manifest=MappingProxyType(dict(manifest)),
            documents=MappingProxyType(documents),
            chunks=chunks,
            number=MappingProxyType({chunk.id: i for i, chunk in enumerate(chunks)}),
            vectors=FlatIndex.load(generation / "passages.faiss"),
            lexical=Bm25Index.load(generation / "terms"),
            sentence_vectors=np.load(generation / "sentences.npy", mmap_mode="r"),
            first_sentence=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            speller=Speller(json.loads((generation / "words.json").read_text(encoding="utf-8"))),
            calibrations=calibrations_from(manifest["calibrations"]),
            embedder=embedder,
        )
