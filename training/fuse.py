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
import random
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
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
from training.asking import SETS, Asker, Row, articles, documents_of, everyday, strange_questions, works

Gathered = dict[str, list[Row]]
POOLS = {"public": 1.0, "written": 2.0, "strange": 0.7, "shipped": 1.0}  # what each weighs in all
FOLDS = 4  # of the works written for training, to report on each by a fit on the others
PENALTY = 0.01
FALSE_REFUSALS, STRANGE_REFUSALS = 0.03, 0.015  # of what is answerable: taken for unanswered, and for off the subject
PROCESSES = 2
_OPEN: dict[str, Any] = {}  # what a process has opened
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
    answerable, strange = (np.array([getattr(r, name) for r in rows]) for name in ("answerable", "strange"))
    weights = np.array([r.weight for r in rows])

    def fit_among(chosen: Any, labels: Any) -> Linear:  # noqa: ANN401
        return fit([s for s, c in zip(signals, chosen, strict=True) if c], labels[chosen], weights[chosen], dropped=dropped)

    subject = fit_among(np.ones_like(strange), ~strange)
    answer = fit_among(~strange, answerable)
    least = []
    for model, share in ((subject, STRANGE_REFUSALS), (answer, FALSE_REFUSALS)):
        found = np.array([model.probability(s) for s, can in zip(signals, answerable, strict=True) if can])
        least.append(round(weighted_quantile(found, weights[answerable], share), 4))
    origin = f"{len(rows)} questions: held-out articles of {', '.join(SETS)}, held-out works, and one half of the shipped set"
    return Calibration(sentence, subject, answer, threshold=least[1], scope=least[0], origin=origin)


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
    signals = [answer_signals(r.query, o[0]) for r, o in zip(rows, ordered, strict=True)]
    p = np.array([calibration.subject.probability(s) * calibration.answer.probability(s) for s in signals])
    ends = np.array([refused(calibration, s) for s in signals])
    can = np.array([r.answerable for r in rows])
    bins = np.clip((p * 10).astype(int), 0, 9)
    error = sum(abs(p[bins == b].mean() - can[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    at = [float(np.quantile(p[can], share)) for share in (0.05, 0.08)]
    print(
        f"{name:34} gold first {np.mean([g[0] for g in golds]):.3f} (similarity {np.mean(similar):.3f}), "
        f"in three {np.mean([any(g[:3]) for g in golds]):.3f} of {len(golds)} | AUROC {roc_auc_score(can, p):.3f}, "
        f"refused at 5 % {(p[~can] < at[0]).mean():.3f}, at 8 % {(p[~can] < at[1]).mean():.3f} | at the threshold "
        f"{ends[~can].mean():.3f} with {ends[can].mean():.3f} false | ECE {error:.3f}"
    )


def pooled(gathered: Gathered) -> list[Row]:
    """Return what is fitted, each pool with its share of the weight; of the shipped questions the first half."""
    pools = {**gathered, "shipped": [r for r in gathered["shipped"] if half(r.article) == 0]}
    mean = sum(POOLS.values()) / sum(map(len, pools.values()))
    return [
        replace(row, weight=POOLS[name] / len(rows) / mean, strange=name == "strange")
        for name, rows in pools.items()
        for row in rows
    ]


def folds(gathered: Gathered) -> list[tuple[str, list[Row], list[Row]]]:
    """Return (name, fitted on, measured on): one for each group, and one for the reporting half of the shipped questions."""
    rows, asked = pooled(gathered), [*gathered["public"], *gathered["written"]]
    groups = sorted({r.group for r in asked})
    apart = [(g, [r for r in rows if r.group != g], [r for r in asked if r.group == g]) for g in groups]
    return [*apart, ("shipped, other half", rows, [r for r in gathered["shipped"] if half(r.article) == 1])]


def refused(calibration: Calibration, signals: dict[str, float]) -> bool:
    """Whether a question with these signals is refused."""
    off = calibration.subject.probability(signals) < calibration.scope
    return off or calibration.answer.probability(signals) < calibration.threshold


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
            calibration = calibrate(others, dropped=dropped)
            report(f"{way}: {name}", measured, calibration)
            if strange := [r for r in gathered["strange"] if r.group == name]:
                signals = (answer_signals(r.query, rescored(r, calibration.sentence)[0]) for r in strange)
                share = np.mean([refused(calibration, s) for s in signals])
                print(f"    of {len(strange)} questions that are none of its subject refused: {share:.3f}")
        result[way] = calibrate(fitted, dropped=dropped).to_json()
    OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=1))


def gather(args: argparse.Namespace) -> Gathered:
    """Ask all questions, in processes of one thread each: of held-out articles and works, and of the shipped set."""
    names, count = [name for name, _ in articles(args.train)], len(list(works()))
    asked = [
        *((_public, name, split) for name in names for split in range(args.splits)),
        *((_written, n) for n in range(count)),
    ]
    found: Gathered = {name: [] for name in POOLS}
    with ProcessPoolExecutor(PROCESSES, get_context("spawn"), _begin, (args,)) as pool:
        for number, rows in enumerate(pool.map(_run, [(_shipped,), *asked], chunksize=1), start=1):
            for name, more in rows.items():
                found[name] += more
            print(f"{number} of {len(asked) + 1} libraries", file=sys.stderr, flush=True)
    return found


def _begin(args: argparse.Namespace) -> None:
    """Open the models of a process, and what it asks from."""
    base = dict(calibrations_from(json.loads(OUTPUT.read_text(encoding="utf-8"))))
    reader = open_evidence_model(args.evidence, threads=1) if args.evidence else None
    _OPEN.update(asker=Asker(open_embedder("", threads=1), reader, base), args=args, articles=dict(articles(args.train)))


def _run(job: tuple[Any, ...]) -> Gathered:
    ask, *rest = job
    found: Gathered = ask(_OPEN["asker"], *rest)
    return found


def _public(asker: Asker, name: str, split: int) -> Gathered:
    return {"public": list(asker.article(name, _OPEN["articles"][name], split=split, limit=_OPEN["args"].limit))}


def _written(asker: Asker, number: int) -> Gathered:
    libraries = list(works())
    library, name = libraries[number], f"written-{number % FOLDS} {number}"
    strange = strange_questions(library, [a for other in libraries for a in other], random.Random(number))
    return {
        "written": list(asker.works(library, name)),
        "strange": list(asker.strangers(documents_of(library), strange, name)),
    }


def _shipped(asker: Asker) -> Gathered:
    documents = tuple(load_documents([shipped_documents_path()]))
    return {
        "strange": list(asker.strangers(documents, everyday()[::2], "everyday 0")),
        "shipped": list(asker.shipped(shipped_questions_path(), documents)),
    }


if __name__ == "__main__":
    main()
