# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as quoted strings
"""Elements in HTML's vocabulary become Blocks: headings, paragraphs, list items and table rows in reading order.

Pages, books, and what other formats were mapped to are read by this one walk. What should not be read is dropped before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from corpus.blocks import Block
from corpus.decode import normalise
from corpus.rendering import inline_text, item_blocks, row_blocks, stands_like_head
from corpus.tree import Element, below, name_of

UNSEEN = frozenset(
    "annotation annotation-xml applet area audio base button canvas colgroup datalist dialog embed frame frameset head iframe "
    "img input link map meta meter noembed noframes noscript object optgroup option param picture progress rp rt script select "
    "source style svg template tex-math textarea title track video".split()
)
_BLOCKS = frozenset(
    "address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption figure footer form h1 "
    "h2 h3 h4 h5 h6 header hgroup hr html legend li main menu nav ol p pre search section summary table tbody td tfoot th "
    "thead tr ul".split()
)
_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_LISTS = frozenset({"ul", "ol", "dir", "menu"})
_SPACE = re.compile(r"\s+")
_POWER = re.compile(r"[-−–+]?\d{1,3}\Z")
_RAISED = str.maketrans("0123456789-−–+", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁻⁻⁺")
_REFERENCES = re.compile(
    r"(?:\d+\.?\s+)?(?:references(?: and notes| cited)?|reference list|bibliography|literature(?: cited)?|works cited|"
    r"literatur(?:verzeichnis)?|bibliographie|références|referencias|bibliografía|bundled references|citations)[.:]?\Z",
    re.IGNORECASE,
)
_WIDEST = 100  # columns or rows that one cell may be said to cover


def markup_blocks(root: Element) -> Iterator[Block]:
    """Yield the blocks in `root`, reference lists left out; those without text too."""
    skipping = 0
    for block in _walk(root):
        if not block.text.strip():
            continue
        if block.level and (not skipping or block.level <= skipping):
            skipping = block.level if _REFERENCES.match(block.text) else 0
        if not skipping:
            yield block


def element_text(element: Element) -> str:
    """Return the text of an element on one line, as it is read in a sentence."""
    return inline_text("".join(_inline(element))).replace("\n", " ")


def _walk(element: Element) -> Iterator[Block]:
    """Yield the blocks below `element`: its block elements, and the inline runs between them."""
    run: list[str] = [_flat(element.text)]
    for inner in element:
        name = name_of(inner)
        if name in _BLOCKS or (name not in UNSEEN and _holds_blocks(inner)):
            yield from _paragraphs(run)
            run = []
            yield from _block(inner, name)
        else:
            run.extend(_piece(inner, name))
        run.append(_flat(inner.tail))
    yield from _paragraphs(run)


def _block(element: Element, name: str) -> Iterator[Block]:
    if name in _HEADINGS:
        yield Block(element_text(element), level=int(name[1:]))
    elif name == "pre":
        yield Block(normalise("".join(_inline(element, kept=True))).strip("\n"))
    elif name in _LISTS:
        yield from _list(element, name)
    elif name == "table" and not _lays_out(element):
        yield from _table(element)
    elif name == "aside":  # the heading of a box is not that of the text behind it
        yield from (replace(block, level=0) for block in _walk(element))
    else:
        yield from _walk(element)


def _paragraphs(run: Iterable[str]) -> Iterator[Block]:
    """Yield the paragraphs of an inline run; two line breaks in a row part paragraphs."""
    for paragraph in re.split(r"\n[ \u00a0]*\n\s*", "".join(run)):
        if text := inline_text(paragraph):
            yield Block(text)


def _inline(element: Element, *, kept: bool = False) -> Iterator[str]:
    """Yield the pieces of an inline element's text; white space is `kept` in preformatted text."""
    yield (element.text or "") if kept else _flat(element.text)
    for inner in element:
        name = name_of(inner)
        if name in _BLOCKS:
            yield "\n"
        yield from _piece(inner, name, kept=kept)
        if name in _BLOCKS:
            yield "\n"
        yield (inner.tail or "") if kept else _flat(inner.tail)


def _piece(element: Element, name: str, *, kept: bool = False) -> Iterator[str]:
    """Yield the text of one inline element, without what follows it."""
    if not name or name in UNSEEN:
        return
    if name == "br":
        yield "\n"
    elif name == "wbr":
        yield "\u200b"  # and what follows, which the parser takes for its content
        yield from _inline(element, kept=kept)
    elif name == "sup":
        yield from _superscript(element)
    else:
        yield from _inline(element, kept=kept)


def _superscript(element: Element) -> Iterator[str]:
    """Yield what is raised: "10" and "9" must not become "109". The marks of notes and references are left out."""
    text = "".join(_inline(element)).strip()
    if is_note(element):
        return
    yield text.translate(_RAISED) if _POWER.match(text) and _is_power(element, text) else text


def is_note(element: Element) -> bool:
    """Whether an element is nothing but a mark that leads to a note or reference on the same page."""
    if "reference" in element.get("class", "").split() or "noteref" in (element.get("role", "") + element.get("type", "")):
        return True
    links = [link.get("href", "") for link in below(element, "a")]
    return bool(links) and all(link.startswith("#") for link in links)


def _is_power(element: Element, text: str) -> bool:
    """Whether raised digits follow a number or unit; behind the mark that ends a sentence they number a note."""
    before = element.getprevious()
    run = (before.tail or "".join(_inline(before))) if before is not None else element.getparent().text
    last = (run or " ")[-1]
    return last.isalnum() or (last in ")]" and not text[0].isdigit())


def _list(element: Element, name: str) -> Iterator[Block]:
    """Yield one block per item, with its marker, and the blocks inside it indented."""
    start = element.get("start", "")
    number = int(start) if start.isdigit() else 1
    nested, place = _in_item(element), 0
    for inner in element:
        kind = name_of(inner)
        if kind != "li":
            yield from _block(inner, kind) if kind and kind not in UNSEEN else ()
            continue
        marker = f"{number + place}. " if name == "ol" else "- "
        yield from item_blocks(_walk(inner), marker, tight=place > 0 or nested)
        place += 1


def _in_item(element: Element) -> bool:
    parent = element.getparent()
    return parent is not None and name_of(parent) in _LISTS | {"li"}


def _holds_blocks(element: Element) -> bool:
    return any(name_of(inner) in _BLOCKS for inner in element.iter())


def _lays_out(table: Element) -> bool:
    """Whether a table only places things on the page: it is one column wide, or holds headings, or mostly other tables."""
    if table.get("role") in {"presentation", "none"} or any(True for _ in below(table, *_HEADINGS)):
        return True
    nested = [inner for inner in below(table, "table") if inner is not table]
    if nested and 2 * sum(len(element_text(inner)) for inner in nested) > len(element_text(table)):
        return True
    return all(len(_cells(row)) < 2 for row in _rows(table))


def _rows(table: Element) -> Iterator[Element]:
    """Yield a table's own rows, not those of tables in its cells."""
    return (row for row in below(table, "tr") if next(row.iterancestors(table.tag)) is table)


def _table(table: Element) -> Iterator[Block]:
    """Yield the caption and one block per row of the body."""
    for caption in (inner for inner in table if name_of(inner) == "caption"):
        yield Block(element_text(caption))
    heads, rows = _grid(table)
    if not heads and stands_like_head(rows):
        heads, rows = rows[:1], rows[1:]
    names = [" ".join(dict.fromkeys(filter(None, column))) for column in zip(*_squared(heads), strict=True)]
    yield from row_blocks(names, rows)


def _grid(table: Element) -> tuple[list[list[str]], list[list[str]]]:
    """Return the rows of names and the rows of cells. A cell stands in all rows that it covers, a name in all columns too."""
    heads: list[list[str]] = []
    rows: list[list[str]] = []
    covered: dict[int, tuple[int, str]] = {}  # column -> rows still to cover, text
    for row in _rows(table):
        texts: list[str] = []
        cells = _cells(row)
        named = not rows and (name_of(row.getparent()) == "thead" or all(name_of(cell) == "th" for cell in cells))
        for cell in cells:
            _fill(texts, covered)
            text = element_text(cell)
            across, down = _covers(cell, "colspan"), _covers(cell, "rowspan")
            for place in range(across):
                shown = text if named or not place else ""
                if down > 1:
                    covered[len(texts)] = (down - 1, shown)
                texts.append(shown)
        _fill(texts, covered)
        if named:
            heads.append(texts)
        else:
            rows.append(_labelled(texts, cells))
    return heads, rows


def _fill(texts: list[str], covered: dict[int, tuple[int, str]]) -> None:
    """Add the cells that reach down from rows above."""
    while len(texts) in covered:
        left, text = covered.pop(len(texts))
        if left > 1:
            covered[len(texts)] = (left - 1, text)
        texts.append(text)


def _labelled(texts: list[str], cells: Sequence[Element]) -> list[str]:
    """Join the label of a row that has no more than a label and a value: "Born: 1952"."""
    if len(texts) == 2 and len(cells) == 2 and (name_of(cells[0]) == "th" or texts[0].endswith(":")) and all(texts):
        return [f"{texts[0].removesuffix(':')}: {texts[1]}"]
    return texts


def _squared(rows: Sequence[Sequence[str]]) -> list[list[str]]:
    width = max(map(len, rows), default=0)
    return [[*row, *[""] * (width - len(row))] for row in rows]


def _cells(row: Element) -> list[Element]:
    return [cell for cell in row if name_of(cell) in {"td", "th"}]


def _covers(cell: Element, name: str) -> int:
    value = cell.get(name, "1").strip()
    return max(1, min(int(value), _WIDEST)) if value.isdigit() else 1


def _flat(text: str | None) -> str:
    return _SPACE.sub(" ", text) if text else ""
