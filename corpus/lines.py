"""Lines of a text: which belong together, which are list items, and where a line break is only the edge of the page.

A unit is what a sentence never reaches out of: a paragraph whose lines were wrapped, one list item without its marker, or
one line that was broken on purpose.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from corpus.document import Span

BULLET = r"[-–—*+•·‣◦▪●○■□➢➤✓✔►▶]"
_ITEM = re.compile(rf"[^\S\n]*(?:{BULLET}[^\S\n]+)+(?=\S)")
_NUMBERED = re.compile(r"[^\S\n]*(?:\(?\d{1,3}(?:\.\d{1,3})*[.)]|\(?[a-zA-Z]\)|\([ivxIVX]{1,5}\)|#\.)[^\S\n]+(?=\S)")
_LINE = re.compile(r"[^\n\f\v\x1c-\x1e\x85\u2028\u2029]+")
_WORDLESS = re.compile(r"[\W_]*\Z")
_ENDED = re.compile(r"[.!?:;…。！？][\"'”’)\]»]*(?:\[\d+\])*\Z")
_SYMBOL = re.compile(r"(?<![A-Za-z])(?:Na|Al|Si|Cl|Br|Ca|Fe|Mg|[CFHKNOPS]){1,4}\Z")
_SUBSCRIPT = re.compile(r"\d{1,2}(?!\d)[^\s]?(?!\d)")
_PAGE_WIDTH = range(40, 161)  # a wrapped text's widest line, in characters; wider lines are paragraphs of their own
_NEAR = 6  # lines before and after: a file has stretches of different width
_LABEL = re.compile(r"\d{1,2}(?:\.\d{1,2})+:\s")
_RAGGED = 0.75  # a wrapped line fills at least this part of the width, were the next word added


def lines(text: str, within: Span) -> Iterator[Span]:
    """Yield the lines that hold a letter or digit, trimmed of white space, in order."""
    for match in _LINE.finditer(text, within.start, within.end):
        if span := trimmed(text, match.start(), match.end()):
            yield span


def trimmed(text: str, start: int, end: int) -> Span | None:
    """Return the span less white space at its ends; None when no letter or digit is left."""
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return None if _WORDLESS.match(text, start, end) else Span(start, end)


def marker_end(text: str, line: Span, *, numbered: bool) -> int:
    """Return where the line's own text begins: after its bullet or, if `numbered` markers count, its number."""
    match = _ITEM.match(text, line.start, line.end) or (numbered and _NUMBERED.match(text, line.start, line.end))
    return match.end() if match else line.start


def ended(text: str, line: Span) -> bool:
    """Whether the line ends with a mark that ends or interrupts a sentence."""
    return _ENDED.search(text, max(line.start, line.end - 12), line.end) is not None


def blank_between(text: str, first: Span, second: Span) -> bool:
    """Whether something other than one line break separates two lines."""
    return text.count("\n", first.end, second.start) != 1


def goes_on(text: str, line: Span, following: Span) -> bool:
    """Whether the line break is only a lost subscript's: "O", then "2 is a gas"."""
    return (
        _SUBSCRIPT.match(text, following.start, following.end) is not None
        and _SYMBOL.search(text, max(line.start, line.end - 8), line.end) is not None
    )


def units(text: str, within: Span) -> Iterator[Span]:
    """Yield the units of a stretch of text, in order, trimmed, without list markers."""
    block: list[Span] = []
    for line in lines(text, within):
        if block and blank_between(text, block[-1], line):
            yield from _block_units(text, block)
            block = []
        block.append(line)
    yield from _block_units(text, block)


def _block_units(text: str, block: list[Span]) -> Iterator[Span]:
    """Yield the units of lines without a blank line between them."""
    start, previous = 0, None
    for number, line in enumerate(block):
        width = max(map(len, block[max(0, number - _NEAR) : number + _NEAR]))
        if previous is not None and goes_on(text, previous, line):
            previous = line
            continue
        body = marker_end(text, line, numbered=previous is None or ended(text, previous) or start != previous.start)
        if previous is None:
            start = body
        elif body != line.start or not _wrapped(text, previous, line, width):
            yield Span(start, previous.end)
            start = body
        previous = line
    if previous is not None:
        yield Span(start, previous.end)


def _wrapped(text: str, line: Span, following: Span, width: int) -> bool:
    """Whether the break after `line` is only the edge of the page: the sentence goes on, or may end, as if there were none."""
    if text[following.start].islower() and not ended(text, line):
        return True
    if width not in _PAGE_WIDTH or _LABEL.match(text, following.start, following.end) or _is_row(line.of(text)):
        return False
    if text[line.end - 1] in ".!?…":  # whether that ends a sentence is not for lines to say: "Dr." does not
        return True
    word = text[following.start : following.end].split(None, 1)[0]
    return len(line) + 1 + len(word) > width * _RAGGED


def _is_row(line: str) -> bool:
    """Whether a line is mostly numbers."""
    words = line.split()
    return len(words) > 3 and sum(any(map(str.isdigit, word)) for word in words) > len(words) / 2
