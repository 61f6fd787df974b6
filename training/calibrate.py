"""Fit how the shipped 8-bit model's logits become probabilities, on held-out pairs, and write it into its manifest.

Also how sure a short answer must be to be marked. It is measured, beside that, on squad2_dev, of which nothing is fitted.

python -m training.calibrate embeddings/models --judges ../shared/eval --data ../shared/train
"""

import argparse
import json
import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression

from corpus.document import Span
from corpus.sentences import split_sentences
from embeddings.evidence import (
    MANIFEST,
    EvidenceCalibration,
    EvidencePassage,
    OnnxEvidenceModel,
    WindowLogits,
    open_evidence_model,
)
from training.collection import read_collection
from training.emphasis import Mark, fit_emphasis, mark, report_emphasis
from training.evaluate import Case, read_lines
from training.examples import Example, Stream
from training.pairs import is_held_out


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


def passage_of(example: Example) -> EvidencePassage:
    return Case(example.question, example.context, example.sentences, example.gold).passage


def answers_of(example: Example) -> list[str]:
    if example.answer is None:
        return []
    sentence, start, end = example.answer
    return [example.sentences[sentence][start:end]]


def squad_marks(model: OnnxEvidenceModel, folder: Path, sample: int) -> dict[str, list[Mark | None]]:
    """Mark in the questions' own paragraphs. Unanswerable questions are mostly refused; their marks are all wrong."""
    texts = {r["_id"]: r["text"] for r in read_lines(folder / "queries.jsonl")}
    corpus = {r["_id"]: r for r in read_lines(folder / "corpus.jsonl")}
    rows = read_lines(folder / "answers.jsonl")
    rng, found = random.Random(7), {}
    for name, group in (("answerable", False), ("unanswerable", True)):
        fit_rows = [r for r in rows if r["is_impossible"] is group]
        found[name] = [
            mark(model, texts[r["query_id"]], _paragraph(corpus[r["doc_id"]]), [] if group else r["answers"])
            for r in rng.sample(fit_rows, min(sample, len(fit_rows)))
        ]
    return found


def _paragraph(row: dict) -> EvidencePassage:
    spans = split_sentences(row["text"], Span(0, len(row["text"])))
    return EvidencePassage(row["title"], row["text"], tuple((span.start, span.end) for span in spans))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Calibrate an exported evidence model.")
    parser.add_argument("models", type=Path)
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--data", type=Path, default=Path("../shared/train"))
    parser.add_argument("--count", type=int, default=3000, help="held-out examples to fit on")
    parser.add_argument("--sample", type=int, default=600, help="so many answerable and unanswerable questions to measure on")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    model = open_evidence_model(options.models, threads=options.threads)
    pairs, _ = read_collection(options.data, options.judges)
    stream = Stream([pair for pair in pairs if is_held_out(pair)], seed=23)
    examples = [e for e in map(stream.example, range(options.count)) if len(e.sentences) > 1]
    windows, golds = [], []
    for example in examples:
        found = model.logits(example.question, [passage_of(example)])[0]
        if len(found) == 1:
            windows.append(found[0][1])
            golds.append(example.gold)
    calibration = fit(windows, golds)
    marks = [mark(model, e.question, passage_of(e), answers_of(e)) for e in examples if e.gold]
    least = fit_emphasis(marks)
    path = options.models / MANIFEST
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["calibration"] = {"sentence": calibration.sentence, "answerable": calibration.answerable, "emphasis": least}
    path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(manifest["calibration"]))
    print("marked of held-out pairs:", json.dumps(report_emphasis(marks, least)))
    for name, found in squad_marks(model, options.judges / "squad2_dev", options.sample).items():
        print(f"marked of squad2_dev, {name}:", json.dumps(report_emphasis(found, least)))


if __name__ == "__main__":
    main()
