"""An evaluation shown in the terminal, and written: a table, the JSON report, the page of `ui.report_page`, the exit code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rag.compare import Comparison
from rag.evaluate import Report, write_atomically, write_json
from rag.measures import Score
from ui.report_page import GOLD_NOTE, broken, expected, got, page, pairing, short

_FAILURES_PRINTED = 10


def exit_code(report: Report, comparison: Comparison | None = None) -> int:
    """Return 1 when a citation is not exact or a measure got significantly worse than the baseline, else 0."""
    return int(bool(report.inexact) or (comparison is not None and bool(comparison.worse)))


def write_report(report: Report, folder: Path, *, comparison: Comparison | None = None) -> tuple[Path, Path]:
    """Write evaluation.json and evaluation.html into `folder`, made where it is missing, and return their paths."""
    data, shown = folder / "evaluation.json", folder / "evaluation.html"
    write_json(report, data)
    write_atomically(shown, page(report, comparison))
    return data, shown


def table(report: Report, comparison: Comparison | None = None) -> str:
    """Return the report as plain text of at most 100 columns: measures, wordings, latencies, comparison, first failures."""
    blocks = [
        f"{report.name}: {len(report.outcomes)} questions, library {report.library}\n{GOLD_NOTE.get(report.gold, '')}".rstrip(),
        _measures_text(report.scores),
        *(f"wording {wording.replace('_', ' ')}\n{_measures_text(scores)}" for wording, scores in report.wordings.items()),
        _latency_text(report),
        _comparison_text(comparison) if comparison is not None else "",
        _failures_text(report),
        broken(report),
    ]
    return "\n\n".join(block for block in blocks if block)


def _measures_text(scores: Iterable[Score]) -> str:
    rows = [(score.measure.title, score.estimate) for score in scores]
    return "\n".join(f"  {title:<48} {e.value:>6.3f}  [{e.low:.3f}, {e.high:.3f}]  n = {e.n}" for title, e in rows)


def _latency_text(report: Report) -> str:
    rows = [
        f"  {step:<12}" + "  ".join(f"p{percent} {e.value:.1f} [{e.low:.1f}, {e.high:.1f}]" for percent, e in row.items())
        for step, row in report.latency_ms.items()
    ]
    return "\n".join(["latency in milliseconds", *rows]) if rows else ""


def _comparison_text(comparison: Comparison) -> str:
    lines = [pairing(comparison)]
    for d in comparison.differences:
        verdict = "" if d.verdict == "same" else d.verdict.upper()
        p = min(d.p_worse, d.p_better)
        lines.append(
            f"  {d.measure.title:<48} {d.before:>6.3f} -> {d.now:.3f}  {d.now - d.before:+.3f}  p {p:.3f}  {verdict}".rstrip()
        )
    if comparison.worse:
        lines.append("significantly worse: " + ", ".join(d.measure.name for d in comparison.worse))
    return "\n".join(lines)


def _failures_text(report: Report) -> str:
    failures = report.failures
    if not failures:
        return ""
    lines = [f"{len(failures)} failures" + (f", the first {_FAILURES_PRINTED}" if len(failures) > _FAILURES_PRINTED else "")]
    for outcome in failures[:_FAILURES_PRINTED]:
        lines.append(f"  {outcome.id}: {short(outcome.question, 80)}")
        lines.append(f"    expected {expected(outcome)}; got {got(outcome)}")
        lines += [f"    > {short(sentence, 90)}" for sentence in outcome.sentences[:1]]
    return "\n".join(lines)
