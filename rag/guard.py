"""Tell, from its words alone, which questions must not be answered: emergencies, personal advice, and what is no question.

`screen` is called before anything is retrieved. It is a pure function of the text: rules over a normalised form (`guard_text`),
patterns in `guard_rules`. An emergency needs a sign of danger, and somebody real and now.
Personal advice needs a matter of health, and either a request for one person's care or the reader in person, once the ways of
wanting to *know* ("I read that ...", "can I find ...") and the parts that every body has ("my marrow") are taken out.

A trained classifier joins here: `Screen` is the type of anything that can stand in for `screen` or follow it.
"""

from __future__ import annotations

import re
from typing import Protocol

from rag import guard_rules as rules
from rag.guard_text import normalise
from rag.reply import Reason

# Two letters in a row, and no more of the same kind ("MM" is a word, "aaaa" is none); or one sign of a script without spaces.
_WORD = re.compile(r"([^\W\d_])(?!\1)[^\W\d_]|\b([^\W\d_])\2\b", re.IGNORECASE)
_WORD_SIGN = re.compile(r"[\u0900-\u0dff\u0e00-\u0eff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


class Screen(Protocol):
    """Says why a question must not be answered, or None when nothing stands against it."""

    def __call__(self, question: str, *, max_chars: int) -> Reason | None: ...


def screen(question: str, *, max_chars: int) -> Reason | None:
    """Return why `question` must not be answered, or None. A question of more than `max_chars` code points is invalid."""
    if len(question) > max_chars or not has_words(question):
        return Reason.INVALID_QUESTION
    text = normalise(question)
    if is_emergency(text):
        return Reason.EMERGENCY
    return Reason.PERSONAL_ADVICE if asks_for_care(text) else None


def has_words(question: str) -> bool:
    """Tell whether `question` holds at least one word; digits, punctuation, emoji and "aaaa" are none."""
    return bool(_WORD.search(question) or _WORD_SIGN.search(question))


def is_emergency(text: str) -> bool:
    """Tell whether the normalised `text` speaks of danger to a life: of somebody, and now."""
    of_nobody = rules.general_opening.search(text) and not rules.somebody.search(_without_frames(text))
    if rules.self_harm.search(text) and not rules.past.search(text):
        return not (of_nobody and rules.group.search(text))
    acute = rules.acute.search(text)
    if not acute and not rules.chest.search(text):
        return False
    if rules.past.search(text) or of_nobody:
        return False
    return bool(acute or rules.somebody.search(_without_frames(text)) or rules.urgent.search(text))


def asks_for_care(text: str) -> bool:
    """Tell whether the normalised `text` asks about somebody's own diagnosis, treatment, dose, eligibility or outlook."""
    if rules.care.search(text):
        return True
    if not rules.health.search(text):
        return False
    return bool(rules.health_care.search(text)) or _is_in_person(text) or _tells_a_case(text)


def _is_in_person(text: str) -> bool:
    left = _without_frames(text)
    if not rules.sign.search(text):
        left = rules.body.sub(" ", left)
    if not rules.first_person.search(left):
        return False
    return bool(rules.health.search(rules.biology.sub(" ", text)) or rules.wish.search(left) or rules.sign.search(text))


def _tells_a_case(text: str) -> bool:
    if rules.reported.search(text):
        return False
    if rules.amount.search(text):
        return True
    told = rules.told_of.search(text) and rules.asked_for.search(text)
    return bool(told or (rules.case.search(text) and rules.case_asked.search(text)))


def _without_frames(text: str) -> str:
    return rules.frames.sub(" ", text)
