"""A library on disk: documents, chunks, vectors, terms, and a manifest that binds them to a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corpus.document import Chunk, Document


@dataclass(frozen=True, slots=True)
class Library:
    """An opened library. `fingerprint` names its exact contents: documents, chunking, model, calibration."""

    fingerprint: str
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
