"""Raised digits: the mark of a note is left out, a power is written as one: "cells", raised "12" is "cells", "10⁹" is kept.

Raised signs are a matter of where letters stand; in plain text "management)1" and "109" would say something else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby

_MARK = re.compile(r"\d{1,3}(?:[,–-]\d{1,3})*[,–-]?\Z")
_POWER = re.compile(r"[-−–+]?\d{1,3}\Z")
_RAISED = str.maketrans("0123456789-−–+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻⁺")
_NOTED = re.compile(r"(?:[^\W\d_]{3}|[.,;:!?”\"'’»\]…])\Z")
_SHORT = re.compile(r"(?<![^\W\d_])(?:a[mnst]|b[ey]|do|go|he|i[fnst]|me|my|no|o[fnr]|so|to|up|us|we)\Z")


def lower_raised(word: str, raised: Sequence[bool]) -> str:
    """Return a word of which some signs are `raised`, as it is read in a sentence.

    Raised digits that follow a word or a mark number a note and are left out; behind a number, a unit or a symbol they are
    a power, and before a word they are what they were, an isotope's mass or a note's number: both are written raised.
    Other raised signs are written as they are.
    """
    written = ""
    at = 0
    for up, group in groupby(raised):
        length = len(list(group))
        run, at = word[at : at + length], at + length
        if not up:
            written += run
        elif not (written and _is_note(written, run)):
            written += run.translate(_RAISED) if _POWER.match(run) else run
    return written


def _is_note(before: str, run: str) -> bool:
    """Whether raised signs behind `before` are the number of a note, or numbers: "12", "3,4", "5–7"."""
    if not _MARK.match(run):
        return False
    if before[-1] == ")":  # "(x + 1)", raised "2" is a power
        return "(" not in before or len(run) > 1
    return _NOTED.search(before) is not None or _SHORT.search(before.casefold()) is not None
