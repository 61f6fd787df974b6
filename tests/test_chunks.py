"""Chunks: every sentence once, never across a section, about evenly long."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from corpus.chunks import chunk_document, embedding_text
from corpus.decode import normalise
from corpus.document import Document, Section, Span
from corpus.markdown import markdown_document
from corpus.plain import plain_document
from corpus.sentences import split_sentences
from stemqa import DocumentError

TEXTS = st.text(st.characters(exclude_categories=["Cs"])) | st.lists(
    st.sampled_from(
        [
            "Cells divide. ",
            "# Head\n\n",
            "\n",
            "\n\n",
            "- item\n",
            "Short Line\n",
            "word " * 30,
            "| a | b |\n|---|---|\n| c | d |\n",
        ]
    )
).map("".join)


def made_of(words: list[int]) -> Document:
    """Make a document of sentences with so many words each."""
    return Document.create(" ".join("Word" + " word" * (n - 1) + "." for n in words), title="T", source="t.txt")


def lengths(document: Document, max_words: int) -> list[int]:
    """Return the number of words of each chunk."""
    return [len(chunk.span.of(document.text).split()) for chunk in chunk_document(document, max_words=max_words)]


def test_chunks_are_balanced() -> None:
    """Thirteen sentences of ten words make two chunks of about half, not a full one and a crumb."""
    assert sorted(lengths(made_of([10] * 13), 120)) == [60, 70]


def test_limit_is_kept_unless_one_sentence_is_longer() -> None:
    """Chunks keep to the limit; a sentence beyond it is a chunk of its own."""
    assert lengths(made_of([5, 40, 5]), 20) == [5, 40, 5]


def test_section_is_never_crossed() -> None:
    """Two short sections make two chunks, each with its own headings and page."""
    text = "One. Two. Three."
    sections = (Section(Span(0, 9), ("A",), 1), Section(Span(10, 16), ("B", "C"), 2))
    chunks = chunk_document(Document.create(text, title="T", source="t", sections=sections))
    assert [(chunk.span.of(text), chunk.headings, chunk.page) for chunk in chunks] == [
        ("One. Two.", ("A",), 1),
        ("Three.", ("B", "C"), 2),
    ]


def test_list_stays_with_its_lead_in() -> None:
    """A line that ends in a colon is not parted from what it leads into when that can be avoided."""
    text = "\n\n".join(["word " * 9 + "end."] * 5 + ["These are the kinds:\n- first kind\n- second kind\n- third kind"])
    chunks = chunk_document(Document.create(text, title="T", source="t"), max_words=54)
    assert not any(chunk.span.of(text).endswith(":") for chunk in chunks)


def test_paragraphs_are_kept_whole_where_it_costs_little() -> None:
    """Of two equally even ways to part, the one between paragraphs is taken."""
    text = "Word word word word. " * 3 + "\n\n" + "Word word word word. " * 3
    document = Document.create(text.strip(), title="T", source="t")
    assert [len(chunk.sentences) for chunk in chunk_document(document, max_words=20)] == [3, 3]


def test_text_without_spaces_is_counted_by_characters() -> None:
    """Chinese has no spaces: each character counts as a word, so chunks do not grow without limit."""
    document = Document.create("干细胞可以自我更新。" * 30, title="T", source="t")
    assert all(len(chunk.span) <= 60 for chunk in chunk_document(document, max_words=60))


def test_empty_document_has_no_chunks() -> None:
    """A document without prose gives no chunk."""
    assert chunk_document(Document.create("", title="T", source="t")) == ()


def test_senseless_limit_is_refused() -> None:
    """A limit below one word is an error."""
    with pytest.raises(ValueError, match="max_words"):
        chunk_document(made_of([3]), max_words=0)


def test_embedding_text_carries_title_and_headings() -> None:
    """The text for embedding begins with title and heading path; the title is not repeated."""
    document = markdown_document("# Marrow\n\n## Where\n\n### In bones\n\nIt fills bones.", stem="m", source="m.md")
    (chunk,) = chunk_document(document)
    assert embedding_text(document, chunk) == "Marrow\nWhere > In bones\nIt fills bones."


@given(TEXTS, st.integers(1, 40), st.booleans())
def test_every_sentence_is_in_exactly_one_chunk(text: str, max_words: int, markdown: bool) -> None:  # noqa: FBT001 -- drawn
    """Chunks of any document hold the sentences of its sections, in order, once; quotes are slices; ids are unique."""
    make = markdown_document if markdown else plain_document
    try:
        document = make(normalise(text), stem="s", source="s")
    except DocumentError:
        assume(False)  # noqa: FBT003 -- hypothesis's own signature; random Markdown may hold no text at all
    chunks = chunk_document(document, max_words=max_words)
    expected = [span for section in document.sections for span in split_sentences(document.text, section.span)]
    assert [span for chunk in chunks for span in chunk.sentences] == expected
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    for chunk in chunks:
        assert sum(section.span.covers(chunk.span) for section in document.sections) == 1
        assert chunk.span.of(document.text) in embedding_text(document, chunk)
    assert chunk_document(document, max_words=max_words) == chunks
