"""Misspelt words: set right against the library first, then against English; names and what is right are left alone."""

from __future__ import annotations

import itertools
import string
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.spelling import Speller
from embeddings.terms import words

SPELLER = Speller({"leukemia": 3, "thymus": 2, "marrow": 4, "sjogren": 1, "graft": 9, "grant": 2, "cd34": 1, "of": 9, "teh": 1})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("What is lukemia?", "What is leukemia?"),
        ("Lukemia", "Leukemia"),
        ("thimus of the marow", "thymus of the marrow"),
        ("tyhmus", "thymus"),
        ("treetment", "treatment"),
        ("the marow's thimus, marow-like", "the marrow's thymus, marrow-like"),
        ("leukmeiaa", "leukemia"),
    ],
)
def test_misspelt(text: str, expected: str) -> None:
    """A word one or two letters off, or with two letters swapped, becomes the library's word, or else the English one."""
    assert SPELLER.correct(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "What is leukemia?",
        "anaemia tumour naïve Sjögren sjögren",
        "TYMUS HSCT",
        "CD43 tym Tym",
        "Is Treetment a name?",
        "xylophonqzz",
        "autologus",
        "teh",
        "p53 IL-2 α-globin",
        "",
        "…",
        "a" * 2000,
    ],
)
def test_left_alone(text: str) -> None:
    """Right words in any spelling, capitals, short words, unknown names, numbers and words near to nothing stay."""
    assert SPELLER.correct(text) == text


def test_the_library_goes_before_english() -> None:
    """A word as near to one of the library's as to an English one becomes the library's."""
    assert Speller({}).correct("karrow") == "narrow"
    assert SPELLER.correct("karrow") == "marrow"


def test_a_name_is_set_right_by_the_library_only() -> None:
    """A capital inside the question marks a name, for which English words are no candidates."""
    assert SPELLER.correct("Is it Marow or Treetment?") == "Is it Marrow or Treetment?"


def test_of_equals_the_most_frequent() -> None:
    """Of two of the library's words at the same distance, the more frequent one is chosen."""
    assert SPELLER.correct("gravt") == "graft"
    assert Speller({"graft": 2, "grant": 9}).correct("gract") == "grant"


@given(st.text())
def test_any_text(text: str) -> None:
    """Correcting never fails, and what it gives has the same number of words in the same order of kinds."""
    corrected = SPELLER.correct(text)
    assert SPELLER.correct(corrected) == corrected
    assert len(words(corrected)) == len(words(text))


def test_a_question_of_unknown_words_takes_no_time() -> None:
    """A question full of words that are none is left as it is, at once."""
    text = " ".join(
        "zq" + "".join(letters) + "xj" for letters in itertools.islice(itertools.permutations(string.ascii_lowercase, 3), 250)
    )
    SPELLER.correct("warmup")
    started = time.perf_counter()
    assert SPELLER.correct(text) == text
    assert time.perf_counter() - started < 0.2
