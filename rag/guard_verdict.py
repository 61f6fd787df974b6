"""What the rules alone say of a normalised question: is it an emergency, does it ask for personal care.

An emergency needs a sign of danger, and somebody real and now. Personal advice needs a matter of health, and either a request
for one person's care or the reader in person, once the ways of wanting to *know* ("I read that ...", "can I find ...") and the
parts that every body has ("my marrow") are taken out.
"""

from __future__ import annotations

import re

from rag import guard_rules as rules


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


def is_on_health(text: str) -> bool:
    """Tell whether the normalised `text` speaks of health, or of care for one person."""
    return bool(rules.health.search(text) or rules.care.search(text) or _ON_THE_WARD.search(text))


def is_of_somebody(text: str) -> bool:
    """Tell whether the normalised `text` has one person in mind, or is short of words: "lupus, day 12, call the ward ?"."""
    left = _without_frames(text)
    return bool(_ONE.search(left) or not _SENTENCE.search(left) or asks_for_care(text))


# Words too common for the rules, which know no more of a question than its words.
_ON_THE_WARD = re.compile(
    r"\b(?:autos?|allo|autografts?|allografts?|check ?ups?|monitoring|follow up|lab|blood|liver|kidneys?|ward|mrd|chimerism"
    r"|sperm|eggs|cycles?|rounds?|doctor|nurse|consent|condition|situation|hospital|line|port|\w{3,}mide|\w{3,}feron|hopeless|infertile)\b"
)
_ONE = re.compile(
    r"\b(?:i|me|my|mine|we|us|our|he|she|him|her|his|would you|do you think|should|advi[sc]e|recommend|mum|mom|dad|gran\w*|nan"
    r"|hubby|friend|neighbou?r|someone|somebody|cousin|\d+ (?:years?|yo|f|m|kg|mg|weeks?|days?|months?)|one)\b"
)
_SENTENCE = re.compile(
    r"\b(?:is|are|was|were|does|do|did|can|could|will|would|may|must|has|have|how|what|which|why|list|name|explain|state|repeat)\b"
)


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


_FACTUAL = re.compile(r"(?:in|for|to|from|by|at|on|of) (?:what|which|whom)|what|which|who|how|where|why|when")


def asks_of_nobody(text: str) -> bool:
    """Tell whether the normalised `text` asks what, which, how ... of nobody in particular, at some length."""
    if not _FACTUAL.match(text) or len(text.split()) <= _SHORT:
        return False
    return not (rules.somebody.search(_without_frames(text)) or asks_for_care(text))


_SHORT = 4  # words and the mark: "What now ?", "What is best ?"
