"""Misspelt words of a question, set right against the words of the library and a list of English words.

The English words and their frequencies come with symspellpy; distances (optimal string alignment) from rapidfuzz.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from functools import cache, lru_cache
from importlib import resources

from rapidfuzz import process
from rapidfuzz.distance import OSA

from embeddings.terms import words

_TOKEN = re.compile(r"[^\W\d_]{4,}")
_LONGEST = 40  # letters: no word of the lists is longer, and a comparison costs time by length
_MOST = 12
_COMMON = 100_000  # below this the list holds names and junk ("maros", "autolycus"): words known, but not what is meant
_REMEMBERED = 4096


class Speller:
    """Sets words right that neither the library nor English knows. `known` maps the library's words to their frequency."""

    def __init__(self, known: Mapping[str, int]) -> None:
        self._known = known
        self._choices = [word for word in known if len(word) >= 4 and word.isalpha()]
        self._near = lru_cache(_REMEMBERED)(self._near_word)

    def correct(self, text: str) -> str:
        """Return `text` with each unknown word of four letters or more replaced by the nearest known one, if one is near.

        A text with more than a dozen unknown words is in another language, or none, and returned as it is.
        """
        unknown = {word for word in _TOKEN.findall(text) if self._is_unknown(word)}
        if not 0 < len(unknown) <= _MOST:
            return text
        return _TOKEN.sub(
            lambda m: self._corrected(m.group(), first=m.start() == 0) if m.group() in unknown else m.group(), text
        )

    def _is_unknown(self, word: str) -> bool:
        plain = words(word)
        if len(plain) != 1 or len(word) > _LONGEST or word.isupper():
            return False
        return plain[0] not in self._known and plain[0] not in _english()

    def _corrected(self, word: str, *, first: bool) -> str:
        # A capital inside the question marks a name: only the library knows names.
        near = self._near(words(word)[0], word[0].isupper() and not first)
        if near is None:
            return word
        return near.capitalize() if word[0].isupper() else near

    def _near_word(self, plain: str, is_name: bool) -> str | None:  # noqa: FBT001 -- it is called through the cache
        near = self._nearest(plain, self._choices, self._known)
        return near if near is not None or is_name else self._nearest(plain, _english_words(), _english())

    @staticmethod
    def _nearest(word: str, choices: list[str], frequency: Mapping[str, int]) -> str | None:
        """Return the nearest choice, the most frequent among equals; short words may differ in less than long ones."""
        limit = 1 if len(word) < 7 else 2
        found = process.extract(word, choices, scorer=OSA.distance, score_cutoff=limit, limit=None)
        near = [(distance, choice[0] != word[0], -frequency[choice], choice) for choice, distance, _ in found]
        return min(near)[3] if near else None


def rarity(word: str) -> float:
    """Return how rare a word in lower case is in English: 0 for the commonest, 1 for one that the list does not hold.

    Between, one less a sixth of the powers of ten that its count lies above 10,000 (of about 10^12 words in all).
    """
    count = _english().get(word, 1)
    return min(1.0, max(0.0, (10 - math.log10(count)) / 6))


@cache
def _english() -> Mapping[str, int]:
    file = resources.files("symspellpy") / "frequency_dictionary_en_82_765.txt"
    rows = (line.split() for line in file.read_text(encoding="utf-8-sig").splitlines())
    return {row[0]: int(row[1]) for row in rows if len(row) == 2}


@cache
def _english_words() -> list[str]:
    return [word for word, frequency in _english().items() if len(word) >= 3 and frequency >= _COMMON]
