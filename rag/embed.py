"""Texts to vectors, each text once: what the library, or a build that was cut off, holds already is not embedded again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rag.journal import Journal
from rag.protocols import Embedder
from rag.rows import Key, text_key

_BATCH = 256

Rows = npt.NDArray[np.float32] | npt.NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Known:
    """Vectors that are there already: the row of each text's key, and the rows."""

    place: Mapping[Key, int] = field(default_factory=dict)
    rows: Rows = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def get(self, key: Key) -> Rows | None:
        """Return the vector of the text with that key."""
        place = self.place.get(key)
        return None if place is None else self.rows[place]


def fill(
    rows: Rows, texts: Iterable[str], embedder: Embedder, *, sources: tuple[Known, Journal], told: Callable[[int, int], None]
) -> None:
    """Write the vector of text i into `rows[i]`, for each of as many texts as there are rows.

    `told` hears how many of the texts that had to be embedded are done; new vectors go to the journal as they come.
    """
    known, journal = sources
    missing: dict[Key, str] = {}
    wanted: dict[Key, list[int]] = {}
    for i, text in enumerate(texts):
        key = text_key(text)
        vector = known.get(key)
        vector = journal.get(key) if vector is None else vector
        if vector is not None:
            rows[i] = vector
        else:
            missing[key] = text
            wanted.setdefault(key, []).append(i)
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
