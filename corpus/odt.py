# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as quoted strings
"""ODT: the body of an OpenDocument text. Heads and feet of pages, notes, comments, deletions and indexes are left out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from corpus.blocks import Block, join
from corpus.decode import check_text
from corpus.document import Document
from corpus.markdown import flat_meta
from corpus.markup import markup_blocks
from corpus.package import open_package, read_part
from corpus.rendering import given_title
from corpus.tree import Element, attribute, below, child, drop, element_line, name_of, parse_xml
from stemqa import DocumentError

_KIND = "an OpenDocument text (.odt)"
_NOT_READ = frozenset(
    "alphabetical-index annotation annotation-end bibliography desc forms hidden-paragraph hidden-text illustration-index "
    "image note object object-index page-number page-count ruby-text sequence-decls soft-page-break table-index "
    "table-of-content title tracked-changes user-index variable-decls covered-table-cell".split()
)
_NAMES = {
    "a": "span",
    "frame": "div",
    "line-break": "br",
    "list-header": "li",
    "list-item": "li",
    "p": "p",
    "ruby-base": "span",
    "section": "div",
    "span": "span",
    "table-header-rows": "thead",
    "table-row": "tr",
    "text-box": "div",
}
_DEEPEST_STYLE = 20  # styles that inherit from one another
_RAISED = re.compile(r"super|[1-9]")  # a position is "super 58%", or by how much it is raised: "33% 58%", "-33% 58%"
_WIDEST = 100  # columns that a cell may be repeated in


@dataclass(frozen=True, slots=True)
class _Styles:
    """The file's styles by name: paragraph and text styles, and list styles with whether each level is numbered."""

    texts: Mapping[str, Element]
    numbered: Mapping[tuple[str, int], bool]

    def is_title(self, name: str) -> bool:
        return any(found in {"Title", "Titel"} for found in self._line(name))

    def is_raised(self, name: str) -> bool:
        """Whether a text style raises its text."""
        properties = below(self.texts[name], "text-properties") if name in self.texts else ()
        return any(_RAISED.match(attribute(found, "text-position")) for found in properties)

    def _line(self, name: str) -> Iterator[str]:
        """Yield the style and those it inherits from."""
        for _ in range(_DEEPEST_STYLE):
            if not name:
                return
            yield name
            name = attribute(self.texts[name], "parent-style-name") if name in self.texts else ""


def odt_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of an ODT file. `DocumentError`, without the file's name, if it cannot be read or holds no text."""
    with open_package(data, kind=_KIND) as package:
        content, styles = read_part(package, "content.xml"), read_part(package, "styles.xml")
        manifest, facts_part = read_part(package, "META-INF/manifest.xml"), read_part(package, "meta.xml")
        kind = read_part(package, "mimetype") or b""
    if manifest and b"encryption-data" in manifest:
        raise DocumentError("is encrypted; save it without a password")
    if content is None or (kind and b"opendocument.text" not in kind):
        raise DocumentError(f"is {'another OpenDocument file' if content else 'a ZIP archive'}, not {_KIND}")
    root = parse_xml(content)
    body = child(root, "body", "text")
    if body is None:
        raise DocumentError(f"is not {_KIND}")
    facts = child(parse_xml(facts_part), "meta") if facts_part else None
    blocks = list(_blocks(body, _styles(root, parse_xml(styles) if styles else None)))
    title = (
        given_title(element_line(child(facts, "title"))) or next((block.text for block in blocks if block.level), "") or stem
    )
    rendering, sections = join(blocks, title=title)
    if not sections:
        raise DocumentError("holds no text")
    check_text(title + rendering)
    return Document.create(rendering, title=title, source=source, meta=flat_meta(_meta(facts)), sections=sections)


def _styles(*roots: Element | None) -> _Styles:
    texts: dict[str, Element] = {}
    numbered: dict[tuple[str, int], bool] = {}
    for root in (root for root in roots if root is not None):
        for style in below(root, "style"):
            texts.setdefault(attribute(style, "name"), style)
        for style in below(root, "list-style"):
            for level in below(style, "list-level-style-number", "list-level-style-bullet"):
                shown = name_of(level).endswith("number") and attribute(level, "num-format") != ""
                numbered.setdefault((attribute(style, "name"), int(attribute(level, "level") or 1)), shown)
    return _Styles(texts, numbered)


def _blocks(body: Element, styles: _Styles) -> Iterator[Block]:
    for element in list(body.iter()):
        if name_of(element) in _NOT_READ or attribute(element, "display") == "none":
            drop(element)
    _rename(body, styles, list_style="", depth=0)
    return markup_blocks(body)


def _rename(element: Element, styles: _Styles, *, list_style: str, depth: int) -> None:
    """Give the elements below the names that they have in HTML."""
    for inner in list(element):
        name, style = name_of(inner), attribute(inner, "style-name")
        if name == "list":
            named = style or list_style
            _rename(inner, styles, list_style=named, depth=depth + 1)
            inner.tag = "ol" if styles.numbered.get((named, depth + 1)) else "ul"
            continue
        _rename(inner, styles, list_style=list_style, depth=depth)
        if name == "h":
            level = attribute(inner, "outline-level")
            inner.tag = f"h{min(max(int(level), 1), 6)}" if level.isdigit() else "h1"
        elif name == "p" and styles.is_title(style):
            inner.tag = "h1"
        elif name == "span" and styles.is_raised(style):
            inner.tag = "sup"
        elif name in {"s", "tab"}:
            inner.text = " "
        elif name == "table-cell":
            _cell(inner)
        else:
            inner.tag = _NAMES.get(name, inner.tag)


def _cell(cell: Element) -> None:
    across = attribute(cell, "number-columns-spanned") or attribute(cell, "number-columns-repeated") or "1"
    down = attribute(cell, "number-rows-spanned") or "1"
    cell.tag = "td"
    cell.set("colspan", str(min(int(across), _WIDEST)) if across.isdigit() else "1")
    cell.set("rowspan", down)


def _meta(facts: Element | None) -> dict[object, object]:
    author = element_line(child(facts, "initial-creator")) or element_line(child(facts, "creator"))
    date = element_line(child(facts, "date")) or element_line(child(facts, "creation-date"))
    return {"authors": [author] if author else [], "date": date[:10], "language": element_line(child(facts, "language"))}
