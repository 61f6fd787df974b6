"""Words, terms and BM25: against the published formula written out, and on the texts that trip such code up."""

from __future__ import annotations

import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.postings import Bm25Index, Postings
from embeddings.terms import STOP_WORDS, Stems, count_words, words
from stemqa import LibraryError

K1, B = 0.9, 0.4
TEXTS = (
    "Stem cells live in the bone marrow.",
    "The marrow makes blood; blood carries cells, cells, cells.",
    "",
    "The thymus shapes T cells.",
    "and of the",
    "Naïve cells leave the patient's thymus.",
)
MANY = [f"x{n}" for n in range(150)]
BM25_TEXTS = st.lists(st.sampled_from(["cell", "marrow", "blood", "thymus", "the", "graft"]), max_size=12).map(" ".join)


def bm25(texts: tuple[str, ...], question: str) -> list[float]:
    """Return BM25 as Lucene counts it, written out: sum of idf * tf / (tf + k1 * (1 - b + b * length / mean length))."""
    stems = Stems()
    rows = [stems.terms(text) or [""] for text in texts]  # a text without terms has length 1
    mean = sum(map(len, rows)) / len(rows)
    scores = []
    for row in rows:
        counts, score = Counter(row), 0.0
        for term in stems.terms(question):
            n = sum(term in other for other in rows)
            idf = math.log(1 + (len(rows) - n + 0.5) / (n + 0.5))
            score += idf * counts[term] / (counts[term] + K1 * (1 - B + B * len(row) / mean))
        scores.append(score)
    return scores


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stem cells, T-cells & CD34+", ["stem", "cells", "t", "cells", "cd34"]),
        ("Naïve Sjögren ÉCLAIR", ["naive", "sjogren", "eclair"]),
        ("the patient's patients' donor’s", ["the", "patient", "patients", "donor"]),
        ("can't CAN’T don't isn't won't", ["can", "can", "do", "is", "wo"]),
        ("I'd they're we've she'll I'm", ["i", "they", "we", "she", "i"]),
        ("snake_case 3.5 mg/kg", ["snake", "case", "3", "5", "mg", "kg"]),
        ("干细胞 ﬁbrosis", ["干细胞", "fibrosis"]),
        ("?! … —", []),
        ("", []),
    ],
)
def test_words(text: str, expected: list[str]) -> None:
    """Words are lower case, in order, repeated as they stand, without accents and without possessive and other endings."""
    assert words(text) == expected


@given(st.text())
def test_words_of_any_text_are_words_already(text: str) -> None:
    """Taking the words of joined words changes nothing, whatever the text."""
    found = words(text)
    assert words(" ".join(found)) == found
    assert all(found)


def test_terms_are_stems_without_stop_words() -> None:
    """Terms lack stop words, also contracted ones, and inflected forms of one word are one term."""
    stems = Stems()
    assert stems.terms("What are the diseases of the blood?") == ["diseas", "blood"]
    assert stems.terms("treating treated treats") == ["treat"] * 3
    assert stems.terms("Why can't, won't and don't they?") == []
    assert all(words(stop) == [stop] for stop in STOP_WORDS)


@settings(max_examples=40)
@given(texts=st.lists(BM25_TEXTS, min_size=1, max_size=8).map(tuple), question=BM25_TEXTS)
def test_scores_are_those_of_the_formula(texts: tuple[str, ...], question: str) -> None:
    """Every score is the published formula's, for any texts and question."""
    np.testing.assert_allclose(Bm25Index.build(texts).scores(question), bm25(texts, question), rtol=1e-5, atol=1e-6)


@given(texts=st.lists(BM25_TEXTS, min_size=1, max_size=30).map(tuple), question=BM25_TEXTS, k=st.integers(0, 32))
def test_search_sorts_by_score_then_number(texts: tuple[str, ...], question: str, k: int) -> None:
    """A search gives the best texts that share a term, best first, ties by number, also where the tie is at the cut."""
    index = Bm25Index.build(texts)
    scores = index.scores(question)
    expected = sorted((i for i in range(len(texts)) if scores[i] > 0), key=lambda i: (-scores[i], i))[:k]
    numbers, found = index.search(question, k)
    assert numbers.tolist() == expected
    assert found.tolist() == scores[numbers].tolist()


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), k=st.sampled_from([1, 3, 20]))
def test_what_cannot_be_among_the_best_is_passed_over_and_no_more(seed: int, k: int) -> None:
    """In an index of parts, with few frequent terms and many rare ones, the best are those of all scores, to the last bit."""
    draw, zipf = random.Random(seed), [1 / (n + 1) for n in range(len(MANY))]
    rows = [draw.choices(MANY, zipf, k=draw.randint(0, 30)) for _ in range(400)]
    index = Bm25Index([Postings.of(rows[start : start + 100]) for start in range(0, 400, 100)])
    question = " ".join(draw.choices(MANY, zipf, k=8))
    scores = index.scores(question)
    best = np.lexsort((np.arange(400), -scores))[:k]
    numbers, found = index.search(question, k)
    assert numbers.tolist() == [n for n in best if scores[n] > 0]
    assert found.tolist() == scores[numbers].tolist()


@pytest.mark.parametrize("question", ["", "the of and", "zebra", "?!"])
def test_a_question_without_known_terms_finds_nothing(question: str) -> None:
    """Without a term that a text holds all scores are 0 and nothing is found."""
    index = Bm25Index.build(TEXTS)
    assert index.scores(question).tolist() == [0.0] * len(TEXTS)
    assert [len(part) for part in index.search(question, 5)] == [0, 0]


def test_accents_and_possessives_do_not_matter() -> None:
    """A question without the accent and with another ending finds the text all the same."""
    assert Bm25Index.build(TEXTS).search("naive patients", 9)[0].tolist() == [5]


@pytest.mark.parametrize(("term", "n"), [("cell", 4), ("marrow", 2), ("thymus", 2), ("zebra", 0), ("the", 0), ("", 0)])
def test_idf(term: str, n: int) -> None:
    """A term that n of N texts hold has idf ln(1 + (N - n + 0.5) / (n + 0.5)); one in none has the largest."""
    index = Bm25Index.build(TEXTS)
    assert index.idf(term) == pytest.approx(math.log(1 + (6 - n + 0.5) / (n + 0.5)))
    assert (term in index) == (n > 0)


def test_an_index_of_empty_texts_finds_nothing() -> None:
    """Texts without terms can be indexed, and are never found."""
    index = Bm25Index.build(["", "the", "?"])
    assert len(index) == 3
    assert [len(part) for part in index.search("cells", 3)] == [0, 0]


def test_an_index_read_back_answers_the_same(tmp_path: Path) -> None:
    """Saved and loaded, an index has the same length, scores and frequencies."""
    index = Bm25Index.build(TEXTS)
    stems = Stems()
    Postings.of(map(stems.terms, TEXTS)).save(tmp_path / "terms")
    again = Bm25Index([Postings.load(tmp_path / "terms")])
    assert len(again) == len(TEXTS)
    np.testing.assert_array_equal(index.scores("cells of the thymus"), again.scores("cells of the thymus"))
    assert [again.idf(term) for term in ("cell", "thymus", "")] == [index.idf(term) for term in ("cell", "thymus", "")]


@pytest.mark.parametrize("damage", ["missing", "empty", "garbage"])
def test_a_damaged_index_is_named(tmp_path: Path, damage: str) -> None:
    """A folder whose files are missing, empty or garbage is refused in one line with its name."""
    folder = tmp_path / "terms"
    Postings.of(map(Stems().terms, TEXTS)).save(folder)
    for file in folder.iterdir():
        file.unlink() if damage == "missing" else file.write_bytes(b"" if damage == "empty" else b"garbage")
    with pytest.raises(LibraryError, match=r"terms is not a lexical index .*build the library again") as error:
        Postings.load(folder)
    assert "\n" not in str(error.value)


def test_words_are_counted_once_a_text() -> None:
    """A word's count is the number of texts that hold it."""
    assert count_words(["Cells, cells!", "cells and marrow"]) == {"cells": 2, "and": 1, "marrow": 1}
