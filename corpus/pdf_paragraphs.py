"""Lines become paragraphs: what stands closely below goes on, unless it is indented, an item, or follows a short line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median

from corpus.lines import BULLET
from corpus.pdf_order import HYPHEN, Line

ITEM = re.compile(rf"{BULLET}\s+(?=\S)|\d{{1,2}}\.\d{{1,2}}[.:)]\s+(?=\S)|\(?(?:\d{{1,2}}|[a-z]|[ivx]{{1,4}})[.)]\s+(?=\S)")
ENDED = re.compile(r"[.!?:;…。！？][\"'”’)\]»]*[\d,]*\Z")
_JOINED = frozenset({"over", "under", "with", "out", "some", "any", "every", "there", "where", "here", "after", "how", "what"})
_PARTS = re.compile(r"([^\W\d_]+)\Z")
_ENDING = re.compile(r"abilit|alit|ation|ful|i[sz](?:ab|ation|ed|ing)|ical|less|ment|ness")
_WORDS = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")


@dataclass(frozen=True, slots=True)
class Piece:
    """A line of the text, and the page it stands on. What is `left_out` still parts what it stands between."""

    line: Line
    page: int
    heading: bool = False
    left_out: bool = False


def paragraphs(pieces: Sequence[Piece]) -> list[list[Piece]]:
    """Return the lines of each heading and paragraph. None reaches over a page; on one page, footnotes may interrupt it."""
    return _whole(_groups(pieces, _leadings(pieces)))


def tabular(line: Line) -> bool:
    """Whether a line is a row of a table: in pieces, or mostly numbers."""
    words = line.text.split()
    return line.cells > 1 or (len(words) > 3 and sum(any(map(str.isdigit, word)) for word in words) > len(words) / 2)


def vocabulary(pieces: Iterable[Piece]) -> frozenset[str]:
    """Return the words, in small letters and with their hyphens, that stand whole inside lines."""
    words: set[str] = set()
    parted = False
    for piece in pieces:
        inside = piece.line.text.removesuffix(HYPHEN).rpartition(" ")[0]
        if parted:  # "ports" is half of "supports"
            inside = inside.partition(" ")[2]
        words.update(word.casefold() for word in _WORDS.findall(inside))
        parted = piece.line.text.endswith((HYPHEN, "-"))
    return frozenset(words)


def together(lines: Sequence[str], words: frozenset[str]) -> str:
    """Return lines as one, words that were parted put together."""
    text = lines[0]
    for line in lines[1:]:
        if text.endswith(HYPHEN) or (text.endswith("-") and text[-2:-1].isalpha()):
            text = text[:-1] + ("-" if _hyphenated(text[:-1], line, words) else "") + line
        else:
            text = f"{text} {line}"
    return text.replace(HYPHEN, "-")


def _hyphenated(before: str, after: str, words: frozenset[str]) -> bool:
    """Whether the hyphen belongs to the word: "T-|cell", "graft-versus-|host" and "end-|to-end", but not "trans-|plant"."""
    first, second = _PARTS.search(before), re.match(r"[^\W\d_]+", after)
    if not first or not second or not after[0].islower() or before[: first.start()].endswith("-"):
        return True
    one, other = first[0].casefold(), second[0].casefold()
    if one + other in words:
        return False
    if len(other) <= 3 and after[second.end() : second.end() + 1] == "-":
        return True
    known = one in words and one not in _JOINED
    compound = known and len(one) > 2 and len(other) > 3 and other in words
    compound |= known and len(one) > 3 and len(other) > 7 and _ENDING.match(other) is None  # "privacy-|preserving"
    return f"{one}-{other}" in words or compound or len(one) == 1


def _whole(groups: Iterable[list[Piece]]) -> list[list[Piece]]:
    """Put together the parts of a paragraph that a footnote stands between, at the end of one column, on one page."""
    found: list[list[Piece]] = []
    for group in groups:
        begun = _begun(found, group[0])
        if begun is None:
            found.append(group)
        else:
            begun += group
    return found


def _begun(groups: Sequence[list[Piece]], piece: Piece) -> list[Piece] | None:
    """Return the paragraph that goes on with `piece`, the first line of a column: the last one before the notes below it.

    Nothing else may stand between the two: a sentence that lacks some words in its middle would not be a quote.
    """
    line = piece.line
    if piece.heading or piece.left_out or not line.text[0].islower() or tabular(line):
        return None
    for group in reversed(groups):
        last = group[-1]
        if last.heading or last.left_out or last.page != piece.page:
            return None
        if last.line.size > 0.95 * line.size:
            unfinished = not ENDED.search(last.line.text) and not tabular(last.line) and len(group) > 1
            return group if unfinished and line.box.y1 < last.line.box.y0 and line.box.x0 > last.line.box.x0 else None
        if group[0].line.box.y0 < line.box.y0:
            return None
    return None


def _leadings(pieces: Iterable[Piece]) -> Mapping[float, float]:
    """Return for each size how far apart the lines of a paragraph usually stand, from top to top."""
    found: dict[float, list[float]] = {}
    for a, b in pairwise(pieces):
        step = b.line.box.y0 - a.line.box.y0
        if a.page == b.page and a.line.size == b.line.size and a.line.box.over(b.line.box) and 0 < step < 3.5 * a.line.size:
            found.setdefault(a.line.size, []).append(step)
    return {size: median(sorted(steps)[: max(1, len(steps) * 2 // 3)]) for size, steps in found.items()}


def _groups(pieces: Sequence[Piece], leadings: Mapping[float, float]) -> Iterator[list[Piece]]:
    """Yield the lines of each heading and paragraph. None reaches over a page."""
    rights = _right_edges(pieces, leadings)
    group: list[Piece] = []
    for number, piece in enumerate(pieces):
        if group and _parted(group, piece, rights[number - 1], leadings):
            yield group
            group = []
        group.append(piece)
    if group:
        yield group


def _right_edges(pieces: Sequence[Piece], leadings: Mapping[float, float]) -> list[float]:
    """Return for each line how far to the right the lines reach that stand closely over and under it."""
    edges: list[float] = []
    run: list[Piece] = []
    for piece in pieces:
        if run and not (run[-1].page == piece.page and _close(run[-1].line, piece.line, leadings, 2.5)):
            edges += [max(other.line.box.x1 for other in run)] * len(run)
            run = []
        run.append(piece)
    return edges + ([max(other.line.box.x1 for other in run)] * len(run) if run else [])


def _close(upper: Line, lower: Line, leadings: Mapping[float, float], most: float) -> bool:
    step = lower.box.y0 - upper.box.y0
    usual = leadings.get(upper.size, 1.2 * upper.size)
    return upper.box.over(lower.box) and 0 < step < most * max(usual, lower.box.height * 0.9)


def _parted(group: Sequence[Piece], piece: Piece, right: float, leadings: Mapping[float, float]) -> bool:
    """Whether a new paragraph or heading begins with `piece`."""
    last, line = group[-1].line, piece.line
    before, here = ((p.page, p.heading, p.left_out) for p in (group[-1], piece))
    next_term = line.bold and not last.bold and not last.box.over(line.box)  # to the left of what the last one means
    if before != here or next_term or (last.bold != line.bold and ENDED.search(last.text)):
        return True
    if piece.heading:
        return (last.size, last.bold) != (line.size, line.bold) or not _close(last, line, leadings, 1.6)
    if last.text.endswith(HYPHEN) or tabular(last) or tabular(line):
        return not last.text.endswith(HYPHEN)
    unfinished = not ENDED.search(last.text) and line.text[0].islower()
    close = _close(last, line, leadings, 1.4 if unfinished else 1.3)
    if abs(last.size - line.size) > 0.08 * last.size + 0.1:
        return not (unfinished and close)
    if not close:
        return not (unfinished or _fills_column(group, line))
    begins = ITEM.match(line.text) is not None or _indented(group, line) or _broken_early(last, line, right)
    return begins and not (unfinished and line.text[0].isalpha())


def _fills_column(group: Sequence[Piece], line: Line) -> bool:
    """Whether the paragraph goes on at the top of the next column: it does not end, and its last line is full."""
    last = group[-1].line
    widest = max(piece.line.box.x1 for piece in group)
    upwards = line.box.y0 < last.box.y0 and line.box.x0 > last.box.x1
    return upwards and len(group) > 1 and not ENDED.search(last.text) and last.box.x1 > widest - 2 * last.size


def _indented(group: Sequence[Piece], line: Line) -> bool:
    """Whether the line stands to the right of the one before, and that was not the first of its item or paragraph."""
    step = line.box.x0 - group[-1].line.box.x0
    return step > 0.8 * line.size and (len(group) > 1 or ITEM.match(group[0].line.text) is None) and step < 8 * line.size


def _broken_early(last: Line, line: Line, right: float) -> bool:
    """Whether the next line's first word would have fitted behind the last line."""
    word = line.text.split(" ", 1)[0]
    width = line.box.width * (len(word) + 1) / len(line.text)
    return last.box.x1 + width + 1.5 * line.size < right
