"""Fit the guard's classifier, rag/guard_model.json, and measure the guard.

    python -m bench.guard [--shared ../shared] [--write] [--failures]

`guard_data` says what it is fitted to and `guard_fit` how. In cross-validation all fillings of one phrasing are in one
fold. tests/data/guard_heldout.jsonl and guard_fresh.jsonl, the shipped questions and <shared>/eval are
only measured on; their failures are not shown, so that nobody writes to mend them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from bench.guard_data import DATA, EMERGENCY, GENERAL, PERSONAL, ROOT, Row, fitted_rows, read
from bench.guard_fit import fit, read_inputs
from embeddings.encoder import DEFAULT_NAME, open_embedder
from rag.guard import screen
from rag.guard_asking import clauses, split_asking
from rag.guard_model import ARRAYS, CLASSES, MODEL_FILE, GuardModel, Thresholds, choose, packed
from rag.protocols import Embedder, FloatArray

FOLDS = 5
THRESHOLDS: tuple[Thresholds, Thresholds] = ((0.4, 0.4), (0.5, 0.4))
"""From which probability a question is taken for not general, and for an emergency, with embeddings and by the words alone: to
miss an emergency is twice as bad as to see one where there is none. Chosen in cross-validation."""


def vectors_of(rows: Sequence[Row], embedder: Embedder) -> dict[str, FloatArray]:
    """Return the embedding of each text that the classifier reads; this model embeds questions as it does passages."""
    asked = {row.text: split_asking(row.text).asked for row in rows}
    texts = sorted({*asked, *asked.values(), *(part for whole in asked.values() for part in clauses(whole))})
    return dict(zip(texts, embedder.embed_passages(texts), strict=True))


def cross_validated(rows: Sequence[Row], vectors: Mapping[str, FloatArray]) -> tuple[FloatArray, FloatArray]:
    """Judge each row by a model that saw no wording of its phrasing: with its embedding, and without: shapes (rows, 3)."""
    inputs = read_inputs(rows, vectors)
    groups = sorted({row.group for row in rows})
    random.Random(1).shuffle(groups)
    fold = {group: i % FOLDS for i, group in enumerate(groups)}
    embedded, alone = (np.zeros((len(rows), len(CLASSES)), np.float32) for _ in range(2))
    for i in range(FOLDS):
        model = fit(inputs.of([n for n, row in enumerate(rows) if fold[row.group] != i]), frozenset())
        for n in (n for n, row in enumerate(rows) if fold[row.group] == i):
            embedded[n] = model.judge(rows[n].text, vectors.__getitem__)
            alone[n] = model.judge(rows[n].text, None)
    return embedded, alone


def fitted(shared: Path, *, failures: bool) -> GuardModel:
    """Fit on all rows, and print how well it does in cross-validation on guard_dev.jsonl."""
    embedders = [open_embedder(name, threads=2) for name in ("", DEFAULT_NAME)]
    rows = fitted_rows(shared)
    vectors = vectors_of(rows, embedders[0])
    labelled = {r["text"] for r in read(DATA / "guard_dev.jsonl")}
    of_dev = [i for i, row in enumerate(rows) if row.text in labelled and row.weight == 1.0]
    for probabilities, thresholds in zip(cross_validated(rows, vectors), THRESHOLDS, strict=True):
        told = [(rows[i], choose(probabilities[i], thresholds)) for i in of_dev]
        report(f"cross-validation, acting on {thresholds}", Counter((row.label, got) for row, got in told))
        if failures:
            print(*(f"    {row.label} -> {got}: {row.text}" for row, got in told if got != row.label), sep="\n")
    model = fit(read_inputs(rows, vectors), frozenset(embedder.sha256 for embedder in embedders))
    return replace(model, thresholds=THRESHOLDS)


def write(model: GuardModel) -> None:
    content = {"embedders": sorted(model.embedders), "thresholds": model.thresholds, "runs": list(model.runs)}
    arrays = {name: packed(getattr(model, name)) for name in ARRAYS}
    MODEL_FILE.write_text(json.dumps(content | arrays, ensure_ascii=False) + "\n", encoding="utf-8")


def report(name: str, verdicts: Counter[tuple[str, str]]) -> None:
    """Print how many of each label got which verdict."""
    of = Counter[str]()
    for (label, _), count in verdicts.items():
        of[label] += count
    lines = [
        f"{label} -> {got} {count}/{of[label]} = {count / of[label]:.3f}" for (label, got), count in sorted(verdicts.items())
    ]
    print(f"{name}:", "; ".join(lines), flush=True)


def measured(shared: Path) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    for name in ("guard_heldout", "guard_fresh"):
        yield name, [(r["text"], r["reason"] or GENERAL) for r in read(DATA / f"{name}.jsonl")]
    kinds = {"personal_advice": PERSONAL, "emergency": EMERGENCY}
    shipped = read(ROOT / "corpus" / "questions.jsonl")
    yield "shipped", [(r["question"], kinds.get(r["kind"], r["kind"])) for r in shipped]
    for path in ("medquad_immune/queries", "medquad_immune/queries.unanswerable", "squad2_dev/queries", "offtopic_clinc150"):
        questions = [r["text"] for r in read(shared / "eval" / f"{path}.jsonl")]
        yield path, [(q, GENERAL) for q in random.Random(0).sample(questions, min(1500, len(questions)))]


def main(arguments: argparse.Namespace) -> None:
    if arguments.write:
        write(fitted(arguments.shared, failures=arguments.failures))
    for model in ("", DEFAULT_NAME, None):
        embedder = None if model is None else open_embedder(model, threads=1)
        print("by words alone" if embedder is None else f"with {embedder.name}")
        for name, questions in measured(arguments.shared):
            told = [(label, screen(text, max_chars=2000, embedder=embedder) or GENERAL) for text, label in questions]
            report(name, Counter((label, str(got)) for label, got in told))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=ROOT.parent / "shared")
    parser.add_argument("--write", action="store_true", help="fit anew and write rag/guard_model.json; else only measure")
    parser.add_argument("--failures", action="store_true", help="with --write: show what is wrong in cross-validation")
    main(parser.parse_args())
