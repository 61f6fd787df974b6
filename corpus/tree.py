"""XML and HTML as trees of elements: the only module that imports lxml, and the rules by which it is safe to.

No entity but XML's own five is expanded, nothing outside the file is read, and what is nested beyond reason is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.entities import html5
from typing import Any

from corpus.decode import decode, normalise
from stemqa import DocumentError

Element = Any  # an lxml element; lxml has no types of its own

_DEEPEST = 200  # elements inside one another; real pages have some dozens
_DECLARED = re.compile(
    rb"""<\?xml[^>]{0,80}?encoding\s*=\s*["']([\w.:-]+)|<meta[^>]{0,200}?charset\s*=\s*["']?([\w.:-]+)""", re.IGNORECASE
)
_PROLOG = re.compile(r"\A\s*<\?xml[^>]*\?>")
_ENTITY = re.compile(r"&(?!(?:amp|lt|gt|quot|apos);)([A-Za-z][A-Za-z0-9]*;)")
_HEAD = 4096  # bytes in which an encoding is declared
# What is declared on the web is often a part of what is used, and read by browsers as the whole (encoding.spec.whatwg.org).
_WHOLE = {
    "ascii": "cp1252",
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "iso-8859-1": "cp1252",
    "iso-8859-9": "cp1254",
    "ks_c_5601-1987": "cp949",
    "latin1": "cp1252",
    "shift_jis": "cp932",
    "us-ascii": "cp1252",
}


def markup_text(data: bytes) -> str:
    """Return the normalised text of an XML or HTML file: as UTF-8 if valid, else as it declares, else as `decode` finds."""
    declared = _DECLARED.search(data[:_HEAD])
    name = (declared[1] or declared[2]).decode("ascii").lower() if declared else ""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        try:
            return decode(data.decode(_WHOLE.get(name, name)).encode()) if name else decode(data)
        except (UnicodeError, LookupError):
            return decode(data)
    return decode(data)


def parse_xml(data: bytes) -> Element:
    """Return the root element of an XML file; entities of HTML are known.

    `DocumentError`, without the file's name, if it is not well-formed or uses entities of its own.
    """
    from lxml import etree  # noqa: PLC0415 -- heavy

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False, remove_comments=True, remove_pis=True
    )
    text = _ENTITY.sub(lambda match: html5.get(match[1], match[0]), _PROLOG.sub("", markup_text(data)))
    try:
        root = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        raise DocumentError(f"is truncated or broken XML: {error.msg or 'no element found'}") from None
    if (entity := next(root.iter(etree.Entity), None)) is not None:  # without it, a sentence would lack words
        raise DocumentError(f"uses {entity.text}, an entity of its own, and such are not read")
    return _checked(root)


def parse_html(text: str) -> Element:
    """Return the root element of an HTML page, mended as browsers do. `DocumentError` if it holds no element."""
    from lxml import etree, html  # noqa: PLC0415 -- as above

    parser = html.HTMLParser(encoding="utf-8", no_network=True, remove_comments=True, remove_pis=True)
    try:
        root = html.document_fromstring(_PROLOG.sub("", text).encode(), parser=parser)
    except etree.LxmlError as error:
        raise DocumentError(f"is no HTML page: {error}") from None
    return _checked(root)


def name_of(element: Element) -> str:
    """Return an element's name in small letters without its namespace; nothing for a comment."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """Return the value of the attribute of that local name, whatever its namespace; nothing where there is none."""
    plain = element.get(name)
    if plain is not None:
        return str(plain)
    return next((str(value) for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


def drop(element: Element) -> None:
    """Take `element` out of its tree, leaving the text behind it."""
    parent, before, tail = element.getparent(), element.getprevious(), element.tail or ""
    if parent is None:
        return
    if before is not None:
        before.tail = (before.tail or "") + tail
    else:
        parent.text = (parent.text or "") + tail
    parent.remove(element)


def below(element: Element, *names: str) -> Iterator[Element]:
    """Yield the elements with one of the local `names` in `element` and below, in document order."""
    return (found for found in element.iter() if name_of(found) in names)


def child(element: Element | None, *path: str) -> Element | None:
    """Return the first child of the first local name, its first child of the second, and so on; None where one is missing."""
    for name in path:
        element = next((inner for inner in element if name_of(inner) == name), None) if element is not None else None
    return element


def element_line(element: Element | None) -> str:
    """Return all text of an element on one line; nothing for None."""
    return " ".join(normalise("".join(element.itertext())).split()) if element is not None else ""


def _checked(root: Element) -> Element:
    depth, level = 0, [root]
    while level:
        depth += 1
        if depth > _DEEPEST:
            raise DocumentError(f"is nested more than {_DEEPEST} elements deep")
        level = [inner for element in level for inner in element]
    return root
