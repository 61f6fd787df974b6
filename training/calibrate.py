"""Fit how the shipped 8-bit model's logits become probabilities, on held-out pairs, and write it into its manifest.

python -m training.calibrate embeddings/models --judges ../shared/eval --data ../shared/train
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from embeddings.evidence import MANIFEST, EvidenceCalibration, WindowLogits, open_evidence_model
from training.evaluate import held_out_cases
from training.pairs import is_held_out, read_judges, read_pairs


def fit(windows: Sequence[WindowLogits], golds: Sequence[frozenset[int]]) -> EvidenceCalibration:
    """Logistic functions of a sentence's logit, and of a window's four signals."""
    logits = np.array([[value] for window in windows for value in window.sentences])
    labels = [k in gold for window, gold in zip(windows, golds, strict=True) for k in range(len(window.sentences))]
    sentence = LogisticRegression(C=1e3).fit(logits, labels)
    signals = np.array([window.signals for window in windows])
    passage = LogisticRegression(C=1.0, max_iter=1000).fit(signals, [bool(gold) for gold in golds])
    slope, offset = float(sentence.coef_[0, 0]), float(sentence.intercept_[0])
    rounded = [round(float(v), 5) for v in (*passage.coef_[0], passage.intercept_[0])]
    return EvidenceCalibration((round(slope, 5), round(offset, 5)), tuple(rounded))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Calibrate an exported evidence model.")
    parser.add_argument("models", type=Path)
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--data", type=Path, default=Path("../shared/train"))
    parser.add_argument("--count", type=int, default=3000, help="held-out examples to fit on")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    model = open_evidence_model(options.models, threads=options.threads)
    pairs, _ = read_pairs(options.data, read_judges(options.judges))
    cases = held_out_cases([pair for pair in pairs if is_held_out(pair)], options.count, seed=23)
    windows, golds = [], []
    for case in cases:
        found = model.logits(case.question, [case.passage])[0]
        if len(found) == 1:
            windows.append(found[0][1])
            golds.append(case.gold)
    calibration = fit(windows, golds)
    path = options.models / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["calibration"] = {"sentence": calibration.sentence, "answerable": calibration.answerable}
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(manifest["calibration"]))


if __name__ == "__main__":
    main()
