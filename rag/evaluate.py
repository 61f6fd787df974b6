"""Evaluation: ask every question, judge each reply, score the whole, write the report.

`run_evaluation` is what the command line calls; `evaluate` is the part without files; `ui.report` shows a report.
Reports are deterministic for the same library and questions, apart from the latencies.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Protocol

import numpy as np

from corpus.document import Chunk, Document
from rag.beir import is_beir, read_beir
from rag.measures import PER_WORDING, Score, score
from rag.metrics import PERCENTILES, RESAMPLES, SEED, Bin, CurvePoint, Estimate, percentile, reliability, risk_coverage
from rag.outcome import BEIR_CUTOFFS, CUTOFFS, Outcome, judge, judge_chunks, judge_documents, judge_same, unasked
from rag.questions import Kind, Question, QuestionSet, Wording, read_questions
from rag.reply import Hit, Reply
from stemqa import __version__

SCHEMA = 1
Progress = Callable[[str, int, int], None]


class AskedLibrary(Protocol):
    """What evaluation needs to know of a library."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def documents(self) -> Mapping[str, Document]: ...
    @property
    def chunks(self) -> Sequence[Chunk]: ...


class Asked(Protocol):
    """What evaluation needs of `rag.assistant.Assistant`."""

    @property
    def library(self) -> AskedLibrary: ...
    def ask(self, question: str) -> Reply: ...
    def search(self, question: str, k: int = 10) -> Sequence[Hit]: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What to evaluate. `kind` reads the file as a plain list of questions of that one kind.

    `answers` asks the questions of a BEIR folder too, which takes much longer than to score its retrieval; other sets are
    always asked. `sample` takes that many questions, the same ones each time. `queries` is the BEIR folder's question file.
    """

    kind: Kind | None = None
    answers: bool = False
    sample: int | None = None
    queries: str = "queries.jsonl"


@dataclass(frozen=True, slots=True)
class Report:
    """What an evaluation found. `gold` is that of the question set.

    `latency_ms` has, per step and percentile, milliseconds. `curve` and `bins` are over answerable and unanswerable questions.
    """

    name: str
    sha256: str
    gold: str
    library: str
    outcomes: tuple[Outcome, ...]
    scores: tuple[Score, ...]
    wordings: Mapping[str, tuple[Score, ...]]
    curve: tuple[CurvePoint, ...]
    bins: tuple[Bin, ...]
    latency_ms: Mapping[str, Mapping[int, Estimate]]

    @property
    def inexact(self) -> tuple[Outcome, ...]:
        """The outcomes with a citation that is not the slice of its source: there must be none."""
        return tuple(outcome for outcome in self.outcomes if outcome.exact < outcome.cited)

    @property
    def failures(self) -> tuple[Outcome, ...]:
        """The outcomes of questions whose reply is not what it should be."""
        return tuple(outcome for outcome in self.outcomes if outcome.passed is False)

    def estimate(self, name: str) -> Estimate | None:
        """Return the estimate of the measure of that name; None when it does not apply to the question set."""
        return next((score.estimate for score in self.scores if score.measure.name == name), None)

    def to_json(self) -> dict[str, Any]:
        """Return the report as plain values, in schema `SCHEMA`; everything but `latency_ms` and `timings_ms` is fixed."""
        return {
            "schema": SCHEMA,
            "stemqa": __version__,
            "question_set": {"name": self.name, "sha256": self.sha256, "count": len(self.outcomes), "gold": self.gold},
            "library": self.library,
            "bootstrap": {"resamples": RESAMPLES, "seed": SEED, "interval": 0.95},
            "measures": [_plain_score(score) for score in self.scores],
            "wordings": {wording: [_plain_score(score) for score in scores] for wording, scores in self.wordings.items()},
            "risk_coverage": [asdict(point) for point in self.curve],
            "reliability": [asdict(bin_) for bin_ in self.bins],
            "latency_ms": {
                step: {f"p{percent}": asdict(estimate) for percent, estimate in row.items()}
                for step, row in self.latency_ms.items()
            },
            "outcomes": [asdict(outcome) for outcome in self.outcomes],
        }


def run_evaluation(
    assistant: Asked, questions: Path, *, options: Options | None = None, progress: Progress | None = None
) -> Report:
    """Evaluate the question set or BEIR folder at `questions`. `QuestionSetError` when it cannot be used.

    For a folder, `assistant` must hold a library of its `corpus.jsonl`.
    """
    options = options or Options()
    read = _read(assistant, questions, options)
    asks = options.answers or not is_beir(questions)
    if not asks:
        # Nothing is to be found for an unanswerable question, so that a search says nothing about it.
        read = replace(read, questions=tuple(question for question in read.questions if question.qrels))
    if options.sample is not None:
        read = take_sample(read, options.sample)
    return evaluate(assistant, read, asks=asks, progress=progress)


def evaluate(assistant: Asked, questions: QuestionSet, *, asks: bool = True, progress: Progress | None = None) -> Report:
    """Ask and search every question and score the outcomes. Without `asks` only retrieval is scored.

    The first question is asked once before the clock runs, so that loading is no part of the latencies.
    """
    progress = progress or (lambda _what, _done, _total: None)
    if questions.questions:
        _warm_up(assistant, questions.questions[0].text, asks=asks)
    outcomes: dict[str, Outcome] = {}
    progress("Evaluating", 0, len(questions.questions))
    for number, question in enumerate(questions.questions, 1):
        outcomes[question.id] = _outcome(assistant, question, asks=asks)
        progress("Evaluating", number, len(questions.questions))
    for question in questions.questions:
        if question.same_as in outcomes and asks:
            outcomes[question.id] = judge_same(outcomes[question.id], outcomes[question.same_as])
    return summarise(questions, assistant.library.fingerprint, tuple(outcomes.values()))


def summarise(questions: QuestionSet, library: str, outcomes: tuple[Outcome, ...]) -> Report:
    """Return the report of the outcomes."""
    judged = [outcome for outcome in outcomes if outcome.right is not None]
    confidence = np.array([outcome.confidence for outcome in judged])
    right = np.array([float(bool(outcome.right)) for outcome in judged])
    return Report(
        name=questions.name,
        sha256=questions.sha256,
        gold=questions.gold,
        library=library,
        outcomes=outcomes,
        scores=score(outcomes),
        wordings=_by_wording(outcomes),
        curve=risk_coverage(confidence, right),
        bins=reliability(confidence, right),
        latency_ms=_latencies(outcomes),
    )


def take_sample(questions: QuestionSet, size: int) -> QuestionSet:
    """Return at most `size` of the questions, drawn with a fixed seed, in their order; what they are `same_as` comes along."""
    if size >= len(questions.questions):
        return questions
    places = np.random.default_rng(SEED).choice(len(questions.questions), size=size, replace=False)
    chosen = {questions.questions[place].id for place in places}
    chosen |= {q.same_as for q in questions.questions if q.id in chosen and q.same_as is not None}
    return replace(questions, questions=tuple(q for q in questions.questions if q.id in chosen))


def write_json(report: Report, file: Path) -> None:
    """Write the report atomically; NaN cannot occur in it."""
    write_atomically(file, json.dumps(report.to_json(), ensure_ascii=False, indent=1, allow_nan=False) + "\n")


def write_atomically(file: Path, text: str) -> None:
    """Write `text` in UTF-8 under a temporary name beside `file`, then rename it; make the folder where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8", newline="\n") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    temporary.replace(file)


def _read(assistant: Asked, path: Path, options: Options) -> QuestionSet:
    library = assistant.library
    if is_beir(path):
        return read_beir(path, library.documents, library.chunks, queries=options.queries)
    return read_questions(path, library.documents, kind=options.kind)


def _warm_up(assistant: Asked, question: str, *, asks: bool) -> None:
    if asks:
        assistant.ask(question)
    assistant.search(question, 1)


def _outcome(assistant: Asked, question: Question, *, asks: bool) -> Outcome:
    outcome = unasked(question)
    if asks:
        outcome = judge(question, assistant.ask(question.text), assistant.library.documents)
    if question.qrels:
        started = perf_counter()
        hits = _search_documents(assistant, question.text, max(BEIR_CUTOFFS))
        timings = outcome.timings_ms or {"search": 1000 * (perf_counter() - started)}
        return replace(outcome, retrieval=judge_documents(question, hits), timings_ms=timings)
    if question.gold:
        hits = assistant.search(question.text, max(CUTOFFS))
        return replace(outcome, retrieval=judge_chunks(question, hits, assistant.library.chunks))
    return outcome


def _search_documents(assistant: Asked, question: str, count: int) -> Sequence[Hit]:
    """Return hits of at least `count` documents, or all hits that there are."""
    # One document more, for that of the query's own id, which is not counted.
    k, wanted, last = 2 * count, count + 1, -1
    while True:
        hits = assistant.search(question, k)
        # Passages that say the same are one hit, so that fewer than k hits need not be all: more until nothing is added.
        if len({hit.chunk.document_id for hit in hits}) >= wanted or len(hits) == last or k >= len(assistant.library.chunks):
            return hits
        k, last = 2 * k, len(hits)


def _by_wording(outcomes: Sequence[Outcome]) -> Mapping[str, tuple[Score, ...]]:
    groups = {
        wording.value: [outcome for outcome in outcomes if outcome.kind == Kind.ANSWERABLE and outcome.wording == wording]
        for wording in Wording
    }
    return {wording: score(group, PER_WORDING) for wording, group in groups.items() if group}


def _latencies(outcomes: Sequence[Outcome]) -> Mapping[str, Mapping[int, Estimate]]:
    steps = dict.fromkeys(step for outcome in outcomes for step in outcome.timings_ms)
    values = {step: [o.timings_ms[step] for o in outcomes if step in o.timings_ms] for step in steps}
    return {step: {percent: percentile(np.array(row), percent) for percent in PERCENTILES} for step, row in values.items()}


def _plain_score(score: Score) -> dict[str, Any]:
    measure, estimate = score.measure, score.estimate
    numbers = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {
        "name": measure.name,
        "title": measure.title,
        "higher_is_better": measure.higher_is_better,
        **{name: round(value, 6) for name, value in numbers.items() if not math.isnan(value)},
        "n": estimate.n,
    }
