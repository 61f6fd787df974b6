"""Measure an exported evidence model beside plain similarity, on sets that it was not trained on.

    python -m training.evaluate embeddings/models --judges ../shared/eval --data ../shared/train [--sample 1500] [--json FILE]

Every number stands beside the same number by similarity alone (the embedding model's cosine of question and sentence), with a
95 % bootstrap interval over questions. Sets:

    squad2_dev        each question with its own paragraph: is an answering sentence first; answerable or not (AUROC)
    squad2_dev typo   the same questions, misspelt; and with their spelling set right, as a library of the paragraphs would
    held out          pairs of documents kept out of training, half of them without an answer
    keyword           keyword queries over held-out trial reports and policies with evidence of several sentences
"""

import argparse
import json
import os
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from corpus.document import Span
from corpus.sentences import split_sentences
from embeddings.encoder import SentenceEmbedder, open_embedder
from embeddings.evidence import (
    EvidencePassage,
    OnnxEvidenceModel,
    PassageEvidence,
    open_evidence_model,
)
from embeddings.spelling import Speller
from embeddings.terms import count_words
from training import perturb
from training.collection import read_collection
from training.examples import Stream
from training.near import window
from training.pairs import Pair, is_held_out, words

RESAMPLES = 1000
SHOWN = 3  # sentences of an answer


@dataclass(frozen=True, slots=True)
class Case:
    """A question beside one passage; `gold` holds the numbers of the sentences that answer."""

    question: str
    context: str
    sentences: tuple[str, ...]
    gold: frozenset[int]

    @property
    def passage(self) -> EvidencePassage:
        spans, at = [], 0
        for sentence in self.sentences:
            spans.append((at, at + len(sentence)))
            at += len(sentence) + 1
        return EvidencePassage(self.context, " ".join(self.sentences), tuple(spans))


@dataclass(frozen=True, slots=True)
class Scores:
    """Of one case: each sentence's evidence and similarity, and the passage's answerability."""

    evidence: NDArray[np.float64]
    similarity: NDArray[np.float64]
    answerable: float


def read_lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def squad_cases(folder: Path, *, typo: bool, sample: int | None) -> list[Case]:
    """Pair questions with their own paragraphs: at most `sample` answerable and as many others, the same with slips."""
    texts = {r["_id"]: r["text"] for r in read_lines(folder / ("queries.typo.jsonl" if typo else "queries.jsonl"))}
    common = {r["_id"] for r in read_lines(folder / "queries.typo.jsonl")}
    corpus = {r["_id"]: r for r in read_lines(folder / "corpus.jsonl")}
    spans = {key: split_sentences(r["text"], Span(0, len(r["text"]))) for key, r in corpus.items()}
    cases: dict[bool, list[Case]] = {True: [], False: []}
    for row in read_lines(folder / "answers.jsonl"):
        if row["query_id"] not in common:
            continue
        paragraph = corpus[row["doc_id"]]
        sentences = tuple(span.of(paragraph["text"]) for span in spans[row["doc_id"]])
        answers = [] if row["is_impossible"] else [f" {' '.join(words(a))} " for a in row["answers"] if words(a)]
        gold = frozenset(k for k, s in enumerate(sentences) if any(a in f" {' '.join(words(s))} " for a in answers))
        if gold or row["is_impossible"]:
            cases[bool(gold)].append(Case(texts[row["query_id"]], paragraph["title"], sentences, gold))
    rng = random.Random(5)
    return [case for group in cases.values() for case in (rng.sample(group, min(sample, len(group))) if sample else group)]


def set_right(cases: Sequence[Case], folder: Path) -> list[Case]:
    """Set the questions' spelling right against all paragraphs, as the library does before it reads a question."""
    speller = Speller(count_words(f"{r['title']} {r['text']}" for r in read_lines(folder / "corpus.jsonl")))
    return [replace(case, question=speller.correct(case.question)) for case in cases]


def held_out_cases(pairs: Sequence[Pair], count: int, seed: int = 11) -> list[Case]:
    stream = Stream(pairs, seed=seed)
    found = (stream.example(i) for i in range(count))
    return [Case(e.question, e.context, e.sentences, e.gold) for e in found if len(e.sentences) > 1]


def keyword_cases(pairs: Sequence[Pair]) -> list[Case]:
    """Held-out trial reports and policies asked in keywords: evidence of several sentences where the source marks it."""
    rng, cases = random.Random(3), []
    for pair in pairs:
        if pair.source not in ("evidence_inference", "policyqa") or not pair.gold:
            continue
        if pair.source == "policyqa" and len(pair.gold) < 2:
            continue
        kept = window(pair, sorted(pair.gold), 240, rng)
        if len(kept) < 4:
            continue
        gold = frozenset(kept.index(g) for g in pair.gold if g in kept)
        case = Case(perturb.keywords(pair.question, rng), pair.context, tuple(pair.sentences[k] for k in kept), gold)
        cases.append(case)
    return cases


class Similarity:
    """Cosines by the embedding model; every text is embedded once and kept in a file."""

    def __init__(self, store: Path | None, threads: int) -> None:
        self._embedder: SentenceEmbedder = open_embedder("", threads=threads)
        self._store = store
        self._known: dict[str, NDArray[np.float32]] = {}
        if store is not None and store.is_file():
            with np.load(store) as found:
                self._known = dict(zip(found["texts"].tolist(), found["vectors"].astype(np.float32), strict=True))

    def learn(self, texts: Iterable[str]) -> None:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if not new:
            return
        self._known.update(zip(new, self._embedder.embed_passages(new), strict=True))
        if self._store is not None:
            vectors = np.stack(list(self._known.values())).astype(np.float16)
            np.savez(self._store, texts=np.array(list(self._known)), vectors=vectors)

    def of(self, case: Case) -> NDArray[np.float64]:
        return np.array([float(self._known[s] @ self._known[case.question]) for s in case.sentences])


def score_cases(model: OnnxEvidenceModel, similarity: Similarity, cases: Sequence[Case]) -> list[Scores]:
    similarity.learn(text for case in cases for text in (case.question, *case.sentences))
    return [_scores(model.score(case.question, [case.passage])[0], similarity.of(case)) for case in cases]


def _scores(found: PassageEvidence, similarity: NDArray[np.float64]) -> Scores:
    return Scores(np.array(found.sentences), similarity, found.answerable)


def logit(p: NDArray[np.float64] | float) -> NDArray[np.float64]:
    p = np.clip(np.asarray(p, dtype=np.float64), 1e-6, 1 - 1e-6)
    return np.log(p / (1 - p))


def fit_blend(cases: Sequence[Case], scores: Sequence[Scores]) -> float:
    """Return the weight of similarity beside the evidence logit that puts a gold sentence first most often."""
    grid = np.array([0.0, 0.5, 1, 1.5, 2, 3, 4, 5, 6, 8, 10, 14])
    return float(grid[int(np.argmax([np.mean(firsts(cases, scores, _blend(w))) for w in grid]))])


def _blend(weight: float) -> Callable[[Scores], NDArray[np.float64]]:
    return lambda s: logit(s.evidence) + weight * s.similarity


def firsts(cases: Sequence[Case], scores: Sequence[Scores], key: Callable[[Scores], NDArray[np.float64]]) -> list[float]:
    """For each answerable case of several sentences: 1 where a gold sentence is first, else 0."""
    pairs = zip(cases, scores, strict=True)
    return [float(int(np.argmax(key(s))) in c.gold) for c, s in pairs if c.gold and len(c.sentences) > 1]


def overlaps(cases: Sequence[Case], scores: Sequence[Scores], key: Callable[[Scores], NDArray[np.float64]]) -> list[float]:
    """For each answerable case: word F1 of the SHOWN best sentences with the gold ones."""
    found = []
    for case, score in zip(cases, scores, strict=True):
        if case.gold:
            shown = words(" ".join(case.sentences[k] for k in np.argsort(-key(score), kind="stable")[:SHOWN]))
            gold = words(" ".join(case.sentences[k] for k in case.gold))
            both = sum(min(shown.count(w), gold.count(w)) for w in set(gold))
            found.append(2 * both / (len(shown) + len(gold)))
    return found


def interval(statistic: Callable[[NDArray[np.int64]], float], count: int) -> list[float]:
    """Return the statistic with its 95 % bootstrap interval: [value, low, high]."""
    rng = np.random.default_rng(1)
    draws = [statistic(rng.integers(0, count, count)) for _ in range(RESAMPLES if count < 4000 else 300)]
    low, high = np.nanpercentile(draws, [2.5, 97.5])
    return [round(float(v), 4) for v in (statistic(np.arange(count)), low, high)]


def mean_of(values: Sequence[float]) -> list[float]:
    array = np.asarray(values)
    return interval(lambda rows: float(array[rows].mean()), len(array))


def auroc_of(labels: Sequence[bool], values: Sequence[float]) -> list[float]:
    y, x = np.asarray(labels), np.asarray(values)
    return interval(lambda rows: float(roc_auc_score(y[rows], x[rows])) if 0 < y[rows].sum() < len(rows) else np.nan, len(y))


def features(scores: Sequence[Scores]) -> NDArray[np.float64]:
    """Return what answerability is fused from: its logit, the best sentence's, the best similarity, that sentence's own."""
    rows = [
        (
            float(logit(s.answerable)),
            float(logit(s.evidence).max()),
            float(s.similarity.max()),
            float(s.similarity[int(s.evidence.argmax())]),
        )
        for s in scores
    ]
    return np.array(rows)


def report(cases: Sequence[Case], scores: Sequence[Scores], weight: float, fuse: LogisticRegression) -> dict[str, object]:
    labels = [bool(c.gold) for c in cases]
    x = features(scores)
    out: dict[str, object] = {"questions": len(cases), "answerable": sum(labels)}
    for name, key in (("similarity", lambda s: s.similarity), ("evidence", lambda s: s.evidence), ("blend", _blend(weight))):
        out[f"first by {name}"] = mean_of(firsts(cases, scores, key))
    if 0 < sum(labels) < len(labels):
        for name, value in (
            ("similarity", x[:, 2]),
            ("best sentence", x[:, 1]),
            ("passage", x[:, 0]),
            ("fused", fuse.decision_function(x)),
        ):
            out[f"AUROC by {name}"] = auroc_of(labels, value.tolist())
    return out


def measure(model: OnnxEvidenceModel, similarity: Similarity, options: argparse.Namespace) -> dict[str, object]:
    pairs, _ = read_collection(options.data, options.judges)
    apart = [pair for pair in pairs if is_held_out(pair)]
    half = held_out_cases(apart, options.held_out)
    half_scores = score_cases(model, similarity, half)
    cut = len(half) // 2
    fuse = LogisticRegression(max_iter=1000).fit(features(half_scores[:cut]), [bool(c.gold) for c in half[:cut]])
    weight = fit_blend(half[:cut], half_scores[:cut])
    out: dict[str, object] = {"weight of similarity": weight, "fusion": fuse.coef_.round(3).tolist()}
    out["held out"] = report(half[cut:], half_scores[cut:], weight, fuse)
    squad = options.judges / "squad2_dev"
    typed, misspelt = (squad_cases(squad, typo=typo, sample=options.sample) for typo in (False, True))
    sets = {"squad2_dev": typed, "squad2_dev typo": misspelt, "squad2_dev typo, set right": set_right(misspelt, squad)}
    for name, cases in sets.items():
        out[name] = report(cases, score_cases(model, similarity, cases), weight, fuse)
        print(name, json.dumps(out[name]), flush=True)
    cases = keyword_cases(apart)
    scores = score_cases(model, similarity, cases)
    out["keyword"] = report(cases, scores, weight, fuse) | {
        f"word F1 of {SHOWN} by {name}": mean_of(overlaps(cases, scores, key))
        for name, key in (("similarity", lambda s: s.similarity), ("evidence", lambda s: s.evidence), ("blend", _blend(weight)))
    }
    return out


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Measure an exported evidence model.")
    parser.add_argument("models", type=Path)
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--data", type=Path, default=Path("../shared/train"))
    parser.add_argument("--sample", type=int, help="so many answerable and unanswerable questions of squad2_dev; all without")
    parser.add_argument("--held-out", type=int, default=2000)
    parser.add_argument("--store", type=Path, help="keep the embeddings in this .npz file")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    found = measure(
        open_evidence_model(options.models, threads=options.threads), Similarity(options.store, options.threads), options
    )
    text = json.dumps(found, indent=1)
    print(text)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
