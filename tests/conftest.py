"""Shared parts of the tests: an embedder that a person can compute, and a small library made with it."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from corpus.document import Document
from embeddings.terms import words
from rag.assistant import Assistant
from rag.build import build_library
from rag.calibration import Calibration, Linear
from rag.library import Library

DIMENSION = 64

CALIBRATION = Calibration(
    sentence=Linear({"coverage": 10.0}, -5.0),
    subject=Linear({"nearest_passage": 20.0, "coverage": 20.0}, -6.0),
    answer=Linear({"best": 1.0}, 0.0),
    threshold=0.5,
    scope=0.5,
    origin="tests: a sentence answers with more than half of the question's terms by weight; 0.3 of them are on the subject",
)


class HashEmbedder:
    """A text's vector counts its words, each at the place that the word's SHA-256 names, and has unit length."""

    name = "word-hash"
    sha256 = "0" * 64
    dimension = DIMENSION

    def embed_passages(self, texts: Sequence[str]) -> np.ndarray:
        return np.stack([self.embed_query(text) for text in texts]) if texts else np.zeros((0, DIMENSION), np.float32)

    def embed_query(self, text: str) -> np.ndarray:
        vector = np.zeros(DIMENSION, np.float32)
        for word in words(text):
            vector[int(hashlib.sha256(word.encode()).hexdigest(), 16) % DIMENSION] += 1
        length = float(np.linalg.norm(vector))
        return vector / length if length else vector


NOTES = (
    Document.create(
        "Stem cells live in the bone marrow. They renew themselves for a lifetime.\n\nThe thymus shapes young T cells.",
        title="Where stem cells live",
        source="notes/where.txt",
        id="where",
    ),
    Document.create(
        "In an allogeneic transplant the cells come from a donor. Graft-versus-host disease is a risk of a donor transplant. "
        "This happens when the donated cells attack the body of the recipient.",
        title="Transplants and their risks",
        source="notes/risks.txt",
        id="risks",
    ),
    Document.create(
        "Graft-versus-host disease is a risk of a donor transplant. Doctors watch patients for infections afterwards.",
        title="After a transplant",
        source="notes/after.txt",
        id="after",
    ),
)


def no_progress(_what: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def make_library(folder: Path, documents: Sequence[Document], calibration: Calibration = CALIBRATION) -> Library:
    """Build a library of `documents` in `folder` with the word-hash embedder, and open it."""
    embedder = HashEmbedder()
    build_library(folder, documents, embedder=embedder, calibrations={"similarity": calibration}, progress=no_progress)
    return Library.open(folder, embedder)


def make_assistant(folder: Path, documents: Sequence[Document], calibration: Calibration = CALIBRATION) -> Assistant:
    """Build a library of `documents` in `folder` with the word-hash embedder, and return an assistant of it."""
    return Assistant(make_library(folder, documents, calibration))


@pytest.fixture
def assistant_of(tmp_path: Path) -> Callable[[Sequence[Document]], Assistant]:
    """Return a function that makes an assistant of the documents it is given."""
    return lambda documents: make_assistant(tmp_path / "library", documents)


@pytest.fixture
def library_of(tmp_path: Path) -> Callable[[Sequence[Document]], Library]:
    """Return a function that makes a library of the documents it is given."""
    return lambda documents: make_library(tmp_path / "library", documents)


@pytest.fixture(scope="session")
def notes_assistant(tmp_path_factory: pytest.TempPathFactory) -> Assistant:
    """Return an assistant of three short notes, two of which share a sentence."""
    return make_assistant(tmp_path_factory.mktemp("notes") / "library", NOTES)
