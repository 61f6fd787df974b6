"""JATS: a journal article arrives with title, abstract, sections, captions and tables, and without its references."""

from __future__ import annotations

from html import escape

import pytest
from hypothesis import given, settings
from parsing import BOMB, PARAGRAPHS, ZOO, bodies, check_order, check_quotes

from corpus.document import Document
from corpus.jats import jats_document
from stemqa import DocumentError

FACTS = (
    "<journal-meta><journal-title>Blood Letters</journal-title></journal-meta>"
    '<article-meta><article-id pub-id-type="doi">10.1/x</article-id>'
    "<title-group><article-title>Cells of <italic>the</italic> blood<xref ref-type='fn'><sup>*</sup></xref>"
    "</article-title></title-group><contrib-group><contrib contrib-type='author'><name><surname>Able</surname><given-names>A B"
    "</given-names></name><aff>Institute of Blood, Berlin.</aff></contrib><contrib contrib-type='author'><collab>The Cell Group"
    "</collab></contrib><contrib contrib-type='editor'><name><surname>Edit</surname></name></contrib></contrib-group>"
    "<aff id='a1'>Department of Cells.</aff><pub-date><year>2021</year></pub-date><pub-date><day>7</day><month>5</month>"
    "<year>2020</year></pub-date>"
)


def article(body: str, abstract: str = "<p>We looked at cells.</p>", back: str = "") -> str:
    front = f"<front>{FACTS}<abstract>{abstract}</abstract></article-meta></front>"
    doctype = '<!DOCTYPE article PUBLIC "-//NLM//DTD JATS v1.2//EN" "JATS-archivearticle1.dtd">'
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<article xmlns:mml="http://www.w3.org/1998/Math/MathML" xml:lang="en" '
        f'xmlns:xlink="http://www.w3.org/1999/xlink">{front}<body>{body}</body><back>{back}</back></article>'
    )


def read(markup: str | bytes) -> Document:
    return jats_document(markup.encode() if isinstance(markup, str) else markup, stem="PMC1", source="papers/PMC1.nxml")


@settings(deadline=None, max_examples=60)
@given(paragraphs=PARAGRAPHS)
def test_paragraphs_arrive_in_order_and_are_quoted_exactly(paragraphs: list[str]) -> None:
    """Whatever the paragraphs are, each is there, and every sentence is a slice of the text."""
    document = read(article("".join(f"<sec><title>S</title><p>{escape(paragraph)}</p></sec>" for paragraph in paragraphs)))
    check_order(document, ["We looked at cells.", *paragraphs])
    check_quotes(document)


def test_title_and_facts() -> None:
    """The earliest day, authors but no editors, DOI, journal and language; affiliations are nowhere."""
    document = read(article("<p>Text.</p>"))
    assert (document.title, document.source) == ("Cells of the blood", "papers/PMC1.nxml")
    assert document.meta == {
        "authors": ("A B Able", "The Cell Group"),
        "date": "2020-05-07",
        "doi": "10.1/x",
        "journal": "Blood Letters",
        "language": "en",
    }
    assert document.text == "Abstract\n\nWe looked at cells.\n\nText."


def test_sections_are_nested() -> None:
    """Headings make paths without their numbers; parts of the abstract are sections of it."""
    body = "<sec><label>2</label><title>Methods</title><p>One.</p><sec><title>Mice</title><p>Two.</p></sec></sec>"
    back = (
        "<ack><p>Thanks.</p></ack><ref-list><title>References</title><ref><mixed-citation>Able 1999.</mixed-citation></ref>"
        "</ref-list><app-group><app><title>Appendix</title><p>Three.</p></app></app-group>"
        "<fn-group><fn><p>A note.</p></fn></fn-group>"
    )
    document = read(article(body, "<sec><title>Aims</title><p>To know.</p></sec>", back))
    assert bodies(document) == [
        (("Abstract", "Aims"), "To know."),
        (("Methods",), "One."),
        (("Methods", "Mice"), "Two."),
        (("Appendix",), "Three."),
    ]


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("is so.<sup><xref ref-type='bibr'>1</xref>,<xref ref-type='bibr'>2</xref></sup> And", "is so. And"),
        (
            "is so [<xref ref-type='bibr'>1</xref>]. And (<xref ref-type='bibr'>Able, 1999</xref>)",
            "is so [1]. And (Able, 1999)",
        ),
        ("10<sup>6</sup> CD4<sup>+</sup> cells, <xref ref-type='fig'>Fig. 1</xref>", "10⁶ CD4+ cells, Fig. 1"),
        (
            "a <inline-formula><tex-math>\\frac</tex-math><mml:math><mml:mi>b</mml:mi></mml:math></inline-formula> c",
            "a b c",
        ),
        ("caf&eacute; &#x03B1;-globin\n   of mice", "café α-globin of mice"),
    ],
)
def test_inline_text(markup: str, text: str) -> None:
    """Raised references go, those in brackets stay, powers stay powers, and TeX is not shown beside the formula."""
    assert read(article(f"<p>{markup}</p>")).text.endswith(f"\n\n{text}")


def test_captions_tables_and_lists() -> None:
    """A caption begins with its label; rows carry the names of their columns; lists have markers."""
    body = (
        "<fig><label>Figure 1.</label><caption><title>Cells.</title><p>They glow.</p></caption><graphic/></fig>"
        "<table-wrap><label>Table 1</label><caption><p>Counts.</p></caption>"
        "<table><thead><tr><th>Cell</th><th>n</th></tr></thead><tbody><tr><td>T</td><td>5</td></tr></tbody></table>"
        "<table-wrap-foot><fn><p>Made up.</p></fn></table-wrap-foot></table-wrap>"
        "<list list-type='order'><list-item><p>One</p></list-item><list-item><p>Two</p></list-item></list>"
    )
    assert read(article(body)).text.partition("cells.\n\n")[2] == (
        "Figure 1. Cells.\n\nThey glow.\n\nTable 1. Counts.\n\n- Cell: T; n: 5\n\n1. One\n2. Two"
    )


def test_letters_that_come_with_an_article_are_left_out() -> None:
    """A decision letter is not the article."""
    letter = "<sub-article><front-stub/><body><p>Dear authors, do more.</p></body></sub-article></article>"
    assert "Dear" not in read(article("<p>Text.</p>").replace("</article>", letter)).text


def test_feeds_are_read_item_by_item() -> None:
    """A feed's items are sections, their text is HTML, and the encoding is what is declared or contains that."""
    text = "Zellen teilen sich überall im Körper, ein Leben lang."
    items = f"<item><title>Neues</title><description>&lt;p>{text}&lt;/p></description></item>"
    feed = f'<?xml version="1.0" encoding="iso-8859-1"?><rss><channel><title>Blut – Nachrichten</title>{items}</channel></rss>'
    document = read(feed.encode("cp1252"))
    assert document.title == "Blut – Nachrichten"
    assert bodies(document) == [(("Neues",), text)]


def test_other_xml_is_read_if_it_holds_prose() -> None:
    """The texts of its elements are paragraphs, titles are headings; a page in XHTML is read as a page."""
    prose = "Stem cells renew themselves for as long as a person lives."
    document = read(f"<guide><chapter><title>Marrow</title><para>{prose} <b>Always</b>.</para></chapter></guide>")
    assert (document.title, document.text) == ("Marrow", f"Marrow\n\n{prose} Always.")
    assert read(f'<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{prose}</p></body></html>').text == prose


@pytest.mark.parametrize(
    ("markup", "message"),
    [
        ("", "is empty"),
        ("no xml at all", "is truncated or broken XML"),
        (article("<p>Text.</p>")[:-40], "is truncated or broken XML"),
        ("<settings><size>12</size><name>x</name></settings>", r"is XML, but no journal article \(JATS\), and holds no prose"),
        (
            f"<article><front>{FACTS}</article-meta></front></article>",
            r"is a journal article \(JATS\) without abstract and text",
        ),
        (f"{BOMB}<article><front/><body><p>&g;</p></body></article>", "is truncated or broken XML: Maximum entity"),
        (f"{BOMB}<article><front/><body><p>&outside;</p></body></article>", "an entity of its own"),
        ("<a>" * 5000, "is truncated or broken XML|is nested more than"),
        ("<a>" * 240 + "x" + "</a>" * 240, "is nested more than 200 elements deep"),
    ],
)
def test_what_is_no_readable_article_is_refused(markup: str, message: str) -> None:
    """Truncated files, entity bombs, and XML without prose are refused in one line."""
    with pytest.raises(DocumentError, match=message):
        read(markup)


@pytest.mark.shared
@pytest.mark.skipif(not ZOO.exists(), reason="needs ../shared/eval/docs_zoo")
def test_real_articles_and_feeds() -> None:
    """An article has its sections and captions and no references; feeds in Korean and Chinese are text."""
    article = jats_document((ZOO / "docling/elife-56337.nxml").read_bytes(), stem="s", source="s")
    assert (
        article.title == "KRAB-zinc finger protein gene expansion in response to active retrotransposons in the murine lineage"
    )
    assert ("Results", "Mouse KRAB-ZFPs target retrotransposons") in [section.headings for section in article.sections]
    assert "10⁶ ES cells" in article.text
    assert "Genome Research" not in article.text
    check_quotes(article)
    for name, heading in (("CP949__ricanet.com", "데드락 피하기"), ("GB2312__14.blog.westca.com", "又上山了")):
        feed = jats_document((ZOO / f"chardet/{name}.xml").read_bytes(), stem="s", source="s")
        assert (heading,) in [section.headings for section in feed.sections]
        assert "\ufffd" not in feed.text
        check_quotes(feed)
