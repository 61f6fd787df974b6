"""HTML: the main text of a page arrives whole and in order, and nothing from around it."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given, settings
from parsing import PARAGRAPHS, ZOO, bodies, check_order, check_quotes

from corpus.document import Document
from corpus.html import html_document
from stemqa import DocumentError

PROSE = "Stem cells renew themselves for as long as a person lives, and they give rise to all the cells of the blood."
MORE = "The thymus is where young T cells learn to tell the body's own cells from those of an intruder."


def read(markup: str | bytes) -> Document:
    return html_document(markup.encode() if isinstance(markup, str) else markup, stem="page", source="folder/page.html")


def page(body: str, head: str = "") -> str:
    return f"<!DOCTYPE html><html lang=en><head><meta charset=utf-8>{head}</head><body>{body}</body></html>"


def article(body: str, head: str = "") -> str:
    return page(f"<main><h1>Cells</h1><p>{PROSE}</p><p>{MORE}</p>{body}</main>", head)


@settings(deadline=None, max_examples=60)
@given(paragraphs=PARAGRAPHS)
def test_paragraphs_arrive_in_order_and_are_quoted_exactly(paragraphs: list[str]) -> None:
    """Whatever the paragraphs of an article are, each is there, and every sentence is a slice of the text."""
    prose = [f"{PROSE} {paragraph} {MORE}" for paragraph in paragraphs]
    document = read(page("<article>" + "".join(f"<p>{escape(paragraph)}</p>" for paragraph in prose) + "</article>"))
    check_order(document, prose)
    check_quotes(document)


def test_navigation_is_left_out() -> None:
    """Menus, foot lines, scripts, styles and what is hidden are no text of a page."""
    around = (
        "<nav><a href=/>Home page</a></nav><div role=banner>Our brand</div><script>var a = 'code'</script><style>p {}</style>"
    )
    below = "<footer>All rights reserved.</footer><p hidden>Not to be seen.</p><div style='display: none'>Nor this.</div>"
    document = read(page(f"{around}<main><h1>Cells</h1><p>{PROSE}</p><p>{MORE}</p></main>{below}"))
    assert document.text == f"Cells\n\n{PROSE}\n\n{MORE}"


def test_headings_make_sections() -> None:
    """The title's heading is in no path; a reference list is left out with its heading, and what follows it is read."""
    document = read(
        article(f"<h2>Thymus</h2><p>{MORE} It shrinks.</p><h2>References</h2><p>{PROSE} 1990.</p><h2>Marrow</h2><p>{PROSE}</p>")
    )
    assert document.title == "Cells"
    assert bodies(document) == [((), f"{PROSE}\n\n{MORE}"), (("Thymus",), f"{MORE} It shrinks."), (("Marrow",), PROSE)]


def test_bold_paragraphs_are_headings() -> None:
    """A short paragraph all in bold names what follows it; a bold sentence is prose."""
    dated = f"<p><b>May 13, 6:30pm ET</b></p><p>{MORE}</p>"
    bold = f"{dated}<p><b>Of the thymus</b></p><p>{MORE}</p><p><b>It shrinks with age.</b></p><p>{PROSE}</p>"
    assert bodies(read(article(bold)))[1:] == [(("Of the thymus",), f"{MORE}\n\nIt shrinks with age.\n\n{PROSE}")]


def test_numbered_notes_at_the_end_are_left_out() -> None:
    """Paragraphs "[1] ..." to which marks in the text lead are no text; a list that nothing leads to is."""
    notes = "".join(
        f"<p>[{number}] <a href=/{number}>Of the cells of the blood, and where they are made</a></p>" for number in (1, 2, 3)
    )
    cited = f"<p>{PROSE}[1] {MORE}[2] It shrinks as people grow old.[3]</p>"
    assert read(article(cited + notes)).text.endswith("grow old.[3]")
    assert "[3] Of the cells" in read(article(notes)).text


def test_what_is_classed_as_navigation_is_left_out() -> None:
    """The names that frameworks give to what surrounds the text tell it apart."""
    around = "<div class='navbar top'>v t e</div><ol class=breadcrumbs><li>Home</ol><p>Cells<i class=noprint>edit</i>.</p>"
    text = read(article(around)).text
    assert "Home" not in text
    assert "edit" not in text
    assert "v t e" not in text


def test_a_whole_book_in_one_page_is_read() -> None:
    """A page of thousands of paragraphs is read in seconds and to its end, without its menus."""
    prose = [f"{PROSE} So says paragraph {number}." for number in range(6000)]
    document = read(page("<nav>Menu</nav>" + "".join(f"<p>{paragraph}</p>" for paragraph in prose)))
    assert document.text == "\n\n".join(prose)


def test_a_heading_without_text_is_left_out() -> None:
    """A heading below which nothing is kept leads nowhere."""
    assert "Related" not in read(article("<h2>Related</h2><nav><a href=/x>Other page</a></nav>")).text


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("10<sup>9</sup> cells per m<sup>2</sup>", "10⁹ cells per m²"),
        ("kg<sup>-1</sup> and (kg ECM)<sup>−1</sup>", "kg⁻¹ and (kg ECM)⁻¹"),
        ("H<sub>2</sub>O, CD34<sup>+</sup> and the 1<sup>st</sup>", "H2O, CD34+ and the 1st"),
        ("It was shown<sup><a href='#r12'>12</a></sup> and said<sup class=reference>[3]</sup>.", "It was shown and said."),
        ("one<br>two <b>thr</b>ee&nbsp;four so\u00adft", "one\ntwo three four soft"),
        ("a<wbr>b <!-- not this -->c", "ab c"),
        ("<span>glued</span><span>words</span> and <a href=x>a link</a>.", "gluedwords and a link."),
    ],
)
def test_inline_text(markup: str, text: str) -> None:
    """Powers stay powers, marks of notes go, line breaks stay, and no word is glued to its neighbour or torn."""
    assert read(page(f"<p>{markup}</p>")).text == text


def test_lists_and_tables() -> None:
    """Items have their markers and indents; rows carry the names of their columns, over merged cells too."""
    lists = "<ul><li>One<ol start=3><li>Three</li><li><p>Four</p><p>more</p></li></ol></li><li></li><li>Two</li></ul>"
    table = (
        "<table><thead><tr><th rowspan=2>Cell<th colspan=2>Count</tr><tr><th>Mean<th>SD</tr></thead>"
        "<tr><td rowspan=2>T cell<td>1<td>2</tr><tr><td>3<td></tr><tr><td colspan=3>All counts are made up.</tr></table>"
    )
    assert read(page(lists + table)).text == (
        "- One\n  3. Three\n  4. Four\n\n     more\n- Two\n\n"
        "- Cell: T cell; Count Mean: 1; Count SD: 2\n- Cell: T cell; Count Mean: 3\n- Cell: All counts are made up."
    )


def test_tables_that_lay_out_a_page_are_read_as_text() -> None:
    """A table of one column, or one that holds mostly other tables, is no table; a small table in a cell is its text."""
    inner = f"<table><tr><td>Born:</td><td>1952</td></tr></table><p>{PROSE}</p>"
    assert read(page(f"<table><tr><td>{inner}</td></tr></table>")).text == f"- Born: 1952\n\n{PROSE}"
    cells = f"<tr><th>A</th><th>B</th></tr><tr><td>{PROSE}</td><td><table><tr><td>x</td><td>y</td></tr></table></td></tr>"
    assert read(page(f"<table>{cells}</table>")).text == f"- A: {PROSE}; B: x y"


@pytest.mark.parametrize(
    ("head", "source"),
    [
        ("<link rel=canonical href='https://example.org/cells'>", "https://example.org/cells"),
        ("<meta property=og:url content='https://example.org/og'>", "https://example.org/og"),
        ("<!-- saved from url=(0026)https://example.org/saved -->", "https://example.org/saved"),
        ("<!--\n Page saved with SingleFile \n url: https://example.org/single \n-->", "https://example.org/single"),
        ("<link rel=canonical href='/cells'><meta property=og:url content='javascript:x'>", "folder/page.html"),
        ("<link rel=canonical href='https://example.org/'>", "folder/page.html"),
    ],
)
def test_a_saved_page_keeps_its_address(head: str, source: str) -> None:
    """The source is the address that the page gives for itself, if that is one of a page on the web."""
    assert read(article("", head)).source == source


def test_what_the_page_says_of_itself() -> None:
    """Title without the site's name, authors, date, language and DOI."""
    head = (
        "<title>Cells | The Site</title><meta name=citation_author content='A. Able'>"
        "<meta name=citation_author content='B. Baker'>"
        "<meta property=article:published_time content='2024-05-06'><meta name=citation_doi content='doi:10.1000/x'>"
    )
    document = read(article("", head))
    assert document.title == "Cells"
    assert document.meta == {"authors": ("A. Able", "B. Baker"), "date": "2024-05-06", "language": "en", "doi": "10.1000/x"}
    assert read(article("", "<title>About blood</title>")).title == "About blood"
    assert read(page(f"<p>{PROSE}</p>")).title == "page"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252", "gb2312"])
def test_encodings(encoding: str) -> None:
    """A page is read as UTF-8, as marked, or as declared, where that is a part of a larger encoding too."""
    text = "造血干细胞可以分化为各种血细胞。" if encoding == "gb2312" else "Drüse, naïve, façade – “quoted”."
    declared = "iso-8859-1" if encoding == "cp1252" else encoding
    markup = f"<html><head><meta charset='{declared}'></head><body><p>{text}</p></body></html>"
    assert read(markup.encode(encoding)).text == text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"%PDF-1.7 ...", "is a PDF file, not text"),
        (b"PK\x03\x04 ...", "is a ZIP archive or office file, not text"),
        (b"<html><body><nav><a href=/>Home</a></nav></body></html>", "holds no text besides navigation"),
        (b"<html><body><script>1</script></body></html>", "holds no text besides navigation"),
        (b"<!-- nothing -->", "holds no text|is no HTML page"),
        (b"<div>" * 5000 + b"deep", "is nested more than"),
    ],
)
def test_what_holds_no_text_is_refused(data: bytes, message: str) -> None:
    """What is no page, or a page without text, is refused in one line."""
    with pytest.raises(DocumentError, match=message):
        read(data)


@pytest.mark.shared
@pytest.mark.skipif(not ZOO.exists(), reason="needs ../shared/eval/docs_zoo")
def test_a_saved_article_of_an_encyclopedia() -> None:
    """A page of Wikipedia is read from its first sentence to its last section, without menus and references."""
    document = html_document((ZOO / "markitdown/test_wikipedia.html").read_bytes(), stem="s", source="s")
    assert (document.title, document.source) == ("Microsoft", "https://en.wikipedia.org/wiki/Microsoft")
    assert (
        "Microsoft Corporation is an American multinational corporation and technology company headquartered in"
        in document.text
    )
    assert "Jump to content" not in document.text
    assert "Retrieved" not in document.text
    assert "References" not in [heading for section in document.sections for heading in section.headings]
    check_quotes(document)
