"""How sure a short answer must be to be marked, and how brought passages are calibrated: on data that a person can compute."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

pytest.importorskip("sklearn")

from conftest import HashEmbedder

from rag.calibration import SIMILARITY
from rag.extract import Extractor
from training.emphasis import FEWEST, TARGET, Mark, fit_emphasis, report_emphasis, word_f1
from training.extraction import Row, balanced_f1, beside, calibrate, holding, mixed, read_rows


@pytest.mark.parametrize(
    ("one", "other", "f1"),
    [("The 8 days", "8 days.", 1.0), ("ten days", "in ten long days", 2 * 2 / 6), ("ten", "two", 0.0), ("the", "a", 1.0)],
)
def test_word_f1_is_that_of_squad(one: str, other: str, f1: float) -> None:
    """Articles, capitals and punctuation do not count; words count as often as both have them."""
    assert word_f1(one, other) == pytest.approx(f1)


def test_the_margin_is_where_the_mean_falls_below_the_target() -> None:
    """Marks are taken from the surest on while their mean F1 is at the target; those without a short answer change nothing."""
    right = [Mark(-0.01 * i, 1.0) for i in range(1, 31)]
    wrong = [Mark(-1 - 0.01 * i, 0.0) for i in range(60)]
    allowed = int(30 / TARGET) - 30
    least = fit_emphasis([*wrong, None, *right])
    assert least == wrong[allowed - 1].certainty
    found = report_emphasis([*wrong, None, *right], least)
    assert found["marked"] == pytest.approx((30 + allowed) / 91, abs=1e-4)
    assert found["F1"] >= TARGET
    assert found["right"] == found["F1"]


def test_too_few_or_too_bad_marks_give_none() -> None:
    """Where no stretch of enough marks reaches the target, the margin is 0, at which nothing is marked."""
    assert fit_emphasis([Mark(-0.1, 1.0)] * (FEWEST - 1)) == 0.0
    assert fit_emphasis([Mark(-0.1, 0.5)] * 100) == 0.0
    assert report_emphasis([Mark(-0.1, 1.0)], 0.0) == {"questions": 1, "marked": 0.0}


def _rows() -> list[Row]:
    """Make rows of which every second answers, in one sentence or in two."""
    rows = []
    for i in range(60):
        sentences = ["Bone is hard.", f"Platelet{i} lives ten days.", f"Old platelet{i} lives on.", "Skin is soft."]
        kept = sentences if i % 2 else sentences[::3] * 2
        text = " ".join(kept)
        gold = [s for s in sentences[1:3] if s in text][: 1 + i % 4 // 3]
        places = tuple((0, text.index(s), text.index(s) + len(s)) for s in gold)
        rows.append(Row(f"How long platelet{i} lives", (text,), places))
    return rows


def test_what_is_fitted_tells_answers_from_none() -> None:
    """On rows that are plain to see, the fitted calibration separates those that answer, and shows what answers."""
    reads = read_rows(Extractor(HashEmbedder(), None), _rows())
    calibration = calibrate(reads, SIMILARITY)
    judged = [calibration.judge(r.found).answerable for r in reads]
    yes = [p for p, r in zip(judged, reads, strict=True) if r.row.gold]
    no = [p for p, r in zip(judged, reads, strict=True) if not r.row.gold]
    assert min(yes) > sorted(no)[-3]  # two questions share a place of the word-hash embedder with what does not answer
    assert 0 < calibration.threshold <= sorted(yes)[len(yes) // 10]
    assert balanced_f1(reads, calibration) > 0.7


def test_passages_brought_along_do_not_move_what_answers() -> None:
    """Wherever the row's passage is put among others, its gold is the same text, and no other passage holds it."""
    rng = random.Random(1)
    for row in beside(_rows(), rng):
        for passage, start, end in row.gold:
            quote = row.passages[passage][start:end]
            assert "latelet" in quote
            assert sum(quote in text for text in row.passages) == 1
    row = mixed(Row("q", ("The text.",), ((0, 0, 9),)), ["a", "b"], rng)
    ((place, start, end),) = row.gold
    assert row.passages[place][start:end] == "The text."


def test_sentences_that_hold_an_answer_are_found_by_words() -> None:
    """A short answer is looked for as whole words, in every sentence; inside another word it is not found."""
    text = "It was 1973. In May of 1973, it ended. The 19731 others stayed."
    assert [text[a:b] for _, a, b in holding(text, ["1973"])] == ["It was 1973.", "In May of 1973, it ended."]
