"""Draw a training run: the terms of the loss and the held-out measures over time, as one SVG file.

python -m training.plot RUN_FOLDER/log.jsonl --out curve.svg
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

WIDTH, HEIGHT, MARGIN = 420, 260, 44
COLOURS = ("#1f5fa8", "#b2432f", "#2e7d4f", "#8a5aa8", "#a07a1c", "#444444")


def curves(rows: Sequence[dict]) -> tuple[dict[str, list[tuple[float, float]]], dict[str, list[tuple[float, float]]]]:
    """Collect (thousand steps, value) for each term of the loss, and for each held-out measure.

    Where a run was taken up again from an earlier checkpoint, the steps that were lost are left out.
    """
    kept: list[dict] = []
    for row in rows:
        if "options" in row:  # the first line of a run, or of its continuation
            kept = [old for old in kept if old["step"] <= row["step"]]
        kept.append(row)
    terms: dict[str, list[tuple[float, float]]] = {}
    measures: dict[str, list[tuple[float, float]]] = {}
    for row in kept:
        for name in ("token", "sentence", "list", "passage", "span"):
            if name in row:
                terms.setdefault(name, []).append((row["step"] / 1000, row[name]))
        for name, value in row.get("held_out", {}).items():
            measures.setdefault(name, []).append((row["step"] / 1000, value))
    return terms, measures


def panel(title: str, lines: dict[str, list[tuple[float, float]]], left: int) -> str:
    """Draw one pair of axes with a line for each series and its name at the right end."""
    points = [point for line in lines.values() for point in line]
    right = max((x for x, _ in points), default=1.0) or 1.0
    low, high = min((y for _, y in points), default=0.0), max((y for _, y in points), default=1.0)
    span = (high - low) or 1.0

    def at(x: float, y: float) -> str:
        across = left + MARGIN + x / right * (WIDTH - 2.6 * MARGIN)
        return f"{across:.1f},{HEIGHT - MARGIN - (y - low) / span * (HEIGHT - 2 * MARGIN):.1f}"

    base, top = HEIGHT - MARGIN, MARGIN
    parts = [
        f'<text x="{left + MARGIN}" y="{top - 18}" font-weight="bold">{title}</text>',
        f'<path d="M{left + MARGIN} {top}V{base}H{left + WIDTH - 1.6 * MARGIN:.0f}" fill="none" stroke="#888"/>',
        f'<text x="{left + MARGIN - 6}" y="{base}" text-anchor="end">{low:.2f}</text>',
        f'<text x="{left + MARGIN - 6}" y="{top + 4}" text-anchor="end">{high:.2f}</text>',
        f'<text x="{left + MARGIN}" y="{base + 16}">0</text>',
        f'<text x="{left + WIDTH - 1.6 * MARGIN:.0f}" y="{base + 16}" text-anchor="end">{right:.1f} thousand steps</text>',
    ]
    for colour, (name, line) in zip(COLOURS, lines.items(), strict=False):
        x, y = at(*line[-1]).split(",")
        parts.append(
            f'<polyline points="{" ".join(at(*point) for point in line)}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        )
        parts.append(f'<text x="{float(x) + 5:.0f}" y="{float(y) + 4:.0f}" fill="{colour}">{name}</text>')
    return "\n".join(parts)


def draw(rows: Sequence[dict]) -> str:
    """Return the whole drawing as SVG."""
    terms, measures = curves(rows)
    body = panel("Loss on training pairs", terms, 0) + "\n" + panel("Held-out pairs", measures, WIDTH)
    size = f'width="{2 * WIDTH}" height="{HEIGHT}" viewBox="0 0 {2 * WIDTH} {HEIGHT}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif" font-size="11">'
    return f'{head}\n<rect width="100%" height="100%" fill="white"/>\n{body}\n</svg>\n'


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Draw a training run.")
    parser.add_argument("log", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    rows = [json.loads(line) for line in options.log.read_text(encoding="utf-8").splitlines()]
    options.out.write_text(draw(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
