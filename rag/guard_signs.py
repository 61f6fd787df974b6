"""Question -> the guard's signs: what the rules see in a question, as numbers for the classifier beside its embedding.

Each sign is 0 or 1, but for the number of sentences. "Asked" is the part that asks, "story" the rest (`guard_asking`).
"""

from __future__ import annotations

import re

import numpy as np

from rag import guard_rules as rules
from rag.guard_asking import Asking
from rag.guard_text import normalise
from rag.protocols import FloatArray

_WORDS = {
    "wh": r"^(?:and |but |so |please |, )*(?:(?:in|for|to|from|by|at|on|of|with|up to) )?"
    r"(?:what|which|who|whom|when|where|why|how)",
    "yes_no": r"^(?:and |but |so |, )*(?:is|are|was|am|do|does|did|can|could|will|would|shall|should|may|must|has|have)",
    "modal": r"should|would|shall|ought|must|better|dare",
    "can": r"can|could|may|might|allowed|safe|okay|fine",
    "i": r"i|me|my|mine|myself|im",
    "we": r"we|us|our|ours",
    "you": r"would you|you think|your (?:advice|opinion|view)|you (?:recommend|advise|suggest)",
    "third": r"he|she|him|her|his|hers",
    "kin": r"(?:my|our) (?:\w+ ){0,2}?(?:mum|mother|dad|father|son|daughter|child|kid|baby|wife|husband|brother|sister|uncle"
    r"|aunt|friend|neighbou?r|cousin|niece|nephew|partner|grand\w+|colleague)|mum|dad|grandma|grandpa|nan|granny|hubby",
    "group": r"patients?|people|children|women|men|those|studies|trials?|researchers?|scientists|doctors|physicians|cells?"
    r"|donors?",
    "judges": r"best|right|better|worth|enough|idea|normal|dangerous|serious|wrong|risky|bad|hope|late|urgent|worry|worried"
    r"|chances?",
    "points": r"^(?:and |but |so )*(?:is|does|can|could|will|would|should|may|was|has) (?:it|that|this|these|he|she|they)",
    "dose": r"dose|dosage|mg|mcg|milligrams?|tablets?|pills?|how much|ml|double|halve|skip|stop|missed|forgot",
    "decides": r"decide|choose|advi[sc]e|recommend|suggest\w*|opinion|yes or no|what to do|or not|whether to|should i",
    "number": r"\d+(?:\.\d+)?",
    "age": r"\d\d ?(?:f|m|yo|years? old|year old|kg|kilos?)|aged? \d\d|at \d\d",
    "ill": r"(?:have|has|had|got|with|from|against|for|is|am|was|since|my|our|her|his|on) "
    r"(?:\w+ ){0,3}(?:diagnosed|relapsed?|ill|sick"
    r"|pain|pains|cancer|\w+oma|\w+itis|\w+aemia|\w+emia|lupus|ms|sclerosis|\w+osis|crohns|diabetes|disease|syndrome|symptoms|fever|rash)",
    "now": r"now|today|tonight|just|since|still|this morning|again|yesterday|suddenly|more and more|getting|any more",
    "frame": r"wonder\w*|curious|interested|essay|thesis|talk|school|class|teacher|article|book|film|radio|read|heard"
    r"|student|learn|know",
}
_PATTERNS = {name: re.compile(rf"(?<!\w)(?:{pattern})(?!\w)") for name, pattern in _WORDS.items()}
_RULES = ("health", "sign", "acute", "chest", "self_harm", "past", "urgent", "care", "health_care", "general_opening", "amount")


def signs(asking: Asking, *, whole_refused: bool, asked_refused: bool) -> dict[str, float]:
    """Return the signs by name.

    The two verdicts are those of the rules for personal advice, on the whole text and on `asked`.
    """
    asked, story = normalise(asking.asked), normalise(asking.story)
    plain = rules.body.sub(" ", rules.frames.sub(" ", asked))
    found = {f"asked {name}": bool(pattern.search(plain)) for name, pattern in _PATTERNS.items()}
    found |= {f"story {name}": bool(pattern.search(story)) for name, pattern in _PATTERNS.items()}
    found |= {f"rule {name}": bool(getattr(rules, name).search(asked)) for name in _RULES}
    found |= {f"story rule {name}": bool(getattr(rules, name).search(story)) for name in _RULES}
    found |= {"whole refused": whole_refused, "asked refused": asked_refused, "has story": bool(story)}
    of_person = any(found[f"asked {name}"] for name in ("i", "we", "third", "kin", "you"))
    ill = found["story ill"] or found["story rule health"]
    short = len(plain.split()) <= _SHORT
    found |= {
        "asked of a person": of_person,
        "asked short": short,
        "ill, asked wh of nobody": ill and found["asked wh"] and not of_person,
        "ill, asked short": ill and short,
        "ill, asked yes or no": ill and found["asked yes_no"],
        "ill, asked modal": ill and found["asked modal"],
        "ill, asked to judge": ill and found["asked judges"],
        "story, asked wh of nobody": bool(story) and found["asked wh"] and not of_person,
        "story, asked of nobody": bool(story) and not of_person,
        "whole refused, asked not": whole_refused and not asked_refused,
    }
    return {name: float(value) for name, value in found.items()} | {"sentences": min(asking.sentences, _MANY) / _MANY}


_SHORT = 6  # words: "would a transplant help ?"
_MANY = 4  # sentences


def vector(found: dict[str, float]) -> FloatArray:
    """Return the signs' values in the order of their names: shape (number of signs,)."""
    return np.array([found[name] for name in sorted(found)], np.float32)
