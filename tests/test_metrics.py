"""Measures of ranking, of confidence, and their intervals: hand-computed values and brute-force references."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.metrics import (
    Array,
    aurc,
    auroc,
    calibration_error,
    estimate,
    ndcg,
    percentile,
    ratio,
    recall_at,
    reciprocal_rank,
    reliability,
    resample,
    risk_coverage,
)

TRUTHS = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=30)


def columns(rows: list[tuple[int, bool]]) -> tuple[Array, Array]:
    """Few distinct confidences, so that there are ties."""
    return np.array([number / 8 for number, _ in rows]), np.array([float(truth) for _, truth in rows])


def point(statistic: object, n: int) -> float:
    return float(statistic(np.ones((1, n)))[0])  # type: ignore[operator]


def test_ranking_scores_are_those_of_trec_eval() -> None:
    """Grades a 3, b 1, c 2, d 1 and the run x c e a y d give the numbers that pytrec_eval 0.5.11 gave."""
    gains, ideal = [0.0, 2.0, 0.0, 3.0, 0.0, 1.0], [3.0, 1.0, 2.0, 1.0]
    assert ndcg(gains, ideal, 10) == pytest.approx(0.560438354576915, abs=1e-12)
    assert ndcg(gains, ideal, 5) == pytest.approx(0.49183850613403596, abs=1e-12)
    assert recall_at(gains, 4, 5) == 0.5
    assert recall_at(gains, 4, 10) == 0.75
    assert reciprocal_rank(gains, 10) == 0.5


def test_a_first_relevant_item_beyond_the_cutoff_has_no_reciprocal_rank() -> None:
    """The reciprocal rank at 3 of a list whose first relevant item is the fourth is 0."""
    assert reciprocal_rank([0, 0, 0, 1], 3) == 0
    assert reciprocal_rank([0, 0, 0, 1], 4) == 0.25


@given(st.lists(st.integers(0, 3), min_size=1, max_size=15), st.integers(1, 12))
def test_the_ideal_order_has_ndcg_one_and_no_order_has_more(grades: list[int], k: int) -> None:
    """NDCG of the grades in falling order is 1, and of any order at most 1."""
    if any(grades):
        assert ndcg(sorted(map(float, grades), reverse=True), [*map(float, grades)], k) == pytest.approx(1)
        assert ndcg([*map(float, grades)], [*map(float, grades)], k) <= 1 + 1e-12


@given(TRUTHS)
def test_auroc_is_the_share_of_pairs_in_the_right_order(rows: list[tuple[int, bool]]) -> None:
    """AUROC equals counting, over all pairs of a positive and a negative, wins and half the ties."""
    scores, truth = columns(rows)
    pairs = [(s, t) for s, a in zip(scores, truth, strict=True) for t, b in zip(scores, truth, strict=True) if a and not b]
    value = point(auroc(scores, truth), len(rows))
    if pairs:
        assert value == pytest.approx(np.mean([(s > t) + (s == t) / 2 for s, t in pairs]))
    else:
        assert math.isnan(value)


@given(TRUTHS)
def test_aurc_is_the_mean_risk_at_each_questions_own_threshold(rows: list[tuple[int, bool]]) -> None:
    """AURC equals the mean, over questions, of the error rate among those at least as confident."""
    confidence, right = columns(rows)
    risks = [1 - right[confidence >= own].mean() for own in confidence]
    assert point(aurc(confidence, right), len(rows)) == pytest.approx(np.mean(risks))


@given(TRUTHS)
def test_calibration_error_is_the_weighted_gap_of_the_bins(rows: list[tuple[int, bool]]) -> None:
    """The expected calibration error equals the gaps of the reliability bins, weighted by their size."""
    confidence, right = columns(rows)
    bins = reliability(confidence, right)
    assert sum(bin_.n for bin_ in bins) == len(rows)
    gap = sum(bin_.n * abs(bin_.accuracy - bin_.confidence) for bin_ in bins) / len(rows)
    assert point(calibration_error(confidence, right), len(rows)) == pytest.approx(gap)


@pytest.mark.parametrize("statistic", [ratio, auroc, aurc, calibration_error])
@given(rows=TRUTHS, data=st.data())
def test_a_weight_counts_a_question_so_many_times(statistic: object, rows: list[tuple[int, bool]], data: st.DataObject) -> None:
    """A statistic with integer weights equals that of the questions repeated so often."""
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows)))
    first, second = columns(rows)
    repeated = [np.repeat(column, weights) for column in (first, second)]
    weighted = float(statistic(first, second)(np.array([weights], dtype=float))[0])  # type: ignore[operator]
    plain = point(statistic(*repeated), sum(weights)) if sum(weights) else math.nan  # type: ignore[operator]
    assert weighted == pytest.approx(plain, nan_ok=True)


def test_four_questions_give_the_curve_that_a_person_draws() -> None:
    """Confidences .9 right, .6 wrong, .6 right, .2 wrong: three points, the tie is one."""
    curve = risk_coverage(np.array([0.6, 0.9, 0.2, 0.6]), np.array([0.0, 1.0, 0.0, 1.0]))
    assert [(p.coverage, p.risk, p.threshold) for p in curve] == [
        (0.25, 0.0, 0.9),
        (0.75, pytest.approx(1 / 3), 0.6),
        (1.0, 0.5, 0.2),
    ]


def test_nothing_to_judge_gives_no_curve_and_no_bins() -> None:
    """Empty columns give an empty curve, no bins and no estimate."""
    empty = np.array([])
    assert risk_coverage(empty, empty) == ()
    assert reliability(empty, empty) == ()
    assert estimate(aurc(empty, empty), 0) is None
    assert estimate(auroc(np.array([0.5]), np.array([1.0])), 1) is None


def test_a_confidence_of_one_falls_into_the_last_bin() -> None:
    """Of ten bins the last holds 0.95 and 1.0 alike."""
    assert [(b.low, b.high, b.n) for b in reliability(np.array([1.0, 0.95]), np.array([1.0, 1.0]))] == [(0.9, 1.0, 2)]


def test_the_interval_of_a_mean_is_near_the_normal_one() -> None:
    """With 400 values, 300 of them 1, the interval is 0.75 +- 1.96 * sqrt(0.75 * 0.25 / 400) within 0.008."""
    values = np.array([1.0] * 300 + [0.0] * 100)
    found = estimate(ratio(values, np.ones(400)), 400)
    assert found is not None
    half = 1.96 * math.sqrt(0.75 * 0.25 / 400)
    assert (found.value, found.n) == (0.75, 400)
    assert found.low == pytest.approx(0.75 - half, abs=0.008)
    assert found.high == pytest.approx(0.75 + half, abs=0.008)


def test_estimates_are_the_same_in_every_run_and_differ_with_the_seed() -> None:
    """The same numbers and seed give the same interval; another seed gives other draws."""
    statistic = ratio(np.arange(30.0), np.ones(30))
    assert estimate(statistic, 30) == estimate(statistic, 30)
    assert not np.array_equal(resample(statistic, 30), resample(statistic, 30, seed=1))
    assert resample(statistic, 30, resamples=2000).shape == (2000,)


def test_percentiles_are_nearest_ranks_with_the_bootstraps_interval() -> None:
    """Of 1 to 100 the 50th percentile is 50, and its interval is that of resampling the values themselves."""
    values = np.arange(1.0, 101.0)
    found = percentile(values, 50)
    rng = np.random.default_rng(3)
    draws = np.sort(rng.choice(values, size=(4000, 100)), axis=1)[:, 49]
    assert found.value == 50
    assert found.low == pytest.approx(np.quantile(draws, 0.025), abs=1.5)
    assert found.high == pytest.approx(np.quantile(draws, 0.975), abs=1.5)
    assert percentile(values, 99).value == 99
    assert percentile(np.array([7.0]), 99).value == 7
