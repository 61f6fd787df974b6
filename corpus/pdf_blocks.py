"""The lines of pages become blocks: headings by their letters, paragraphs by how lines stand, nothing that only serves a page.

pages -> lines in reading order -> less running heads, feet, page numbers, contents and references -> headings and paragraphs
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby, pairwise

from corpus.blocks import Block
from corpus.pdf_order import Line, Page, in_reading_order
from corpus.pdf_paragraphs import ENDED, ITEM, Piece, paragraphs, tabular, together, vocabulary

_MARGIN = 0.12  # of the page's height: running heads and feet stand there
_RUNNING = 3  # pages that repeat a line make it a running head; two, when there are no more
_LARGER = 1.08  # times the size of the prose: a heading
_LARGE = 1.3  # times the size of the prose: one that may be broken at a comma
_LONGEST_HEADING = 150  # characters
_LONGEST_TITLE = 250
_NUMBER = re.compile(
    r"\W*(?:(?:page|seite|p\.)\s*)?(?:\d{1,4}|[ivxlc]{1,7})(?:\s*(?:/|of|von|de)\s*\d{1,4})?\W*\Z", re.IGNORECASE
)
_LEADER = re.compile(r"(?:[.·…]\s?){3,}\s*(?:\d{1,4}|[ivxlc]{1,6})\Z")  # of a table of contents
_REFERENCES = re.compile(
    r"(?:\d{1,2}\.?\s+|[A-Z]\.\s+)?(?:references?(?: cited| list)?|references and notes|notes and references|bibliography|"
    r"literature(?: cited)?|works cited|literatur(?:verzeichnis)?|bibliographie|références|referencias|bibliografía)\s*:?\Z",
    re.IGNORECASE,
)
_INDEX = re.compile(r"(?:(?:subject|author|general) )?index|(?:stichwort|sach)verzeichnis|sachregister", re.IGNORECASE)
_INDEXED = re.compile(r"[^\W\d_].*,\s*\d{1,4}(?:[–-]\d{1,4})?\Z")
_PAGED = re.compile(r"[^\W\d_].*\s(?:\d{1,4}|[ivxlc]{1,6})\Z")
_SEEN = 100  # lines before a page's end in which its last paragraph is looked for
_LEADERS = 5  # lines with leaders make a list of contents, to which lines between them belong
_CONTENTS = re.compile(r"(?:table of )?contents\Z|inhalt(?:sverzeichnis)?\Z|table des matières\Z", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"(?:\d{1,2}(?:\.\d{1,2})*\.?\s|(?:table of )?contents\Z|inhalt|abstract\Z|summary\Z|introduction\Z|chapter \d+\Z)",
    re.IGNORECASE,
)
_WORDED = re.compile(r"[^\W\d_]{3}|[\u3040-\u9fff\uac00-\ud7af]{2}")
_CITED = re.compile(r"\b(?:1[89]|20)\d\d[a-z]?\b|\bdoi\b|https?://|\A\[?\d{1,3}[\].]")
_Style = tuple[float, bool]


def title_line(pages: Sequence[Page]) -> str:
    """Return the title on page 1: what is set largest there, or else a first line of its own; "" if there is neither."""
    if pages[0].number != 1:
        return ""
    pieces = [Piece(line, 1) for line in in_reading_order(pages[0].lines) if sum(map(str.isalpha, line.text)) > 2]
    largest = max((piece.line.size for piece in pieces), default=0.0)
    if largest > _LARGER * _body(pages)[0]:
        title = next(list(group) for large, group in groupby(pieces, lambda piece: piece.line.size > 0.95 * largest) if large)
    else:
        title = next(iter(paragraphs(pieces)), [])
        if len(title) > 1 or any(ENDED.search(piece.line.text) for piece in title):
            return ""
    text = together([piece.line.text for piece in title], frozenset()) if title else ""
    return text if len(text) <= _LONGEST_TITLE and not _NO_TITLE.match(text) else ""


def page_blocks(pages: Sequence[Page], *, title: str) -> list[Block]:
    """Return headings and paragraphs in reading order, each with its page."""
    body = _body(pages)
    running = _running(pages)
    headings = running | {_masked(line.text) for page in pages for line in page.lines if _heads(line, body)}
    pieces: list[Piece] = []
    for page in pages:
        lines = in_reading_order(_body_of(page, running, headings, body))
        listed = _contents(lines)
        pieces += (Piece(line, page.number, _heads(line, body), left_out=at in listed) for at, line in enumerate(lines))
    pieces = _without_index(_without_references(_uninterrupted(list(_settled(pieces)))))
    words = vocabulary(pieces)
    blocks = list(_blocks(pieces, words, _levels(pieces)))
    return [replace(block, level=1) if block.level and block.text == title else block for block in blocks]


def _body(pages: Iterable[Page]) -> _Style:
    """Return the style in which most letters are set."""
    letters = Counter[_Style]()
    for page in pages:
        for line in page.lines:
            letters[line.size, line.bold] += len(line.text)
    return max(letters, key=letters.__getitem__)


def _running(pages: Sequence[Page]) -> frozenset[str]:
    """Return what stands at the head or foot of several pages, as it stands and with digits made alike."""
    found = Counter[str]()
    for page in pages:
        edge = [line.text for line in page.lines if _at_edge(line, page, _MARGIN)]
        found.update({*edge, *map(_masked, edge)})
    needed = min(_RUNNING, max(2, len(pages)))
    return frozenset(text for text, count in found.items() if count >= needed)


def _masked(text: str) -> str:
    return re.sub(r"\d+|\b[ivxlc]+\b", "#", " ".join(text.casefold().split()))


def _at_edge(line: Line, page: Page, margin: float) -> bool:
    edge = margin * page.box.height
    return line.box.y1 < page.box.y0 + edge or line.box.y0 > page.box.y1 - edge


def _body_of(page: Page, running: frozenset[str], headings: frozenset[str], body: _Style) -> list[Line]:
    """Return the page's lines less those that only serve the page: running heads and feet, and its number.

    What is set like the line next to it is no such line: a paragraph that lacks one would be misquoted.
    """
    top, bottom = min(line.box.y1 for line in page.lines), max(line.box.y0 for line in page.lines)
    kept, serving = list[Line](), list[Line]()
    for line in page.lines:
        heads, outermost = _heads(line, body), line.box.y1 <= top or line.box.y0 >= bottom
        again = (line.text in running and page.number > 1) if heads else _masked(line.text) in headings
        number = _NUMBER.match(line.text) is not None and len(page.lines) > 1
        serves = (again or number) and _at_edge(line, page, _MARGIN)
        (serving if serves or (number and outermost and _at_edge(line, page, 2 * _MARGIN)) else kept).append(line)
    while near := [line for line in serving if any(_near(line, other) for other in kept)]:
        kept += near
        serving = [line for line in serving if line not in near]
    return [line for line in page.lines if line not in serving]


def _near(line: Line, other: Line) -> bool:
    """Whether two lines may be of one paragraph: set alike, one closely over the other."""
    alike = (line.size, line.bold) == (other.size, other.bold)
    return alike and line.box.over(other.box) and 0 < abs(line.box.y0 - other.box.y0) < 1.4 * line.size


def _heads(line: Line, body: _Style) -> bool:
    """Whether a line is set like a heading: larger than the prose, or bold where the prose is not."""
    text = line.text
    if len(text) > _LONGEST_HEADING or not _WORDED.search(text) or tabular(line) or text.count(",") > 2:
        return False
    if "@" in text or "://" in text or (ITEM.match(text) and not text[0].isdigit()):
        return False
    if text.endswith((".", ";")) or (text.endswith(",") and line.size < _LARGE * body[0]):
        return False
    if line.size > _LARGER * body[0]:
        return True
    return line.bold and not body[1] and line.size > 0.95 * body[0] and not text.endswith(":") and not text[0].islower()


def _settled(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Yield the lines; where those set alike that follow one another are no heading together, none of them is one."""
    for _, group in groupby(pieces, lambda piece: (piece.page, piece.line.size, piece.line.bold)):
        run = list(group)
        heads = all(piece.heading for piece in run) and sum(len(piece.line.text) for piece in run) <= _LONGEST_TITLE
        yield from run if heads else (replace(piece, heading=False) for piece in run)


def _uninterrupted(pieces: list[Piece]) -> list[Piece]:
    """Leave out headings at the top of a page that stand within a sentence: they are the page's, such as a letterhead."""
    found = list(pieces)
    for at, (above, piece) in enumerate(pairwise(pieces), start=1):
        if piece.heading and above.page < piece.page:
            behind = next((number for number in range(at, len(pieces)) if not pieces[number].heading), at)
            if _goes_on(pieces[:at][-_SEEN:], pieces[behind]):
                found[at:behind] = [replace(head, left_out=True) for head in pieces[at:behind]]
    return found


def _goes_on(before: Sequence[Piece], piece: Piece) -> bool:
    """Whether a line begins within a sentence, which the last line set like it on the page before does not end."""
    alike = [p.line.text for p in before if (p.line.size, p.line.bold) == (piece.line.size, piece.line.bold)]
    within = piece.line.text[:1].islower() and not piece.heading and piece.page == before[-1].page + 1
    return within and bool(alike) and not ENDED.search(alike[-1])


def _levels(pieces: Iterable[Piece]) -> Mapping[_Style, int]:
    """Return the level of each style of heading, the largest first, at most six."""
    styles = {(piece.line.size, piece.line.bold) for piece in pieces if piece.heading and not piece.left_out}
    return {style: min(level, 6) for level, style in enumerate(sorted(styles, reverse=True), start=1)}


def _contents(lines: Sequence[Line]) -> set[int]:
    """Return the places of the lines that are of a list of contents: with leaders, or between and beside such lines."""
    found = {at for at, line in enumerate(lines) if _LEADER.search(line.text)}
    heads = {at for at, line in enumerate(lines) if _CONTENTS.match(line.text)}
    first, last = min(found, default=0), max(found, default=0)
    if len(found) < max(_LEADERS, (last - first) / 2):
        return found | heads
    while first > 0 and _PAGED.search(lines[first - 1].text):
        first -= 1
    while last + 1 < len(lines) and _PAGED.search(lines[last + 1].text):
        last += 1
    return heads | set(range(first, last + 1))


def _without_references(pieces: list[Piece]) -> list[Piece]:
    """Return the lines less the last list of references, up to the next heading that is set like its own."""
    return _without_list(pieces, _REFERENCES, _CITED, 1 / 5) or pieces


def _without_index(pieces: list[Piece]) -> list[Piece]:
    """Return the lines less the index, which has a heading on each of its pages or only on the first."""
    while rest := _without_list(pieces, _INDEX, _INDEXED, 1 / 3):
        pieces = rest
    return pieces


def _without_list(pieces: list[Piece], named: re.Pattern[str], entry: re.Pattern[str], share: float) -> list[Piece]:
    """Return the lines less the last list that is `named` so and of whose lines that share are entries; [] without one."""
    for at in range(len(pieces) - 1, -1, -1):
        head = pieces[at]
        if not named.fullmatch(head.line.text):
            continue
        after = pieces[at + 1 :]
        end = next((i for i, piece in enumerate(after) if i > 1 and _next_heading(head, piece)), len(after))
        if end and sum(entry.search(piece.line.text) is not None for piece in after[:end]) >= end * share:
            return pieces[:at] + after[end:]
    return []


def _next_heading(head: Piece, piece: Piece) -> bool:
    return head.heading and piece.heading and piece.line.size >= head.line.size and piece.line.bold == head.line.bold


def _blocks(pieces: Sequence[Piece], words: frozenset[str], levels: Mapping[_Style, int]) -> Iterator[Block]:
    listed = False
    for group in paragraphs(pieces):
        first = group[0]
        if first.left_out:
            continue
        text = together([piece.line.text for piece in group], words)
        level = levels[first.line.size, first.line.bold] if first.heading else 0
        before, listed = listed, not level and ITEM.match(text) is not None
        yield Block(text, level=level, tight=before and listed, page=first.page)
