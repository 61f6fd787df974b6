"""The guard's classifier: a question's embedding and its words -> general, personal advice or emergency.

A small network beside a linear model ("wide and deep", Cheng et al. 2016), fitted by bench/guard.py: what the runs of words say
is added up, and a hidden layer reads [embedding of the whole text, embedding of what is asked, signs]. It was fitted with the
embeddings left out of some questions, so that it also judges by the words alone, less well, where the embedder is one that
`guard_model.json` does not name.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from rag.guard_asking import Asking, clauses, split_asking
from rag.guard_signs import runs, signs
from rag.protocols import FloatArray

ARRAYS = ("wide", "hidden", "hidden_bias", "out", "linear", "bias")
MODEL_FILE = Path(__file__).with_name("guard_model.json")
CLASSES = ("general", "personal_advice", "emergency")
DIMENSION = 384
EMBEDDING_SCALE, SIGN_SCALE = 4.0, 0.7  # beside runs of words, which weigh 4.5 / sqrt(their number) each
Embed = Callable[[str], FloatArray]
Thresholds = tuple[float, float]
"""The least probability of "not general" to act on, and that of "emergency"."""


@dataclass(frozen=True, slots=True)
class GuardModel:
    """The fitted weights. `thresholds` to act on (see `choose`): with an embedding, and by the words alone.

    Shapes: wide (runs, 3), hidden (units, inputs), hidden_bias (units,), out (3, units), linear (3, inputs), bias (3,).
    """

    embedders: frozenset[str]
    thresholds: tuple[Thresholds, Thresholds]
    runs: dict[str, int]
    wide: FloatArray
    hidden: FloatArray
    hidden_bias: FloatArray
    out: FloatArray
    linear: FloatArray
    bias: FloatArray

    def classify(self, question: str, embed: Embed | None) -> str:
        """Return the class to act on, one of `CLASSES`. Without `embed` the words alone decide."""
        return choose(self.judge(question, embed), self.thresholds[embed is None])

    def judge(self, question: str, embed: Embed | None) -> FloatArray:
        """Return the probabilities of `CLASSES` for `question`.

        Where several things are asked, what is most likely not general decides: "What is lupus, and do I have it?".
        """
        asking = split_asking(question)
        found = self.probabilities(question, asking, embed)
        for clause in clauses(asking.asked):
            alone = self.probabilities(clause, Asking(clause, "", 1), embed)
            found = min(found, alone, key=lambda probabilities: float(probabilities[0]))
        return found

    def probabilities(self, question: str, asking: Asking, embed: Embed | None) -> FloatArray:
        """Return the probabilities of `CLASSES`."""
        inputs = dense(question, asking, embed)
        known = [self.runs[run] for run in runs(asking) if run in self.runs]
        # Sorted, so that the sum is the same in every process.
        wide = run_weight(len(known)) * self.wide[sorted(known)].sum(axis=0)
        hidden = np.maximum(self.hidden @ inputs + self.hidden_bias, 0)
        logits = wide + self.out @ hidden + self.linear @ inputs + self.bias
        odds = np.exp(logits - logits.max())
        return np.asarray(odds / odds.sum(), np.float32)


def choose(probabilities: FloatArray, thresholds: Thresholds) -> str:
    """Return the class to act on: an emergency must be likely by itself, personal advice is what else is not general."""
    not_general, emergency = thresholds
    if probabilities[2] >= emergency:
        return CLASSES[2]
    return CLASSES[1] if 1 - probabilities[0] >= not_general else CLASSES[0]


def run_weight(known: int) -> float:
    """Return what each of `known` runs weighs: long questions are not surer for their length."""
    return float(4.5 / max(known, 6) ** 0.5)


def dense(question: str, asking: Asking, embed: Embed | None) -> FloatArray:
    """Return the inputs of the hidden layer: two embeddings (zeros without `embed`) and the signs."""
    if embed is None:
        vectors = [np.zeros(2 * DIMENSION, np.float32)]
    else:
        whole = embed(question)
        vectors = [EMBEDDING_SCALE * whole, EMBEDDING_SCALE * (embed(asking.asked) if asking.story else whole)]
    return np.concatenate((*vectors, SIGN_SCALE * signs(asking)))


@cache
def guard_model() -> GuardModel:
    """Read the shipped weights, once."""
    content = json.loads(MODEL_FILE.read_text(encoding="utf-8"))
    arrays = {name: _array(**content[name]) for name in ARRAYS}
    embedded, alone = content["thresholds"]
    numbers = {run: i for i, run in enumerate(content["runs"])}
    return GuardModel(frozenset(content["embedders"]), (embedded, alone), numbers, **arrays)


def _array(shape: list[int], float16: str) -> FloatArray:
    return np.frombuffer(base64.b64decode(float16), "<f2").astype(np.float32).reshape(shape)


def packed(array: FloatArray) -> dict[str, object]:
    """Return what `guard_model` reads an array from."""
    return {"shape": list(array.shape), "float16": base64.b64encode(array.astype("<f2").tobytes()).decode("ascii")}
