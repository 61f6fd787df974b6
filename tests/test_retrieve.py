"""Retrieval: the fused score written out by hand, ranks, ties, and passages that say the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from conftest import make_library
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from corpus.document import Document
from rag.library import Library
from rag.reply import Hit
from rag.retrieve import DENSE_WEIGHT, SENTENCE_SHARE, collapse, retrieve

LibraryOf = Callable[[Sequence[Document]], Library]
SENTENCES = (
    "Stem cells renew the blood.",
    "The thymus shapes T cells.",
    "Grafts attack the skin of a patient.",
    "Blood carries oxygen and cells.",
    "A donor gives marrow.",
)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Return a library of five documents of one sentence each."""
    return make_library(tmp_path_factory.mktemp("five") / "library", [note(f"d{i}", s) for i, s in enumerate(SENTENCES)])


def note(name: str, text: str) -> Document:
    return Document.create(text, title="Notes", source=f"{name}.txt", id=name)


def ask(library: Library, question: str, k: int = 10) -> list[Hit]:
    return retrieve(library, question, library.embedder.embed_query(question), k)


def expected(library: Library, question: str) -> list[tuple[str, float]]:
    """Return documents with DENSE_WEIGHT * cosine / best + the rest * BM25 / best, best first, by brute force."""
    vector = library.embedder.embed_query(question)
    texts = [f"Notes\n{sentence}" for sentence in SENTENCES]
    whole, sentence = (library.embedder.embed_passages(t) @ vector for t in (texts, SENTENCES))
    dense = np.clip((1 - SENTENCE_SHARE) * whole + SENTENCE_SHARE * sentence, 0, None)
    lexical = library.lexical.scores(question)
    fused = DENSE_WEIGHT * dense / (dense.max() or 1) + (1 - DENSE_WEIGHT) * lexical / (lexical.max() or 1)
    return [(f"d{i}", float(fused[i])) for i in sorted(range(len(texts)), key=lambda i: (-round(float(fused[i]), 3), i))]


@pytest.mark.parametrize(
    "question", ["What do stem cells do for the blood?", "thymus", "Who gives marrow to a patient?", "zebra", "the"]
)
def test_scores_are_those_worked_out_by_hand(library: Library, question: str) -> None:
    """Cosine and BM25, each divided by the best of its kind, are summed with their weights."""
    found = [(hit.chunk.document_id, hit.score) for hit in ask(library, question)]
    for (name, score), (other, brute) in zip(found, expected(library, question), strict=True):
        assert (name, score) == (other, pytest.approx(brute, abs=2e-3))  # sentences are stored in half precision


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(" ".join(SENTENCES).split()), min_size=1, max_size=8), k=st.integers(0, 7))
def test_hits_are_sorted_and_bounded(library: Library, words: list[str], k: int) -> None:
    """At most k hits come, best first, with scores between 0 and 1, each passage once."""
    found = ask(library, " ".join(words), k)
    scores = [hit.score for hit in found]
    assert len(found) == min(k, len(SENTENCES))
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= score <= 1 + 1e-6 for score in scores)
    assert len({hit.chunk.id for hit in found}) == len(found)
    assert found == ask(library, " ".join(words))[:k]


def test_ranks_count_from_one(library: Library) -> None:
    """A hit says its rank in both searches; a passage that shares no term with the question has no lexical rank."""
    found = ask(library, "Who gives marrow?")
    assert (found[0].chunk.document_id, found[0].dense_rank, found[0].lexical_rank) == ("d4", 1, 1)
    assert {hit.lexical_rank for hit in found[1:]} == {None}
    assert sorted(hit.dense_rank or 0 for hit in found) == [1, 2, 3, 4, 5]


def test_equal_passages_come_in_the_order_of_the_library(library_of: LibraryOf) -> None:
    """Of passages with the same score the one that stands first in the library comes first."""
    library = library_of([note(name, "Cells divide.") for name in ("c", "a", "b")])
    assert [hit.chunk.document_id for hit in ask(library, "Do cells divide?")] == ["c", "a", "b"]


def test_a_question_that_shares_nothing_scores_zero(library: Library) -> None:
    """Where neither search finds a likeness all scores are 0, and none is a division by 0."""
    silent = retrieve(library, "zebra", np.zeros(64, np.float32), 9)
    assert [hit.score for hit in silent] == [0.0] * 5


def test_passages_that_say_the_same_are_one_group(library_of: LibraryOf) -> None:
    """Hits that differ only in capitals, spacing and punctuation are grouped, the best first; groups keep their order."""
    texts = {"a": "Cells divide.", "b": "Blood clots.", "c": "CELLS  divide!", "d": "Cells don't divide."}
    library = library_of([note(name, text) for name, text in texts.items()])
    hits = [Hit(chunk, 1 - i / 10) for i, chunk in enumerate(library.chunks)]
    groups = [[hit.chunk.document_id for hit in group] for group in collapse(library, hits)]
    assert groups == [["a", "c"], ["b"], ["d"]]
    assert collapse(library, []) == []
