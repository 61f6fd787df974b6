"""Plots of an evaluation as inline SVG: strings of markup, coloured by the page's style sheet.

A few functions of our own and no plotting library: the page needs four kinds of plot that follow its light and dark
colours, stay text for screen readers and search, and add no dependency. All text is escaped here. A series is told apart by
its dashes as well as its colour.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from rag.metrics import Bin, CurvePoint, Estimate

_WIDTH, _HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 16, 14, 46
_ROW, _LABELS = 26, 120


@dataclass(frozen=True, slots=True)
class Frame:
    """Maps values in [0, x_max] x [0, y_max] to the pixels of a plot."""

    x_max: float = 1.0
    y_max: float = 1.0

    def x(self, value: float) -> float:
        """Return the pixel of a value on the horizontal axis."""
        return round(_LEFT + (_WIDTH - _LEFT - _RIGHT) * value / self.x_max, 2)

    def y(self, value: float) -> float:
        """Return the pixel of a value on the vertical axis, which points up."""
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _TOP - _BOTTOM) * value / self.y_max, 2)

    def axes(self, x_title: str, y_title: str) -> str:
        """Return grid lines with their numbers, and the titles of the axes."""
        across = "".join(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{self.y(tick)}" y2="{self.y(tick)}"/>'
            f'<text x="{_LEFT - 7}" y="{self.y(tick) + 4}" text-anchor="end">{tick:g}</text>'
            for tick in ticks(self.y_max)
        )
        down = "".join(
            f'<line class="grid" y1="{_TOP}" y2="{_HEIGHT - _BOTTOM}" x1="{self.x(tick)}" x2="{self.x(tick)}"/>'
            f'<text x="{self.x(tick)}" y="{_HEIGHT - _BOTTOM + 17}" text-anchor="middle">{tick:g}</text>'
            for tick in ticks(self.x_max)
        )
        middle = (_TOP + _HEIGHT - _BOTTOM) / 2
        titles = (
            f'<text class="axis" x="{(_LEFT + _WIDTH - _RIGHT) / 2}" y="{_HEIGHT - 8}" text-anchor="middle">'
            f"{escape(x_title)}</text>"
            f'<text class="axis" transform="translate(14 {middle}) rotate(-90)" text-anchor="middle">{escape(y_title)}</text>'
        )
        return across + down + titles


def ticks(end: float) -> tuple[float, ...]:
    """Return four to eight round numbers from 0 to at most `end`, which is above 0."""
    step = 10 ** math.floor(math.log10(end))
    step = next(step * part for part in (0.1, 0.2, 0.5, 1, 2) if end / (step * part) <= 7)
    return tuple(float(f"{number * step:.6g}") for number in range(int(end / step + 1e-9) + 1))


def risk_coverage_plot(curve: Sequence[CurvePoint], answered: CurvePoint | None) -> str:
    """Draw the share of errors against the share answered; `answered` marks what the assistant does at its threshold."""
    top = max([0.1, *(point.risk for point in curve)])
    frame = Frame(y_max=min(1.0, math.ceil(top * 10) / 10))
    path = _path([(frame.x(point.coverage), frame.y(point.risk)) for point in curve])
    mark = ""
    if answered is not None:
        hint = f"as it is set: {answered.coverage:.0%} answered, {answered.risk:.1%} of them wrongly"
        x, y = frame.x(answered.coverage), frame.y(answered.risk)
        mark = f'<circle class="mark" cx="{x}" cy="{y}" r="6"><title>{escape(hint)}</title></circle>'
    body = frame.axes("share of the questions answered", "share of these answered wrongly")
    return _svg(body + f'<path class="line c1" d="{path}"/>' + mark, "Risk-coverage curve")


def reliability_plot(bins: Sequence[Bin]) -> str:
    """Draw the share that is right against the stated confidence; on the diagonal, a probability is a frequency."""
    frame = Frame()
    total = sum(bin_.n for bin_ in bins)
    bars = "".join(
        f'<rect class="bar c1" x="{frame.x(bin_.low) + 2}" width="{frame.x(bin_.high) - frame.x(bin_.low) - 4:.2f}" '
        f'y="{frame.y(bin_.accuracy)}" height="{frame.y(0) - frame.y(bin_.accuracy):.2f}"/>'
        f'<circle class="mark" cx="{frame.x(bin_.confidence)}" cy="{frame.y(bin_.accuracy)}" '
        f'r="{3 + 7 * math.sqrt(bin_.n / total):.1f}"><title>{bin_.n} questions: confidence {bin_.confidence:.2f}, '
        f"right {bin_.accuracy:.2f}</title></circle>"
        for bin_ in bins
    )
    diagonal = f'<line class="rule" x1="{frame.x(0)}" y1="{frame.y(0)}" x2="{frame.x(1)}" y2="{frame.y(1)}"/>'
    return _svg(frame.axes("stated confidence", "share that is right") + bars + diagonal, "Reliability diagram")


def latency_plot(steps: Sequence[tuple[str, Sequence[float]]]) -> str:
    """Draw, per step with at least one value, the share of questions done within so many milliseconds, up to the 99th."""
    ends = [
        ranked[min(len(ranked) - 1, math.ceil(len(ranked) * 0.99) - 1)] for _, values in steps if (ranked := sorted(values))
    ]
    frame = Frame(x_max=max([*ends, 0.001]) * 1.05)
    lines, legend = [], []
    for number, (name, values) in enumerate(steps, 1):
        path = _path([(frame.x(min(value, frame.x_max)), frame.y(share)) for value, share in _shares(values)])
        lines.append(f'<path class="line c{number} d{number}" d="{path}"/>')
        y = _HEIGHT - _BOTTOM - 12 - 18 * (len(steps) - number)
        legend.append(
            f'<line class="line c{number} d{number}" x1="{_WIDTH - 118}" x2="{_WIDTH - 86}" y1="{y}" y2="{y}"/>'
            f'<text x="{_WIDTH - 80}" y="{y + 4}">{escape(name)}</text>'
        )
    return _svg(frame.axes("milliseconds", "share of the questions done") + "".join(lines + legend), "Latency distribution")


def bars_plot(rows: Sequence[tuple[str, Sequence[tuple[str, Estimate]]]], title: str) -> str:
    """Draw a group of bars from 0 to 1 per row, one per named estimate, each with a whisker for its interval."""
    bars = max((len(estimates) for _, estimates in rows), default=0)
    height = 30 + len(rows) * (_ROW * bars // 2 + 14)
    body = "".join(
        f'<line class="grid" x1="{_bar_x(tick)}" x2="{_bar_x(tick)}" y1="4" y2="{height - 22}"/>'
        f'<text x="{_bar_x(tick)}" y="{height - 6}" text-anchor="middle">{tick:g}</text>'
        for tick in ticks(1.0)
    )
    y = 8.0
    for label, estimates in rows:
        body += f'<text x="{_LABELS - 8}" y="{y + len(estimates) * _ROW / 4 + 4}" text-anchor="end">{escape(label)}</text>'
        for number, (name, estimate) in enumerate(estimates, 1):
            body += _bar(name, estimate, y + (number - 1) * _ROW / 2, f"c{number}")
        y += _ROW * bars / 2 + 14
    return _svg(body, title, height=height)


def interval(estimate: Estimate) -> str:
    """Draw a value in [0, 1] with its interval as one small line; the cells beside it say the numbers."""
    low, high, value = (4 + 112 * min(max(x, 0.0), 1.0) for x in (estimate.low, estimate.high, estimate.value))
    return (
        '<svg class="interval" viewBox="0 0 120 14" aria-hidden="true"><line class="grid" x1="4" x2="116" y1="7" y2="7"/>'
        f'<line class="whisker" x1="{low:.1f}" x2="{high:.1f}" y1="7" y2="7"/>'
        f'<circle class="mark" cx="{value:.1f}" cy="7" r="4"/></svg>'
    )


def _bar_x(value: float) -> float:
    return round(_LABELS + (_WIDTH - _LABELS - 20) * value, 2)


def _bar(name: str, estimate: Estimate, y: float, colour: str) -> str:
    start, middle = _bar_x(0), y + _ROW / 4 - 1
    hint = f"{name}: {estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}], {estimate.n} questions"
    return (
        f'<g><title>{escape(hint)}</title><rect class="bar {colour}" x="{start}" y="{y}" height="{_ROW / 2 - 2}" '
        f'width="{_bar_x(estimate.value) - start:.2f}"/>'
        f'<line class="whisker" x1="{_bar_x(estimate.low)}" x2="{_bar_x(estimate.high)}" y1="{middle}" y2="{middle}"/></g>'
    )


def _shares(values: Sequence[float]) -> list[tuple[float, float]]:
    """Return at most about 200 points of the cumulative distribution, from (first value, 0) to (last, 1)."""
    ranked = sorted(values)
    places = sorted({round(number * (len(ranked) - 1) / 200) for number in range(201)})
    return [(ranked[0], 0.0), *((ranked[place], (place + 1) / len(ranked)) for place in places)]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + " L".join(f"{x:g} {y:g}" for x, y in points) if points else ""


def _svg(body: str, title: str, *, height: int = _HEIGHT) -> str:
    name = escape(title)
    return f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-label="{name}">{body}</svg>'
