"""Signals to a probability: the logistic function, and a calibration written and read back."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest
from conftest import CALIBRATION
from hypothesis import given
from hypothesis import strategies as st

from rag.calibration import Calibration, Linear, default_calibrations, sigmoid

FINITE = st.floats(-50, 50)


@given(a=FINITE, b=FINITE, intercept=FINITE)
def test_a_linear_model_adds_up(a: float, b: float, intercept: float) -> None:
    """The log odds are the intercept and the weighted signals; signals that the model does not know do not count."""
    model = Linear({"a": 2.0, "b": -0.5}, intercept)
    assert model.logit({"a": a, "b": b, "other": 99.0}) == pytest.approx(intercept + 2 * a - b / 2)
    assert model.probability({"a": a, "b": b}) == sigmoid(model.logit({"a": a, "b": b}))


def test_a_signal_that_is_not_given_is_an_error() -> None:
    """A model is never fed by halves."""
    with pytest.raises(KeyError, match="b"):
        Linear({"a": 1.0, "b": 1.0}, 0.0).logit({"a": 1.0})


@given(st.floats(-5000, 5000))
def test_sigmoid_lies_between_0_and_1_and_is_symmetric(x: float) -> None:
    """The logistic function never overflows, and that of -x is what is missing to 1."""
    assert 0 <= sigmoid(x) <= 1
    assert sigmoid(x) + sigmoid(-x) == pytest.approx(1)


@pytest.mark.parametrize(("x", "expected"), [(0, 0.5), (math.log(3), 0.75), (-math.log(3), 0.25), (800, 1), (-800, 0)])
def test_sigmoid(x: float, expected: float) -> None:
    """Odds of 3 to 1 are a probability of three quarters."""
    assert sigmoid(x) == pytest.approx(expected)


def test_a_calibration_comes_back_from_json() -> None:
    """Written as JSON and read back, a calibration is the same."""
    odd = replace(CALIBRATION, threshold=0.1 + 0.2, origin="“ü”")
    assert Calibration.from_json(json.loads(json.dumps(odd.to_json()))) == odd


@pytest.mark.parametrize("name", list(default_calibrations()))
def test_the_shipped_calibrations_can_be_used(name: str) -> None:
    """Each shipped calibration has thresholds that are probabilities, finite weights, and says what it was fitted on."""
    shipped = default_calibrations()[name]
    assert 0 < shipped.threshold < 1
    assert 0 <= shipped.scope < 1
    for model in (shipped.sentence, shipped.subject, shipped.answer):
        assert model.weights
        assert all(map(math.isfinite, (*model.weights.values(), model.intercept)))
    assert shipped.origin.strip()
    assert Calibration.from_json(json.loads(json.dumps(shipped.to_json()))) == shipped
