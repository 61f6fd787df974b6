"""Texts to vectors, each text once: what the library, or a build that was cut off, holds already is not embedded again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from rag.journal import Journal
from rag.protocols import Embedder
from rag.rows import Key, text_key
from rag.segment import Segment

_BATCH = 256

Rows = npt.NDArray[np.float32] | npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Known:
    """Vectors that are there already: those of the segments that stand. `look_at` is asked before any is taken."""

    segments: Sequence[Segment] = ()
    look_at: Callable[[Segment], None] = lambda _: None

    def vectors(self, kind: str, keys: dict[Key, str]) -> dict[Key, npt.NDArray[Any]]:
        """Return the vectors of those texts of `passages` or `sentences` that are known."""
        missing: dict[Key, object] = dict(keys)
        found: dict[Key, npt.NDArray[Any]] = {}
        for segment in self.segments:
            if not missing:
                break
            here = segment.vectors(kind, missing)
            if here:
                self.look_at(segment)
            found.update(here)
            for key in here:
                del missing[key]
        return found


def fill(
    rows: Rows,
    texts: Sequence[str],
    embedder: Embedder,
    *,
    sources: tuple[str, Known, Journal],
    told: Callable[[int, int], None],
) -> None:
    """Write the vector of text i into `rows[i]`, for each of as many texts as there are rows.

    `sources` are what kind of texts these are, and where vectors may be known. `told` hears how many of the texts that had to
    be embedded are done; new vectors go to the journal as they come.
    """
    kind, known, journal = sources
    wanted: dict[Key, list[int]] = {}
    missing: dict[Key, str] = {}
    for i, text in enumerate(texts):
        key = text_key(text)
        wanted.setdefault(key, []).append(i)
        missing[key] = text
    for key, vector in known.vectors(kind, missing).items():
        rows[wanted[key]] = vector
        del missing[key]
    for key in list(missing):
        left = journal.get(key)
        if left is not None:
            rows[wanted[key]] = left
            del missing[key]
    done = 0
    order = list(missing)
    while keys := order[done : done + _BATCH]:
        told(done, len(missing))
        vectors = embedder.embed_passages([missing[key] for key in keys])
        journal.add(keys, vectors)
        for key, vector in zip(keys, vectors, strict=True):
            rows[wanted[key]] = vector
        done += len(keys)
    if missing:
        told(done, len(missing))
