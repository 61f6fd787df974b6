"""Sentence boundaries: exact spans, one pass, linear time.

A boundary needs a final mark (full stop, question mark, exclamation mark, ellipsis, or their like in other scripts), with
the closing quotes, brackets and citation numbers that follow it, and something behind it that can begin a sentence.
Paragraphs, list items and lines broken on purpose are boundaries of their own (`corpus.lines`).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from corpus.abbreviations import LEADING, LETTERED, NUMBERED, ORDINARY, SPEECH, STARTERS, TRAILING
from corpus.document import Span
from corpus.lines import BULLET, trimmed, units

LONGEST = 1000  # characters; what is longer is cut at a line, semicolon, comma or space

_CLOSERS = r"[\"'”’»›)\]}]"
_REFERENCE = r"\[[a-z0-9][^\[\]\n]{0,30}\]|:\d{1,4}(?:[–:-]\d{1,4}){0,3}"  # [12], [note 7], [citation needed], :133–134
_RAISED = r"(?<=[a-z)]\.)\d{1,3}(?:[,–-]\d{1,3}){0,9}(?=\s+[A-Z]|\s*\Z)"  # a reference that was superscript: "cells.12 The"
_STOP = re.compile(
    rf"""(?P<mark>\.(?:[ ]\.){{2,}}|[.!?…؟۔।॥]+)
         (?P<close>{_CLOSERS}*(?:[ \u00a0\u202f]»)?(?:{_REFERENCE}|{_RAISED})*)
         (?P<space>\s*)
       | (?P<wide>[。！？｡]+[」』”’）》]*)
       | (?<=[:;,\w)])(?P<list>\s+(?=[•·‣◦▪●■➢➤–*-]\s+\w))""",
    re.VERBOSE,
)
_INLINE_LIST = re.compile(r"[.:;]\s+[-–*]\s+(\w)")
_DASH = re.compile(r"\s[-–*]\s+\w")
_MARKER = re.compile(rf"(?:{BULLET}\s+)+|\(?\d{{1,2}}[.)]\s+(?=[A-Z])")
_OPENERS = re.compile(r"[\"'“‘«‹(\[{¿¡*_-]*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_BEFORE = re.compile(r"\S+\Z")
_LOWER_NAME = re.compile(r"[a-z]{1,3}(?:[A-Z]|\d)|[a-z]-[A-Z]|[α-ω](?:-|\s[a-z])")
_NUMBER = re.compile(r"[\[(]?(?:\d|[A-Z]\b|[ivxIVX]+\b)")
_INITIAL = re.compile(r"[^\W\d_a-z]|(?:[A-Z]\.)+[A-Z]|[A-Z][a-z]?\.-?[A-Z]")
_BRACKET = re.compile(r"[()]")
_SPEAKER = re.compile(r"(?:[A-Z]\w+|I)\s+(\w+)")
_ADDRESS = re.compile(r"[@/_\\]|www\.|\.(?:com|org|net|edu|gov|io)\b")
_LOOK = 40  # characters looked at before and after a mark


def split_sentences(text: str, within: Span) -> tuple[Span, ...]:
    """Return the sentences of a stretch of `text`: trimmed, disjoint, in order; each holds a letter or digit.

    What no sentence covers is white space, list markers, and rows of marks without a letter or digit.
    """
    return tuple(piece for unit in units(text, within) for span in _unit_sentences(text, unit) for piece in _cut(text, span))


def _unit_sentences(text: str, unit: Span) -> Iterator[Span]:
    start = unit.start
    brackets = _bracketed(text, unit)
    list_from, small = _dash_list(text, unit)
    for match in _STOP.finditer(text, unit.start, unit.end):
        end = match.start("space") if match["mark"] else match.start() if match["list"] else match.end()
        if end <= start or _inside(brackets, start, match.start()) or not _ends(text, start, match, unit.end):
            continue
        if match["list"] and not _item_begins(text, match.end(), list_from, small=small):
            continue
        if span := trimmed(text, start, end):
            yield span
            start = _skip_marker(text, match.end(), unit.end)
    if span := trimmed(text, start, unit.end):
        yield span


def _dash_list(text: str, unit: Span) -> tuple[int, bool]:
    """Return from where on dashes mark items, and whether the first item begins with a small letter.

    That is after ". - " or ": - ", and all of a unit that itself stood behind a dash and holds two more: "- a - b - c".
    """
    bulleted = text[max(0, unit.start - 2) : unit.start].strip()[-1:]
    if bulleted and bulleted in "-–*" and len(_DASH.findall(text, unit.start, unit.end)) > 1:
        return unit.start, text[unit.start].islower()
    match = _INLINE_LIST.search(text, unit.start, unit.end)
    return (match.start(), match[1].islower()) if match else (unit.end, False)


def _item_begins(text: str, marker: int, list_from: int, *, small: bool) -> bool:
    """Whether the mark at `marker` begins a list item. Round bullets always do, dashes only in a list of dashes."""
    if text[marker] not in "-–*":
        return True
    before, after = text[max(0, marker - _LOOK) : marker].rstrip()[-1:], text[marker + 1 : marker + _LOOK].lstrip()[:1]
    if before.isdigit() and after.isdigit():  # from one number to another
        return False
    return marker > list_from and (small or not text[_skip_marker(text, marker, marker + _LOOK)].islower())


def _skip_marker(text: str, start: int, end: int) -> int:
    """Leave out the bullet or number of an inline list: ". - Item. - Item"."""
    match = _MARKER.match(text, start, end)
    return match.end() if match else start


def _bracketed(text: str, unit: Span) -> list[tuple[int, int]]:
    """Return the outermost bracketed stretches of at most 300 characters, last one first."""
    found: list[tuple[int, int]] = []
    opened: list[int] = []
    for match in _BRACKET.finditer(text, unit.start, unit.end):
        if match[0] == "(":
            opened.append(match.start())
        elif opened:
            start = opened.pop()
            if match.start() - start <= 300:
                while found and found[-1][0] > start:
                    found.pop()
                found.append((start, match.start()))
    return found[::-1]


def _inside(brackets: list[tuple[int, int]], start: int, position: int) -> bool:
    """Whether `position` is in a bracket that was opened within the sentence. Drops brackets that are passed."""
    while brackets and brackets[-1][1] < position:
        brackets.pop()
    return bool(brackets) and start < brackets[-1][0] < position


def _ends(text: str, start: int, match: re.Match[str], limit: int) -> bool:
    """Whether the sentence that began at `start` ends with the mark of `match`."""
    if not match["mark"] or match.end() >= limit:
        return True
    ahead = text[match.end() : min(match.end() + _LOOK, limit)]
    if not match["space"]:
        return _space_missing(text, start, match, ahead)
    before = text[max(start, match.start() - _LOOK) : match.start()]
    token = _BEFORE.search(before)
    word = _OPENERS.sub("", token[0], count=1) if token else ""
    if _MARKER.match(ahead) and word.lower() not in LEADING | NUMBERED:
        return True
    if match["mark"] == ".":
        return _stop_ends(before, word, ahead, closed=bool(match["close"]))
    return _mark_ends(match, ahead)


def _space_missing(text: str, start: int, match: re.Match[str], ahead: str) -> bool:
    """Whether a mark without a space behind it ends a sentence: "patients.In", but not "www.In"."""
    before = text[max(start, match.start() - _LOOK) : match.start()]
    token = _BEFORE.search(before)
    run = (token[0] if token else "") + match["mark"] + ahead.split(None, 1)[0] if ahead.split() else ""
    return (
        re.search(r"[a-z]{3}[)\]]?\Z", before) is not None
        and re.match(r"[A-Z](?:[a-z]+)?(?:[\s,]|\Z)", ahead) is not None
        and not _ADDRESS.search(run)
    )


def _begins(ahead: str) -> bool:
    """Whether what follows can begin a sentence: no small letter, unless in a name such as "mRNA" or "iPSCs"."""
    opening = _OPENERS.match(ahead)
    rest = ahead[opening.end() :] if opening else ahead
    return not (rest[:1].islower() or rest[:1] in {",", ";", ":"}) or _LOWER_NAME.match(rest) is not None


def _first_word(ahead: str) -> str:
    match = _WORD.search(ahead)
    return match[0] if match else ""


def _stop_ends(before: str, word: str, ahead: str, *, closed: bool) -> bool:
    """Whether a single full stop after `word` ends the sentence."""
    plain = len(word) > 1 and not (word.isupper() and word.isalpha())  # "Ms." and "c." are short forms, "MS." and "C." are not
    low = word.lower().rstrip(")]”\"'") if plain or word.islower() else word
    following = _first_word(ahead)
    starter = following.lower() in STARTERS
    if closed and _begins(ahead):
        return True
    if low in LEADING or (low in NUMBERED and _NUMBER.match(ahead)):
        return False
    if low in TRAILING:
        return starter and following[:1].isupper()
    if _INITIAL.fullmatch(word):
        return _initial_ends(before, word, following)
    return _begins(ahead) or (starter and len(low) >= 3 and low.isalpha() and low not in ORDINARY | NUMBERED)


def _initial_ends(before: str, word: str, following: str) -> bool:
    """Whether the full stop after a single letter ends the sentence: "hepatitis B. It", but not "J. R. R. Tolkien"."""
    if not following[:1].isupper() and not following[:1].isdigit():
        return False
    if following.lower() in STARTERS and len(following) > 1 and word != "A":
        return True
    words = _WORD.findall(before)
    return len(words) > 1 and words[-2].lower() in LETTERED and len(following) > 1


def _mark_ends(match: re.Match[str], ahead: str) -> bool:
    """Whether a question mark, exclamation mark or ellipsis ends the sentence."""
    if not _begins(ahead):
        return False
    following = _first_word(ahead)
    if match["mark"][0] == "." or match["mark"][0] == "…":
        return following.split("'")[0].split("’")[0] != "I"
    if following.lower() in {"inc", "ltd", "corp"}:  # "Yahoo! Inc."
        return False
    speaker = _SPEAKER.match(ahead) if match["close"] else None
    return not (speaker and speaker[1] in SPEECH)


def _cut(text: str, span: Span) -> Iterator[Span]:
    """Yield `span` in pieces of at most `LONGEST` characters."""
    start = span.start
    while span.end - start > LONGEST:
        at = _cut_place(text, start)
        if piece := trimmed(text, start, at):
            yield piece
        start = at
    if piece := trimmed(text, start, span.end):
        yield piece


def _cut_place(text: str, start: int) -> int:
    """Return the best place to cut after `start`: the last line, semicolon, comma or space in the second half."""
    low, high = start + LONGEST // 2, start + LONGEST
    for mark in ("\n", "; ", ", ", " "):
        if (at := text.rfind(mark, low, high)) >= 0:
            return at + len(mark)
    while high > low and unicodedata.combining(text[high]):
        high -= 1
    return high
