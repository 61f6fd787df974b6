"""The guard's classifier: a question's embedding and its signs -> general, personal advice or emergency.

A multinomial logistic regression over [embedding of the whole text, embedding of what is asked, signs], fitted by
bench/guard.py. Its weights, guard_model.json, belong to one embedding model, named there by its SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rag.guard_asking import Asking, split_asking
from rag.guard_signs import signs, vector
from rag.guard_text import normalise
from rag.guard_verdict import asks_for_care, is_of_somebody, is_on_health
from rag.protocols import FloatArray

MODEL_FILE = Path(__file__).with_name("guard_model.json")
CLASSES = ("general", "personal_advice", "emergency")
_SCALE = 4.0  # of the two embeddings beside signs of 0 and 1; chosen in cross-validation
_EMERGENCY = 0.5  # in cross-validation, 2 % of what is no emergency reaches it
_UNLIKELY = 0.85


@dataclass(frozen=True, slots=True)
class GuardModel:
    """Weights of shape (3, features) and intercepts (3,), in the order of `CLASSES`."""

    model_sha256: str
    threshold: float
    weights: FloatArray
    intercepts: FloatArray

    def classify(self, question: str, embed: Callable[[str], FloatArray]) -> str:
        """Return the class of `question`; see `choose`."""
        text = normalise(question)
        logits = self.weights @ features(question, embed) + self.intercepts
        odds = np.exp(logits - logits.max())
        return choose(odds / odds.sum(), self.threshold, likely=is_on_health(text) and is_of_somebody(text))


def choose(probabilities: FloatArray, threshold: float, *, likely: bool) -> str:
    """Return the class to act on, from the probabilities of `CLASSES`.

    An emergency has to be likely by itself. Personal advice is what is left when "anything but general" reaches the threshold,
    which is higher where no word speaks of health ("Should I sell the house?") or of any one person ("Is it painful?").
    """
    if probabilities[2] >= _EMERGENCY:
        return CLASSES[2]
    return CLASSES[1] if 1 - probabilities[0] >= (threshold if likely else _UNLIKELY) else CLASSES[0]


@cache
def guard_model() -> GuardModel:
    """Read the shipped weights, once."""
    content = json.loads(MODEL_FILE.read_text(encoding="utf-8"))
    weights, intercepts = (np.array(content[name], np.float32) for name in ("weights", "intercepts"))
    return GuardModel(content["model_sha256"], content["threshold"], weights, intercepts)


def features(question: str, embed: Callable[[str], FloatArray]) -> FloatArray:
    """Return what the classifier reads: two embeddings and the signs, one after the other."""
    asking = split_asking(question)
    whole = embed(question)
    asked = embed(asking.asked) if asking.story else whole
    return np.concatenate((_SCALE * whole, _SCALE * asked, vector(_signs(question, asking))))


def _signs(question: str, asking: Asking) -> dict[str, float]:
    return signs(asking, whole_refused=asks_for_care(normalise(question)), asked_refused=asks_for_care(normalise(asking.asked)))
