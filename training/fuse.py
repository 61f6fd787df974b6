"""Fit rag/calibration.json: which signals make a sentence an answer, and which make a question one that can be answered.

    python -m training.fuse ../shared/train [--evidence embeddings/models] [--splits 3] [--limit 80]

Two kinds of labelled questions are pooled. (1) Articles that the evidence model's training held out: each becomes small
libraries that hold a random half of its passages, so a question whose passage was left out is on the subject and cannot be
answered. (2) One half of the shipped question set, `half("...")`, asked of the shipped documents. The other half reports.
Nothing of the evaluation sets is used. Both ways to find evidence are fitted: by similarity alone, and with the trained model.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
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
from scipy.optimize import minimize
from scipy.special import softmax
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from corpus.decode import normalise
from corpus.document import Document, Span
from corpus.load import load_documents
from corpus.shipped import shipped_documents_path, shipped_questions_path
from embeddings.encoder import SentenceEmbedder, open_embedder
from embeddings.evidence import open_evidence_model
from embeddings.terms import STOP_WORDS
from rag.build import build_library
from rag.calibration import Calibration, Linear, calibrations_from
from rag.evidence import Candidate, answer_signals, candidates
from rag.library import Library
from rag.protocols import EvidenceModel, FloatArray
from rag.query import Query, queries
from rag.retrieve import collapse, retrieve
from training.pairs import Pair, is_held_out

SETS = ("shift_wiki", "squad2_part")
PENALTY = 0.01
FALSE_REFUSALS = 0.03
OUTPUT = Path(__file__).parents[1] / "rag" / "calibration.json"
# The first are the same for every sentence, so they say nothing of which one answers. The others tell how the passage was
# found and what words it shares: with them in, questions in other words than the library's lost 4 points of gold in three.
NOT_OF_THE_SENTENCE = (
    *("names", "name_unknown", "rare_unknown", "share_unknown", "focus_unknown", "comparison", "yes_no"),
    *("retrieval", "passage_coverage", "passage_missing", "context_coverage", "missing", "rare_missing", "name_missing"),
)
READ_SIGNALS = ("evidence", "answerable", "short_answer", "most_evidence", "most_answerable", "most_short")


@dataclass(frozen=True)
class Row:
    """A question asked of a library: its candidate sentences, which of them answer, and whether any does."""

    article: str
    query: Query
    answerable: bool
    found: list[Candidate]
    gold: list[bool]
    weight: float = 1.0


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


def half(question_id: str) -> int:
    """Which half of the shipped question set a question is in: 0 calibrates, 1 reports."""
    return hashlib.sha256(question_id.encode()).digest()[0] % 2


def articles(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each article that training held out with its question rows."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in SETS:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                if is_held_out(Pair(row["question"], "", (row["passage"],), frozenset(), None, row["doc"], row["src"])):
                    groups[row["doc"]].append(row)
    yield from sorted(groups.items())


def keyword_form(question: str) -> str:
    """Return the question's content words, as people type them into a search box."""
    kept = [w for w in question.rstrip("?").split() if w.lower() not in STOP_WORDS]
    return " ".join(kept) if len(kept) >= 2 else question


@dataclass(frozen=True)
class Asker:
    """What is needed to ask: models, and the calibration that libraries are built with."""

    embedder: SentenceEmbedder
    reader: EvidenceModel | None
    base: dict[str, Calibration]

    def article(self, name: str, rows: Sequence[dict[str, Any]], *, split: int, limit: int) -> Iterator[Row]:
        """Ask up to `limit` questions of an article of a library that holds half of its passages, at most 40."""
        draw = random.Random(f"{name} {split}")
        passages = sorted({row["passage"] for row in rows if normalise(row["passage"]) == row["passage"]})
        draw.shuffle(passages)
        kept = {p: f"p{i}" for i, p in enumerate(passages[: min(len(passages) // 2, 40)])}
        documents = [Document.create(p, title=name.replace("_", " "), source=name, id=i) for p, i in kept.items()]
        picked = draw.sample(list(rows), min(limit, len(rows)))
        typed = [keyword_form(row["question"]) if draw.random() < 0.25 else row["question"] for row in picked]
        with self.library(documents, typed) as library:
            for row, question in zip(picked, typed, strict=True):
                home = kept.get(row["passage"]) if row["spans"] else None
                gold = [(home, Span(a, b)) for a, b in row["spans"]] if home else []
                yield from self.ask(library, f"{name} {split}", question, gold=gold, answerable=home is not None)

    def shipped(self, questions: Path, documents: Sequence[Document]) -> Iterator[Row]:
        """Ask the answerable and the unanswerable questions of a set in the shipped form."""
        rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
        rows = [row for row in rows if row["kind"] in {"answerable", "unanswerable"}]
        texts = {d.id: d.text for d in documents}
        with self.library(documents, [row["question"] for row in rows]) as library:
            for row in rows:
                places = [(g["document_id"], texts[g["document_id"]].find(g["quote"]), len(g["quote"])) for g in row["gold"]]
                gold = [(i, Span(start, start + length)) for i, start, length in places]
                yield from self.ask(library, row["id"], row["question"], gold=gold, answerable=row["kind"] == "answerable")

    def ask(self, library: Library, name: str, question: str, *, gold: Any, answerable: bool) -> Iterator[Row]:  # noqa: ANN401
        """Yield a row for each part of the question."""
        for query in queries(library, question):
            hits = [g[0] for g in collapse(library, retrieve(library, query.text, query.vector, 24))]
            model = self.base["similarity"].sentence
            found = candidates(library, query, hits, model=model, reader=self.reader)
            right = [any(c.chunk.document_id == i and overlap(c.span, span) for i, span in gold) for c in found]
            yield Row(name, query, answerable, found, right)

    def library(self, documents: Sequence[Document], typed: Sequence[str]) -> Any:  # noqa: ANN401
        """Return a context that opens a library of `documents` and removes it afterwards."""
        return _TemporaryLibrary(documents, Remembering(self.embedder, typed), self.base)


class _TemporaryLibrary:
    def __init__(self, documents: Sequence[Document], embedder: Any, base: dict[str, Calibration]) -> None:  # noqa: ANN401
        self._folder = tempfile.TemporaryDirectory()
        self._parts = (documents, embedder, base)

    def __enter__(self) -> Library:
        documents, embedder, base = self._parts
        folder = Path(self._folder.name)
        build_library(folder, documents, embedder=embedder, calibrations=base, progress=lambda *_: None)
        return Library.open(folder, embedder)

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share at least half of the shorter."""
    return min(one.end, other.end) - max(one.start, other.start) >= 0.5 * min(len(one), len(other))


def fit(
    rows: Sequence[dict[str, float]], labels: Sequence[bool], weights: Sequence[float], *, dropped: Sequence[str]
) -> Linear:
    """Fit a logistic model on the signals that are not `dropped`; its weights are for the signals as they are."""
    names = sorted(set(rows[0]).difference(dropped))
    x = np.array([[row[name] for name in names] for row in rows])
    scale = x.std(axis=0) + 1e-9
    model = LogisticRegression(C=0.3, max_iter=3000).fit(x / scale, np.array(labels), sample_weight=np.array(weights))
    fitted = {name: round(float(w), 4) for name, w in zip(names, model.coef_[0] / scale, strict=True)}
    return Linear(fitted, round(float(model.intercept_[0]), 4))


def fit_ranking(rows: Sequence[Row], *, dropped: Sequence[str]) -> Linear:
    """Fit what ranks a question's sentences: the log likelihood that one of those that answer comes first, less a penalty.

    A conditional logit (McFadden 1974), or listwise softmax loss: only differences within a question count. A logistic
    function of the result (Platt 1999) then makes it the probability that a sentence answers.
    """
    rows = [r for r in rows if any(r.gold)]
    names = sorted(set(rows[0].found[0].signals).difference(dropped))
    tables = [np.array([[c.signals[name] for name in names] for c in r.found]) for r in rows]
    scale = np.concatenate(tables).std(axis=0) + 1e-9
    total = sum(r.weight for r in rows)

    def loss(beta: Any) -> tuple[float, Any]:  # noqa: ANN401
        value, slope = PENALTY * beta @ beta, 2 * PENALTY * beta
        for row, table in zip(rows, tables, strict=True):
            x = table / scale
            p = softmax(x @ beta)
            right = p * np.array(row.gold)
            value -= row.weight / total * np.log(right.sum())
            slope = slope - row.weight / total * (right / right.sum() - p) @ x
        return value, slope

    beta = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x / scale
    scores = [{"score": float(s)} for table in tables for s in table @ beta]
    gold = [g for r in rows for g in r.gold]
    platt = fit(scores, gold, [r.weight for r in rows for _ in r.gold], dropped=())
    weights = {name: round(float(b) * platt.weights["score"], 4) for name, b in zip(names, beta, strict=True)}
    return Linear(weights, platt.intercept)


def rescored(row: Row, sentence: Linear) -> tuple[list[Candidate], list[bool]]:
    """Return the row's candidates in the order that `sentence` gives them, with which of them answer."""
    pairs = [(replace(c, score=sentence.probability(c.signals)), g) for c, g in zip(row.found, row.gold, strict=True)]
    pairs.sort(key=lambda p: -p[0].score)
    return [p[0] for p in pairs], [p[1] for p in pairs]


def calibrate(rows: Sequence[Row], *, dropped: Sequence[str] = ()) -> Calibration:
    """Fit both models and the thresholds on `rows`."""
    sentence = fit_ranking(rows, dropped=(*dropped, *NOT_OF_THE_SENTENCE))
    signals = [answer_signals(r.query, rescored(r, sentence)[0]) for r in rows]
    answerable = np.array([r.answerable for r in rows])
    weights = np.array([r.weight for r in rows])
    answer = fit(signals, answerable, weights, dropped=dropped)
    confidence = np.array([answer.probability(s) for s in signals])
    threshold = weighted_quantile(confidence[answerable], weights[answerable], FALSE_REFUSALS)
    related = np.array([s["nearest_passage"] for s in signals])
    scope = weighted_quantile(related[answerable], weights[answerable], 0.005)
    origin = f"{len(rows)} questions: held-out articles of {', '.join(SETS)}, and one half of the shipped set"
    return Calibration(sentence, answer, round(threshold, 4), round(scope, 4), origin)


def weighted_quantile(values: Any, weights: Any, share: float) -> float:  # noqa: ANN401
    """Return the value below which `share` of the weight lies."""
    order = np.argsort(values)
    cumulative = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(cumulative, share)])


def report(name: str, rows: Sequence[Row], calibration: Calibration) -> None:
    """Print what a calibration does on rows that it was not fitted on."""
    ordered = [rescored(r, calibration.sentence) for r in rows]
    golds = [gold for _, gold in ordered if any(gold)]
    similar = [r.gold[int(np.argmax([c.signals["similarity"] for c in r.found]))] for r in rows if any(r.gold)]
    p = np.array([calibration.answer.probability(answer_signals(r.query, o[0])) for r, o in zip(rows, ordered, strict=True)])
    can = np.array([r.answerable for r in rows])
    bins = np.clip((p * 10).astype(int), 0, 9)
    error = sum(abs(p[bins == b].mean() - can[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    at = [float(np.quantile(p[can], share)) for share in (0.05, 0.08)]
    refused, false = (p[~can] < calibration.threshold).mean(), (p[can] < calibration.threshold).mean()
    print(
        f"{name:34} gold first {np.mean([g[0] for g in golds]):.3f} (similarity {np.mean(similar):.3f}), "
        f"in three {np.mean([any(g[:3]) for g in golds]):.3f} of {len(golds)} | AUROC {roc_auc_score(can, p):.3f}, "
        f"refused at 5 % {(p[~can] < at[0]).mean():.3f}, at 8 % {(p[~can] < at[1]).mean():.3f} | at the threshold "
        f"{refused:.3f} with {false:.3f} false | ECE {error:.3f}"
    )


def main() -> None:
    """Gather, fit, report on what was left out, and write rag/calibration.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--evidence", type=Path, help="folder of the evidence model")
    parser.add_argument("--splits", type=int, default=3, help="libraries made of one article")
    parser.add_argument("--limit", type=int, default=80, help="questions of one library")
    parser.add_argument("--keep", type=Path, help="write what was gathered to this file, and read it from there if it exists")
    parser.add_argument("--also", nargs=2, type=Path, metavar=("QUESTIONS", "DOCUMENTS"), help="a further set to report on")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        wiki, shipped, also = pickle.loads(args.keep.read_bytes())
    else:
        wiki, shipped, also = gather(args)
        if args.keep:
            args.keep.write_bytes(pickle.dumps((wiki, shipped, also)))
    share = len(wiki) / max(1, sum(half(r.article) == 0 for r in shipped))
    fitted = [*wiki, *(replace(r, weight=share) for r in shipped if half(r.article) == 0)]
    ways = {"similarity": READ_SIGNALS, "evidence": ()} if "evidence" in wiki[0].found[0].signals else {"similarity": ()}
    result: dict[str, Any] = {}
    for way, dropped in ways.items():
        names = sorted({r.article.split()[0] for r in wiki})
        for name in names:
            others = [r for r in fitted if r.article.split()[0] != name]
            report(f"{way}: {name}", [r for r in wiki if r.article.split()[0] == name], calibrate(others, dropped=dropped))
        calibration = calibrate(fitted, dropped=dropped)
        report(f"{way}: shipped, other half", [r for r in shipped if half(r.article) == 1], calibration)
        if also:
            report(f"{way}: further set", also, calibration)
        result[way] = calibration.to_json()
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def gather(args: argparse.Namespace) -> tuple[list[Row], list[Row], list[Row]]:
    """Ask all questions: of held-out articles, of the shipped set, and of the further set."""
    base = dict(calibrations_from(json.loads(OUTPUT.read_text(encoding="utf-8"))))
    reader = open_evidence_model(args.evidence, threads=2) if args.evidence else None
    asker = Asker(open_embedder("", threads=2), reader, base)
    wiki: list[Row] = []
    for name, rows in articles(args.train):
        for split in range(args.splits):
            wiki += asker.article(name, rows, split=split, limit=args.limit)
            print(name, split, len(wiki), file=sys.stderr, flush=True)
    shipped = list(asker.shipped(shipped_questions_path(), tuple(load_documents([shipped_documents_path()]))))
    also = list(asker.shipped(args.also[0], tuple(load_documents([args.also[1]])))) if args.also else []
    return wiki, shipped, also


if __name__ == "__main__":
    main()
