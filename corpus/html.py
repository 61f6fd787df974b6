# ruff: noqa: SIM905 -- word lists are easier to read and to mend as words than as quoted strings
"""HTML: the main text of a page, without navigation, and the address that a saved page came from."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from corpus.blocks import Block, join
from corpus.bold import mark_bold_headings
from corpus.decode import check_text
from corpus.document import Document
from corpus.endnotes import without_endnotes
from corpus.markdown import flat_meta, scalar
from corpus.markup import UNSEEN, markup_blocks
from corpus.tree import Element, below, drop, markup_text, name_of, parse_html
from stemqa import DocumentError

_AROUND = frozenset({"nav", "footer", "aside", "search"})
_AROUND_ROLES = frozenset(
    "alert alertdialog banner complementary contentinfo dialog menu menubar navigation search tablist toolbar tooltip".split()
)
_AROUND_CLASSES = frozenset(
    "breadcrumb breadcrumbs mw-editsection mw-jump-link navbar navbox noprint pagination skip-link".split()
)
_UNSEEN_STYLE = re.compile(r"(?:display\s*:\s*none|visibility\s*:\s*hidden)", re.IGNORECASE)
_SAVED_FROM = re.compile(
    r"<!--\s*saved from url=\(\d+\)\s*(https?://\S+?)\s*-->|Page saved with SingleFile\s+url:\s*(https?://\S+)"
)
_ADDRESS = re.compile(r"https?://[^\s/]+/\S+\Z")  # a page, not a site: what claims to be the start page often is not
_PART = re.compile(r"[;:\n]\s|\A(?:-|\d+\.)\s")  # between what were the cells of a row
_MARKS = re.compile(r"[\W_]+")
_RUN = 12  # letters, that as a run say which text they are from
_BOOK = 5000  # blocks; more are a whole book, and trafilatura's time grows with their square: 50 seconds for 20,000


def html_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of an HTML page. `DocumentError`, without the file's name, if it holds no text.

    The source is the address that the page says it came from, where it says so.
    """
    text = markup_text(data)
    root = parse_html(text)
    facts = _facts(root)
    address = _address(text, root, facts)
    language = scalar(root.get("lang"))
    title_tag = scalar(next((found.text for found in below(root, "title")), ""))
    blocks = list(_main_blocks(text, root))
    title = _title(facts, title_tag, blocks) or stem
    rendering, sections = join(blocks, title=title)
    if not sections:
        raise DocumentError("holds no text besides navigation")
    check_text(title + rendering)
    return Document.create(
        rendering, title=title, source=address or source, meta=flat_meta(_meta(facts, language)), sections=sections
    )


def _main_blocks(text: str, root: Element) -> Iterator[Block]:
    """Yield the blocks of the main text, with the headings that lead to one. Without main text, or in a whole book, yield all.

    trafilatura says which they are. Their words are not taken from it: it drops links in table cells, and makes "10⁹" "109".
    """
    _clean(root)
    mark_bold_headings(root, "h6")
    blocks = list(markup_blocks(next(below(root, "body"), root)))
    if len(blocks) > _BOOK:
        return iter(blocks)
    judge = _Judge.of(_main_text(text))
    kept = [group for group in _groups(blocks) if group[0].level or judge.holds(group)]
    prose = any(not group[0].level for group in kept)
    found = [block for group in (kept if prose else _groups(blocks)) for block in group]
    return (block for group in _led(list(_groups(without_endnotes(found)))) for block in group)


def _main_text(text: str) -> str:
    from trafilatura import extract  # noqa: PLC0415 -- heavy

    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # it warns of each page without text

    # Without `fast` it gives up to eight seconds to one page, and keeps no more of the main text.
    return extract(text, fast=True, include_comments=False) or ""


def _clean(root: Element) -> None:
    """Drop what is not seen on the page, and what its author marked as being around the text."""
    for element in list(root.iter()):
        name = name_of(element)
        classes = _AROUND_CLASSES.intersection(element.get("class", "").split())
        around = name in _AROUND or element.get("role") in _AROUND_ROLES or classes
        if name not in {"html", "head", "body"} and (name in UNSEEN or around or _hidden(element)):
            drop(element)


def _hidden(element: Element) -> bool:
    return (
        element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or _UNSEEN_STYLE.search(element.get("style", "")) is not None
    )


def _groups(blocks: Iterable[Block]) -> Iterator[list[Block]]:
    """Yield lists and tables as wholes, with what is indented in them, and every other block alone."""
    group: list[Block] = []
    for block in blocks:
        if group and (block.level or group[0].level or not (block.tight or block.text[0] == " ")):
            yield group
            group = []
        group.append(block)
    if group:
        yield group


def _led(groups: Sequence[list[Block]]) -> Iterator[list[Block]]:
    """Yield all groups but the headings with nothing below them."""
    for group, following in zip_longest(groups, groups[1:]):
        level = group[0].level
        if not level or (following and not 0 < following[0].level <= level):
            yield group


@dataclass(frozen=True, slots=True)
class _Judge:
    """What of the main text is compared, in small letters without marks: its lines and cells, words, and runs of letters."""

    lines: frozenset[str]
    words: str
    runs: frozenset[str]

    @classmethod
    def of(cls, text: str) -> _Judge:
        words = _words(text)
        return cls(frozenset(map(_words, re.split(r"[\n|]", text))), words, frozenset(_runs(words)))

    def holds(self, group: Sequence[Block]) -> bool:
        """Whether at least half of the group's text is in the main text. A word that stands alone must be a line there."""
        found = total = 0
        for piece in (piece for block in group for piece in map(_words, _PART.split(block.text)) if piece.strip()):
            runs = _runs(piece)
            total += max(1, len(runs))
            found += sum(run in self.runs for run in runs) if runs else piece in (self.words if len(group) > 1 else self.lines)
        return 2 * found >= total > 0


def _words(text: str) -> str:
    """Return the words of a text, a space before and behind each."""
    return f" {' '.join(_MARKS.split(text.casefold())).strip()} "


def _runs(words: str) -> list[str]:
    """Return all runs of letters across words; spaces do not count, since extraction may lose or add them."""
    letters = words.replace(" ", "")
    return [letters[at : at + _RUN] for at in range(len(letters) - _RUN + 1)]


def _facts(root: Element) -> Mapping[str, list[str]]:
    """Return what the page's <meta> elements say, by name in small letters."""
    facts: dict[str, list[str]] = {}
    for meta in below(root, "meta"):
        name = (meta.get("name") or meta.get("property") or meta.get("itemprop") or "").lower()
        if name and (content := scalar(meta.get("content"))):
            facts.setdefault(name, []).append(content)
    return facts


def _first(facts: Mapping[str, list[str]], *names: str) -> str:
    return next((facts[name][0] for name in names if name in facts), "")


def _title(facts: Mapping[str, list[str]], tag: str, blocks: list[Block]) -> str:
    """Return the title without the site's name: the main heading, if the given title only adds to it."""
    given = _first(facts, "citation_title", "dc.title", "og:title") or tag
    heading = next((block.text for block in blocks if block.level == 1), "")
    if heading and (not given or heading.casefold() in given.casefold()):
        return heading
    return given or next((block.text for block in blocks if block.level), "")


def _address(text: str, root: Element, facts: Mapping[str, list[str]]) -> str:
    saved = _SAVED_FROM.search(text[:4096])
    links = (link.get("href", "") for link in below(root, "link") if "canonical" in link.get("rel", "").lower().split())
    candidates = [(saved[1] or saved[2]) if saved else "", *links, _first(facts, "og:url")]
    return next((address.strip() for address in candidates if _ADDRESS.match(address.strip())), "")


def _meta(facts: Mapping[str, list[str]], language: str) -> dict[object, object]:
    authors = (
        facts.get("citation_author") or facts.get("author") or facts.get("dc.creator") or facts.get("article:author") or []
    )
    doi = _first(facts, "citation_doi", "prism.doi", "dc.identifier").removeprefix("doi:").removeprefix("https://doi.org/")
    return {
        "authors": [author for author in authors if not author.startswith(("http:", "https:"))],
        "date": _first(facts, "citation_publication_date", "citation_date", "article:published_time", "dc.date", "date"),
        "language": language or _first(facts, "dc.language", "og:locale"),
        "doi": doi if doi.startswith("10.") else "",
    }
