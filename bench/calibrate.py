"""Fit the shipped calibration, rag/calibration.json, on questions over many small libraries.

    python bench/calibrate.py ../shared/train [--limit N]

Each article of the sets below becomes a library of its own that holds a random half of the article's passages. A question
whose passage is in the library can be answered; one whose passage was left out is on the subject and cannot. Half of the
articles fit the models and the threshold, the other half reports. Nothing of the evaluation sets is used.
"""

from __future__ import annotations

import argparse
import gzip
import json
import pickle
import random
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from corpus.decode import normalise
from corpus.document import Document, Span
from embeddings.encoder import SentenceEmbedder, open_embedder
from embeddings.terms import STOP_WORDS
from rag.calibration import Calibration, Linear
from rag.evidence import Candidate, answer_signals, candidates
from rag.library import Library, build_library
from rag.protocols import FloatArray
from rag.query import Query, queries
from rag.retrieve import retrieve

SETS = ("shift_wiki", "squad2_part", "policyqa")
FALSE_REFUSALS = 0.05


@dataclass(frozen=True)
class Row:
    """A question asked of a library: its candidate sentences, which of them answer, and whether any does."""

    article: str
    query: Query
    answerable: bool
    found: list[Candidate]
    gold: list[bool]


class Remembering:
    """An embedder that embeds the questions of an article in one batch and remembers them."""

    def __init__(self, embedder: SentenceEmbedder, questions: Sequence[str]) -> None:
        self.name, self.sha256, self.dimension = embedder.name, embedder.sha256, embedder.dimension
        self.embed_passages = embedder.embed_passages
        self._vectors = dict(zip(questions, embedder.embed_passages(questions), strict=True))
        self._embed_query = embedder.embed_query

    def embed_query(self, text: str) -> FloatArray:
        """Return the question's vector."""
        return self._vectors[text] if text in self._vectors else self._embed_query(text)


def articles(folder: Path, name: str) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each article of a set with its question rows, where it has at least eight passages."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            groups[row["doc"]].append(row)
    for doc, rows in sorted(groups.items()):
        if len({row["passage"] for row in rows}) >= 8:
            yield doc, rows


def keyword_form(question: str) -> str:
    """Return the question's content words, as people type them into a search box."""
    kept = [w for w in question.rstrip("?").split() if w.lower() not in STOP_WORDS]
    return " ".join(kept) if len(kept) >= 2 else question


def ask_all(doc: str, rows: Sequence[dict[str, Any]], embedder: Any, base: Calibration, *, limit: int) -> Iterator[Row]:
    """Build the library of half of the article's passages and ask it up to `limit` questions of the article."""
    draw = random.Random(f"calibrate {doc}")
    passages = sorted({row["passage"] for row in rows if normalise(row["passage"]) == row["passage"]})
    draw.shuffle(passages)
    kept = {p: f"p{i}" for i, p in enumerate(passages[: max(4, min(len(passages) // 2, 40))])}
    title = doc.replace("_", " ")
    documents = [Document.create(p, title=title, source=doc, id=i) for p, i in kept.items() if p.strip()]
    picked = draw.sample(list(rows), min(limit, len(rows)))
    typed = [keyword_form(row["question"]) if draw.random() < 0.25 else row["question"] for row in picked]
    remembering = Remembering(embedder, typed)
    with tempfile.TemporaryDirectory() as folder:
        build_library(Path(folder), documents, embedder=remembering, calibration=base, progress=lambda *_: None)
        library = Library.open(Path(folder), remembering)
        for row, question in zip(picked, typed, strict=True):
            answerable = bool(row["spans"]) and row["passage"] in kept
            yield _asked(library, doc, question, kept.get(row["passage"]) if answerable else None, row["spans"], base)


def _asked(library: Library, doc: str, question: str, gold_id: str | None, spans: Any, base: Calibration) -> Row:
    query = queries(library, question)[0]
    found = candidates(library, query, retrieve(library, query.text, query.vector, 24), base.sentence)
    gold = [c.chunk.document_id == gold_id and any(_overlap(c.span, a, b) for a, b in spans) for c in found]
    return Row(doc, query, gold_id is not None, found, gold)


def _overlap(span: Span, start: int, end: int) -> bool:
    shared = min(span.end, end) - max(span.start, start)
    return shared >= 0.5 * min(len(span), end - start)


def fit(rows: Sequence[dict[str, float]], labels: Sequence[bool]) -> Linear:
    """Fit a logistic model; weights are given for the signals as they are."""
    names = sorted(rows[0])
    x = np.array([[row[name] for name in names] for row in rows])
    scale = x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=2000).fit(x / scale, np.array(labels))
    weights = {name: round(float(w), 4) for name, w in zip(names, model.coef_[0] / scale, strict=True)}
    return Linear(weights, round(float(model.intercept_[0]), 4))


def rescored(row: Row, sentence: Linear) -> tuple[list[Candidate], list[bool]]:
    """Return the row's candidates in the order that `sentence` gives them, with which of them answer."""
    pairs = [(replace(c, score=sentence.probability(c.signals)), g) for c, g in zip(row.found, row.gold, strict=True)]
    pairs.sort(key=lambda p: -p[0].score)
    return [p[0] for p in pairs], [p[1] for p in pairs]


def main() -> None:
    """Fit, report, and write rag/calibration.json."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("train", type=Path)
    parser.add_argument("--limit", type=int, default=40, help="questions of one article")
    parser.add_argument("--articles", type=int, default=24, help="articles of one set")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "rag" / "calibration.json")
    parser.add_argument("--keep", type=Path, help="write what was gathered to this file, and read it from there if it exists")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        fitted(pickle.loads(args.keep.read_bytes()), args.output)
        return
    embedder = open_embedder("", threads=2)
    base = Calibration.from_json(json.loads(args.output.read_text(encoding="utf-8")))
    rows: list[Row] = []
    for name in SETS:
        for doc, group in list(articles(args.train, name))[: args.articles]:
            rows += ask_all(f"{doc}", group, embedder, base, limit=args.limit)
            print(name, doc, len(rows), file=sys.stderr, flush=True)
    if args.keep:
        args.keep.write_bytes(pickle.dumps(rows))
    fitted(rows, args.output)


def fitted(rows: list[Row], output: Path) -> None:
    names = sorted({row.article for row in rows})
    random.Random(0).shuffle(names)
    half = set(names[: len(names) // 2])
    train, test = [r for r in rows if r.article in half], [r for r in rows if r.article not in half]
    flat = [(s, g) for r in train if any(r.gold) for s, g in zip((c.signals for c in r.found), r.gold, strict=True)]
    sentence = fit([s for s, _ in flat], [g for _, g in flat])

    def signals(group: Sequence[Row]) -> tuple[list[dict[str, float]], list[bool]]:
        return [answer_signals(r.query, rescored(r, sentence)[0]) for r in group], [r.answerable for r in group]

    x, y = signals(train)
    answer = fit(x, y)
    confidence = np.array([answer.probability(s) for s in x])
    threshold = float(np.quantile(confidence[np.array(y)], FALSE_REFUSALS))
    scope = float(np.quantile([s["passage_similarity"] for s, a in zip(x, y, strict=True) if a], 0.01))
    report(test, sentence, answer, threshold, signals)
    origin = f"{', '.join(SETS)}: {len(train)} questions over {len(half)} libraries of half an article each"
    result = Calibration(sentence, answer, round(threshold, 4), round(scope, 4), origin)
    output.write_text(json.dumps(result.to_json(), indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result.to_json(), indent=1))


def report(test: Sequence[Row], sentence: Linear, answer: Linear, threshold: float, signals: Any) -> None:
    """Print what the fitted models do on articles that they were not fitted on."""
    x, y = signals(test)
    p = np.array([answer.probability(s) for s in x])
    answerable = np.array(y)
    first, three, n, plain = 0, 0, 0, 0
    for row in test:
        if any(row.gold):
            _, gold = rescored(row, sentence)
            n, first, three = n + 1, first + gold[0], three + any(gold[:3])
            plain += row.gold[int(np.argmax([c.signals["similarity"] for c in row.found]))]
    print(f"{len(test)} questions on other articles, {int(answerable.sum())} answerable, {n} with gold among the candidates")
    print(f"gold first {first / n:.3f} (similarity alone {plain / n:.3f}), among three {three / n:.3f}")
    print(
        f"AUROC {roc_auc_score(answerable, p):.3f}; at {threshold:.3f}: false refusals {(p[answerable] < threshold).mean():.3f}, "
        f"unanswerable refused {(p[~answerable] < threshold).mean():.3f}"
    )
    for name in sorted(x[0]):
        print(f"  {name}: AUROC alone {roc_auc_score(answerable, [s[name] for s in x]):.3f}")


if __name__ == "__main__":
    main()
