"""The report as a table and as a page: complete, self-contained, and safe with hostile text."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from evaluation_fakes import Assistant
from test_evaluate import FOUND, LIBRARY, REPLIES, beir, evaluated, many, question_set

from rag.compare import compare, read_baseline
from rag.metrics import Bin, CurvePoint, Estimate
from rag.reply import Reason
from rag.settings import Settings
from stemqa import QuestionSetError, SettingsError
from ui.evaluation import Job, run
from ui.plots import Frame, bars_plot, latency_plot, reliability_plot, risk_coverage_plot, ticks
from ui.report import exit_code, table, write_report
from ui.report_page import page

VOID = {"meta"}
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class Checker(HTMLParser):
    """Counts tags, and fails on one that is not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.seen: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        self.seen.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def parsed(html: str) -> Checker:
    checker = Checker()
    checker.feed(html)
    checker.close()
    assert checker.open == []
    return checker


def test_the_table_shows_each_measure_with_its_interval(tmp_path: Path) -> None:
    """Each score is a line with value, interval and number of questions; failures stand below with what was answered."""
    report = evaluated(tmp_path)
    text = table(report)
    for score in report.scores:
        e = score.estimate
        assert re.search(rf"{re.escape(score.measure.title)} +{e.value:.3f}  \[{e.low:.3f}, {e.high:.3f}\]  n = {e.n}\n", text)
    assert "5 failures" in text
    assert "a3: a3\n    expected the gold sentence; got a refusal: no evidence" in text
    assert "expected a refusal: no evidence or out of scope; got an answer\n    > Stem cells can renew themselves." in text
    assert "p50 10.0 [10.0, 10.0]" in text
    assert max(map(len, text.splitlines())) <= 128


def test_the_page_is_well_formed_and_loads_nothing(tmp_path: Path) -> None:
    """Every tag is closed in order; there is no script, link, image or address; and all four plots are there."""
    html = page(evaluated(tmp_path))
    checker = parsed(html)
    assert checker.seen.count("figure") == 4
    assert not {"script", "link", "img", "iframe", "a", "object"} & set(checker.seen)
    assert not re.search(r"https?:|url\(|src=|@import", html)
    for name in ("Risk-coverage curve", "Reliability diagram", "Gold sentences by wording", "Latency distribution"):
        assert f'aria-label="{name}"' in html
    assert "Gold sentence in the answer" in checker.text
    assert "Failures (5)" in checker.text


def test_hostile_text_is_shown_as_text(tmp_path: Path) -> None:
    """Markup in a question, an id, a sentence, a gold, the set's name and the library's name stays text."""
    report = evaluated(tmp_path)
    outcome = replace(report.failures[0], id=HOSTILE, question=HOSTILE, sentences=(HOSTILE,), gold=(HOSTILE,))
    html = page(replace(report, name=HOSTILE, library=HOSTILE, sha256=HOSTILE, outcomes=(outcome,)))
    checker = parsed(html)
    assert not {"script", "img"} & set(checker.seen)
    assert checker.text.count(HOSTILE) >= 7


def test_a_citation_that_is_not_exact_fails_the_evaluation_aloud(tmp_path: Path) -> None:
    """Table and page say so, and the exit code is 1; without one it is 0."""
    wrong = replace(LIBRARY.cite(1, "cells", 0), quote="Nothing of the kind.")
    report = evaluated(tmp_path, "u1", u1=replace(LIBRARY.refusal(Reason.NO_EVIDENCE), nearest=(wrong,)))
    assert exit_code(report) == 1
    assert "BROKEN: 1 replies" in table(report)
    assert "class='alert bad'" in page(report)
    assert exit_code(evaluated(tmp_path)) == 0
    assert "BROKEN" not in table(evaluated(tmp_path))


def test_a_worse_measure_fails_the_evaluation_aloud(tmp_path: Path) -> None:
    """Against a better baseline the exit code is 1 and the measure is named in table and page; against itself it is 0."""
    good, bad = many(tmp_path, right=55), many(tmp_path, right=35)
    data, shown = write_report(good, tmp_path / "new" / "folder")
    assert json.loads(data.read_text(encoding="utf-8"))["schema"] == 1
    assert shown.read_text(encoding="utf-8") == page(good)
    comparison = compare(bad, read_baseline(data))
    assert exit_code(bad, comparison) == 1
    assert re.search(r"Gold sentence in the answer +0\.917 -> 0\.583  -0\.333  p 0\.\d+  WORSE", table(bad, comparison))
    assert "significantly worse: gold_in_answer" in table(bad, comparison)
    html = page(bad, comparison)
    parsed(html)
    assert "<td class='worse'>worse</td>" in html
    assert exit_code(good, compare(good, read_baseline(data))) == 0


def test_a_report_of_retrieval_alone_has_no_empty_parts(tmp_path: Path) -> None:
    """Without replies there is no curve, no confusion table and no failure, and the page is still well formed."""
    report = evaluated(tmp_path, "a1")
    bare = replace(report, scores=report.scores[:2], wordings={}, curve=(), bins=(), latency_ms={}, outcomes=())
    html = page(bare)
    parsed(html)
    assert "<figure" not in html
    assert "Failures" not in html
    assert "latency" not in table(bare)


def test_many_failures_are_cut_and_counted(tmp_path: Path) -> None:
    """The page shows the first 300 failures and says how many more the JSON holds."""
    report = evaluated(tmp_path)
    html = page(replace(report, outcomes=report.failures[:1] * 305))
    assert html.count("<details>") == 300
    assert "5 more are in the JSON report" in html


def test_the_corners_of_a_frame_are_the_corners_of_the_plot() -> None:
    """0 is at the left and at the bottom, the greatest value at the right and at the top."""
    frame = Frame(x_max=200, y_max=0.5)
    assert (frame.x(0), frame.x(200), frame.y(0), frame.y(0.5)) == (52, 444, 254, 14)
    assert frame.x(100) == (52 + 444) / 2


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (1, (0, 0.2, 0.4, 0.6, 0.8, 1)),
        (0.3, (0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3)),
        (126, (0, 20, 40, 60, 80, 100, 120)),
        (9, (0, 2, 4, 6, 8)),
    ],
)
def test_ticks_are_round(end: float, expected: tuple[float, ...]) -> None:
    """Ticks are multiples of 1, 2 or 5 times a power of ten."""
    assert ticks(end) == expected


def test_plots_put_their_marks_where_the_numbers_say() -> None:
    """A curve point, a bin, a whisker and the end of a distribution have the pixels of their values."""
    curve = (CurvePoint(0.5, 0.0, 0.9), CurvePoint(1.0, 0.1, 0.2))
    drawn = risk_coverage_plot(curve, CurvePoint(0.75, 0.05, 0.5))
    assert 'd="M248 254 L444 14"' in drawn
    assert '<circle class="mark" cx="346.0" cy="134.0"' in drawn
    assert 'cx="385.2" cy="74.0"' in reliability_plot((Bin(0.8, 0.9, 10, 0.85, 0.75),))
    whisker = '<line class="whisker" x1="280.0" x2="408.0"'
    assert whisker in bars_plot([("plain", [("gold", Estimate(0.8, 0.5, 0.9, 9))])], "t")
    assert "L430 14" not in latency_plot([("total", [1.0, 2.0])])
    assert re.search(r"M\S+ 254 L\S+ 134 L425\.33 14", latency_plot([("total", [1.0, 2.0])]))


class Opener:
    """Stands in for the class Assistant: opening gives a hand-made assistant and notes the library's folder."""

    def __init__(self) -> None:
        self.opened: list[Path] = []
        self.indexed: list[tuple[list[Path], Path]] = []

    def open(self, settings: Settings) -> Assistant:
        self.opened.append(settings.library)
        return Assistant(LIBRARY, REPLIES, FOUND | {"a": LIBRARY.hits(("risks", 0))})

    def index(self, paths: list[Path], settings: Settings, **_: object) -> bool:
        self.indexed.append((paths, settings.library))
        return True


@pytest.fixture
def opener(monkeypatch: pytest.MonkeyPatch) -> Opener:
    found = Opener()
    monkeypatch.setattr("ui.evaluation.Assistant", found)
    monkeypatch.setattr("ui.evaluation.index", found.index)
    return found


def command(job: Job, told: list[str]) -> int:
    return run(job, Settings(), tell=told.append, progress=lambda _what, _done, _total: None)


def test_the_command_prints_writes_and_compares(tmp_path: Path, opener: Opener, capsys: pytest.CaptureFixture[str]) -> None:
    """A first run writes both files and returns 0; a second compares with the first; only the table is on stdout."""
    question_set(tmp_path)
    told: list[str] = []
    first = Job(tmp_path / "set.jsonl", output=tmp_path / "out")
    assert command(first, told) == 0
    assert told == [f"wrote {tmp_path / 'out' / name}" for name in ("evaluation.json", "evaluation.html")]
    assert capsys.readouterr().out.startswith("set.jsonl: 13 questions")
    assert command(replace(first, output=None, baseline=tmp_path / "out" / "evaluation.json"), told) == 0
    assert "13 questions paired, the same question set" in capsys.readouterr().out
    assert opener.opened == [Settings().library] * 2
    assert opener.indexed == []


def test_an_unusable_baseline_is_told_before_anything_is_opened(tmp_path: Path, opener: Opener) -> None:
    """The library is not opened when the baseline is missing."""
    with pytest.raises(QuestionSetError, match="baseline"):
        command(Job(tmp_path / "set.jsonl", baseline=tmp_path / "none.json"), [])
    assert opener.opened == []


@pytest.mark.parametrize("name", ["file", "file/below"])
def test_an_output_that_cannot_be_written_is_told_before_anything_is_opened(tmp_path: Path, opener: Opener, name: str) -> None:
    """Neither a file nor what would lie below one can be the folder of the report; no work is done in vain."""
    (tmp_path / "file").touch()
    with pytest.raises(SettingsError, match=rf"--output .*{name} cannot be written to: .*; name a folder"):
        command(Job(tmp_path / "set.jsonl", output=tmp_path / name), [])
    assert opener.opened == []


def test_a_folder_is_evaluated_on_a_library_of_its_own(tmp_path: Path, opener: Opener) -> None:
    """A library of corpus.jsonl is built in a temporary folder, or once where it is to be kept; one that is there stays."""
    job = Job(beir(tmp_path))
    assert command(job, []) == 0
    assert opener.indexed == [([tmp_path / "corpus.jsonl"], opener.opened[0])]
    assert opener.opened[0] != Settings().library
    assert not opener.opened[0].parent.exists()
    kept = tmp_path / "kept"
    command(replace(job, keep=kept), [])
    kept.mkdir()
    (kept / "manifest.json").touch()
    command(replace(job, keep=kept), [])
    assert [folder for _, folder in opener.indexed[1:]] == [kept]
    assert opener.opened[1:] == [kept, kept]
