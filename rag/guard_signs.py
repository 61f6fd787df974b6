"""Question -> what the guard's classifier reads of its words: runs of one to three words, and a few signs.

The words are those of `guard_text.normalise`, numbers as "0", with a mark at either end: "^ should i", "will i $". What is
asked ("a:") and the story before it ("s:") are told apart (`guard_asking`). The fit finds which runs count.
"""

from __future__ import annotations

import re

import numpy as np

from rag.guard_asking import Asking
from rag.guard_text import normalise
from rag.protocols import FloatArray

_OWN = re.compile(r"\b(?:i|me|my|mine|myself|we|us|our)\b")
_THIRD = re.compile(r"\b(?:he|she|him|her|his|hers)\b")
_KIN = re.compile(
    r"\b(?:mum|mother|dad|father|parents?|son|daughter|child|kid|baby|toddler|newborn|wife|husband|hubby|brother|sister|sibling"
    r"|uncle|aunt|auntie|nan|gran\w*|niece|nephew|cousin|friend|mate|neighbou?r|colleague|partner|boyfriend|girlfriend|flatmate"
    r"|roommate|fiancee?|twins?|relative|family|step\w+|boy|girl)\b"
)
_NUMBER = re.compile(r"\d")

SIGNS = ("own", "asked own", "third", "kin", "number", "story", "asked short", "very short")
LONGEST = 3  # words in a run
_WORDS = 80  # of what is asked, and of the story, that are read: a long story tells no more


def signs(asking: Asking) -> FloatArray:
    """Return the signs, each 0 or 1, in the order of `SIGNS`."""
    asked, story = normalise(asking.asked), normalise(asking.story)
    text = f"{story} {asked}"
    return np.array(
        [
            _OWN.search(text) is not None,
            _OWN.search(asked) is not None,
            _THIRD.search(text) is not None,
            _KIN.search(text) is not None,
            _NUMBER.search(text) is not None,
            bool(story),
            len(asked.split()) <= 6,
            len(text.split()) <= 4,
        ],
        np.float32,
    )


def runs(asking: Asking) -> set[str]:
    """Return the runs of words: of up to `LONGEST` in what is asked, of up to two in the story."""
    return _runs(normalise(asking.asked), "a:", LONGEST) | (_runs(normalise(asking.story), "s:", 2) if asking.story else set())


def _runs(text: str, mark: str, longest: int) -> set[str]:
    words = ["^", *("0" if word[0].isdigit() else word for word in text.split()), "$"][:_WORDS]
    return {mark + " ".join(words[i : i + n]) for n in range(1, longest + 1) for i in range(len(words) - n + 1)}
