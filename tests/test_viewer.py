"""The source page: the whole text as text, the cited span marked by offset."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from fake_assistant import CELLS, EVIL, HOSTILE, sectioned
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Document, Section, Span
from ui.viewer import EXCERPT_CHARS, article, blocks, document_page, excerpt

TEXTS = st.text(st.sampled_from("ab .\n#-*1)\t<>&\"'é𝛼 "), min_size=1, max_size=120)


class Reader(HTMLParser):
    """Reads a page as a browser does: its text, the text inside <mark>, and the tags that it met."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.text, self.marked, self.tags, self._depth = "", "", [], 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._depth += tag == "mark"

    def handle_endtag(self, tag: str) -> None:
        self._depth -= tag == "mark"

    def handle_data(self, data: str) -> None:
        self.text += data
        self.marked += data if self._depth else ""


@given(text=TEXTS, data=st.data())
def test_article_holds_the_text_and_marks_the_span(text: str, data: st.DataObject) -> None:
    """Whatever the text, the article reads exactly as it, and what is marked is exactly the cited slice, with one target."""
    start = data.draw(st.integers(0, len(text) - 1))
    cited = Span(start, data.draw(st.integers(start + 1, len(text))))
    document = data.draw(st.sampled_from([sectioned(text, title="", source=""), Document.create(text, title="", source="")]))
    read = Reader(article(document, cited=cited))
    assert read.text == text
    assert read.marked == cited.of(text)
    assert sum(attributes.get("id") == "cited" for _, attributes in read.tags) == 1
    assert {tag for tag, _ in read.tags} <= {"p", "mark", "span", "h2", "h3", "h4", "h5", "h6"}


@given(text=TEXTS)
def test_blocks_divide_the_text(text: str) -> None:
    """The blocks of a text follow each other without gap or overlap."""
    spans = [block.span for block in blocks(Document.create(text, title="", source=""))]
    assert "".join(span.of(text) for span in spans) == text


def test_headings_paragraphs_and_items_are_told_apart() -> None:
    """A line that names the section after it is a heading, a line with a dash is an item, and the rest are paragraphs."""
    shape = [(block.kind, block.level) for block in blocks(CELLS)]
    assert shape[:2] == [("heading", 1), ("paragraph", 0)]
    assert shape[-4:] == [("heading", 1), ("paragraph", 0), ("item", 0), ("item", 0)]


def test_a_heading_needs_no_sign_and_no_blank_line() -> None:
    """Where the text holds headings as bare lines, each is a heading of its depth, and text that no section holds is not."""
    text = "Preface\nPart\nChapter\nOne. Two.\nLast\nThree."
    sections = (Section(Span(21, 30), ("Part", "Chapter")), Section(Span(36, 42), ("Part", "Last")))
    document = Document.create(text, title="", source="", sections=sections)
    found = [(block.span.of(text).strip(), block.kind, block.level) for block in blocks(document)]
    assert found == [
        ("Preface", "paragraph", 0),
        ("Part", "heading", 1),
        ("Chapter", "heading", 2),
        ("One. Two.", "paragraph", 0),
        ("Last", "heading", 2),
        ("Three.", "paragraph", 0),
    ]


def test_a_number_sign_inside_a_section_is_text() -> None:
    """A plain text file has no headings, so its lines of # are shown as they are."""
    document = Document.create("# not a heading\n\ntext", title="", source="")
    assert {block.kind for block in blocks(document)} == {"paragraph"}


def test_markup_in_a_document_is_shown_as_text() -> None:
    """Script, image, Markdown and formula in text, heading, title, source and id are shown and never run."""
    page = document_page(EVIL, cited=Span(0, len(EVIL.text)))
    read = Reader(page)
    assert page.count(HOSTILE) == 0
    assert read.text.count(HOSTILE) >= 4
    assert [tag for tag, _ in read.tags].count("script") == 1
    assert not {"img", "b", "i"} & {tag for tag, _ in read.tags}


def test_page_loads_nothing_from_elsewhere() -> None:
    """Every address on the page is a path of this server."""
    addresses = [a.get("href") or a.get("src") for _, a in Reader(document_page(CELLS)).tags if a.get("href") or a.get("src")]
    assert addresses
    assert all(str(address).startswith("/") and not str(address).startswith("//") for address in addresses)


def test_excerpt_of_a_long_document_says_that_it_is_one() -> None:
    """The panel shows what stands around the cited span of a long document, and says that there is more."""
    text = "\n\n".join(f"Line {n} of a long document." for n in range(10_000))
    start = text.index("Line 5000 ")
    read = Reader(excerpt(Document.create(text, title="", source=""), cited=Span(start, start + 9)))
    assert read.marked == "Line 5000"
    assert read.text.count("The text goes on") == 2
    assert EXCERPT_CHARS < len(read.text) < 3 * EXCERPT_CHARS


def test_a_span_beyond_the_text_is_refused() -> None:
    """A span that reaches beyond the text raises, so that nothing wrong is ever marked."""
    with pytest.raises(ValueError, match="beyond"):
        article(CELLS, cited=Span(0, len(CELLS.text) + 1))
