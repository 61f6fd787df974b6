"""Tell which questions must not be answered: emergencies, personal advice, and what is no question.

`screen` is called before anything is retrieved. What is invalid is decided at once. All else is decided by a classifier over
the question's words and its embedding (`guard_model`); the words alone decide where the embedder is none that it was fitted to.
"""

from __future__ import annotations

import re

from rag.guard_model import CLASSES, guard_model
from rag.protocols import Embedder
from rag.reply import Reason

# Two letters in a row, and no more of the same kind ("MM" is a word, "aaaa" is none); or one sign of a script without spaces.
_WORD = re.compile(r"([^\W\d_])(?!\1)[^\W\d_]|\b([^\W\d_])\2\b", re.IGNORECASE)
_WORD_SIGN = re.compile(r"[\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def screen(question: str, *, max_chars: int, embedder: Embedder | None = None) -> Reason | None:
    """Return why `question` must not be answered, or None. A question of more than `max_chars` code points is invalid."""
    if len(question) > max_chars or not has_words(question):
        return Reason.INVALID_QUESTION
    model = guard_model()
    known = embedder is not None and embedder.sha256 in model.embedders
    found = model.classify(question, embedder.embed_query if embedder and known else None)
    return Reason(found) if found != CLASSES[0] else None


def has_words(question: str) -> bool:
    """Tell whether `question` holds at least one word; digits, punctuation, emoji and "aaaa" are none."""
    return bool(_WORD.search(question) or _WORD_SIGN.search(question))
