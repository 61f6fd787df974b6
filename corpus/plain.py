"""Plain text: the document's text is the file; title and headings are lines recognised by how they stand."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from corpus.abbreviations import LEAD_IN
from corpus.document import Document, Meta, Section, Span
from corpus.lines import BULLET, blank_between, ended, goes_on, lines, trimmed

_LONGEST_HEADING = 120  # characters
_TITLED = 2  # times the title stands in a saved page; what stands more often is a running head or a speaker
_STACKED = 3  # at most so many heading lines follow one another; more are a list or a table
_BULLETED = re.compile(rf"{BULLET}\s")
_QUESTION = re.compile(r"[A-Z][^.!?\"“”]*\?\Z")


def plain_document(  # noqa: PLR0913 -- as many facts as Document.create takes
    text: str, *, stem: str, source: str, title: str = "", id: str | None = None, meta: Meta | None = None
) -> Document:
    """Make a document of normalised plain text. Without a `title` it is the first line if that stands like one, else `stem`.

    Headings and a title line, with its repetitions, are in no section.
    """
    found = list(lines(text, Span(0, len(text)))) if text else []
    headings = _headings(text, found)
    repeated = _repeated(text, found)
    if not title:
        title = found[0].of(text) if found and (0 in headings or repeated) else stem
        headings |= repeated
    sections = tuple(_sections(text, found, headings, title))
    return Document.create(text, title=title, source=source, id=id, meta=meta or {}, sections=sections or None)


def _repeated(text: str, found: Sequence[Span]) -> set[int]:
    """Return the numbers of the lines that are the first line, if that could be a title and stands again: a saved page."""
    first = found[0].of(text) if found else ""
    alike = {number for number, line in enumerate(found) if line.of(text) == first}
    titled = first[:1].isupper() and len(first) <= _LONGEST_HEADING and not ended(text, found[0])
    return alike if titled and len(alike) == _TITLED else set()


def _headings(text: str, found: Sequence[Span]) -> set[int]:
    """Return the numbers of the lines that are headings: runs of lines that stand like one, with prose behind them."""
    headings: set[int] = set()
    run: list[int] = []
    for number in range(len(found)):
        if _stands_like_heading(text, found, number):
            run.append(number)
            continue
        if run and (len(run) <= _STACKED or run[0] == 0):
            headings.update(run if len(run) <= _STACKED else run[:1])
        run = []
    return headings | {0} if run[:1] == [0] else headings  # short lines only: the first is the title


def _stands_like_heading(text: str, found: Sequence[Span], number: int) -> bool:
    """Whether a short line without a final mark stands alone, or is followed by a line that is not its continuation."""
    line = found[number]
    words = line.of(text)
    if len(line) > _LONGEST_HEADING or _BULLETED.match(words) or words[0].islower() or not any(map(str.isalpha, words)):
        return False
    if (ended(text, line) and not _QUESTION.match(words)) or words.endswith((",", "-", "–", "—", "(")) or words[0] == "[":
        return False
    before = found[number - 1] if number else None
    after = found[number + 1] if number + 1 < len(found) else None
    if words.split()[-1] in LEAD_IN or words.count("(") != words.count(")") or (after and goes_on(text, line, after)):
        return False
    if before and not blank_between(text, before, line) and not ended(text, before):
        return False
    return after is None or blank_between(text, line, after) or _broken_early(text, line, after)


def _broken_early(text: str, line: Span, after: Span) -> bool:
    """Whether the line ends long before the next one does, although the next line's first word would have fitted."""
    word = after.of(text).split(None, 1)[0]
    return len(line) + 1 + len(word) < len(after) * 0.6 and len(after) > 60 and not word[0].islower()


def _sections(text: str, found: Sequence[Span], headings: set[int], title: str) -> Iterator[Section]:
    """Yield the stretches of prose between headings. Headings that follow one another make one path."""
    path: tuple[str, ...] = ()
    start: int | None = None
    for number, line in enumerate(found):
        if number in headings:
            if start is not None:
                yield Section(Span(start, found[number - 1].end), path)
                start, path = None, ()
            heading = line.of(text)
            if heading.casefold() not in {title.casefold(), *map(str.casefold, path)}:
                path = (*path, heading)
        elif start is None and not (number <= 1 and line.of(text) == title):
            start = line.start
    if start is not None and (rest := trimmed(text, start, len(text))):
        yield Section(rest, path)
