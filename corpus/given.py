"""Text as somebody gave it -> the same text normalised, with the way back for every offset.

Offsets of a document count its normalised text. A passage that is not a document is judged in that form too, but whoever gave
it knows only the text as it was given.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from corpus.decode import normalise
from corpus.document import Span


@dataclass(frozen=True, slots=True)
class Given:
    """A text's normal form. `offsets[i]` is the place in the text as given of `text[i]`; the last one is its length."""

    text: str
    offsets: Sequence[int]

    @classmethod
    def of(cls, text: str) -> Given:
        """Normalise `text` as `corpus.decode.normalise` does, and remember where everything stood."""
        normal = normalise(text)
        if normal == text:
            return cls(text, range(len(text) + 1))
        offsets: list[int] = []
        start = 0
        for cluster in _clusters(text):
            offsets += [start] * len(normalise(cluster))
            start += len(cluster)
        return cls(normal, (*offsets, start))

    def span(self, normal: Span) -> Span | None:
        """Return where `normal`, a span of the normal form, stood as given; None where it is but a part of one character."""
        start, end = self.offsets[normal.start], self.offsets[normal.end]
        return Span(start, end) if start < end else None


def _clusters(text: str) -> Iterator[str]:
    """Cut `text` where normalising the pieces one by one gives what normalising the whole gives."""
    cluster = ""
    for character in text:
        if cluster and not _joins(cluster, character):
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def _joins(cluster: str, character: str) -> bool:
    """Whether `character` is normalised together with what stands before it: a mark, a composing letter, CR LF."""
    if character.isascii():
        return cluster[-1] == "\r" and character == "\n"
    if unicodedata.combining(character):
        return True
    return normalise(cluster + character) != normalise(cluster) + normalise(character)
