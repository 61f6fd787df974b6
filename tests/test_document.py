"""The values of text: spans, sections, documents, chunks; and what cannot be made."""

from __future__ import annotations

import hashlib
from dataclasses import FrozenInstanceError

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Chunk, Document, Section, Span, text_sha256

SPANS = st.tuples(st.integers(0, 50), st.integers(1, 50)).map(lambda pair: Span(pair[0], pair[0] + pair[1]))


@pytest.mark.parametrize(("start", "end"), [(0, 0), (3, 3), (4, 3), (-1, 2), (-2, -1)])
def test_a_span_is_never_empty_or_negative(start: int, end: int) -> None:
    """A span needs 0 <= start < end."""
    with pytest.raises(ValueError, match=rf"0 <= start < end, got \[{start}, {end}\)"):
        Span(start, end)


@given(span=SPANS, text=st.text(min_size=100, max_size=120))
def test_a_span_is_a_slice(span: Span, text: str) -> None:
    """A span of a text is the slice of as many code points."""
    assert span.of(text) == text[span.start : span.end]
    assert len(span.of(text)) == len(span)


def test_a_span_beyond_the_text_is_refused() -> None:
    """A span is never cut short silently."""
    assert Span(0, 3).of("abc") == "abc"
    with pytest.raises(ValueError, match=r"\[1, 4\) reaches beyond a text of 3"):
        Span(1, 4).of("abc")


def test_offsets_count_code_points() -> None:
    """A sign outside the basic plane is one, a letter with a combining accent is two."""
    text = "🧬e\u0301x"
    assert [Span(i, i + 1).of(text) for i in range(4)] == ["🧬", "e", "\u0301", "x"]


@given(span=SPANS, other=SPANS, offset=st.integers(0, 9))
def test_covering_and_shifting(span: Span, other: Span, offset: int) -> None:
    """A span covers what is all inside it, and moves without changing its length."""
    assert span.covers(other) == (set(range(other.start, other.end)) <= set(range(span.start, span.end)))
    assert span.shifted(offset).shifted(-offset) == span
    assert len(span.shifted(offset)) == len(span)


def test_a_document_knows_its_hash() -> None:
    """The hash is the SHA-256 of the text in UTF-8, and its first 16 digits are the id where none is given."""
    text = "Zellen 🧬 teilen sich."
    document = Document.create(text, title="T", source="t.txt")
    assert document.sha256 == text_sha256(text) == hashlib.sha256(text.encode()).hexdigest()
    assert document.id == document.sha256[:16]
    assert Document.create(text, title="T", source="t.txt", id="mine").id == "mine"


def test_a_document_without_sections_is_one() -> None:
    """Where no sections are given, the whole text is one; an empty text has none."""
    assert Document.create("Cells.", title="T", source="t").sections == (Section(Span(0, 6)),)
    assert Document.create("", title="T", source="t").sections == ()
    assert Document.create("Cells.", title="T", source="t", sections=()).sections == ()


@pytest.mark.parametrize("spans", [[Span(0, 7)], [Span(0, 3), Span(2, 5)], [Span(3, 5), Span(0, 2)]])
def test_sections_are_inside_disjoint_and_in_order(spans: list[Span]) -> None:
    """Sections that leave the text, overlap or go backwards are refused, with the document's id."""
    with pytest.raises(ValueError, match="document 'd': section"):
        Document.create("Cells.", title="T", source="t", id="d", sections=tuple(map(Section, spans)))


def test_values_do_not_change() -> None:
    """A document's fields and its metadata cannot be set, and the mapping it was made of is not kept."""
    meta: dict[str, str | tuple[str, ...]] = {"date": "2026"}
    document = Document.create("Cells.", title="T", source="t", meta=meta)
    meta["date"] = "1999"
    assert document.meta == {"date": "2026"}
    with pytest.raises(TypeError):
        document.meta["date"] = "x"  # type: ignore[index]
    with pytest.raises(FrozenInstanceError):
        document.text = "x"  # type: ignore[misc]


def test_a_chunk_is_named_by_its_place() -> None:
    """A chunk spans its sentences, has its section's headings and page, and the same id each time it is made."""
    document = Document.create("Cells divide. They rest. They die.", title="T", source="t", id="d")
    section = Section(Span(0, 34), ("Head",), page=2)
    sentences = (Span(14, 24), Span(25, 34))
    chunk = Chunk.create(document, sentences, section)
    assert chunk == Chunk("d:14-34", "d", Span(14, 34), sentences, ("Head",), 2)
    assert chunk == Chunk.create(document, sentences, section)
