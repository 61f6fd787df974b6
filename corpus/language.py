"""Which language a text is in: py3langid, a naive Bayes model over byte n-grams that ships with the package. Its only user."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from py3langid.langid import LanguageIdentifier

MIN_WORDS = 12
"""Fewer words than this (a list of names, a table's row) say too little of their language."""
SURE = 0.8
"""Probability from which a language counts as told. English sentences that are taken for another stay under it."""
_READ_CHARS = 5000


def foreign(text: str) -> tuple[str, float] | None:
    """Return the ISO 639-1 code and probability of the language of `text` if that is surely not English, else None."""
    if len(text.split(maxsplit=MIN_WORDS)) < MIN_WORDS:
        return None
    code, probability = _identifier().classify(text[:_READ_CHARS])
    return (str(code), float(probability)) if code != "en" and probability >= SURE else None


@cache
def _identifier() -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 -- needed for checking alone

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
