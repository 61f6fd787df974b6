"""Measures as plain functions of numbers: ranking scores, statistics over questions, their bootstrap intervals.

A `Statistic` maps weights of shape (resamples, questions) to one value per resample. A weight says how often a resample
holds the question, so the same function gives the point estimate (all weights 1) and every bootstrap draw.
NaN stands for "not defined", as when a resample holds no question of a kind.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Statistic = Callable[[Array], Array]

RESAMPLES = 2000
SEED = 20170101
BINS = 10
PERCENTILES = (50, 90, 95, 99)
# A block of resamples at a time keeps the weights of 12,000 questions under 30 MB.
_BLOCK = 250


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value over `n` questions with its bootstrap 95 % percentile interval [low, high]."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Of all questions, `coverage` have at least the confidence `threshold`; answering just these errs in `risk` of them."""

    coverage: float
    risk: float
    threshold: float


@dataclass(frozen=True, slots=True)
class Bin:
    """Questions with a confidence in [low, high): how many, their mean confidence, and the share that is right."""

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


def recall_at(gains: Sequence[float], relevant: int, k: int) -> float:
    """Return the share of the `relevant` items (at least 1) among the first `k`. `gains` are grades in ranked order."""
    return sum(gain > 0 for gain in gains[:k]) / relevant


def reciprocal_rank(gains: Sequence[float], k: int) -> float:
    """Return 1 / rank of the first relevant item among the first `k`, and 0 when there is none."""
    return next((1 / rank for rank, gain in enumerate(gains[:k], 1) if gain > 0), 0.0)


def ndcg(gains: Sequence[float], ideal: Sequence[float], k: int) -> float:
    """Return DCG@k of `gains` over that of the grades `ideal`, best first: linear gain, log2(rank + 1), as trec_eval does.

    Source: Järvelin & Kekäläinen 2002, in the form of trec_eval's `ndcg_cut`. `ideal` holds at least one grade above 0.
    """
    return _dcg(gains[:k]) / _dcg(sorted(ideal, reverse=True)[:k])


def _dcg(gains: Sequence[float]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


def ratio(numerators: Array, denominators: Array) -> Statistic:
    """Return the sum of the numerators over sum of the denominators; with denominators of 1 that is the mean."""

    def statistic(weights: Array) -> Array:
        return _divide(weights @ numerators, weights @ denominators)

    return statistic


def auroc(scores: Array, positive: Array) -> Statistic:
    """Return the chance that a question with `positive` 1 scores higher than one with 0; a tie counts half (Mann-Whitney)."""
    order, starts = _groups(scores)

    def statistic(weights: Array) -> Array:
        ranked = weights[:, order]
        yes = np.add.reduceat(ranked * positive[order], starts, axis=1)
        no = np.add.reduceat(ranked * (1 - positive[order]), starts, axis=1)
        # Groups run from the highest score down: each positive beats the negatives of the groups after its own.
        beaten = no.sum(axis=1, keepdims=True) - np.cumsum(no, axis=1) + no / 2
        return _divide((yes * beaten).sum(axis=1), yes.sum(axis=1) * no.sum(axis=1))

    return statistic


def aurc(confidence: Array, right: Array) -> Statistic:
    """Return the area under the risk-coverage curve: lower is better, 0 when nothing is ever wrong.

    The curve is that of Geifman & El-Yaniv 2017 (Selective Classification for Deep Neural Networks); its area is the mean,
    over the questions, of the share of errors among those at least as confident (Geifman, Uziel & El-Yaniv 2019, eq. 2).
    """
    order, starts = _groups(confidence)

    def statistic(weights: Array) -> Array:
        ranked = weights[:, order]
        held = np.add.reduceat(ranked, starts, axis=1)
        errors = np.add.reduceat(ranked * (1 - right[order]), starts, axis=1)
        # A group that a resample does not hold weighs nothing, whatever its risk; 1 avoids 0 / 0 before the first.
        risk = np.cumsum(errors, axis=1) / np.maximum(np.cumsum(held, axis=1), 1)
        return _divide((held * risk).sum(axis=1), held.sum(axis=1))

    return statistic


def calibration_error(confidence: Array, right: Array) -> Statistic:
    """Return the expected calibration error (Guo et al. 2017): mean |accuracy - confidence| of ten bins of equal width."""
    members = np.eye(BINS)[_bin_numbers(confidence)]
    gaps = members * (right - confidence)[:, None]

    def statistic(weights: Array) -> Array:
        return _divide(np.abs(weights @ gaps).sum(axis=1), weights.sum(axis=1))

    return statistic


def estimate(statistic: Statistic, n: int, *, seed: int = SEED, resamples: int = RESAMPLES) -> Estimate | None:
    """Return the value over `n` questions and its percentile interval; None when it is not defined for them."""
    if n == 0:
        return None
    value = float(statistic(np.ones((1, n)))[0])
    if math.isnan(value):
        return None
    draws = resample(statistic, n, seed=seed, resamples=resamples)
    low, high = np.nanquantile(draws, (0.025, 0.975))
    return Estimate(value, float(low), float(high), n)


def resample(statistic: Statistic, n: int, *, seed: int = SEED, resamples: int = RESAMPLES) -> Array:
    """Return the statistic of each of `resamples` draws of n questions with replacement. The same n draws the same ones."""
    rng = np.random.default_rng(seed)
    draws = []
    for start in range(0, resamples, _BLOCK):
        rows = min(_BLOCK, resamples - start)
        picked = rng.integers(n, size=(rows, n)) + n * np.arange(rows)[:, None]
        draws.append(statistic(np.bincount(picked.ravel(), minlength=rows * n).reshape(rows, n).astype(np.float64)))
    return np.concatenate(draws)


def percentile(values: Array, percent: int, *, seed: int = SEED, resamples: int = RESAMPLES) -> Estimate:
    """Return the nearest-rank percentile of at least one value, with its bootstrap interval.

    The k-th smallest of a resample is the value at place ceil(n * B) of the sorted values, B ~ Beta(k, n + 1 - k): the
    bootstrap of an order statistic needs no resampling of the values (Hutson & Ernst 2000).
    """
    ranked = np.sort(values)
    n = len(ranked)
    k = max(1, math.ceil(n * percent / 100))
    places = np.ceil(n * np.random.default_rng(seed).beta(k, n + 1 - k, size=resamples)).astype(np.int64)
    low, high = np.quantile(ranked[np.clip(places, 1, n) - 1], (0.025, 0.975))
    return Estimate(float(ranked[k - 1]), float(low), float(high), n)


def risk_coverage(confidence: Array, right: Array) -> tuple[CurvePoint, ...]:
    """Return the curve, one point for each distinct confidence, from the most confident on; the last covers everything."""
    order, starts = _groups(confidence)
    if not len(order):
        return ()
    held = np.cumsum(np.diff(np.append(starts, len(order))))
    errors = np.cumsum(np.add.reduceat(1 - right[order], starts))
    thresholds = confidence[order][starts]
    rows = zip(held / len(order), errors / held, thresholds, strict=True)
    return tuple(CurvePoint(float(covered), float(risk), float(threshold)) for covered, risk, threshold in rows)


def reliability(confidence: Array, right: Array) -> tuple[Bin, ...]:
    """Return the non-empty ones of the ten bins of `calibration_error`, in order."""
    numbers = _bin_numbers(confidence)
    return tuple(
        Bin(
            number / BINS,
            (number + 1) / BINS,
            int((numbers == number).sum()),
            float(confidence[numbers == number].mean()),
            float(right[numbers == number].mean()),
        )
        for number in np.unique(numbers).tolist()
    )


def _groups(scores: Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the order from the highest score down, and where in it each group of equal scores starts."""
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    starts = np.flatnonzero(np.append(True, ranked[1:] != ranked[:-1])[: len(ranked)])
    return order, starts


def _bin_numbers(confidence: Array) -> npt.NDArray[np.int64]:
    # A confidence of 1 belongs to the last bin, and not to one of its own.
    return np.clip(np.floor(confidence * BINS).astype(np.int64), 0, BINS - 1)


def _divide(numerators: Array, denominators: Array) -> Array:
    quotients = np.full(numerators.shape, np.nan)
    np.divide(numerators, denominators, out=quotients, where=denominators > 0)
    return quotients
