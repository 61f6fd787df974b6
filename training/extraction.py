"""Fit rag/extraction.json: how signals of brought passages become probabilities; and measure it where nothing was fitted.

    python -m training.extraction ../shared/train --judges ../shared/eval [--count 2400] [--sample 600] [--only evidence]

Fitted on one half of examples drawn from documents that the evidence model's training held out, reported on the other half,
on squad2_dev (answerable and unanswerable questions, each with its own paragraph, and with three more of its article), and on
held-out keyword queries with evidence of several sentences. Half of the examples bring one to seven other passages along,
those nearest by words. Run it after `training.calibrate`, whose probabilities are the signals here.
"""

import argparse
import json
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from corpus.document import Span
from corpus.sentences import split_sentences
from embeddings.encoder import open_embedder
from embeddings.evidence import MODELS, open_evidence_model
from rag.calibration import EVIDENCE, SIMILARITY, Linear
from rag.extract import ExtractCalibration, Extraction, Extractor, Sentence, pooled
from training.collection import read_collection
from training.evaluate import Case, keyword_cases, read_lines
from training.examples import Stream
from training.pairs import is_held_out, words

OUTPUT = Path(__file__).parents[1] / "rag" / "extraction.json"
MOST_PASSAGES = 8
FALSE_REFUSALS = 0.03
"""Share of answerable rows that get no sentence shown; the same as an answer's (`training/fuse.py`)."""
SENTENCE = {EVIDENCE: ("evidence", "behind", "answerable"), SIMILARITY: ("similarity", "behind", "coverage")}
ANSWER = {EVIDENCE: ("best", "most_answerable", "passages"), SIMILARITY: ("most_similarity", "passages")}


@dataclass(frozen=True, slots=True)
class Row:
    """A question, its passages, and the (passage, start, end) of what answers; empty where nothing does."""

    question: str
    passages: tuple[str, ...]
    gold: tuple[tuple[int, int, int], ...]

    def answers(self, sentence: Sentence) -> bool:
        return any(p == sentence.passage and a < sentence.span.end and sentence.span.start < b for p, a, b in self.gold)

    @property
    def gold_words(self) -> list[str]:
        return words(" ".join(self.passages[p][a:b] for p, a, b in self.gold))


@dataclass(frozen=True, slots=True)
class Read:
    """A row with its sentences and their signals."""

    row: Row
    found: tuple[Sentence, ...]


def row_of(case: Case) -> Row:
    passage = case.passage
    return Row(case.question, (passage.text,), tuple((0, *passage.sentences[k]) for k in sorted(case.gold)))


def beside(rows: Sequence[Row], rng: random.Random) -> list[Row]:
    """Bring along, for every second row, one to seven passages of other rows: of 200 drawn, those that share most words."""
    found = []
    for row in rows:
        if rng.random() < 0.5:
            asked = set(words(row.question))
            others = {other.passages[0] for other in rng.sample(rows, min(200, len(rows)))} - {row.passages[0]}
            told = [row.passages[0][a:b] for _, a, b in row.gold]
            others = sorted(o for o in others if not any(text in o for text in told))
            near = sorted(others, key=lambda o: -len(asked & set(words(o))))[: rng.randint(1, MOST_PASSAGES - 1)]
            found.append(mixed(row, near, rng))
        else:
            found.append(row)
    return found


def mixed(row: Row, others: Sequence[str], rng: random.Random) -> Row:
    """Put the row's passage at any place among the others."""
    place = rng.randint(0, len(others))
    passages = (*others[:place], row.passages[0], *others[place:])
    return replace(row, passages=passages, gold=tuple((place, a, b) for _, a, b in row.gold))


def squad_rows(folder: Path, sample: int) -> tuple[list[Row], list[Row]]:
    """Return questions with their own paragraph, and the same with three more paragraphs of the article."""
    texts = {r["_id"]: r["text"] for r in read_lines(folder / "queries.jsonl")}
    corpus = {r["_id"]: r["text"] for r in read_lines(folder / "corpus.jsonl")}
    articles: dict[str, list[str]] = {}
    for key in corpus:
        articles.setdefault(key.rpartition("#")[0], []).append(key)
    rng, alone, among = random.Random(7), [], []
    rows = read_lines(folder / "answers.jsonl")
    for impossible in (False, True):
        fit_rows = [r for r in rows if r["is_impossible"] is impossible]
        for r in rng.sample(fit_rows, min(sample, len(fit_rows))):
            text = corpus[r["doc_id"]]
            row = Row(texts[r["query_id"]], (text,), () if impossible else holding(text, r["answers"]))
            near = [key for key in articles[r["doc_id"].rpartition("#")[0]] if key != r["doc_id"]]
            if bool(row.gold) is impossible:  # the answer runs over a sentence's end
                continue
            alone.append(row)
            among.append(mixed(row, [corpus[key] for key in rng.sample(near, min(3, len(near)))], rng))
    return alone, among


def holding(text: str, answers: Sequence[str]) -> tuple[tuple[int, int, int], ...]:
    """Return the sentences of a passage that hold one of the short answers."""
    wanted = [f" {' '.join(words(answer))} " for answer in answers if words(answer)]
    spans = split_sentences(text, Span(0, len(text)))
    said = [(span, f" {' '.join(words(span.of(text)))} ") for span in spans]
    return tuple((0, span.start, span.end) for span, own in said if any(answer in own for answer in wanted))


def read_rows(extractor: Extractor, rows: Sequence[Row]) -> list[Read]:
    return [Read(row, tuple(found)) for row in rows if (found := extractor.sentences(row.question, row.passages))]


def logistic(signals: Sequence[dict[str, float]], labels: Sequence[bool], names: Sequence[str]) -> Linear:
    x = np.array([[row[name] for name in names] for row in signals])
    scale = x.std(axis=0) + 1e-9
    model = LogisticRegression(C=1.0, max_iter=3000).fit(x / scale, np.array(labels))
    weights = {name: round(float(w), 4) for name, w in zip(names, model.coef_[0] / scale, strict=True)}
    return Linear(weights, round(float(model.intercept_[0]), 4))


def calibrate(reads: Sequence[Read], way: str) -> ExtractCalibration:
    """Fit both probabilities, then how many sentences are worth showing, then below what none is."""
    pairs = [(dict(s.signals), r.row.answers(s)) for r in reads for s in r.found]
    sentence = logistic([s for s, _ in pairs], [y for _, y in pairs], SENTENCE[way])
    best = [max(sentence.probability(s.signals) for s in r.found) for r in reads]
    signals = [dict(pooled(r.found, best=b)) for r, b in zip(reads, best, strict=True)]
    labels = [bool(r.row.gold) for r in reads]
    answer = logistic(signals, labels, ANSWER[way])
    p = np.array([answer.probability(s) for s in signals])
    threshold = float(np.quantile(p[np.array(labels)], FALSE_REFUSALS))
    origin = f"{len(reads)} rows of documents that training held out"
    tried = [ExtractCalibration(sentence, answer, keep / 20, 0.0, origin) for keep in range(2, 20)]
    chosen = max(tried, key=lambda c: balanced_f1(reads, c))
    return replace(chosen, threshold=math.floor(threshold * 1e4) / 1e4)


def word_f1(found: Extraction, row: Row) -> float:
    shown = words(" ".join(span_text(row, e.passage, e.span) for e in found.spans))
    gold = row.gold_words
    both = sum(min(shown.count(w), gold.count(w)) for w in set(gold))
    return 2 * both / (len(shown) + len(gold)) if shown or gold else 1.0


def span_text(row: Row, passage: int, span: Span) -> str:
    return span.of(row.passages[passage])


def balanced_f1(reads: Sequence[Read], calibration: ExtractCalibration) -> float:
    """Mean word F1 over answerable rows; those with one sentence that answers count half, those with several the other."""
    groups: dict[bool, list[float]] = {False: [], True: []}
    for r in reads:
        if r.row.gold:
            groups[len(r.row.gold) > 1].append(word_f1(calibration.judge(r.found), r.row))
    return float(np.mean([np.mean(group) for group in groups.values() if group]))


def calibration_error(p: np.ndarray, y: np.ndarray) -> float:
    bins = np.clip((p * 10).astype(int), 0, 9)
    return float(
        sum(abs(p[bins == b].mean() - y[bins == b].mean()) * (bins == b).mean() for b in range(10) if (bins == b).any())
    )


def report(name: str, reads: Sequence[Read], calibration: ExtractCalibration) -> None:
    judged = [calibration.judge(r.found) for r in reads]
    p = np.array([j.answerable for j in judged])
    y = np.array([bool(r.row.gold) for r in reads])
    line: dict[str, object] = {"rows": len(reads)}
    if 0 < y.sum() < len(y):
        noisy = [1 - np.prod([1 - p for p in best_of_passages(r, calibration)]) for r in reads]
        line |= {
            "AUROC": roc_auc_score(y, p),
            "ECE": calibration_error(p, y),
            "nothing shown": np.mean([not j.spans for j in judged]),
        }
        line |= {"AUROC noisy or": roc_auc_score(y, noisy), "ECE noisy or": calibration_error(np.array(noisy), y)}
    pairs = [(j, r) for j, r in zip(judged, reads, strict=True) if r.row.gold]
    scored = [(calibration.sentence.probability(s.signals), r.row.answers(s)) for r in reads for s in r.found]
    line |= {
        "sentence ECE": calibration_error(np.array([v for v, _ in scored]), np.array([g for _, g in scored])),
        "word F1": np.mean([word_f1(j, r.row) for j, r in pairs]),
        "sentences": np.mean([len(j.spans) for j, _ in pairs]),
        "none, of answerable": np.mean([not j.spans for j, _ in pairs]),
    }
    print(f"{name:34}", json.dumps({k: v if isinstance(v, int) else round(float(v), 3) for k, v in line.items()}), flush=True)


def best_of_passages(read: Read, calibration: ExtractCalibration) -> list[float]:
    """Return the answerability of each passage by itself: what a noisy-or would pool."""
    by_passage: dict[int, list[Sentence]] = {}
    for s in read.found:
        by_passage.setdefault(s.passage, []).append(s)
    return [calibration.judge(found).answerable for found in by_passage.values()]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--models", type=Path, default=MODELS)
    parser.add_argument("--count", type=int, default=2400, help="held-out examples, of which half are fitted on")
    parser.add_argument("--sample", type=int, default=600, help="so many answerable and unanswerable questions of squad2_dev")
    parser.add_argument("--only", choices=(EVIDENCE, SIMILARITY), help="fit one way, and leave the other as it is")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    pairs, _ = read_collection(options.train, options.judges)
    apart = [pair for pair in pairs if is_held_out(pair)]
    stream = Stream(apart, seed=29)
    drawn = [e for e in map(stream.example, range(options.count)) if len(e.sentences) > 1]
    rows = beside([row_of(Case(e.question, e.context, e.sentences, e.gold)) for e in drawn], random.Random(13))
    alone, among = squad_rows(options.judges / "squad2_dev", options.sample)
    keyword = [row_of(case) for case in keyword_cases(apart)]
    result = json.loads(OUTPUT.read_text(encoding="utf-8")) if OUTPUT.exists() else {}
    embedder = open_embedder("", threads=options.threads)
    for way in (options.only,) if options.only else (EVIDENCE, SIMILARITY):
        reader = open_evidence_model(options.models, threads=options.threads) if way == EVIDENCE else None
        extractor = Extractor(embedder, reader)
        reads = read_rows(extractor, rows)
        calibration = calibrate(reads[: len(reads) // 2], way)
        result[way] = calibration.to_json()
        OUTPUT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        print(way, json.dumps(result[way]), flush=True)
        half = reads[len(reads) // 2 :]
        report(f"{way}: held out, one passage", [r for r in half if len(r.row.passages) == 1], calibration)
        report(f"{way}: held out, several", [r for r in half if len(r.row.passages) > 1], calibration)
        for name, group in (("squad2_dev", alone), ("squad2_dev, four passages", among), ("keyword", keyword)):
            report(f"{way}: {name}", read_rows(extractor, group), calibration)


if __name__ == "__main__":
    main()
