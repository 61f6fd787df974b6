"""Fit rag/calibration.json: which signals make a sentence an answer, and which make a question one that can be answered.

    python -m training.fuse ../shared/train [--evidence embeddings/models] [--splits 3] [--limit 80]

Fitted on the labelled questions of `training.asking`: held-out articles of public sets, held-out works written for training,
and one half of the shipped question set, `half("...")`; the other half reports. Both ways to find evidence are fitted: by
similarity alone, and with the trained model.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import pickle
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from corpus.load import load_documents
from corpus.shipped import shipped_documents_path, shipped_questions_path
from embeddings.encoder import open_embedder
from embeddings.evidence import open_evidence_model
from rag.calibration import Calibration, Linear, calibrations_from
from rag.evidence import Candidate, answer_signals
from training.asking import SETS, Asker, Row, articles, works

Gathered = dict[str, list[Row]]
POOLS = {"public": 1.0, "written": 2.0, "shipped": 1.0}  # what each weighs in all
FOLDS = 4  # of the works written for training, to report on each by a fit on the others
PENALTY = 0.01
FALSE_REFUSALS = 0.05
OUTPUT = Path(__file__).parents[1] / "rag" / "calibration.json"
# The first are the same for every sentence, so they say nothing of which one answers. The others tell how the passage was
# found and what words it shares: with them in, questions in other words than the library's lost 4 points of gold in three.
NOT_OF_THE_SENTENCE = (
    *("names", "name_unknown", "rare_unknown", "share_unknown", "focus_unknown", "comparison", "yes_no"),
    *("retrieval", "passage_coverage", "passage_missing", "context_coverage", "missing", "rare_missing", "name_missing"),
)
READ_SIGNALS = ("evidence", "answerable", "short_answer", "most_evidence", "most_answerable", "most_short")


def half(question_id: str) -> int:
    """Which half of the shipped question set a question is in: 0 calibrates, 1 reports."""
    return hashlib.sha256(question_id.encode()).digest()[0] % 2


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
    table = np.array([[c.signals[name] for name in names] for r in rows for c in r.found])
    scale = table.std(axis=0) + 1e-9
    x, sizes = table / scale, np.array([len(r.found) for r in rows])
    starts, gold = np.cumsum(sizes) - sizes, np.array([g for r in rows for g in r.gold], float)
    weights = np.array([r.weight for r in rows]) / sum(r.weight for r in rows)

    def loss(beta: Any) -> tuple[float, Any]:  # noqa: ANN401
        s = x @ beta
        p = np.exp(s - np.repeat(np.maximum.reduceat(s, starts), sizes))
        p /= np.repeat(np.add.reduceat(p, starts), sizes)
        right = np.add.reduceat(p * gold, starts)
        slope = (np.repeat(weights, sizes) * (p - p * gold / np.repeat(right, sizes))) @ x
        return PENALTY * beta @ beta - weights @ np.log(right), 2 * PENALTY * beta + slope

    beta = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B").x / scale
    scores = [{"score": float(s)} for s in table @ beta]
    platt = fit(scores, gold > 0, [r.weight for r in rows for _ in r.gold], dropped=())
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
    origin = f"{len(rows)} questions: held-out articles of {', '.join(SETS)}, held-out works, and one half of the shipped set"
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


def pooled(gathered: Gathered) -> list[Row]:
    """Return what is fitted, each pool with its share of the weight; of the shipped questions the first half."""
    pools = {**gathered, "shipped": [r for r in gathered["shipped"] if half(r.article) == 0]}
    mean = sum(POOLS.values()) / sum(map(len, pools.values()))
    return [replace(row, weight=POOLS[name] / len(rows) / mean) for name, rows in pools.items() for row in rows]


def folds(gathered: Gathered) -> list[tuple[str, list[Row], list[Row]]]:
    """Return (name, fitted on, measured on): one for each group, and one for the reporting half of the shipped questions."""
    rows = pooled(gathered)
    groups = sorted({r.group for pool in ("public", "written") for r in gathered[pool]})
    apart = [(g, [r for r in rows if r.group != g], [r for r in rows if r.group == g]) for g in groups]
    return [*apart, ("shipped, other half", rows, [r for r in gathered["shipped"] if half(r.article) == 1])]


def main() -> None:
    """Gather, fit, report on what was left out, and write rag/calibration.json."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--evidence", type=Path, help="folder of the evidence model")
    parser.add_argument("--splits", type=int, default=3, help="libraries made of one article")
    parser.add_argument("--limit", type=int, default=80, help="questions of one library")
    parser.add_argument("--keep", type=Path, help="write what was gathered to this file, and read it from there if it exists")
    args = parser.parse_args()
    if args.keep and args.keep.exists():
        gathered: Gathered = pickle.loads(args.keep.read_bytes())
    else:
        gathered = gather(args)
        if args.keep:
            args.keep.write_bytes(pickle.dumps(gathered))
    fitted = pooled(gathered)
    ways = {"similarity": READ_SIGNALS, "evidence": ()} if "evidence" in fitted[0].found[0].signals else {"similarity": ()}
    result: dict[str, Any] = {}
    for way, dropped in ways.items():
        for name, others, measured in folds(gathered):
            report(f"{way}: {name}", measured, calibrate(others, dropped=dropped))
        result[way] = calibrate(fitted, dropped=dropped).to_json()
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def gather(args: argparse.Namespace) -> Gathered:
    """Ask all questions: of held-out articles and works, and of the shipped set."""
    base = dict(calibrations_from(json.loads(OUTPUT.read_text(encoding="utf-8"))))
    reader = open_evidence_model(args.evidence, threads=2) if args.evidence else None
    asker = Asker(open_embedder("", threads=2), reader, base)
    found: Gathered = {name: [] for name in POOLS}
    for name, rows in articles(args.train):
        for split in range(args.splits):
            found["public"] += asker.article(name, rows, split=split, limit=args.limit)
    for number, library in enumerate(works()):
        found["written"] += asker.works(library, f"written-{number % FOLDS} {number}")
        print(*({name: len(rows) for name, rows in found.items()}.items()), file=sys.stderr, flush=True)
    found["shipped"] += asker.shipped(shipped_questions_path(), tuple(load_documents([shipped_documents_path()])))
    return found


if __name__ == "__main__":
    main()
