# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as quoted strings
"""EPUB: the chapters of a book in the order in which they are read, without its contents lists, notes and index."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from urllib.parse import unquote
from zipfile import ZipFile

from corpus.blocks import Block, join
from corpus.decode import check_text
from corpus.document import Document
from corpus.markdown import flat_meta
from corpus.markup import markup_blocks
from corpus.package import open_package, read_part
from corpus.rendering import given_title
from corpus.tree import Element, attribute, below, child, drop, element_line, markup_text, parse_html, parse_xml
from stemqa import DocumentError

_KIND = "a book (EPUB)"
_CHAPTER = frozenset({"application/xhtml+xml", "text/html", "application/x-dtbook+xml"})
_NOT_READ = frozenset(
    "bibliography endnote endnotes footnote footnotes index landmarks loi lot noteref page-list pagebreak rearnote rearnotes "
    "toc".split()
)


def epub_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of an EPUB file. `DocumentError`, without the file's name, if it cannot be read or holds no text."""
    with open_package(data, kind=_KIND) as package:
        where = _opf_path(package)
        opf = _part(package, where)
        facts = child(opf, "metadata")
        blocks = [block for path in _spine(opf, where) for block in _chapter(package, path)]
    title = given_title(_fact(facts, "title")) or next((block.text for block in blocks if block.level), "") or stem
    rendering, sections = join(blocks, title=title)
    if not sections:
        raise DocumentError("holds no text")
    check_text(title + rendering)
    return Document.create(rendering, title=title, source=source, meta=flat_meta(_meta(facts)), sections=sections)


def _part(package: ZipFile, name: str) -> Element:
    part = read_part(package, name)
    if part is None:
        raise DocumentError(f"is truncated or damaged: its part {name} is missing")
    return parse_xml(part)


def _opf_path(package: ZipFile) -> str:
    """Return where the book's package document is. A book whose chapters are encrypted is refused."""
    container = read_part(package, "META-INF/container.xml")
    if container is None:
        raise DocumentError(f"is a ZIP archive, not {_KIND}")
    encryption = read_part(package, "META-INF/encryption.xml")
    if encryption is not None:
        locked = [attribute(found, "URI").lower() for found in below(parse_xml(encryption), "cipherreference")]
        if any(name.endswith((".xhtml", ".html", ".htm", ".xml")) for name in locked):
            raise DocumentError("is encrypted (copy protection); only books without it can be read")
    for rootfile in below(parse_xml(container), "rootfile"):
        if path := attribute(rootfile, "full-path"):
            return path
    raise DocumentError("is truncated or damaged: its container names no book")


def _spine(opf: Element, where: str) -> Iterator[str]:
    """Yield the paths of the chapters in reading order, without the list of contents."""
    items = {attribute(item, "id"): item for item in below(opf, "item")}
    for reference in below(opf, "itemref"):
        item = items.get(attribute(reference, "idref"))
        if item is None or attribute(reference, "linear") == "no" or "nav" in attribute(item, "properties").split():
            continue
        if attribute(item, "media-type") in _CHAPTER:
            yield posixpath.normpath(posixpath.join(posixpath.dirname(where), unquote(attribute(item, "href"))))


def _chapter(package: ZipFile, path: str) -> Iterator[Block]:
    part = read_part(package, path)
    if part is None:
        return
    try:
        root = parse_xml(part)
    except DocumentError:  # not well-formed: as lenient as reading devices
        if b"<!ENTITY" in part:
            raise
        root = parse_html(markup_text(part))
    for element in list(root.iter()):
        if _NOT_READ & {*attribute(element, "type").split(), *attribute(element, "role").replace("doc-", "").split()}:
            drop(element)
    yield from markup_blocks(next(below(root, "body"), root))


def _fact(facts: Element | None, name: str) -> str:
    return next((line for found in _facts(facts, name) if (line := element_line(found))), "")


def _facts(facts: Element | None, name: str) -> Iterator[Element]:
    return below(facts, name) if facts is not None else iter(())


def _meta(facts: Element | None) -> dict[object, object]:
    return {
        "authors": [element_line(found) for found in _facts(facts, "creator")],
        "date": _fact(facts, "date"),
        "language": _fact(facts, "language"),
    }
