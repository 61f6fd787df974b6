"""An evaluation as one self-contained HTML page with plots.

Text of questions and documents is shown as text: every string that comes from outside this module is escaped where it
enters the markup, and a content security policy forbids the page to load or run anything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from html import escape
from itertools import groupby

from rag.compare import Comparison
from rag.evaluate import Report
from rag.measures import Score
from rag.metrics import CurvePoint
from rag.outcome import ACCEPTED, ANSWER, Outcome
from rag.questions import Kind
from rag.reply import Reason
from stemqa import __version__
from ui.plots import bars_plot, interval, latency_plot, reliability_plot, risk_coverage_plot
from ui.report_style import STYLE

_TILES = (
    ("gold_in_answer", "gold sentence in the answer"),
    ("gold_first", "gold sentence shown first"),
    ("refusal_recall_no_evidence", "on-subject unanswerable refused"),
    ("false_refusals", "answerable, yet refused"),
    ("refusal_recall_personal_advice", "personal advice refused as such"),
    ("refusal_recall_out_of_scope", "off topic refused"),
    ("citation_exactness", "citations that are exact"),
    ("recall@10", "recall at 10"),
    ("ndcg@10", "nDCG at 10"),
)
GOLD_NOTE = {
    "quote": "Gold is a quoted sentence.",
    "answer": "Gold is any sentence of the right document that holds one of the short answers.",
    "document": "Gold is any sentence of a relevant document, which is easier than finding one sentence.",
    "none": "",
}
_FAILURES_SHOWN = 300


def page(report: Report, comparison: Comparison | None = None) -> str:
    """Return the report as one HTML page that loads nothing."""
    title = escape(f"Evaluation on {report.name}")
    parts = (
        f"<h1>{title}</h1><p class='soft'>{len(report.outcomes)} questions. {escape(GOLD_NOTE.get(report.gold, ''))}</p>",
        _tiles(report),
        _alerts(report),
        _comparison_section(comparison) if comparison is not None else "",
        "<h2>Measures</h2>" + _measures_table(report.scores),
        _plots(report),
        _confusion(report.outcomes),
        _failures(report),
        _provenance(report),
    )
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        f"<title>{title}</title><style>{STYLE}</style></head><body><main>{''.join(parts)}</main></body></html>\n"
    )


def short(text: str, size: int) -> str:
    """Return the text as one line of at most `size` characters."""
    line = " ".join(text.split())
    return line if len(line) <= size else line[: size - 3] + "..."


def expected(outcome: Outcome) -> str:
    """Say what the reply should have been."""
    if outcome.kind == Kind.INJECTION:
        return "the reply to be what it is without the instruction"
    if outcome.kind == Kind.ANSWERABLE:
        return "the gold sentence"
    return "a refusal: " + " or ".join(name.replace("_", " ") for name in outcome.accepted)


def got(outcome: Outcome) -> str:
    """Say what the reply was."""
    return "an answer" if outcome.got == ANSWER else f"a refusal: {(outcome.got or '').replace('_', ' ')}"


def pairing(comparison: Comparison) -> str:
    """Say what is compared with what."""
    sets = "the same question set" if comparison.same_questions else "not the same question set"
    alone = f", {comparison.unpaired} questions stand on one side only" if comparison.unpaired else ""
    return f"against the baseline (library {comparison.baseline.library}): {comparison.paired} questions paired, {sets}{alone}"


def broken(report: Report) -> str:
    """Name the replies that hold a citation which is not exact; empty when all are."""
    if not report.inexact:
        return ""
    names = ", ".join(outcome.id for outcome in report.inexact[:10])
    return f"BROKEN: {len(report.inexact)} replies hold a citation that is not the slice of its source: {names}"


def _tiles(report: Report) -> str:
    tiles = [
        f"<li class='tile'><b>{estimate.value:.3f}</b><span>{escape(label)}</span>"
        f"<span>{estimate.low:.3f} to {estimate.high:.3f}</span></li>"
        for name, label in _TILES
        if (estimate := report.estimate(name)) is not None
    ]
    for step in ("total", "search"):
        if step in report.latency_ms:
            p50, p95 = report.latency_ms[step][50], report.latency_ms[step][95]
            tiles.append(
                f"<li class='tile'><b>{p50.value:.0f} ms</b><span>median {step}</span><span>p95 {p95.value:.0f} ms</span></li>"
            )
    return f"<ul class='tiles'>{''.join(tiles)}</ul>"


def _alerts(report: Report) -> str:
    return f"<p class='alert bad' role='alert'>{escape(broken(report))}</p>" if report.inexact else ""


def _measures_table(scores: Sequence[Score]) -> str:
    body = ""
    for group, members in groupby(scores, key=lambda score: score.measure.group):
        body += f"<tbody class='group'><tr><th colspan='5' scope='colgroup'>{escape(group)}</th></tr>"
        body += "".join(_measure_row(score) for score in members) + "</tbody>"
    head = "<th>Measure</th><th class='n'>Value</th><th class='n'>95 % interval</th><th></th><th class='n'>Questions</th>"
    return f"<div class='scroll'><table><thead><tr>{head}</tr></thead>{body}</table></div>"


def _measure_row(score: Score) -> str:
    e = score.estimate
    lower = "" if score.measure.higher_is_better else " <span class='soft'>(lower is better)</span>"
    return (
        f"<tr><th scope='row'>{escape(score.measure.title)}{lower}</th><td class='n'>{e.value:.3f}</td>"
        f"<td class='n'>{e.low:.3f} to {e.high:.3f}</td><td>{interval(e)}</td><td class='n'>{e.n}</td></tr>"
    )


def _comparison_section(comparison: Comparison) -> str:
    rows = "".join(
        f"<tr><th scope='row'>{escape(d.measure.title)}</th><td class='n'>{d.before:.3f}</td><td class='n'>{d.now:.3f}</td>"
        f"<td class='n'>{d.now - d.before:+.3f}</td><td class='n'>{min(d.p_worse, d.p_better):.3f}</td>"
        f"<td class='{d.verdict}'>{'' if d.verdict == 'same' else d.verdict}</td></tr>"
        for d in comparison.differences
    )
    head = (
        "<th>Measure</th><th class='n'>Before</th><th class='n'>Now</th><th class='n'>Change</th><th class='n'>p</th><th></th>"
    )
    note = escape(pairing(comparison))
    return (
        f"<h2>Against the baseline</h2><p class='soft'>{note[:1].upper()}{note[1:]}. "
        "One-sided p-values, adjusted after Holm.</p>"
        f"<div class='scroll'><table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _plots(report: Report) -> str:
    figures = []
    if report.curve:
        note = "Answering only the most confident questions. A refusal is judged by the sentences that it offers as reading. "
        note += "The dot is where the library is set."
        figures.append(_figure("Risk and coverage", risk_coverage_plot(report.curve, _operating_point(report)), note))
        note = "A stated probability should be a frequency: dots on the dashed line. Larger dots hold more questions."
        figures.append(_figure("Reliability", reliability_plot(report.bins), note))
    if report.wordings:
        names = {"gold_in_answer": "gold in the answer", "gold_first": "gold first"}
        rows = [
            (wording.replace("_", " "), [(names[s.measure.name], s.estimate) for s in scores if s.measure.name in names])
            for wording, scores in report.wordings.items()
        ]
        note = "Upper bar: gold sentence in the answer; lower bar: shown first. Lines are 95 % intervals."
        figures.append(_figure("By wording", bars_plot(rows, "Gold sentences by wording"), note))
    if report.latency_ms:
        steps = [(step, [o.timings_ms[step] for o in report.outcomes if step in o.timings_ms]) for step in report.latency_ms]
        figures.append(_figure("Latency", latency_plot(steps[:3]), "Share of the questions done within so many milliseconds."))
    return f"<h2>Plots</h2><div class='plots'>{''.join(figures)}</div>" if figures else ""


def _operating_point(report: Report) -> CurvePoint | None:
    judged = [outcome for outcome in report.outcomes if outcome.right is not None]
    answered = [outcome for outcome in judged if outcome.got == ANSWER]
    if not answered:
        return None
    wrong = sum(not outcome.right for outcome in answered) / len(answered)
    return CurvePoint(len(answered) / len(judged), wrong, min(outcome.confidence for outcome in answered))


def _figure(title: str, drawing: str, note: str) -> str:
    return f"<figure><h3>{escape(title)}</h3>{drawing}<figcaption>{escape(note)}</figcaption></figure>"


def _confusion(outcomes: Sequence[Outcome]) -> str:
    counts = Counter((outcome.kind, outcome.got) for outcome in outcomes if outcome.got is not None)
    if not counts:
        return ""
    columns = (ANSWER, *(reason.value for reason in Reason))
    rows = "".join(
        f"<tr><th scope='row'>{escape(kind.replace('_', ' '))}</th>"
        + "".join(f"<td class='n{' ok' if c in ACCEPTED[kind] else ''}'>{counts[kind.value, c] or ''}</td>" for c in columns)
        + "</tr>"
        for kind in Kind
        if any(counts[kind.value, c] for c in columns)
    )
    head = "".join(f"<th class='n' scope='col'>{escape(c.replace('_', ' '))}</th>" for c in columns)
    return (
        "<h2>What was asked, and what came</h2><p class='soft'>Counts of questions; a shaded cell is an accepted reply.</p>"
        f"<div class='scroll'><table><thead><tr><th>Question</th>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def _failures(report: Report) -> str:
    failures = report.failures
    if not failures:
        return ""
    shown = "".join(map(_failure, failures[:_FAILURES_SHOWN]))
    more = len(failures) - _FAILURES_SHOWN
    rest = f"<p class='soft'>{more} more are in the JSON report, with <code>passed</code> false.</p>" if more > 0 else ""
    return f"<h2>Failures ({len(failures)})</h2>{shown}{rest}"


def _failure(outcome: Outcome) -> str:
    wording = f", {outcome.wording}" if outcome.wording else ""
    quotes = "".join(f"<blockquote>{escape(sentence)}</blockquote>" for sentence in outcome.sentences)
    gold = "".join(f"<blockquote class='gold'>{escape(text)}</blockquote>" for text in outcome.gold)
    gold = f"<p class='soft'>Gold:</p>{gold}" if gold else ""
    return (
        f"<details><summary>{escape(short(outcome.question, 240))} <span class='soft'>{escape(outcome.id)}, "
        f"{escape((outcome.kind + wording).replace('_', ' '))}</span></summary>"
        f"<p>Expected {escape(expected(outcome))}; got <b>{escape(got(outcome))}</b>, "
        f"confidence {outcome.confidence:.2f}.</p>{quotes}{gold}</details>"
    )


def _provenance(report: Report) -> str:
    return (
        "<h2>Where these numbers come from</h2><p class='soft'>"
        f"stemqa {escape(__version__)}, library <code>{escape(report.library)}</code>, "
        f"questions <code>{escape(report.name)}</code> "
        f"with SHA-256 <code>{escape(report.sha256)}</code>. Intervals are 95 % percentile bootstrap intervals over questions, "
        "2,000 resamples with a fixed seed. An interval of one point means that no question differed, and not certainty: "
        "with no failure among n questions, a failure rate up to 3 / n remains plausible.</p>"
    )
