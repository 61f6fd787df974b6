"""Draw what `bench/scale.py` measured: python bench/scale_plot.py docs/scale.svg docs/scale.jsonl [NAME=FILE ...]"""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

PANELS = {
    "build_s": "build, s",
    "disk_mb": "on disk, MB",
    "open_s": "opening, s",
    "anonymous_mb": "resident, MB",
    "p95_ms": "search p95, ms",
    "update_s": "one document changed, s",
}
COLOURS = ("#0b6e6e", "#b3541e")
_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 300, 210, 54, 34, 30

Rows = Sequence[dict[str, Any]]


def plot(series: dict[str, Rows]) -> str:
    """Return an SVG of one panel for each measure, both axes logarithmic."""
    panels = "".join(
        f'<g transform="translate({i % 3 * _WIDTH} {i // 3 * _HEIGHT})">{_panel(series, key, title)}</g>'
        for i, (key, title) in enumerate(PANELS.items())
    )
    names = "".join(
        f'<text x="{_LEFT + i * 160}" y="{2 * _HEIGHT + 18}" fill="{COLOURS[i]}">{"●" if i == 0 else "○"} {escape(name)}</text>'
        for i, name in enumerate(series)
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * _WIDTH} {2 * _HEIGHT + 30}" '
        f'font-family="sans-serif" font-size="12"><title>Measured by number of passages</title>'
        f'<rect width="100%" height="100%" fill="#fff"/>{panels}{names}</svg>\n'
    )


def _panel(series: dict[str, Rows], key: str, title: str) -> str:
    points = [[(row["passages"], row[key]) for row in rows if row.get(key) and row.get("passages")] for rows in series.values()]
    values = [value for line in points for _, value in line] or [1.0]
    low, high = 10 ** math.floor(math.log10(min(values))), 10 ** math.ceil(math.log10(max(values)) + 1e-9)

    def x(passages: float) -> float:
        return round(_LEFT + (_WIDTH - _LEFT - 16) * (math.log10(passages) - 3.9) / 2.2, 1)

    def y(value: float) -> float:
        share = math.log10(value / low) / max(1e-9, math.log10(high / low))
        return round(_HEIGHT - _BOTTOM - (_HEIGHT - _BOTTOM - _TOP) * share, 1)

    lines = [f'<text x="{_LEFT}" y="18" font-weight="bold">{escape(title)}</text>']
    tick = float(low)
    while tick <= high * 1.001:
        lines.append(f'<path d="M{_LEFT} {y(tick)}H{_WIDTH - 16}" stroke="#ddd"/>')
        lines.append(f'<text x="{_LEFT - 6}" y="{y(tick) + 4}" text-anchor="end">{tick:,g}</text>')
        tick *= 10
    for passages, label in ((1e4, "10 k"), (1e5, "100 k"), (1e6, "1 M")):
        lines.append(f'<text x="{x(passages)}" y="{_HEIGHT - 14}" text-anchor="middle">{label}</text>')
    for colour, line in zip(COLOURS, points, strict=False):
        path = " ".join(f"{x(a)},{y(b)}" for a, b in line)
        lines.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        fill = colour if colour == COLOURS[0] else "#fff"
        lines += [f'<circle cx="{x(a)}" cy="{y(b)}" r="3.5" fill="{fill}" stroke="{colour}"/>' for a, b in line]
    return "".join(lines)


def _read(file: str) -> Rows:
    return [json.loads(line) for line in Path(file).read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    target, *files = sys.argv[1:]
    named = [file.rpartition("=") for file in files]
    Path(target).write_text(plot({name or "now": _read(file) for name, _, file in named}), encoding="utf-8")
