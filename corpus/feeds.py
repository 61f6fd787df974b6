"""XML that is no journal article: feeds (RSS, RDF, Atom) item by item, and other XML that holds prose."""

from __future__ import annotations

from collections.abc import Iterator

from corpus.blocks import Block, join
from corpus.decode import check_text
from corpus.document import Document
from corpus.markdown import flat_meta
from corpus.markup import element_text, markup_blocks
from corpus.rendering import given_title
from corpus.tree import Element, child, element_line, name_of, parse_html
from stemqa import DocumentError

_FEEDS = frozenset({"rss", "rdf", "feed"})
_ITEMS = frozenset({"item", "entry"})
_CONTENTS = ("encoded", "content", "description", "summary")  # the fullest first
_HEADINGS = frozenset({"title", "head", "heading", "name"})
_PROSE = 40  # letters in a piece of text; what has none is a table of values or settings


def feed_document(root: Element, *, stem: str, source: str) -> Document:
    """Make a document of the tree of an XML file: a feed, or else the texts of its elements. `DocumentError` without prose."""
    feed = name_of(root) in _FEEDS
    channel = child(root, "channel") if child(root, "channel") is not None else root
    title = given_title(element_line(child(channel, "title")))
    blocks = list(_feed(root, channel) if feed else _texts(root, 1))
    if not any(not block.level and sum(map(str.isalpha, block.text)) >= _PROSE for block in blocks):
        raise DocumentError("is XML, but no journal article (JATS), and holds no prose")
    title = title or next((block.text for block in blocks if block.level), "") or stem
    rendering, sections = join(blocks, title=title)
    check_text(title + rendering)
    meta = flat_meta(
        {"language": element_line(child(channel, "language")) or root.get("{http://www.w3.org/XML/1998/namespace}lang")}
    )
    return Document.create(rendering, title=title, source=source, meta=meta, sections=sections)


def _feed(root: Element, channel: Element) -> Iterator[Block]:
    """Yield the feed's description, and each item: its title, and its text, which is HTML inside XML."""
    yield from _html(child(channel, "description"))
    for item in (found for found in root.iter() if name_of(found) in _ITEMS):
        yield Block(element_line(child(item, "title")), level=2)
        contents = (child(item, name) for name in _CONTENTS)
        yield from _html(next((content for content in contents if element_line(content)), None))


def _html(content: Element | None) -> Iterator[Block]:
    if content is None or not element_line(content):
        return iter(())
    if len(content):  # Atom may hold elements
        return markup_blocks(content)
    return markup_blocks(parse_html(f"<div>{content.text}</div>"))


def _texts(element: Element, level: int) -> Iterator[Block]:
    """Yield one block for each outermost element that holds text of its own, and its titles as headings."""
    for inner in element:
        if _own(inner):
            heading = name_of(inner) in _HEADINGS
            yield Block(element_text(inner), level=min(level, 6) if heading else 0)
        else:
            yield from _texts(inner, level + 1)


def _own(element: Element) -> str:
    return "".join([element.text or "", *(inner.tail or "" for inner in element)]).strip()
