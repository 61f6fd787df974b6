"""Words and terms of texts, with the Snowball stemmer. The only module that imports it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

import Stemmer

_WORD = re.compile(r"[^\W_]+")
_ENDING = re.compile(r"['’`](?:s|re|ve|ll|m|d)\b|(?<!\bca)n['’`]t\b|(?<=\bcan)['’`]t\b", re.IGNORECASE)

STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are as at be because been before being below between both but by
    can could did do does doing down during each few for from further had has have having he her here hers herself him himself
    his how i if in into is it its itself just may me might more most must my myself no nor not now of off on once only or other
    our ours ourselves out over own please same shall she should so some such tell than that the their theirs them themselves
    then there these they this those through to too under until up upon us very was we were what when where whether which while
    who whom whose why will with within wo would you your yours yourself yourselves
    """.split()  # noqa: SIM905 -- one word a line would be six screens
)


def words(text: str) -> list[str]:
    """Return the words of `text` in lower case, without accents and without the endings 's, n't and such, in order."""
    plain = text if text.isascii() else "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return _WORD.findall(_ENDING.sub("", plain).lower())


class Stems:
    """Texts to terms: words less stop words, stemmed (Snowball English). Stems are remembered."""

    def __init__(self) -> None:
        self._stemmer = Stemmer.Stemmer("english")

    def terms(self, text: str) -> list[str]:
        """Return the terms of `text`, in order, repeats kept."""
        stems: list[str] = self._stemmer.stemWords([w for w in words(text) if w not in STOP_WORDS])
        return stems


def count_words(texts: Iterable[str]) -> Counter[str]:
    """Count in how many of `texts` each word stands."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(words(text)))
    return counts
