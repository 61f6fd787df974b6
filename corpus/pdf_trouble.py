"""Why a page of a PDF file cannot be read, and what is said of the file or the page then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a page holds no text: what is said of a file of such pages, and of some pages of a file, if that is worth a word."""

    whole: str
    some: str

    def of_pages(self, numbers: Sequence[int], count: int) -> str:
        """Return what is said of some of a file's `count` pages."""
        shown = ", ".join(map(str, numbers[:5])) + (", ..." if len(numbers) > 5 else "")
        return f"has {len(numbers)} of {count} pages ({shown}) {self.some}"


DAMAGED = Trouble("is damaged: no page of it can be read", "that are damaged")
IMAGES = Trouble("holds no text, only images; run OCR on it first", "that are only images; run OCR on it to read them")
DRAWINGS = Trouble("holds no text, only drawings; run OCR on it first", "")
UNKNOWN_LETTERS = Trouble(
    "is in a font that does not say which letters it shows; run OCR on it first",
    "in a font that does not say which letters it shows; run OCR on it to read them",
)
