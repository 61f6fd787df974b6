"""Nearest vectors: the same as brute force, ties by number, on disk and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.vectors import FlatIndex
from stemqa import LibraryError

DIMENSION = 6


def units(n: int, seed: int = 0) -> np.ndarray:
    """Return `n` random unit vectors."""
    rows = np.random.default_rng(seed).normal(size=(n, DIMENSION)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@given(n=st.integers(1, 300), k=st.integers(1, 320), seed=st.integers(0, 5))
def test_search_finds_what_brute_force_finds(n: int, k: int, seed: int) -> None:
    """The numbers and cosines of a search are those of comparing with every vector."""
    vectors, asked = units(n, seed), units(1, 99)[0]
    numbers, cosines = FlatIndex.build(vectors).search(asked, k)
    everything = vectors.astype(np.float64) @ asked
    np.testing.assert_allclose(cosines, np.sort(everything)[::-1][:k], atol=1e-6)
    np.testing.assert_allclose(everything[numbers], cosines, atol=1e-6)
    assert len(set(numbers.tolist())) == len(numbers) == min(n, k)


@given(places=st.lists(st.integers(0, DIMENSION - 1), min_size=1, max_size=260), k=st.integers(1, 260))
def test_equal_vectors_come_by_number_even_at_the_cut(places: list[int], k: int) -> None:
    """Of vectors that are equally near, those of lower number come first, and are those that are kept."""
    vectors = np.eye(DIMENSION, dtype=np.float32)[places]
    numbers, cosines = FlatIndex.build(vectors).search(vectors[0], k)
    expected = sorted(range(len(places)), key=lambda i: (places[i] != places[0], i))[:k]
    assert numbers.tolist() == expected
    assert cosines.tolist() == [float(places[i] == places[0]) for i in expected]


@pytest.mark.parametrize("k", [0, -1])
def test_nothing_is_found_when_nothing_is_wanted(k: int) -> None:
    """A search for no vectors finds none."""
    numbers, cosines = FlatIndex.build(units(3)).search(units(1)[0], k)
    assert (len(numbers), len(cosines)) == (0, 0)


def test_an_empty_index_finds_nothing() -> None:
    """An index without vectors has length 0 and answers every search with nothing."""
    index = FlatIndex.build(np.zeros((0, DIMENSION), np.float32))
    numbers, cosines = index.search(units(1)[0], 5)
    assert (len(index), numbers.dtype, cosines.dtype, len(numbers)) == (0, np.int64, np.float32, 0)


def test_cosines_are_those_of_the_numbered_vectors() -> None:
    """Cosines are given for just the vectors asked for, in the order asked."""
    vectors, asked = units(20), units(1, 7)[0]
    numbers = np.array([13, 2, 2, 19])
    np.testing.assert_allclose(FlatIndex.build(vectors).cosines(asked, numbers), vectors[numbers] @ asked, atol=1e-6)


@given(st.integers(2, 40))
def test_equal_vectors_have_equal_cosines(n: int) -> None:
    """Copies of one vector have the same cosine to the last bit, wherever they stand."""
    rng = np.random.default_rng(n)
    one, asked = (rng.normal(size=384).astype(np.float32) / 20 for _ in range(2))
    cosines = FlatIndex.build(np.stack([one] * n)).cosines(asked, np.arange(n))
    assert len(set(cosines.tolist())) == 1


def test_an_index_read_back_answers_the_same(tmp_path: Path) -> None:
    """Saved and loaded, an index has the same length, finds the same and gives the same cosines."""
    index, asked = FlatIndex.build(units(50)), units(1, 7)[0]
    index.save(tmp_path / "v.faiss")
    again = FlatIndex.load(tmp_path / "v.faiss")
    assert len(again) == 50
    for before, after in zip(index.search(asked, 9), again.search(asked, 9), strict=True):
        np.testing.assert_array_equal(before, after)
    np.testing.assert_array_equal(index.cosines(asked, np.arange(50)), again.cosines(asked, np.arange(50)))


@pytest.mark.parametrize("damage", [b"", b"no index", None])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    """A file that is empty, foreign or cut short is refused in one line with its name and the remedy."""
    file = tmp_path / "v.faiss"
    FlatIndex.build(units(50)).save(file)
    file.write_bytes(file.read_bytes()[:100] if damage is None else damage)
    with pytest.raises(LibraryError, match=r"v\.faiss is not a vector index .*build the library again") as error:
        FlatIndex.load(file)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is refused with its name."""
    with pytest.raises(LibraryError, match=r"none\.faiss"):
        FlatIndex.load(tmp_path / "none.faiss")
