# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as quoted strings
"""JATS: journal articles in XML, as PubMed Central and publishers give them: abstract, body, captions and tables.

Reference lists, affiliations, formulas in TeX, and letters that come with the article are left out. XML of other kinds
goes to the parser that can read it: pages to `corpus.html`, feeds and texts to `corpus.feeds`.
"""

from __future__ import annotations

from collections.abc import Iterator

from corpus.blocks import Block, join
from corpus.decode import check_text
from corpus.document import Document
from corpus.feeds import feed_document
from corpus.html import html_document
from corpus.markdown import flat_meta
from corpus.markup import markup_blocks
from corpus.tree import Element, attribute, below, child, drop, element_line, name_of, parse_xml
from stemqa import DocumentError

_NOT_READ = frozenset(
    "ack attrib author-notes copyright-statement element-citation fn fn-group glossary graphic history inline-graphic "
    "inline-supplementary-material institution-id media notes object-id permissions ref-list response self-uri sub-article "
    "supplementary-material tex-math".split()
)
_CAPTIONED = ("boxed-text", "chem-struct-wrap", "disp-formula-group", "fig", "fig-group", "table-wrap", "table-wrap-group")
_NUMBERED = frozenset({"order", "alpha-lower", "alpha-upper", "roman-lower", "roman-upper"})
_NAMES = {
    "break": "br",
    "def-item": "div",
    "def-list": "dl",
    "disp-formula": "div",
    "disp-quote": "blockquote",
    "list-item": "li",
    "sec": "div",
}
_SPECIAL = frozenset({"graphical", "teaser", "toc", "key-image", "video"})


def jats_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of an XML file. `DocumentError`, without the file's name, if it is broken or holds no text to read."""
    root = parse_xml(data)
    if name_of(root) == "html":
        return html_document(data, stem=stem, source=source)
    article = next((found for found in below(root, "article") if child(found, "front") is not None), None)
    if article is None:
        return feed_document(root, stem=stem, source=source)
    facts = child(article, "front", "article-meta")
    title = _title(facts) or stem
    meta = _meta(article, facts)
    rendering, sections = join(_blocks(article, facts), title=title)
    if not sections:
        raise DocumentError("is a journal article (JATS) without abstract and text")
    check_text(title + rendering)
    return Document.create(rendering, title=title, source=source, meta=flat_meta(meta), sections=sections)


def _title(facts: Element | None) -> str:
    title = child(facts, "title-group", "article-title")
    for note in list(below(title, "xref", "fn")) if title is not None else ():
        drop(note)
    return element_line(title)


def _blocks(article: Element, facts: Element | None) -> Iterator[Block]:
    """Yield abstracts, body and appendices in this order, mapped to the names that HTML has for them."""
    for element in list(below(article, *_NOT_READ)):
        drop(element)
    for abstract in below(facts, "abstract", "trans-abstract") if facts is not None else ():
        if attribute(abstract, "abstract-type") not in _SPECIAL:
            if child(abstract, "title") is None:
                yield Block("Abstract", level=1)
            yield from _mapped(abstract)
    for part in (child(article, "body"), child(article, "back"), child(article, "floats-group")):
        if part is not None:
            yield from _mapped(part)


def _mapped(part: Element) -> Iterator[Block]:
    for element in list(below(part, *_CAPTIONED)):
        _caption(element)
    _rename(part, level=0 if name_of(part) in {"body", "back", "floats-group"} else 1)
    return markup_blocks(part)


def _caption(element: Element) -> None:
    """Put the label of a figure or table before its caption's title, both as one paragraph: "Figure 1. Cells in culture"."""
    label, caption = child(element, "label"), child(element, "caption")
    title = child(caption, "title")
    first = title if title is not None else child(caption, "p")
    if title is not None:
        title.tag = "p"
    if label is None:
        return
    if first is None:
        label.tag = "p"
    else:
        first.text = f"{element_line(label).rstrip('.:')}. {(first.text or '').lstrip()}"
        drop(label)


def _rename(element: Element, *, level: int) -> None:
    """Give the elements below the names that they have in HTML; `level` is that of a title right below."""
    for inner in list(element):
        name = name_of(inner)
        if name == "title":
            inner.tag = f"h{min(max(level, 1), 6)}" if name_of(element) not in {"list", "def-list"} else "p"
        elif name == "list":
            inner.tag = "ol" if attribute(inner, "list-type") in _NUMBERED else "ul"
        elif name == "label" or (name == "xref" and _is_mark(inner)):
            drop(inner)
            continue
        _rename(inner, level=level + (name in {"sec", "app"}))
        inner.tag = _NAMES.get(name, inner.tag)
    if name_of(element) == "sup" and not element_line(element).strip(",;–- "):
        drop(element)


def _is_mark(reference: Element) -> bool:
    """Whether a reference to a source or note is a raised mark, which would be glued to the word before it."""
    raised = name_of(reference.getparent()) == "sup" or any(name_of(inner) == "sup" for inner in reference)
    return raised and attribute(reference, "ref-type") in {"bibr", "fn", "table-fn"}


def _meta(article: Element, facts: Element | None) -> dict[object, object]:
    if facts is None:
        return {}
    ids = {attribute(found, "pub-id-type"): element_line(found) for found in below(facts, "article-id")}
    return {
        "authors": list(_authors(facts)),
        "date": _date(facts),
        "language": attribute(article, "lang"),
        "doi": ids.get("doi", ""),
        "journal": next(map(element_line, below(article, "journal-title")), ""),
    }


def _authors(facts: Element) -> Iterator[str]:
    for contributor in below(facts, "contrib"):
        if attribute(contributor, "contrib-type") not in {"", "author"}:
            continue
        name = next(below(contributor, "name", "string-name"), None)
        parts = [element_line(child(name, part)) for part in ("given-names", "surname", "suffix")]
        if any(parts):
            yield " ".join(filter(None, parts))
        elif (group := next(below(contributor, "collab"), None)) is not None:
            yield element_line(group)


def _date(facts: Element) -> str:
    """Return the first day of publication, as exactly as it is given: "2020-06-25"."""
    dates = []
    for found in below(facts, "pub-date"):
        year, month, day = (element_line(child(found, part)) for part in ("year", "month", "day"))
        if year.isdigit():
            dates.append("-".join([year, *(part.zfill(2) for part in (month, day) if part.isdigit())]))
    return min(dates, key=lambda date: (date[:4], -len(date), date), default="")
