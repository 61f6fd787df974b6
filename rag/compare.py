"""Comparison with an earlier report, question by question: did a measure get significantly worse?

Questions pair by id and wording of the question. A measure that is a ratio is tested with a paired permutation test (a
question's two outcomes are exchangeable if nothing changed), one that ranks or bins confidences with a paired bootstrap whose
differences are shifted to a mean of the null (Efron & Tibshirani 1993, ch. 16). Tests are one-sided, 10,000 draws, with a
fixed seed; the p-values of all measures are adjusted after Holm 1979. Latencies are not compared: machines differ.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from rag.evaluate import SCHEMA, Report
from rag.measures import MEASURES, Measure
from rag.metrics import SEED, Array, ratio, resample
from rag.outcome import Outcome
from stemqa import QuestionSetError

DRAWS = 10_000
ALPHA = 0.05
_BLOCK = 500
_FIELDS = {field.name for field in fields(Outcome)}


@dataclass(frozen=True, slots=True)
class Baseline:
    """What is needed of an earlier report."""

    name: str
    sha256: str
    library: str
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """A measure then and now over the paired questions; `p_worse` and `p_better` are one-sided and adjusted after Holm."""

    measure: Measure
    before: float
    now: float
    p_worse: float
    p_better: float

    @property
    def verdict(self) -> str:
        """Say "worse" or "better" where that is significant, else "same"."""
        if self.p_worse < ALPHA:
            return "worse"
        return "better" if self.p_better < ALPHA else "same"


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences, how many questions pair, and how many stand on one side only. `same_questions`: equal set hashes."""

    baseline: Baseline
    differences: tuple[Difference, ...]
    paired: int
    unpaired: int
    same_questions: bool

    @property
    def worse(self) -> tuple[Difference, ...]:
        """The differences that are significantly worse."""
        return tuple(difference for difference in self.differences if difference.verdict == "worse")


def read_baseline(path: Path) -> Baseline:
    """Read a report that `write_json` wrote. `QuestionSetError` when it is none of this schema."""
    mend = "name an evaluation.json that stemqa evaluate --output wrote"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        schema = values["schema"]
    except OSError as error:
        raise QuestionSetError(f"cannot read the baseline {path}: {error.strerror or 'it cannot be read'}; {mend}") from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise QuestionSetError(f"the baseline {path} is not a report; {mend}") from None
    if schema != SCHEMA:
        raise QuestionSetError(f"the baseline {path} has schema {schema!r}, this version reads {SCHEMA}; make it again")
    try:
        outcomes = tuple(_outcome(row) for row in values["outcomes"])
        return Baseline(values["question_set"]["name"], values["question_set"]["sha256"], values["library"], outcomes)
    except (KeyError, TypeError, AttributeError):
        raise QuestionSetError(f"the baseline {path} lacks parts of a report; {mend}") from None


def compare(report: Report, baseline: Baseline) -> Comparison:
    """Compare on the questions that both hold. `QuestionSetError` when there are none."""
    before = {(outcome.id, outcome.question): outcome for outcome in baseline.outcomes}
    pairs = [(before[key], now) for now in report.outcomes if (key := (now.id, now.question)) in before]
    if not pairs:
        raise QuestionSetError(
            f"the baseline ({baseline.name}) and this evaluation ({report.name}) share no question; "
            "compare reports on the same question set"
        )
    return Comparison(
        baseline,
        _differences([pair[0] for pair in pairs], [pair[1] for pair in pairs]),
        len(pairs),
        len(report.outcomes) + len(baseline.outcomes) - 2 * len(pairs),
        report.sha256 == baseline.sha256,
    )


def holm(p_values: Sequence[float]) -> tuple[float, ...]:
    """Return the p-values adjusted after Holm 1979, in the given order, each at most 1."""
    order = np.argsort(p_values, kind="stable")
    steps = np.arange(len(p_values), 0, -1) * np.asarray(p_values)[order]
    adjusted = np.empty(len(p_values))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return tuple(adjusted.tolist())


def permutation_p(before: Array, now: Array) -> tuple[float, float]:
    """Return the one-sided p-values that the ratio now is lower, and higher, than before, by swapping questions' outcomes.

    Both have shape (2, n): a numerator and a denominator per question, 0 and 0 where the measure is not about it.
    """
    rng = np.random.default_rng(SEED)
    sums_before, sums_now = before.sum(axis=1), now.sum(axis=1)
    observed = sums_now[0] / sums_now[1] - sums_before[0] / sums_before[1]
    lower = higher = valid = 0
    for _ in range(DRAWS // _BLOCK):
        moved = rng.integers(2, size=(_BLOCK, before.shape[1])).astype(np.float64) @ (before - now).T
        swapped, rest = sums_now + moved, sums_before - moved
        defined = (swapped[:, 1] > 0) & (rest[:, 1] > 0)
        changes = swapped[defined, 0] / swapped[defined, 1] - rest[defined, 0] / rest[defined, 1]
        # Sums of floats in another order differ in the last digits; such draws are ties, and ties count.
        lower += int((changes <= observed + 1e-9).sum())
        higher += int((changes >= observed - 1e-9).sum())
        valid += len(changes)
    return (1 + lower) / (1 + valid), (1 + higher) / (1 + valid)


def bootstrap_p(measure: Measure, before: Array, now: Array) -> tuple[float, float]:
    """Return the one-sided p-values that the statistic now is lower, and higher, than before, by a paired bootstrap."""
    was, is_ = measure.statistic(*before), measure.statistic(*now)

    def change(weights: Array) -> Array:
        return is_(weights) - was(weights)

    n = before.shape[1]
    observed = change(np.ones((1, n)))[0]
    draws = resample(change, n, resamples=DRAWS)
    shifted = draws[~np.isnan(draws)] - observed
    lower, higher = int((shifted <= observed + 1e-9).sum()), int((shifted >= observed - 1e-9).sum())
    return (1 + lower) / (1 + len(shifted)), (1 + higher) / (1 + len(shifted))


def _outcome(row: Mapping[str, Any]) -> Outcome:
    # A later version may add fields to an outcome; what this one does not know, it does not need.
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in row.items() if name in _FIELDS
    }
    return Outcome(**known)


def _differences(before: Sequence[Outcome], now: Sequence[Outcome]) -> tuple[Difference, ...]:
    found = [difference for measure in MEASURES if (difference := _difference(measure, before, now)) is not None]
    worse = holm([difference.p_worse for difference in found])
    better = holm([difference.p_better for difference in found])
    return tuple(
        Difference(difference.measure, difference.before, difference.now, p_worse, p_better)
        for difference, p_worse, p_better in zip(found, worse, better, strict=True)
    )


def _difference(measure: Measure, before: Sequence[Outcome], now: Sequence[Outcome]) -> Difference | None:
    pairs = [(measure.columns(old), measure.columns(new)) for old, new in zip(before, now, strict=True)]
    if measure.statistic is ratio:
        # The question may have been answered in one run and refused in the other: it then adds nothing to one side.
        pairs = [(old or (0.0, 0.0), new or (0.0, 0.0)) for old, new in pairs if old is not None or new is not None]
    columns = [(old, new) for old, new in pairs if old is not None and new is not None]
    if not columns:
        return None
    was, is_ = (np.asarray(side, dtype=np.float64).T for side in zip(*columns, strict=True))
    then, today = (float(measure.statistic(*side)(np.ones((1, len(columns))))[0]) for side in (was, is_))
    if np.isnan([then, today]).any():
        return None
    lower, higher = permutation_p(was, is_) if measure.statistic is ratio else bootstrap_p(measure, was, is_)
    p_worse, p_better = (lower, higher) if measure.higher_is_better else (higher, lower)
    return Difference(measure, then, today, p_worse, p_better)
