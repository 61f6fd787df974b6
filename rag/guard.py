"""Tell which questions must not be answered: emergencies, personal advice, and what is no question.

`screen` is called before anything is retrieved. What is invalid and what the rules call an emergency is decided from the words
alone, at once. All else is decided by a classifier over the question's embedding and what the rules see in it (`guard_model`),
where the embedder is the one that the classifier was fitted to; with any other one the rules decide (`guard_verdict`), on what
is asked where a story goes before it (`guard_asking`).
"""

from __future__ import annotations

import re

from rag.guard_asking import split_asking
from rag.guard_model import CLASSES, guard_model
from rag.guard_text import normalise
from rag.guard_verdict import asks_for_care, asks_of_nobody, is_emergency
from rag.protocols import Embedder
from rag.reply import Reason

# Two letters in a row, and no more of the same kind ("MM" is a word, "aaaa" is none); or one sign of a script without spaces.
_WORD = re.compile(r"([^\W\d_])(?!\1)[^\W\d_]|\b([^\W\d_])\2\b", re.IGNORECASE)
_WORD_SIGN = re.compile(r"[\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def screen(question: str, *, max_chars: int, embedder: Embedder | None = None) -> Reason | None:
    """Return why `question` must not be answered, or None. A question of more than `max_chars` code points is invalid."""
    if len(question) > max_chars or not has_words(question):
        return Reason.INVALID_QUESTION
    if is_emergency(normalise(question)):
        return Reason.EMERGENCY
    model = guard_model()
    if embedder is not None and embedder.sha256 == model.model_sha256:
        found = model.classify(question, embedder.embed_query)
        return Reason(found) if found != CLASSES[0] else None
    return Reason.PERSONAL_ADVICE if _asks_for_care(question) else None


def has_words(question: str) -> bool:
    """Tell whether `question` holds at least one word; digits, punctuation, emoji and "aaaa" are none."""
    return bool(_WORD.search(question) or _WORD_SIGN.search(question))


def _asks_for_care(question: str) -> bool:
    """Tell whether the rules alone take `question` for personal advice."""
    asking = split_asking(question)
    if asking.story and asks_of_nobody(normalise(asking.asked)):
        return False
    return asks_for_care(normalise(question))
