"""Sentence spans: right on the labelled sample, exact and complete on any text, fast on large ones."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.decode import normalise
from corpus.document import Span
from corpus.sentences import LONGEST, split_sentences

SAMPLE = Path(__file__).parent / "data" / "sentences.txt"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
PROSE = st.lists(
    st.sampled_from(
        ["Cells", "divide", "e.g.", "Dr.", "et al.", "3.5", ".", "? ", '."', "(", ")", "\n", "\r\n", "\n\n", "- ", "1. "]
    )
    | st.sampled_from(
        [" ", "; ", ": ", "e\u0301", "ß", "干细胞", "。", "[12]", "iPSCs", "...", "U.S.", "\u2028", "\t", "\ufeff", "O", "2"]
    ),
    min_size=1,
).map("".join)


def sentences(text: str) -> list[str]:
    """Return the sentences of a whole text as strings."""
    return [span.of(text) for span in split_sentences(text, Span(0, len(text)))]


def samples() -> list[tuple[str, str, list[Span]]]:
    """Return kind, text and labelled spans of each sample; in the file a sentence stands in ⟦ ⟧."""
    found = []
    for block in SAMPLE.read_text(encoding="utf-8").split("#### ")[1:]:
        kind, _, marked = block.partition("\n")
        text, spans = "", []
        for piece in re.split(r"(⟦[^⟧]*⟧)", marked.rstrip("\n")):
            if piece.startswith("⟦"):
                spans.append(Span(len(text), len(text) + len(piece) - 2))
            text += piece.strip("⟦⟧")
        found.append((kind, text, spans))
    return found


def test_sample_is_large_enough() -> None:
    """The labelled sample holds at least 250 sentences of at least 15 kinds of text."""
    assert sum(len(spans) for *_, spans in samples()) >= 250
    assert len({kind for kind, *_ in samples()}) >= 15


@pytest.mark.parametrize(("text", "labelled"), [pytest.param(text, spans, id=kind) for kind, text, spans in samples()])
def test_labelled_sentences_are_found(text: str, labelled: list[Span]) -> None:
    """Every sample is split exactly as it is labelled."""
    assert sentences(text) == [span.of(text) for span in labelled]


@pytest.mark.parametrize(
    "text",
    [
        "Dr. Park saw it.",
        "Cells, e.g. T cells, were counted.",
        "It fell by approx. 3.5 per cent vs. the control.",
        "J. R. R. Tolkien wrote it.",
        "Jones et al. (2010) agree.",
        "See Fig. 2 and No. 5 in vol. 3 on p. 12.",
        "The U.S. Senate met at St. Mary's.",
        'The question "Is it safe?" has no answer.',
        "Write to info@example.org or see www.example.org/a.B for more.",
    ],
)
def test_one_sentence_stays_whole(text: str) -> None:
    """Abbreviations, decimals, initials, inner questions and addresses do not end a sentence."""
    assert sentences(text) == [text]


def test_only_the_given_stretch_is_split() -> None:
    """Spans count in the whole text and stay inside the given stretch."""
    text = "Zero. One. Two. Three."
    assert [span.of(text) for span in split_sentences(text, Span(6, 15))] == ["One.", "Two."]


def test_citation_numbers_belong_to_the_sentence_before() -> None:
    """Numbers behind the full stop, in brackets or once raised, go with the sentence that they support."""
    assert sentences("It failed.[3, 4] It worked.12 We stopped.") == ["It failed.[3, 4]", "It worked.12", "We stopped."]


def test_a_range_of_numbers_is_no_list() -> None:
    """A dash between numbers parts no items, even in the cells of a row."""
    assert sentences("- C: 0.39 - 0.46; Si: 0.2 - 0.35; Mn: 0.65 - 1.1") == ["C: 0.39 - 0.46; Si: 0.2 - 0.35; Mn: 0.65 - 1.1"]


def test_a_series_with_dots_is_one_sentence() -> None:
    """Dots that leave out members of a series end no sentence where a comma follows them."""
    assert sentences("The cells c1, c2, . . . , cM are many.") == ["The cells c1, c2, . . . , cM are many."]


def test_numbered_lines_are_not_run_together() -> None:
    """Lines "1.1: ..." stand alone."""
    text = "1.1: Establish requirements to support the security of all\n1.2: Scale the work of those who are concerned with it"
    assert sentences(text) == text.split("\n")


def test_wrapped_lines_go_on_whatever_the_width_elsewhere() -> None:
    """How wide a text is set is told from the lines around, not from one long line far away."""
    prose = [
        "The cells were taken from the marrow of the hip of",
        "Danish donors who were asked before, and all of them",
        "agreed.",
    ]
    text = "\n".join([*prose, *(f"Row {number} of it" for number in range(9)), "x" * 170])
    assert sentences(text)[0] == "\n".join(prose)


def test_overlong_sentence_is_cut_at_a_semicolon() -> None:
    """A stretch of more than a thousand characters without a final mark is cut where it hurts least."""
    text = ", ".join(["one two three"] * 40) + "; " + ", ".join(["four five six"] * 60)
    pieces = sentences(text)
    assert pieces[0].endswith(";")
    assert all(len(piece) <= LONGEST for piece in pieces)


def test_cut_leaves_combining_marks_with_their_letter() -> None:
    """Where there is no space, an overlong run is not cut between a letter and its accent."""
    pieces = sentences("q\u0302" * 1500)
    assert len(pieces) > 1
    assert all(piece[0] == "q" for piece in pieces)


@given(ANY_TEXT | PROSE)
def test_sentences_tile_the_text(text: str) -> None:
    """Spans are trimmed, in order and disjoint, and leave out nothing but white space, list markers and wordless marks."""
    text = normalise(text)
    end, left = 0, ""
    for span in split_sentences(text, Span(0, len(text))):
        assert span.start >= end
        quote = span.of(text)
        assert quote == quote.strip()
        assert len(quote) <= LONGEST
        assert re.search(r"[^\W_]", quote)
        left += text[end : span.start] + "\n"
        end = span.end
    left += text[end:]
    markers = re.sub(r"\(?(?:\d{1,3}(?:\.\d{1,3})*|[a-zA-Z]|[ivxIVX]{1,5})[.)]\s", "", left + "\n")
    assert not re.search(r"[^\W_]", markers)


@given(PROSE)
def test_splitting_is_deterministic_and_local(text: str) -> None:
    """A stretch that ends in a blank line is split the same with and without what follows."""
    alone = split_sentences(text, Span(0, len(text)))
    longer = text + "\n\nMore follows. And more."
    assert split_sentences(longer, Span(0, len(text))) == alone


@pytest.mark.parametrize(
    "piece", ["a. ", "(", "( a. ", "- ", "1. ", ". [1]", " ", "\n", ": - a ", '."', "x", "a\n", "O\n2 ", "."]
)
def test_time_grows_no_faster_than_the_text(piece: str) -> None:
    """A hundred thousand characters of the nastiest kind take seconds at most, as they would not with a runaway pattern."""
    text = piece * (100_000 // len(piece))
    started = time.perf_counter()
    split_sentences(text, Span(0, len(text)))
    assert time.perf_counter() - started < 5
