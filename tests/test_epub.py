"""EPUB: chapters arrive whole and in the order in which a book is read."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import pytest
from hypothesis import given, settings
from parsing import BOMB, PARAGRAPHS, ZOO, bodies, check_order, check_quotes, zipped

from corpus.document import Document
from corpus.epub import epub_document
from stemqa import DocumentError

XHTML = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title/></head><body>{}</body></html>'
CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/book.opf"/></rootfiles></container>'
)
FACTS = "<dc:title>Cells of the Blood</dc:title><dc:creator>A. Able</dc:creator><dc:language>en</dc:language>"


def parts(chapters: Sequence[str], *, facts: str = FACTS, spine: str = "") -> dict[str, str]:
    """Return the parts of a book; chapter files are named against their order in the spine."""
    names = [f"text/{len(chapters) - number:03} of.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="c{number}" href="{name.replace(" ", "%20")}" media-type="application/xhtml+xml"/>'
        for number, name in reversed(list(enumerate(names)))
    )
    order = spine or "".join(f'<itemref idref="c{number}"/>' for number in range(len(chapters)))
    opf = (
        '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        f'{facts}</metadata><manifest>{items}<item id="nav" properties="nav" '
        'href="nav.xhtml" media-type="application/xhtml+xml"/>'
        f'</manifest><spine><itemref idref="nav"/>{order}</spine></package>'
    )
    texts = {f"OEBPS/{name}": XHTML.format(chapter) for name, chapter in zip(names, chapters, strict=True)}
    nav = {"OEBPS/nav.xhtml": XHTML.format("<p>List of contents</p>")}
    return {"mimetype": "application/epub+zip", "META-INF/container.xml": CONTAINER, "OEBPS/book.opf": opf} | nav | texts


def read(files: dict[str, str]) -> Document:
    return epub_document(zipped(files), stem="book", source="books/book.epub")


@settings(deadline=None, max_examples=60)
@given(chapters=PARAGRAPHS)
def test_chapters_arrive_in_the_order_of_the_spine(chapters: list[str]) -> None:
    """Whatever the chapters hold and their files are called, they are read in order, and every sentence is a slice."""
    document = read(parts([f"<p>{escape(chapter)}</p>" for chapter in chapters]))
    check_order(document, chapters)
    check_quotes(document)


def test_headings_facts_and_source() -> None:
    """The book's title heads no section; authors and language are kept; the list of contents is not read."""
    document = read(
        parts(["<h1>Cells of the Blood</h1><p>To my cat.</p>", "<h1>Marrow</h1><h2>Stem cells</h2><p>They renew.</p>"])
    )
    assert (document.title, document.source) == ("Cells of the Blood", "books/book.epub")
    assert document.meta == {"authors": ("A. Able",), "language": "en"}
    assert bodies(document) == [((), "To my cat."), (("Marrow", "Stem cells"), "They renew.")]


def test_notes_and_page_numbers_are_left_out() -> None:
    """Marks of notes, the notes, page numbers and chapters beside the reading order are no text."""
    chapter = (
        '<p>It is so.<a epub:type="noteref" href="#n">1</a> And<span epub:type="pagebreak">17</span> so on.</p>'
        '<aside epub:type="footnote" id="n"><p>Not always.</p></aside><script/><p>End.</p>'
    )
    spine = '<itemref idref="c0"/><itemref idref="c1" linear="no"/>'
    assert read(parts([chapter, "<p>Answers.</p>"], spine=spine)).text == "It is so. And so on.\n\nEnd."


def test_the_heading_of_a_box_is_not_that_of_the_text_behind_it() -> None:
    """A box interrupts a section and ends with itself."""
    document = read(parts(["<h1>Marrow</h1><p>One.</p><aside><h2>Note</h2><p>Two.</p></aside><p>Three.</p>"]))
    assert bodies(document) == [(("Marrow",), "One.\n\nNote\n\nTwo.\n\nThree.")]


def test_titles_that_a_program_filled_in_are_passed_over() -> None:
    """The first heading is a better title than "Untitled document", and the file's name better than none."""
    facts = "<dc:title>Untitled document</dc:title>"
    assert read(parts(["<h2>Marrow</h2><p>One.</p>"], facts=facts)).title == "Marrow"
    assert read(parts(["<p>One.</p>"], facts=facts)).title == "book"


def test_chapters_that_are_not_well_formed_are_read_all_the_same() -> None:
    """As reading devices do; entities of HTML are known."""
    assert read(parts(["<p>Caf&eacute;&nbsp;au<br>lait</p>"])).text == "Café au\nlait"


@pytest.mark.parametrize("entity", ["g", "outside", "a"])
def test_entities_are_not_expanded(entity: str) -> None:
    """A chapter that uses an entity bomb, an entity of another file or one of its own is refused."""
    files = parts(["<p>One.</p>"])
    files["OEBPS/text/001 of.xhtml"] = BOMB + XHTML.format(f"<p>One &{entity}; two.</p>")
    with pytest.raises(DocumentError, match=r"is truncated or broken XML|an entity of its own"):
        read(files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.txt": "x"}, r"is a ZIP archive, not a book \(EPUB\)"),
        ({"META-INF/container.xml": "<container/>"}, "is truncated or damaged: its container names no book"),
        ({"META-INF/container.xml": CONTAINER}, "is truncated or damaged: its part OEBPS/book.opf is missing"),
        ({"META-INF/container.xml": CONTAINER, "OEBPS/book.opf": "<package>"}, "is truncated or broken XML"),
        (parts(["<p/>"]), "holds no text"),
        (
            parts(["<p>One.</p>"]) | {"META-INF/encryption.xml": '<e><CipherReference URI="OEBPS/text/001%20of.xhtml"/></e>'},
            "is encrypted",
        ),
    ],
)
def test_what_is_no_readable_book_is_refused(files: dict[str, str], message: str) -> None:
    """A package without a book, a damaged one, one without text and a protected one are refused in one line."""
    with pytest.raises(DocumentError, match=message):
        read(files)


@pytest.mark.shared
@pytest.mark.skipif(not ZOO.exists(), reason="needs ../shared/eval/docs_zoo")
def test_real_books() -> None:
    """A poem's lines, an Arabic chapter and a manual's sections are read."""
    poetry = epub_document((ZOO / "docling/epub_purvis_poetry.epub").read_bytes(), stem="s", source="s")
    assert "The cold storms of winter shall chill him no more,\nHis woes and his sorrows" in poetry.text
    arabic = epub_document((ZOO / "epub3-samples/regime-anticancer-arabic.epub").read_bytes(), stem="s", source="s")
    assert "من أين تأتي الحياة؟" in [heading for section in arabic.sections for heading in section.headings]
    manual = epub_document((ZOO / "epub3-samples/accessible_epub_3.epub").read_bytes(), stem="s", source="s")
    assert manual.title == "Accessible EPUB 3"
    assert len(manual.text) > 150_000
    check_quotes(manual)
