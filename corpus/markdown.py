"""Markdown: the document's text is a plain rendering, with headings on lines of their own and sections between them.

Front matter becomes title, id and meta. Tables become rows "- Heading: cell; Heading: cell". HTML and images are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import yaml
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from corpus.blocks import Block, join
from corpus.decode import check_text, normalise
from corpus.document import Document, Meta
from corpus.rendering import inline_text, item_blocks, row_blocks
from stemqa import DocumentError

_FRONT = re.compile(r"---[^\S\n]*\n(.*?)(?<=\n)(?:---|\.\.\.)[^\S\n]*(?:\n|\Z)", re.DOTALL)


def markdown_document(text: str, *, stem: str, source: str) -> Document:
    """Make a document of a Markdown file's normalised text. `DocumentError`, without the file's name, if it cannot be read."""
    front, body = _split_front(text)
    tree = SyntaxTreeNode(MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(body))
    blocks = [block for block in _blocks(tree) if block.text]
    title = scalar(front.get("title")) or next((block.text for block in blocks if block.level == 1), "") or stem
    rendering, sections = join(blocks, title=title)
    if not sections:
        raise DocumentError("holds no text besides front matter and headings")
    check_text(title + rendering)
    meta = flat_meta({name: value for name, value in front.items() if name not in {"title", "id"}})
    return Document.create(
        rendering, title=title, source=source, id=scalar(front.get("id")) or None, meta=meta, sections=sections
    )


def scalar(value: object) -> str:
    """Return a scalar as one line of text; nothing for None and for what is no scalar."""
    if value is None or (isinstance(value, (Mapping, Sequence, set, frozenset)) and not isinstance(value, str)):
        return ""
    return " ".join(normalise(str(value).lower() if isinstance(value, bool) else str(value)).split())


def flat_meta(values: Mapping[object, object]) -> Meta:
    """Return what can be kept as metadata: scalars as text, lists of scalars as tuples of text; the rest is left out."""
    meta: dict[str, str | tuple[str, ...]] = {}
    for name, value in values.items():
        kept = tuple(filter(None, map(scalar, value))) if isinstance(value, list) else scalar(value)
        if kept:
            meta[scalar(name)] = kept
    return meta


def _split_front(text: str) -> tuple[Mapping[object, object], str]:
    """Part the front matter, if there is any, from the body."""
    match = _FRONT.match(text)
    if not match:
        return {}, text
    try:
        values = yaml.safe_load(match[1])
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 2}" if mark else ""
        problem = getattr(error, "problem", None) or str(error).partition("\n")[0]
        raise DocumentError(f"has broken front matter{where}: {problem}") from None
    if values is not None and not isinstance(values, dict):
        return {}, text  # prose between two thematic breaks
    return values or {}, text[match.end() :]


def _blocks(node: SyntaxTreeNode) -> Iterator[Block]:
    """Yield the blocks below `node` in reading order."""
    for child in node.children:
        match child.type:
            case "heading":
                yield Block(_inline(child).replace("\n", " "), level=int(child.tag[1]))
            case "paragraph":
                yield Block(_inline(child))
            case "fence" | "code_block":
                yield Block(normalise(child.content).strip("\n"))
            case "bullet_list" | "ordered_list":
                yield from _list(child)
            case "table":
                yield from _table(child)
            case "blockquote":
                yield from _blocks(child)
            case _:  # rules and HTML
                pass


def _list(node: SyntaxTreeNode) -> Iterator[Block]:
    """Yield one block per item, with its marker, and the blocks inside it indented. A heading in an item is prose."""
    number = int(node.attrs.get("start", 1))
    nested = node.parent is not None and node.parent.type == "list_item"
    for place, item in enumerate(node.children):
        marker = f"{number + place}. " if node.type == "ordered_list" else "- "
        yield from item_blocks(_blocks(item), marker, tight=place > 0 or nested)


def _table(node: SyntaxTreeNode) -> Iterator[Block]:
    """Yield one block per row of the table's body, each cell led by its column's heading."""
    rows = [[_inline(cell).replace("\n", " ") for cell in row.children] for part in node.children for row in part.children]
    yield from row_blocks(rows[0], rows[1:])


def _inline(node: SyntaxTreeNode) -> str:
    """Return the text of a node's inline children, without markup."""
    return inline_text("".join(_pieces(node)))


def _pieces(node: SyntaxTreeNode) -> Iterator[str]:
    for child in node.children:
        match child.type:
            case "text" | "code_inline":
                yield child.content
            case "softbreak":
                yield " "
            case "hardbreak":
                yield "\n"
            case "html_inline":
                yield "\n" if child.content.lower().startswith("<br") else ""
            case "image":
                pass
            case _:
                yield from _pieces(child)
