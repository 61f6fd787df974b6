"""Compare the default embedding model with its reference, sentence-transformers and the full weights, in one run.

    python bench/embedding.py speed     [--shared ../shared] [--texts 128] [--repeats 7]
    python bench/embedding.py start     [--repeats 7]
    python bench/embedding.py retrieval [--shared ../shared] [--queries 1000]

`speed`: paragraphs and questions a second. The two take turns, so that what else the machine does falls on both; the ratio of
each round is computed and their median told. `start`: seconds of a whole `stemqa ask` on the shipped corpus, in turns too.
`retrieval`: nDCG@10 of the same questions with both, by vectors alone and with BM25 as asked. Each prints a table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import numpy as np

from embeddings.encoder import DEFAULT_NAME, SentenceEmbedder, open_embedder
from embeddings.fast import FAST_NAME
from rag import retrieve as retrieval
from rag.library import Library
from rag.metrics import ndcg

ROOT = Path(__file__).resolve().parents[1]
SETS = ("squad2_dev", "medquad_immune")
QUESTION = "What is graft-versus-host disease?"
MODELS = (DEFAULT_NAME, FAST_NAME)


def _lines(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _stemqa(model: str, folder: str, *arguments: str) -> None:
    """Run one command as a process of its own, with a library of the model's in `folder`."""
    call = [sys.executable, "-c", "from ui.cli import main; raise SystemExit(main())", *arguments]
    environment = {**os.environ, "STEMQA_MODEL": model, "STEMQA_LIBRARY": f"{folder}/{model}"}
    subprocess.run(call, cwd=ROOT, env=environment, check=True, capture_output=True)


def speed(shared: Path, texts: int, repeats: int) -> None:
    """Time `SentenceTransformer.encode` at its defaults against `embed_passages` with as many threads as it has."""
    import torch  # noqa: PLC0415 -- not needed by the other measurements

    reference, fast = (
        open_embedder(DEFAULT_NAME, threads=torch.get_num_threads()),
        open_embedder("", threads=torch.get_num_threads()),
    )
    assert isinstance(reference, SentenceEmbedder)
    encode = reference._model().encode  # noqa: SLF001 -- what a user would call, without our layer above it
    print(f"{torch.get_num_threads()} threads each, {repeats} rounds\n")
    print("| texts | reference, texts/s | 8-bit, texts/s | ratio, median (least to most) | cosine, mean (least) |")
    print("|---|---|---|---|---|")
    for name in SETS:
        for kind, file in (("passages", "corpus"), ("questions", "queries")):
            found = [row["text"] for row in _lines(shared / "eval" / name / f"{file}.jsonl")]
            chosen = random.Random(0).sample(found, texts)
            cosines = (np.asarray(encode(chosen, normalize_embeddings=True)) * fast.embed_passages(chosen)).sum(axis=1)
            rounds = [
                (_seconds(partial(encode, chosen)), _seconds(partial(fast.embed_passages, chosen))) for _ in range(repeats)
            ]
            ratios = [slow / quick for slow, quick in rounds]
            slow, quick = (statistics.median(times) for times in zip(*rounds, strict=True))
            spread = f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"
            print(
                f"| {name} {kind} | {texts / slow:.1f} | {texts / quick:.1f} | {spread} | "
                f"{cosines.mean():.4f} ({cosines.min():.4f}) |",
                flush=True,
            )


def start(repeats: int) -> None:
    """Time `stemqa ask` as a process of its own, from nothing to the answer."""
    times: dict[str, list[float]] = {model: [] for model in MODELS}
    with tempfile.TemporaryDirectory() as folder:
        for model in MODELS:
            _stemqa(model, folder, "index", "corpus/documents")
            _stemqa(model, folder, "ask", QUESTION)  # once before, so that the files are in memory for both
        for _ in range(repeats):
            for model in MODELS:
                times[model].append(_seconds(partial(_stemqa, model, folder, "ask", QUESTION)))
    print(f"`stemqa ask`, {repeats} rounds\n\n| model | seconds, median (least to most) |\n|---|---|")
    for model in MODELS:
        print(f"| {model} | {statistics.median(times[model]):.2f} ({min(times[model]):.2f} to {max(times[model]):.2f}) |")
    print(f"\nratio {statistics.median(slow / quick for slow, quick in zip(*times.values(), strict=True)):.2f}")


def retrieve_both(shared: Path, queries: int) -> None:
    """Score the same questions in libraries made with either model; the difference with a bootstrap 95 % interval."""
    print("| set | search | reference | 8-bit | difference (95 %) |\n|---|---|---|---|---|")
    for name in SETS:
        folder = shared / "eval" / name
        qrels: dict[str, dict[str, int]] = {}
        for line in (folder / "qrels" / "test.tsv").read_text(encoding="utf-8").splitlines()[1:]:
            query, document, grade = line.split("\t")
            qrels.setdefault(query, {})[document] = int(grade)
        asked = [row for row in _lines(folder / "queries.jsonl") if row["_id"] in qrels]
        asked = random.Random(0).sample(asked, min(queries, len(asked)))
        scores = {model: _scores(folder, model, asked, qrels) for model in MODELS}
        for search in ("vectors", "with BM25"):
            full, ours = (np.array(scores[model][search]) for model in MODELS)
            picks = np.random.default_rng(0).integers(len(asked), size=(2000, len(asked)))
            low, high = np.quantile((ours - full)[picks].mean(axis=1), (0.025, 0.975))
            difference = f"{(ours - full).mean():+.4f} ({low:+.4f} to {high:+.4f})"
            print(f"| {name}, {len(asked)} | {search} | {full.mean():.4f} | {ours.mean():.4f} | {difference} |", flush=True)


def _scores(
    folder: Path, model: str, asked: Sequence[dict[str, str]], qrels: dict[str, dict[str, int]]
) -> dict[str, list[float]]:
    embedder = open_embedder(model, threads=os.cpu_count() or 1)
    found: dict[str, list[float]] = {}
    usual = retrieval.DENSE_WEIGHT
    with tempfile.TemporaryDirectory() as place:
        _stemqa(model, place, "index", str(folder.resolve() / "corpus.jsonl"))
        library = Library.open(Path(place) / model, embedder)
        vectors = embedder.embed_passages([row["text"] for row in asked])
        for search, weight in (("vectors", 1.0), ("with BM25", usual)):
            retrieval.DENSE_WEIGHT = weight
            found[search] = []
            for row, vector in zip(asked, vectors, strict=True):
                hits = retrieval.retrieve(library, row["text"], vector, 60)
                ranked = list(dict.fromkeys(hit.chunk.document_id for hit in hits))
                grades = qrels[row["_id"]]
                gains = [float(grades.get(document, 0)) for document in ranked]
                found[search].append(ndcg(gains, sorted(map(float, grades.values()), reverse=True), 10))
    retrieval.DENSE_WEIGHT = usual
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure the default embedding model beside its reference.")
    parser.add_argument("what", choices=["speed", "start", "retrieval"])
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--texts", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--queries", type=int, default=1000)
    options = parser.parse_args(arguments)
    if options.what == "speed":
        speed(options.shared, options.texts, options.repeats)
    elif options.what == "start":
        start(options.repeats)
    else:
        retrieve_both(options.shared, options.queries)


if __name__ == "__main__":
    main()
