"""Nearest vectors: the same as brute force, ties by number, on disk and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embeddings.rowfile import RowFile, Rows, save_array
from embeddings.vectors import CodedIndex, FlatIndex, read_codes, write_codes
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


def coded(folder: Path, *parts: np.ndarray) -> CodedIndex:
    """Return an index of vectors in parts, written and read back."""
    for i, part in enumerate(parts):
        save_array(folder / f"{i}.npy", part)
        write_codes(folder / f"{i}.codes", part)
    numbers = range(len(parts))
    return CodedIndex(
        [read_codes(folder / f"{i}.codes") for i in numbers], Rows([RowFile(folder / f"{i}.npy") for i in numbers])
    )


def test_codes_find_what_brute_force_finds(tmp_path: Path) -> None:
    """While fewer vectors than are compared stand in all parts, a search by codes finds what comparing all finds."""
    vectors = units(500)
    index, exact = (
        coded(tmp_path, vectors[:150], vectors[150:151], vectors[:0], vectors[151:300], vectors[300:]),
        FlatIndex.build(vectors),
    )
    for asked in units(20, 7):
        for k in (0, 1, 10, 100):
            numbers, cosines = index.search(asked, k)
            expected, their = exact.search(asked, k)
            assert numbers.tolist() == expected.tolist()
            np.testing.assert_allclose(cosines, their, atol=1e-6)
        np.testing.assert_array_equal(index.cosines(asked, np.arange(500)), exact.cosines(asked, np.arange(500)))


def test_codes_miss_little(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 20,000 vectors in clusters, with 1,000 compared, 99 in 100 of the ten nearest are found."""
    rng = np.random.default_rng(1)
    centres, noise = rng.normal(size=(50, 64)), rng.normal(size=(20_000, 64))
    vectors = (centres[rng.integers(50, size=20_000)] + noise).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    index, exact = coded(tmp_path, *np.split(vectors, 4)), FlatIndex.build(vectors)
    asked = (vectors[:100] + 0.1 * vectors[100:200]).astype(np.float32)
    found = [len({*index.search(one, 10)[0]} & {*exact.search(one, 10)[0]}) for one in asked]
    assert sum(found) >= 990


def test_rows_are_read_in_any_order(tmp_path: Path) -> None:
    """Rows of several files come in the order asked, repeats too, and stay readable when the files are gone."""
    rows = np.arange(60, dtype=np.float16).reshape(20, 3)
    for i, part in enumerate(np.split(rows, [5, 5, 12])):
        save_array(tmp_path / f"{i}.npy", part)
    together = Rows([RowFile(tmp_path / f"{i}.npy") for i in range(4)])
    for file in tmp_path.iterdir():
        file.unlink()
    for numbers in ([], [0], [19, 0, 4, 5, 6, 11, 12, 12, 3], range(20)):
        np.testing.assert_array_equal(together.take(np.array(numbers, np.int64)), rows[list(numbers)])
    assert len(together) == 20


@pytest.mark.parametrize("damage", [b"no index", None])
def test_a_damaged_file_is_named(tmp_path: Path, damage: bytes | None) -> None:
    """A file that is foreign or cut short is refused in one line with its name and the remedy."""
    file = tmp_path / "v.faiss"
    write_codes(file, units(50))
    file.write_bytes(file.read_bytes()[:100] if damage is None else damage)
    with pytest.raises(LibraryError, match=r"v\.faiss is not a vector index .*build the library again") as error:
        read_codes(file)
    assert "\n" not in str(error.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is refused with its name."""
    with pytest.raises(LibraryError, match=r"none\.faiss"):
        read_codes(tmp_path / "none.faiss")
    with pytest.raises(LibraryError, match=r"none\.npy holds no rows"):
        RowFile(tmp_path / "none.npy")
