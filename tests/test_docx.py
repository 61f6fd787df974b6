"""DOCX: the body of a Word document arrives whole and in order, without what stands around it."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given, settings
from parsing import BOMB, PARAGRAPHS, ZOO, bodies, check_order, check_quotes, zipped

from corpus.document import Document
from corpus.docx import docx_document
from stemqa import DocumentError

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
TYPES = (
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="xml" ContentType="application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/>'
    "</Types>"
)
STYLES = (
    f'<w:styles xmlns:w="{WORD}">'
    + "".join(
        f'<w:style w:type="paragraph" w:styleId="{name.replace(" ", "")}"><w:name w:val="{name}"/></w:style>'
        for name in ("Title", "heading 1", "heading 2", "toc 1", "footnote text")
    )
    + "</w:styles>"
)
LEVELS = "".join(
    f'<w:lvl w:ilvl="{level}"><w:start w:val="1"/><w:numFmt w:val="{kind}"/></w:lvl>'
    for level, kind in enumerate(["decimal", "bullet"])
)
NUMBERING = (
    f'<w:numbering xmlns:w="{WORD}"><w:abstractNum w:abstractNumId="0">{LEVELS}</w:abstractNum>'
    '<w:num w:numId="1"><w:abstractNumId w:val="0"/></w:num></w:numbering>'
)
NOTES = (
    f'<w:footnotes xmlns:w="{WORD}"><w:footnote w:id="2"><w:p><w:r><w:t>A note.</w:t></w:r></w:p></w:footnote></w:footnotes>'
)


def relations(**targets: str) -> str:
    links = "".join(f'<Relationship Id="{kind}" Type="{OFFICE}/{kind}" Target="{target}"/>' for kind, target in targets.items())
    return f'<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">{links}</Relationships>'


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{escape(text)}</w:t></w:r>'


def paragraph(content: str, style: str = "", properties: str = "") -> str:
    inner = content if content.startswith("<") else run(content)
    style = f'<w:pStyle w:val="{style}"/>' if style else ""
    return f"<w:p><w:pPr>{style}{properties}</w:pPr>{inner}</w:p>"


def item(text: str, level: int) -> str:
    return paragraph(text, properties=f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="1"/></w:numPr>')


def cell(text: str, properties: str = "") -> str:
    return f"<w:tc><w:tcPr>{properties}</w:tcPr>{paragraph(text)}</w:tc>"


def parts(body: str, core: str = "") -> dict[str, str]:
    space = f'xmlns:w="{WORD}" xmlns:r="{OFFICE}" xmlns:v="urn:schemas-microsoft-com:vml"'
    dublin = 'xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/"'
    return {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": relations(officeDocument="word/document.xml"),
        "word/_rels/document.xml.rels": relations(
            styles="styles.xml", numbering="numbering.xml", footnotes="footnotes.xml", header="header1.xml"
        ),
        "word/document.xml": f'<?xml version="1.0"?><w:document {space}><w:body>{body}</w:body></w:document>',
        "word/styles.xml": STYLES,
        "word/numbering.xml": NUMBERING,
        "word/footnotes.xml": NOTES,
        "word/header1.xml": f'<w:hdr xmlns:w="{WORD}">{paragraph("Running head")}</w:hdr>',
        "docProps/core.xml": f"<cp:coreProperties xmlns:cp='urn:x' {dublin}>{core}</cp:coreProperties>",
    }


def read(body: str, core: str = "") -> Document:
    return docx_document(zipped(parts(body, core)), stem="report", source="docs/report.docx")


@settings(deadline=None, max_examples=60)
@given(paragraphs=PARAGRAPHS)
def test_paragraphs_arrive_in_order_and_are_quoted_exactly(paragraphs: list[str]) -> None:
    """Whatever the paragraphs are, each is there, and every sentence is a slice of the text."""
    document = read("".join(map(paragraph, map(run, paragraphs))))
    check_order(document, paragraphs)
    check_quotes(document)


def test_headings_title_and_facts() -> None:
    """Headings are told by style; the properties' title comes first, unless Word filled it in; heads of pages are not read."""
    body = (
        paragraph("On cells", "Title")
        + paragraph("Marrow", "heading1")
        + paragraph("Stem", "heading2")
        + paragraph("They renew.")
    )
    core = (
        "<dc:title>Cells of the blood</dc:title><dc:creator>A. Able; B. Baker</dc:creator>"
        "<dcterms:modified>2024-05-06T07:08:09Z</dcterms:modified>"
    )
    document = read(body, core)
    assert (document.title, document.source) == ("Cells of the blood", "docs/report.docx")
    assert document.meta == {"authors": ("A. Able", "B. Baker"), "date": "2024-05-06"}
    assert bodies(document) == [(("Marrow", "Stem"), "They renew.")]
    assert document.text == "On cells\n\nMarrow\n\nStem\n\nThey renew."
    assert read(body, "<dc:title>Microsoft Word - draft 3.doc</dc:title>").title == "On cells"
    assert read(paragraph("They renew.")).title == "report"


def test_bold_paragraphs_are_headings_where_no_style_says_so() -> None:
    """Short bold paragraphs without a final mark lead a section, unless the document has headings by style."""
    bold = paragraph(run("Marrow", "<w:b/>"))
    body = bold + paragraph("They renew.") + paragraph(run("Do not freeze.", "<w:b/>")) + paragraph("It kills them.")
    assert bodies(read(body)) == [(("Marrow",), "They renew.\n\nDo not freeze.\n\nIt kills them.")]
    styled = read(paragraph("Cells", "heading1") + body)
    assert bodies(styled) == [((), "Marrow\n\nThey renew.\n\nDo not freeze.\n\nIt kills them.")]


def test_inline_text() -> None:
    """Insertions are read and deletions not; powers stay powers; marks of notes and the notes go; contents lists go."""
    body = paragraph("1 Introduction 4", "toc1") + paragraph(
        run("Split ")
        + f'<w:ins w:id="1">{run("in")}</w:ins>'
        + '<w:del w:id="2"><w:r><w:delText>not</w:delText></w:r></w:del>'
        + run("to 10")
        + run("9", '<w:vertAlign w:val="superscript"/>')
        + run(" cells.")
        + '<w:r><w:footnoteReference w:id="2"/></w:r>'
        + "<w:r><w:tab/></w:r>"
        + run("So")
        + "<w:r><w:br/></w:r>"
        + run("it is.")
    )
    assert read(body).text == "Split into 10⁹ cells. So\nit is."


def test_text_boxes_and_content_controls_are_read() -> None:
    """What stands in a box or a form's field is text too."""
    content = f"<w:txbxContent>{paragraph('In a box.')}</w:txbxContent>"
    box = f"<w:r><w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict></w:r>"
    control = f"<w:sdt><w:sdtContent>{paragraph('In a control.')}</w:sdtContent></w:sdt>"
    assert read(paragraph("Before.") + control + paragraph(box)).text == "Before.\n\nIn a control.\n\nIn a box."


def test_lists_and_tables() -> None:
    """Numbered items are numbered, nested ones indented; rows carry the names of their columns, over merged cells too."""
    body = item("One", 0) + item("inner", 1) + item("Two", 0) + paragraph("Counts:")
    rows = [
        cell("Cell") + cell("Count"),
        cell("T", '<w:vMerge w:val="restart"/>') + cell("5"),
        cell("", "<w:vMerge/>") + cell("6"),
        cell("All made up.", '<w:gridSpan w:val="2"/>'),
    ]
    table = "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in rows) + "</w:tbl>"
    assert read(body + table).text == (
        "1. One\n   - inner\n2. Two\n\nCounts:\n\n- Cell: T; Count: 5\n- Cell: T; Count: 6\n- Cell: All made up."
    )


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"a.csv": "1,2"}, r"is a ZIP archive, not a Word document \(\.docx\)"),
        ({"[Content_Types].xml": "spreadsheetml"}, r"is another office file, not a Word document"),
        (parts("") | {"word/document.xml": ""}, "is damaged"),
        (parts("") | {"word/document.xml": "<w:document"}, "is damaged"),
        (parts("") | {"word/document.xml": BOMB + "<r>&g;</r>"}, r"declares entities in its part word/document\.xml"),
        (parts(paragraph("")), "holds no text"),
        (parts("<w:sdt><w:sdtContent>" * 3000 + "</w:sdtContent></w:sdt>" * 3000), "is nested too deeply|is damaged"),
    ],
)
def test_what_is_no_readable_document_is_refused(files: dict[str, str], message: str) -> None:
    """Other archives, damaged parts, entity bombs and documents without text are refused in one line."""
    with pytest.raises(DocumentError, match=message):
        docx_document(zipped(files), stem="s", source="s")


def test_a_truncated_file_is_refused() -> None:
    """Half of a file has no directory."""
    data = zipped(parts(paragraph("Text.")))
    with pytest.raises(DocumentError, match="is truncated or damaged"):
        docx_document(data[: len(data) // 2], stem="s", source="s")


@pytest.mark.shared
@pytest.mark.skipif(not ZOO.exists(), reason="needs ../shared/eval/docs_zoo")
def test_real_documents() -> None:
    """Heads and feet are not read, tables are; truncated and mislabelled files are refused."""
    heads = docx_document((ZOO / "docling/docx_page_header_footer_first_page.docx").read_bytes(), stem="s", source="s")
    assert bodies(heads)[1] == (("Page 2",), "This is body text on page 2.")
    tables = docx_document((ZOO / "unstructured/docx-tables.docx").read_bytes(), stem="s", source="s")
    assert "- Header Col 1: Lorem ipsum; Header Col 2: A link example" in tables.text
    for name in ("truncated.docx", "zip_named.docx"):
        with pytest.raises(DocumentError):
            docx_document((ZOO / "derived" / name).read_bytes(), stem="s", source="s")
