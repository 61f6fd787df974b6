"""ODT: the body of an OpenDocument text arrives whole and in order, without what stands around it."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given, settings
from parsing import BOMB, PARAGRAPHS, ZOO, bodies, check_order, check_quotes, zipped

from corpus.document import Document
from corpus.odt import odt_document
from stemqa import DocumentError

SPACES = (
    " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "text", "table", "style", "draw", "meta", "manifest")
    )
    + ' xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:fo="urn:x" xmlns:svg="urn:y"'
)
AUTOMATIC = (
    '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Title"/>'
    '<style:style style:name="T1"><style:text-properties style:text-position="super 58%"/></style:style>'
    '<style:style style:name="T2"><style:text-properties style:text-position="-33% 58%"/></style:style>'
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-bullet text:level="2"/></text:list-style>'
)
KIND = "application/vnd.oasis.opendocument.text"


def parts(body: str, facts: str = "") -> dict[str, str]:
    return {
        "mimetype": KIND,
        "content.xml": (
            f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {SPACES}><office:automatic-styles>{AUTOMATIC}'
            f"</office:automatic-styles><office:body><office:text>{body}</office:text></office:body></office:document-content>"
        ),
        "styles.xml": (
            f"<office:document-styles {SPACES}><office:master-styles><style:master-page><style:header><text:p>Running head"
            "</text:p></style:header></style:master-page></office:master-styles></office:document-styles>"
        ),
        "meta.xml": f"<office:document-meta {SPACES}><office:meta>{facts}</office:meta></office:document-meta>",
        "META-INF/manifest.xml": f"<manifest:manifest {SPACES}/>",
    }


def read(body: str, facts: str = "") -> Document:
    return odt_document(zipped(parts(body, facts)), stem="report", source="docs/report.odt")


def p(content: str, style: str = "Standard") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


@settings(deadline=None, max_examples=60)
@given(paragraphs=PARAGRAPHS)
def test_paragraphs_arrive_in_order_and_are_quoted_exactly(paragraphs: list[str]) -> None:
    """Whatever the paragraphs are, each is there, and every sentence is a slice of the text."""
    document = read("".join(p(escape(paragraph)) for paragraph in paragraphs))
    check_order(document, paragraphs)
    check_quotes(document)


def test_headings_title_and_facts() -> None:
    """Headings have their outline's level; the properties' title comes first, then one by style; running heads are not read."""
    heading = '<text:h text:outline-level="1">Marrow</text:h><text:h text:outline-level="2">Stem</text:h>'
    body = p("On cells", "P1") + heading + p("They renew.")
    author = "<meta:initial-creator>A. Able</meta:initial-creator>"
    facts = f"<dc:title>Cells of the blood</dc:title>{author}<dc:date>2024-05-06T07:08</dc:date>"
    document = read(body, facts)
    assert (document.title, document.source) == ("Cells of the blood", "docs/report.odt")
    assert document.meta == {"authors": ("A. Able",), "date": "2024-05-06"}
    assert bodies(document) == [(("Marrow", "Stem"), "They renew.")]
    assert document.text == "On cells\n\nMarrow\n\nStem\n\nThey renew."
    assert read(body).title == "On cells"
    assert read(p("They renew.")).title == "report"


def test_inline_text() -> None:
    """Spaces, tabs and breaks are kept; powers stay powers; notes, comments, deletions and hidden text go."""
    body = (
        "<text:tracked-changes><text:changed-region><text:deletion><text:p>Gone.</text:p></text:deletion></text:changed-region>"
        "</text:tracked-changes>"
        + p(
            'Split<text:s text:c="2"/>to 10<text:span text:style-name="T1">9</text:span>'
            ' H<text:span text:style-name="T2">2</text:span>O'
            "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>A.</text:p></text:note-body></text:note>"
            "<office:annotation><text:p>No.</text:p></office:annotation>.<text:tab/>So<text:line-break/><text:a>it is</text:a>."
        )
        + f'<text:section text:display="none">{p("Hidden.")}</text:section><text:section>{p("Shown.")}</text:section>'
        + f"<text:table-of-content><text:index-body>{p('Marrow 4')}</text:index-body></text:table-of-content>"
    )
    assert read(body).text == "Split to 10⁹ H2O. So\nit is.\n\nShown."


def test_text_boxes_are_read() -> None:
    """What stands in a frame is text; the description of a picture is not."""
    frame = f"<draw:frame><draw:text-box>{p('In a box.')}</draw:text-box><svg:desc>A picture</svg:desc></draw:frame>"
    assert read(p("Before.") + p(frame)).text == "Before.\n\nIn a box."


def test_lists_and_tables() -> None:
    """Numbered items are numbered, nested ones indented; rows carry the names of their columns, over merged cells too."""
    inner = f"<text:list><text:list-item>{p('inner')}</text:list-item></text:list>"
    items = f"<text:list-item>{p('One')}{inner}</text:list-item><text:list-item>{p('Two')}</text:list-item>"
    rows = (
        f"<table:table-header-rows><table:table-row><table:table-cell>{p('Cell')}</table:table-cell><table:table-cell>{p('Count')}"
        "</table:table-cell></table:table-row></table:table-header-rows>"
        f'<table:table-row><table:table-cell table:number-rows-spanned="2">{p("T")}</table:table-cell>'
        f"<table:table-cell>{p('5')}</table:table-cell></table:table-row>"
        f"<table:table-row><table:covered-table-cell/><table:table-cell>{p('6')}</table:table-cell></table:table-row>"
        f'<table:table-row><table:table-cell table:number-columns-spanned="2">{p("All made up.")}</table:table-cell>'
        "<table:covered-table-cell/></table:table-row>"
    )
    document = read(f'<text:list text:style-name="L1">{items}</text:list><table:table>{rows}</table:table>')
    assert document.text == "1. One\n   - inner\n2. Two\n\n- Cell: T; Count: 5\n- Cell: T; Count: 6\n- Cell: All made up."


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": "1,2"}, r"is a ZIP archive, not an OpenDocument text \(\.odt\)"),
        (parts("") | {"mimetype": "application/vnd.oasis.opendocument.spreadsheet"}, "is another OpenDocument file"),
        (parts("") | {"META-INF/manifest.xml": "<m><encryption-data/></m>"}, "is encrypted; save it without a password"),
        (parts("") | {"content.xml": "<office"}, "is truncated or broken XML"),
        (parts("") | {"content.xml": "<office/>"}, r"is not an OpenDocument text"),
        (parts("") | {"content.xml": f"{BOMB}<r>&g;</r>"}, "is truncated or broken XML: Maximum entity"),
        (parts(""), "holds no text"),
        (parts("<text:section>" * 3000 + "</text:section>" * 3000), "is truncated or broken XML|is nested more than"),
    ],
)
def test_what_is_no_readable_document_is_refused(files: dict[str, str], message: str) -> None:
    """Other archives, encrypted files, damaged parts, entity bombs and documents without text are refused in one line."""
    with pytest.raises(DocumentError, match=message):
        odt_document(zipped(files), stem="s", source="s")


def test_a_truncated_file_is_refused() -> None:
    """Half of a file has no directory."""
    data = zipped(parts(p("Text.")))
    with pytest.raises(DocumentError, match="is truncated or damaged"):
        odt_document(data[: len(data) // 2], stem="s", source="s")


@pytest.mark.shared
@pytest.mark.skipif(not ZOO.exists(), reason="needs ../shared/eval/docs_zoo")
def test_real_documents() -> None:
    """Paragraphs and a table written by LibreOffice are read."""
    prose = odt_document((ZOO / "sample-files/source.odt").read_bytes(), stem="s", source="s")
    assert prose.text.startswith("Lorem ipsum dolor sit amet, consetetur sadipscing elitr, sed diam nonumy eirmod tempor")
    table = odt_document((ZOO / "unstructured/fake.odt").read_bytes(), stem="s", source="s")
    assert "- Header row: Time; Mon: 1pm; Wed: 2pm; Fri: 3pm" in table.text
