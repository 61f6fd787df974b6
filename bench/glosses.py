"""A million passages of real text: the entries of two dictionaries (Debian's packages dict-gcide and dict-wn), and mixtures.

The first 273,000 passages are the entries as they stand. Each further round takes every entry once more and gives it the
second half of another entry, another one in each round: every sentence is real, no passage is there twice, and words are as
frequent as they are in the dictionaries. A document is a hundred passages, each a section with its head word as heading.
"""

from __future__ import annotations

import gzip
import re
import string
from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path

from corpus.document import Document, Section, Span

DICTIONARIES = Path("/usr/share/dictd")
NAMES = ("gcide", "wn")
PER_DOCUMENT = 100
_STEP = 99_991
"""A prime: entry i gets the end of entry i + round * _STEP."""
_DIGITS = {digit: i for i, digit in enumerate(string.ascii_uppercase + string.ascii_lowercase + string.digits + "+/")}
_MARKS = re.compile(r"\[(?:1913 Webster|WordNet[^\]]*|PJC|Webster 1913 Suppl\.)\]|[{}]")

Gloss = tuple[str, str]
"""Head word and text."""


def glosses(folder: Path = DICTIONARIES) -> list[Gloss]:
    """Read all entries of at least four words, in the order of the dictionaries."""
    return [gloss for name in NAMES for gloss in _entries(folder, name) if gloss[1].count(" ") >= 3]


def passages(entries: list[Gloss]) -> Iterator[Gloss]:
    """Yield the entries, then the mixtures of one round after the other, without end."""
    yield from entries
    for turn in count(1):
        for i, (head, text) in enumerate(entries):
            yield head, _half(text, 0) + " " + _half(entries[(i + turn * _STEP) % len(entries)][1], 1)


def documents(number: int, folder: Path = DICTIONARIES) -> Iterator[Document]:
    """Yield documents of `PER_DOCUMENT` sections, `number` sections in all. Long sections make several passages."""
    found = islice(passages(glosses(folder)), number)
    for n in count():
        rows = list(islice(found, PER_DOCUMENT))
        if not rows:
            return
        yield document(n, rows)


def document(number: int, rows: list[Gloss]) -> Document:
    """Make a document of the given sections."""
    texts, sections, start = [], [], 0
    for head, text in rows:
        begin = start + len(head) + 1
        texts.append(f"{head}\n{text}")
        sections.append(Section(Span(begin, begin + len(text)), (head,)))
        start = begin + len(text) + 2
    name = f"{number:06}"
    return Document.create("\n\n".join(texts), title="", source=f"{name}.txt", id=name, sections=tuple(sections))


def _entries(folder: Path, name: str) -> Iterator[Gloss]:
    data = gzip.decompress((folder / f"{name}.dict.dz").read_bytes())
    places: dict[tuple[int, int], str] = {}
    for line in (folder / f"{name}.index").read_text(encoding="utf-8").splitlines():
        head, start, size = line.split("\t")
        if not head.startswith(("00-database", "00database")):
            places.setdefault((_number(start), _number(size)), head)
    for (start, size), head in places.items():
        lines = data[start : start + size].decode("utf-8", "replace").partition("\n")
        text = " ".join(_MARKS.sub("", lines[2] or lines[0]).split())
        if text:
            yield head, text


def _number(digits: str) -> int:
    value = 0
    for digit in digits:
        value = value * 64 + _DIGITS[digit]
    return value


def _half(text: str, which: int) -> str:
    words = text.split(" ")
    middle = len(words) // 2
    return " ".join(words[middle:] if which else words[:middle])
