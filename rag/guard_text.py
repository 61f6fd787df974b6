"""Bring a question into the one plain form that the guard's rules are written for.

    normalise("I’ve been on 5mg — shoud I stop?")  ->  "i have been on 5 mg . should i stop ?"

Lower case, apostrophes gone, short forms written out, misspelt key words mended, sentence ends as tokens of their own. The
words are in `guard_spelling.json`: `short_forms` and what they stand for, `key_words` that slips of the pen are mended to, and
`real_words` that look like such a slip and are none.
"""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path

_spelling = json.loads(Path(__file__).with_name("guard_spelling.json").read_text(encoding="utf-8"))
_SHORT_FORMS: dict[str, str] = _spelling["short_forms"]
_KEY_WORDS = frozenset[str](_spelling["key_words"])
_REAL_WORDS = frozenset[str](_spelling["real_words"])

# "type I", "complement factor I", "Stomatocytosis I ?" and "synthetase I deficiency", but neither "should I?" nor "am I".
_ROMAN_ONE = re.compile(
    r"\b((?i:type|phase|class|factor|war|ww|stage|grade|group|part|level|article|classes|bipolar) )I\b(?!['’])"
    r"|\b((?!(?i:should|can|am|do|will|may|must|could|would|might|did|was|had|have|shall|than|and|or|as|if)\b)\w+ )"
    r"I(?=\s*(?:[?.,)]|$)| (?:deficiency|syndrome|disease|hypersensitivity|collagen|interferon))"
)
_UNITED_STATES = re.compile(r"\bU\.?S\.?(?:A\.?)?(?=\W|$)")
_APOSTROPHES = "'’‘`´ʼ′"

# What is replaced in the lower-case text, in this order.
_REPLACEMENTS = tuple(
    (re.compile(pattern), new)
    for pattern, new in (
        (rf"(?<=\w)[{_APOSTROPHES}]\s?(?=\w{{1,2}}\b)", "'"),
        (r"\b(i|he|she|we|they|you)'d\b", r"\1 would"),
        (r"\b(i|he|she|we|they|you|it)'ll\b", r"\1 will"),
        (r"\b(we|they|you)'re\b", r"\1 are"),
        (r"\b(we|they|you)'ve\b", r"\1 have"),
        # "dad's bleeding" is what he does; "dad's oncologist" is whose he is
        (
            r"\b(mum|mom|dad|mother|father|son|daughter|wife|husband|friend|baby|sister|brother|partner)'s (?=\w+(?:ing|ed) )",
            r"\1 is ",
        ),
        (rf"[{_APOSTROPHES}]|(?<=\w)[*_](?=\w)|[\u200b-\u200f\u2060\ufeff\u00ad]", ""),
        # a kind of treatment, not an amount to be taken
        (r"\b(?:high|low|full|reduced|single) dose (?=chemo|therapy|treatment|cyclo)|\b(?:high|low)-dose\b", "intense "),
        (r"[–—…]|\s-+\s|\.\.+", " . "),
        (r"\b(\d+(?:\.\d+)?)(mg|mcg|ml|kg|kilos?|yo|yr|yrs|m|f)\b", r"\1 \2"),
    )
)
_TOKENS = re.compile(r"[^\W_]+(?:\.\d+)?|[.?!;\n,:]")
_MARKS = {"?": "?", ",": ",", ".": ".", "!": ".", ";": ".", "\n": ".", ":": ","}
_NEGATIONS = re.compile(r"\b(can|will|do|does|did|could) not\b")


def normalise(question: str) -> str:
    """Return the plain form of `question`: words and the marks `. ? ,` with one space between, no space at the ends."""
    text = unicodedata.normalize("NFKC", question)
    if not text.isupper():
        text = _UNITED_STATES.sub("usa", _ROMAN_ONE.sub(r"\1\2one", text))
    text = text.casefold()
    for pattern, new in _REPLACEMENTS:
        text = pattern.sub(new, text)
    text = " ".join(_MARKS.get(token) or mend(_SHORT_FORMS.get(token, token)) for token in _TOKENS.findall(text))
    return _NEGATIONS.sub(lambda found: {"can": "cant", "will": "wont"}.get(found[1], found[1] + "nt"), text)


def mend(word: str) -> str:
    """Return the key word that `word` is one slip away from (same first letter), or else `word` itself."""
    if len(word) < 5 or word in _KEY_WORDS or word in _REAL_WORDS or not word.isalpha():
        return word
    for variant in (word, *_with_one_letter_less(word)):
        key = _slips.get(variant)
        if key is not None and key[0] == word[0] and abs(len(key) - len(word)) <= 1:
            return key
    return word


def _with_one_letter_less(word: str) -> list[str]:
    return [word[:i] + word[i + 1 :] for i in range(len(word))]


# Each key word, and each with one letter left out, to the key word: two words meet here where they differ by one slip.
_slips = {variant: key for key in sorted(_KEY_WORDS) if len(key) > 5 for variant in (key, *_with_one_letter_less(key))}
