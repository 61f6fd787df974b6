"""Time whole replies, warm, on the shipped library: as shipped, and by the same pipeline in torch with full weights.

    python bench/latency.py [--questions 120]

The shipped answerable and unanswerable questions are asked of both in turns, so that what else the machine does falls on both.
In torch the embedding model is sentence-transformers with the official weights, and the evidence model is the network that
training exports, with the shipped weights read back as 32-bit numbers. Needs what training needs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import torch

from corpus.shipped import shipped_documents_path, shipped_questions_path
from embeddings.encoder import DEFAULT_NAME
from embeddings.evidence import MODELS, WEIGHTS
from rag.assistant import Assistant
from rag.index import index
from rag.settings import Settings
from training.export import BASE
from training.model import EvidenceNet, load_encoder
from training.restore import restore

THREADS = 2


class TorchSession:
    """The evidence model in torch, asked as onnxruntime is."""

    def __init__(self) -> None:
        self._net = EvidenceNet(load_encoder(BASE))
        restore(self._net, MODELS / WEIGHTS)
        self._net.eval()

    def run(self, _names: Sequence[str], inputs: Mapping[str, Any]) -> list[Any]:
        """Return token logits and passage logits."""
        with torch.inference_mode():
            return [part.numpy() for part in self._net(*(torch.from_numpy(inputs[n]) for n in ("ids", "mask", "segments")))]


def opened(folder: Path, model: str) -> Assistant:
    """Build a library of the shipped documents and open it."""
    settings = replace(Settings.from_mapping({}), library=folder / (model or "shipped"), model=model, threads=THREADS)
    index([shipped_documents_path()], settings, report=print, progress=lambda *_: None)
    return Assistant.open(settings)


def main() -> None:
    """Ask, and print medians and their ratio with 95 % bootstrap intervals."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=120)
    number = parser.parse_args().questions
    torch.set_num_threads(THREADS)
    rows = [json.loads(line) for line in shipped_questions_path().read_text(encoding="utf-8").splitlines()]
    questions = [row["question"] for row in rows if row["kind"] in {"answerable", "unanswerable"}][:number]
    with tempfile.TemporaryDirectory() as folder:
        both = [opened(Path(folder), model) for model in ("", DEFAULT_NAME)]
        both[1].reader._session = TorchSession()  # noqa: SLF001 -- all else stays
        times = np.empty((len(questions), 2))
        for assistant in both:
            for question in questions[:5]:
                assistant.ask(question)
        for row, question in zip(times, questions, strict=True):
            for i, assistant in enumerate(both):
                started = perf_counter()
                assistant.ask(question)
                row[i] = (perf_counter() - started) * 1000
    draw = np.random.default_rng(0)
    drawn = [times[draw.integers(len(times), size=len(times))] for _ in range(2000)]
    print("| whole reply, warm | median ms | 95th percentile ms |\n|---|---:|---:|")
    for i, name in enumerate(("as shipped", "torch, full weights")):
        low, high = np.quantile([np.median(d[:, i]) for d in drawn], [0.025, 0.975])
        print(f"| {name} | {np.median(times[:, i]):.1f} ({low:.1f} to {high:.1f}) | {np.quantile(times[:, i], 0.95):.1f} |")
    ratios = [np.median(d[:, 1] / d[:, 0]) for d in drawn]
    low, high = np.quantile(ratios, [0.025, 0.975])
    print(f"| median of the ratios | {np.median(times[:, 1] / times[:, 0]):.2f} ({low:.2f} to {high:.2f}) | |")


if __name__ == "__main__":
    main()
