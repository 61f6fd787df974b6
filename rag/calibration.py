"""From signals to a probability, and from a probability to answer or refusal.

The confidence of an answer is a logistic function of a few signals of the question and its best passages (Platt 1999),
fitted on labelled questions; `threshold` is where a refusal becomes an answer. Both are stored with the library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any


@dataclass(frozen=True, slots=True)
class Linear:
    """A logistic model: sigmoid(intercept + sum of weight * signal), by the signals' names."""

    weights: Mapping[str, float]
    intercept: float

    def logit(self, signals: Mapping[str, float]) -> float:
        """Return the log odds. `KeyError` when a signal of the model is not given."""
        return self.intercept + sum(weight * signals[name] for name, weight in self.weights.items())

    def probability(self, signals: Mapping[str, float]) -> float:
        """Return the probability, in [0, 1]."""
        return sigmoid(self.logit(signals))


@dataclass(frozen=True, slots=True)
class Calibration:
    """What turns signals into decisions.

    `sentence` gives the probability that a sentence answers, `subject` that the question is on the library's subject, and
    `answer` that the library answers it, if it is. A question is answered at or above `scope` and `threshold`; one below
    `scope` is out of scope. `origin` says what it was fitted on.
    """

    sentence: Linear
    subject: Linear
    answer: Linear
    threshold: float
    scope: float
    origin: str

    def to_json(self) -> dict[str, Any]:
        """Return plain values that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` gave."""
        linear = {
            name: Linear(dict(values[name]["weights"]), values[name]["intercept"]) for name in ("sentence", "subject", "answer")
        }
        return cls(**linear, threshold=values["threshold"], scope=values["scope"], origin=values["origin"])


SIMILARITY, EVIDENCE = "similarity", "evidence"
Calibrations = Mapping[str, Calibration]
"""A calibration for each way to find evidence: "similarity", and "evidence" with the trained model."""


@cache
def default_calibrations() -> Calibrations:
    """Return the calibrations that the project ships; `rag/calibration.json`, made by `python -m training.fuse`."""
    return calibrations_from(json.loads((resources.files("rag") / "calibration.json").read_text(encoding="utf-8")))


def calibrations_from(values: Mapping[str, Any]) -> Calibrations:
    """Read calibrations from plain values."""
    return MappingProxyType({name: Calibration.from_json(value) for name, value in values.items()})


def sigmoid(x: float) -> float:
    """Return 1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
