"""Strings to unit vectors without torch: all-MiniLM-L6-v2 with 8-bit weights, run with onnxruntime.

The model stands in models/, made by `training.export_encoder` from the official weights. A text's vector depends on the text
alone, not on the texts beside it, on `threads`, or on who asks at the same time (to a rounding of 1e-6), so a library that
grows is the library that is built at once. Its cosine with the vector of the full weights is about 0.997.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from stemqa import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

FAST_NAME = "all-MiniLM-L6-v2-int8"
MODELS = Path(__file__).parent / "models"
WEIGHTS, TOKENIZER, MANIFEST = "encoder.int8.onnx", "tokenizer.json", "encoder.json"
TOKENS = 256
"""Longest text, [CLS] and [SEP] counted, as sentence-transformers reads it with this model; the rest is cut off."""
DIMENSION = 384
_BATCH_TOKENS = 1024
"""Tokens computed at once: more of them leave the cache, fewer pay for the calls."""
_REMEMBERED = 64
_MEND = "reinstall stemqa, or set STEMQA_MODEL=all-MiniLM-L6-v2 for the full weights"

Floats = npt.NDArray[np.float32]


class FastEmbedder:
    """The shipped 8-bit model, checked at once and loaded on the first text. Safe to use from several threads."""

    name = FAST_NAME
    dimension = DIMENSION

    def __init__(self, folder: Path, *, sha256: str, threads: int) -> None:
        self.sha256 = sha256
        self._folder = folder
        self._threads = threads
        self._lock = threading.Lock()
        self._loaded: tuple[Tokenizer, InferenceSession] | None = None
        # The guard and retrieval embed the same words, one after the other.
        self._query = lru_cache(_REMEMBERED)(self._embed_query)

    def embed_passages(self, texts: Sequence[str]) -> Floats:
        """Return one unit vector per text: shape (len(texts), dimension)."""
        vectors = np.zeros((len(texts), DIMENSION), np.float32)
        if not texts:
            return vectors
        tokenizer, session = self._model()
        ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]

        def compute(rows: Sequence[int]) -> None:
            batch = np.array([ids[row] for row in rows], np.int64)
            (vectors[rows],) = session.run(None, {"ids": batch})

        batches = list(_batches([len(row) for row in ids]))
        if self._threads == 1 or len(batches) == 1:
            for rows in batches:
                compute(rows)
            return vectors
        with ThreadPoolExecutor(self._threads) as pool:
            for _ in pool.map(compute, batches):  # raises what a batch raised
                pass
        return vectors

    def embed_query(self, text: str) -> Floats:
        """Return the question's unit vector, read-only: shape (dimension,). The latest questions are remembered."""
        return self._query(text)

    def _embed_query(self, text: str) -> Floats:
        vector: Floats = self.embed_passages([text])[0]
        vector.flags.writeable = False
        return vector

    def _model(self) -> tuple[Tokenizer, InferenceSession]:
        with self._lock:
            if self._loaded is None:
                self._loaded = _load(self._folder)
            return self._loaded


def open_fast_embedder(folder: Path = MODELS, *, threads: int) -> FastEmbedder:
    """Open the model in `folder`, its files checked against the hashes in its manifest; `ModelError` where that fails."""
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        hashes = {name: str(manifest["sha256"][name]) for name in (WEIGHTS, TOKENIZER)}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"the embedding model's manifest {path} cannot be read ({type(error).__name__}); {_MEND}") from error
    for name, expected in hashes.items():
        _check(folder / name, expected)
    return FastEmbedder(folder, sha256=hashes[WEIGHTS], threads=threads)


def _batches(lengths: Sequence[int]) -> Iterator[list[int]]:
    """Part the rows into batches of one length each, so that none is padded; the longest first, to end together."""
    alike: defaultdict[int, list[int]] = defaultdict(list)
    for row, length in enumerate(lengths):
        alike[length].append(row)
    for length in sorted(alike, reverse=True):
        size = max(1, _BATCH_TOKENS // length)
        for start in range(0, len(alike[length]), size):
            yield alike[length][start : start + size]


def _check(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(f"the embedding model's file {path} is missing or cannot be read; {_MEND}") from error
    if found != expected:
        raise ModelError(f"the embedding model's file {path} has SHA-256 {found[:12]}…, expected {expected[:12]}…; {_MEND}")


def _load(folder: Path) -> tuple[Tokenizer, InferenceSession]:
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 -- slow to import
    from tokenizers import Tokenizer  # noqa: PLC0415 -- slow to import

    tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
    tokenizer.no_padding()
    tokenizer.enable_truncation(TOKENS)
    options = SessionOptions()
    # Threads share out the batches instead of the rows within one: they never wait for each other.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return tokenizer, InferenceSession(str(folder / WEIGHTS), options, providers=["CPUExecutionProvider"])
