"""Misspelt words of a question, set right against the words of the library and a list of English words.

The English words and their frequencies come with symspellpy; distances (optimal string alignment) from rapidfuzz.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import OSA

from embeddings.terms import words

_TOKEN = re.compile(r"[^\W\d_]{4,}")
_LONGEST = 40  # letters: no word of the lists is longer, and a comparison costs time by length


class Speller:
    """Sets words right that neither the library nor English knows. `known` maps the library's words to their frequency."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known = known
        self._choices = [word for word in known if len(word) >= 4 and word.isalpha()]

    def correct(self, text: str) -> str:
        """Return `text` with each unknown word of four letters or more replaced by the nearest known one, if one is near."""
        return _TOKEN.sub(lambda match: self._correct_word(match.group(), first=match.start() == 0), text)

    def _correct_word(self, word: str, *, first: bool) -> str:
        if len(word) > _LONGEST:
            return word
        plain = words(word)
        if len(plain) != 1 or word.isupper() or plain[0] in self._known or plain[0] in _english():
            return word
        # A capital inside the question marks a name: only the library knows names.
        proper = word[0].isupper() and not first
        near = self._nearest(plain[0], self._choices, self._known)
        if near is None and not proper:
            near = self._nearest(plain[0], _english_words(), _english())
        if near is None:
            return word
        return near.capitalize() if word[0].isupper() else near

    @staticmethod
    def _nearest(word: str, choices: list[str], frequency: Mapping[str, int]) -> str | None:
        """Return the nearest choice, the most frequent among equals; short words may differ in less than long ones."""
        limit = 1 if len(word) < 7 else 2
        found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=limit, limit=None)
        near = [(distance, choice[0] != word[0], -frequency[choice], choice) for choice, distance, _ in found]
        return min(near)[3] if near else None


@cache
def _english() -> Mapping[str, int]:
    file = resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    rows = (line.split() for line in file.read_text(encoding="utf-8-sig").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


@cache
def _english_words() -> list[str]:
    return [word for word in _english() if len(word) >= 3]
