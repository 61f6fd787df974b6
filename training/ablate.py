"""What each kind of signal is worth: fit without it, and measure on questions that were not fitted on.

    python -m training.ablate GATHERED.pkl        # the file that training.fuse --keep wrote

Prints a Markdown table. Each quarter of the held-out works is measured by a fit on all else, and the reporting half of the
shipped questions by a fit on all works and the other half; a row pools both, with 95 % bootstrap intervals.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from rag.calibration import Calibration
from rag.evidence import answer_signals, log_odds
from training.asking import Row
from training.fuse import calibrate, folds, rescored

GROUPS = {
    "nothing": (),
    "the evidence model's sentence": ("evidence", "most_evidence"),
    "the evidence model's passage": ("answerable", "most_answerable"),
    "the evidence model's short answer": ("short_answer", "most_short"),
    "the evidence model": ("evidence", "answerable", "short_answer", "most_evidence", "most_answerable", "most_short"),
    "similarity": ("similarity", "passage_similarity", "nearest", "nearest_passage"),
    "term coverage": ("coverage", "context_coverage", "passage_coverage", "missing", "passage_missing"),
    "names": ("names", "name_missing", "name_unknown"),
    "rare words": ("rare_missing", "rare_unknown", "share_unknown"),
    "the thing asked for": ("focus_missing", "focus_unknown"),
    "figure, time, name, cause, comparison, definition": (
        *("no_figure", "no_time", "no_proper_name", "no_cause", "no_comparison", "no_definition"),
        *("comparison", "yes_no"),
    ),
    "agreement: the second best": ("second",),
}
ROUNDS = 1000


def judge(rows: Sequence[Row], calibration: Calibration) -> list[tuple[bool, float, bool | None, bool | None]]:
    """Return for each row: answerable, log odds against its fold, gold first, gold in the first three."""
    found = []
    for row in rows:
        candidates, gold = rescored(row, calibration.sentence)
        signals = answer_signals(row.query, candidates)
        odds = log_odds(calibration.subject.probability(signals) * calibration.answer.probability(signals))
        found.append((row.answerable, odds, gold[0] if any(gold) else None, any(gold[:3]) if any(gold) else None))
    return found


def measures(found: Sequence[tuple[bool, float, bool | None, bool | None]]) -> tuple[float, float, float, float]:
    """Gold first, gold in three, AUROC, and the unanswerable refused when 5 % of the answerable are."""
    can = np.array([f[0] for f in found])
    odds = np.array([f[1] for f in found])
    first = float(np.mean([f[2] for f in found if f[2] is not None]))
    three = float(np.mean([f[3] for f in found if f[3] is not None]))
    return first, three, float(roc_auc_score(can, odds)), float((odds[~can] < np.quantile(odds[can], 0.05)).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("gathered", type=Path)
    gathered = pickle.loads(parser.parse_args().gathered.read_bytes())
    parts = [part for part in folds(gathered) if part[0].startswith(("written", "shipped"))]
    print("| left out | gold first | gold in three | AUROC | refused at 5 % false |\n|---|---|---|---|---|")
    draw = np.random.default_rng(0)
    for name, dropped in GROUPS.items():
        found = [f for _, fitted, measured in parts for f in judge(measured, calibrate(fitted, dropped=dropped))]
        values = measures(found)
        rounds = [measures([found[i] for i in draw.integers(len(found), size=len(found))]) for _ in range(ROUNDS)]
        low, high = np.quantile(np.array(rounds), [0.025, 0.975], axis=0)
        cells = [f"{v:.3f} ({a:.3f} to {b:.3f})" for v, a, b in zip(values, low, high, strict=True)]
        print("|", " | ".join([name, *cells]), "|", flush=True)


if __name__ == "__main__":
    main()
