"""Text as given and its normal form: the same text, and the way back for every offset."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from corpus.decode import normalise
from corpus.document import Span
from corpus.given import Given

# Letters, marks below and above, Hangul that composes over two letters, a vowel sign of two parts, newlines of three kinds.
TRICKY = st.text(
    alphabet="ae\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}\u1100\u1161\u11a8\uac00\u0b95\u0bc6\u0bbe\r\n ñ𝄞\u2126"
)


@example("\r\r\n\n")
@example("\u1100\u1161\u11a8\u11a8")
@example("\N{COMBINING ACUTE ACCENT}a\N{COMBINING ACUTE ACCENT}\N{COMBINING DOT BELOW}")
@given(st.one_of(TRICKY, st.text()))
def test_the_text_is_normalised_as_documents_are(text: str) -> None:
    """The normal form is that of loading; offsets never fall, begin at 0 and end at the given text's length."""
    found = Given.of(text)
    assert found.text == normalise(text)
    assert len(found.offsets) == len(found.text) + 1
    assert found.offsets[-1] == len(text)
    assert found.offsets[0] == 0
    assert all(a <= b for a, b in pairwise(found.offsets))


@given(st.one_of(TRICKY, st.text()), st.data())
def test_a_span_leads_back_to_what_it_was_made_of(text: str, data: st.DataObject) -> None:
    """The given stretch that a span leads back to, normalised, is the span's text, but for characters cut in two."""
    found = Given.of(text)
    if not found.text:
        return
    start = data.draw(st.integers(0, len(found.text) - 1))
    end = data.draw(st.integers(start + 1, len(found.text)))
    back = found.span(Span(start, end))
    whole = [i for i in (start, end) if i == len(found.text) or i == 0 or found.offsets[i] != found.offsets[i - 1]]
    if len(whole) == 2:
        assert back is not None
        assert normalise(back.of(text)) == found.text[start:end]


@pytest.mark.parametrize(
    ("text", "sentence", "expected"),
    [
        ("Cafe\N{COMBINING ACUTE ACCENT}s open. They close.", "They close.", "They close."),
        ("One.\r\nTwo.\rThree.", "Three.", "Three."),
        ("A cafe\N{COMBINING ACUTE ACCENT}", "caf\N{LATIN SMALL LETTER E WITH ACUTE}", "cafe\N{COMBINING ACUTE ACCENT}"),
    ],
)
def test_offsets_count_the_text_as_given(text: str, sentence: str, expected: str) -> None:
    """After an accent typed as two characters, or a newline of two, spans still fit the given text."""
    found = Given.of(text)
    start = found.text.index(sentence)
    back = found.span(Span(start, start + len(sentence)))
    assert back is not None
    assert back.of(text) == expected


def test_a_part_of_one_character_leads_nowhere() -> None:
    """A span of one of the two characters that one given character became has no place of its own."""
    found = Given.of("\N{MUSICAL SYMBOL HALF NOTE}")
    assert len(found.text) == 2
    assert found.span(Span(0, 1)) is None
