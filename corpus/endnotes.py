"""Notes at the end of a page: paragraphs "[1] ...", "[2] ...", numbered as the marks in the text are."""

from __future__ import annotations

import re
from collections.abc import Sequence

from corpus.blocks import Block

_NOTE = re.compile(r"\[(\d{1,3})\](?=\s|\Z)")
_FEWEST = 3
_SHARE = 0.6  # of the paragraphs; a note may have several


def without_endnotes(blocks: Sequence[Block]) -> list[Block]:
    """Return the blocks less the last list of notes, up to the next heading. The marks of the first ones stand in the text."""
    for start in range(len(blocks) - 1, -1, -1):
        found = _NOTE.match(blocks[start].text)
        if found is None or found[1] != "1" or blocks[start].level:
            continue
        end = next((at for at in range(start, len(blocks)) if blocks[at].level), len(blocks))
        numbers = [int(note[1]) for block in blocks[start:end] if (note := _NOTE.match(block.text))]
        before = "".join(block.text for block in blocks[:start])
        rising = numbers == sorted(numbers) and len(numbers) >= max(_FEWEST, _SHARE * (end - start))
        if rising and all(f"[{number}]" in before for number in range(1, _FEWEST + 1)):
            return [*blocks[:start], *blocks[end:]]
    return list(blocks)
