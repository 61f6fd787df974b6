"""The lines of a page, and the order in which they are read.

Most PDF files are written in the order in which they are read, and then that order is kept. Where it jumps about the page,
as when two columns were written line by line across, the page is parted where white space parts it: into columns, and
these into rows (a recursive XY cut after Nagy and Seth, "Hierarchical representation of optically scanned documents", 1984).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import NamedTuple

HYPHEN = "\u00ad"  # at the end of a line's text: the hyphen stands there because the line ends

_Gap = tuple[float, float]

_COLUMN_LINES = 3  # a column has at least so many lines ...
_COLUMN_LETTERS = 15  # ... of so many letters on average; narrower ones belong to a table, which is read in rows
_GUTTER = 0.8  # times a line's height


class Box(NamedTuple):
    """A place on the page, in points; y counts downwards."""

    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def height(self) -> float:
        """From top to bottom."""
        return self.y1 - self.y0

    @property
    def width(self) -> float:
        """From left to right."""
        return self.x1 - self.x0

    def around(self, other: Box) -> Box:
        """Return the least box that holds both."""
        return Box(min(self.x0, other.x0), min(self.y0, other.y0), max(self.x1, other.x1), max(self.y1, other.y1))

    def beside(self, other: Box) -> bool:
        """Whether the two stand in one row: they overlap by half of the lower one's height, or less if they touch."""
        low = min(self.height, other.height)
        touching = -0.3 * low < other.x0 - self.x1 < 0.3 * low
        return min(self.y1, other.y1) - max(self.y0, other.y0) >= (0.2 if touching else 0.5) * low

    def over(self, other: Box) -> bool:
        """Whether some of this box stands over or under some of the other."""
        return min(self.x1, other.x1) > max(self.x0, other.x0)


@dataclass(frozen=True, slots=True)
class Line:
    """Words side by side. `size` is the letters' size in points, `cells` the number of pieces with wide gaps between them."""

    text: str
    box: Box
    size: float
    bold: bool
    cells: int = 1


@dataclass(frozen=True, slots=True)
class Page:
    """A page, its number counted from 1, its place, and its lines."""

    number: int
    box: Box
    lines: tuple[Line, ...]


def in_reading_order(lines: Sequence[Line]) -> list[Line]:
    """Return the lines of a page in the order in which they are read, those of one row that touch nothing else as one line."""
    arranged = _arranged(list(lines))
    best = arranged if _jumps(arranged) < 0.8 * _jumps(lines) - 1 else lines
    return _joined(best)


def _jumps(lines: Iterable[Line]) -> int:
    """Return how often the next line is not the one just below, nor the next word of a row of short pieces."""
    return sum(not _just_below(upper.box, lower.box) for upper, lower in pairwise(lines))


def _just_below(upper: Box, lower: Box) -> bool:
    return upper.over(lower) and -0.5 * lower.height < lower.y0 - upper.y1 < 2.5 * max(upper.height, lower.height)


def _joined(lines: Iterable[Line]) -> list[Line]:
    """Put together what stands in one row and was read one after the other: the cells of a table, a bullet and its item."""
    found: list[Line] = []
    for line in lines:
        last = found[-1] if found else line
        gap, low = line.box.x0 - last.box.x1, min(line.box.height, last.box.height)
        if found and last.box.beside(line.box) and gap > -0.3 * low and not last.text.endswith(HYPHEN):
            longer = max(last, line, key=lambda piece: len(piece.text))
            apart = gap > low and len(last.text) > 4  # a bullet, a number or an index is no cell
            cells = max(line.cells, last.cells) + apart
            space = " " if gap > 0.15 * low else ""
            found[-1] = Line(
                last.text + space + line.text, last.box.around(line.box), longer.size, last.bold and line.bold, cells
            )
        else:
            found.append(line)
    return found


def _arranged(lines: list[Line]) -> list[Line]:
    """Return the lines column by column where there are columns, and else row by row."""
    if len(lines) < 2:
        return lines
    narrowest = _GUTTER * median(line.box.height for line in lines)
    result: list[Line] = []
    for rows in _alike(_rows(lines), narrowest):
        group = [line for row in rows for line in row]
        gutter = _gutter(group, narrowest)
        if gutter is None:
            result += (line for row in rows for line in sorted(row, key=lambda line: line.box.x0))
            continue
        middle = sum(gutter) / 2
        for column in ([line for line in group if line.box.x1 < middle], [line for line in group if line.box.x0 > middle]):
            result += _arranged(column)
    return result


def _rows(lines: Iterable[Line]) -> list[list[Line]]:
    """Return the lines in rows from top to bottom: a line that stands beside any line of a row is in it."""
    rows: list[list[Line]] = []
    bottom = float("-inf")
    for line in sorted(lines, key=lambda line: line.box.y0):
        if rows and bottom - line.box.y0 > 0.3 * line.box.height:
            rows[-1].append(line)
            bottom = max(bottom, line.box.y1)
        else:
            rows.append([line])
            bottom = line.box.y1
    return rows


def _alike(rows: Iterable[list[Line]], narrowest: float) -> list[list[list[Line]]]:
    """Return runs of rows that a gap of at least the width `narrowest` goes through."""
    runs: list[list[list[Line]]] = []
    common: list[_Gap] = []
    for row in rows:
        gaps = _gaps(row, narrowest)
        both = [(max(a, c), min(b, d)) for a, b in common for c, d in gaps if min(b, d) - max(a, c) >= narrowest]
        if runs and (_inner(both) or (both and len(row) == 1 and not _inner(common))):
            runs[-1].append(row)
            common = both
        else:
            runs.append([row])
            common = gaps
    return runs


def _inner(gaps: Iterable[_Gap]) -> bool:
    """Whether one of the gaps is not just the margin."""
    return any(math.isfinite(start) and math.isfinite(end) for start, end in gaps)


def _gaps(lines: Iterable[Line], narrowest: float) -> list[_Gap]:
    """Return the stretches of x that no line covers, from minus to plus infinity."""
    gaps: list[_Gap] = []
    end = float("-inf")
    for line in sorted(lines, key=lambda line: line.box.x0):
        if line.box.x0 - end >= narrowest:
            gaps.append((end, line.box.x0))
        end = max(end, line.box.x1)
    return [*gaps, (end, float("inf"))]


def _gutter(lines: Sequence[Line], narrowest: float) -> _Gap | None:
    """Return the widest gap between two columns of prose, if there is one."""
    inner = [gap for gap in _gaps(lines, narrowest)[1:-1] if _prose(lines, gap)]
    return max(inner, key=lambda gap: gap[1] - gap[0], default=None)


def _prose(lines: Sequence[Line], gap: _Gap) -> bool:
    sides = [[line for line in lines if line.box.x1 <= gap[0]], [line for line in lines if line.box.x0 >= gap[1]]]
    return all(
        len(side) >= _COLUMN_LINES and sum(len(line.text) for line in side) >= _COLUMN_LETTERS * len(side) for side in sides
    )
