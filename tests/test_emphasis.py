"""Short answers within a sentence: which span of tokens, and as which words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from embeddings.emphasis import LONGEST_WORDS, SHARE, ShortAnswer, likeliest, log_total, whole_words
from embeddings.evidence_input import Input

LONG = "The words of this sentence are here to make it long enough for what is marked, "


@pytest.mark.parametrize(
    ("sentence", "found", "expected"),
    [
        ("They live for eight to ten days in blood.", "eight to ten days", "eight to ten days"),
        ("They live for eight to ten days in blood.", "ght to ten da", "eight to ten days"),
        ("It was found in Vienna, in October 1973.", " in Vienna,", "in Vienna"),
        ("The share rose to 3.5% within a year.", "5", "3.5%"),
        ("It costs as much as $1,000 or so a year.", "1", "$1,000"),
        ("The well-known drug acts on nitric oxide (NO) in cells.", "nitric oxide (NO", "nitric oxide (NO)"),
        ("Most of the patients live in the U.S. today.", "the U.S", "the U.S."),
        ("A donor's cells may attack the host’s own skin.", "host", "host’s"),
        ("Many say (with reason) that it works so very well.", "(", None),
        ("Short one.", "Short one", None),
    ],
)
def test_an_answer_is_marked_as_whole_words(sentence: str, found: str, expected: str | None) -> None:
    """The mark begins and ends with a word, keeps figures and brackets whole, and is much less than the sentence."""
    start = sentence.index(found)
    place = whole_words(sentence, ShortAnswer(1.0, -0.1, start, start + len(found)))
    assert (sentence[slice(*place)] if place else None) == expected


def test_a_long_answer_is_not_marked() -> None:
    """Twelve words may be marked, and thirteen not."""
    sentence = LONG + " ".join(f"w{i}" for i in range(30)) + "."
    start = sentence.index("w0")
    places = [whole_words(sentence, ShortAnswer(1.0, -0.1, start, sentence.index(f" w{n}"))) for n in (12, 13)]
    assert LONGEST_WORDS == 12
    assert [bool(place) for place in places] == [True, False]


@settings(deadline=None)  # a busy machine is no failure
@given(st.text(min_size=1, max_size=80), st.data())
def test_a_mark_lies_in_its_sentence(sentence: str, data: st.DataObject) -> None:
    """For any text and any span, what is marked lies in the sentence, is not empty, and is at most its share of it."""
    start = data.draw(st.integers(0, len(sentence) - 1))
    end = data.draw(st.integers(start + 1, len(sentence)))
    place = whole_words(sentence, ShortAnswer(0.0, 0.0, start, end))
    if place is not None:
        assert 0 <= place[0] < place[1] <= len(sentence)
        assert place[1] - place[0] <= SHARE * len(sentence)
        assert sentence[slice(*place)] == sentence[slice(*place)].strip()


def test_the_likeliest_span_begins_before_it_ends() -> None:
    """The best end before the best begin is passed over; certainty is the share of all spans and "nowhere"; by hand."""
    row = Input((101, 5, 6, 7, 102), (0, 1, 1, 1, 1), (-1, 0, 0, 0, -1), ((0, 0), (0, 3), (4, 7), (8, 11), (0, 0)))
    logits = np.zeros((5, 4), np.float32)
    logits[1:4, 2] = [0, 4, 0]  # begins
    logits[1:4, 3] = [5, 0, 3]  # ends
    logits[0, 2:] = [1, 1]  # nowhere
    logits[4, 2:] = 99  # no part of the passage
    total = log_total(row, logits)
    expected = np.log(2 + np.exp(4) + np.e) + np.log(1 + np.exp(5) + np.exp(3) + np.e)
    assert total == pytest.approx(float(expected))
    found = likeliest(row, logits, np.array([1, 2, 3]), total=total)
    assert (found.start, found.end) == (4, 11)
    assert found.over == pytest.approx(4 + 3 - 2)
    assert found.certainty == pytest.approx(7 - float(expected))
