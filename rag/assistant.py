"""The composition root: picks the concrete parts, and answers questions with them."""

from __future__ import annotations

from dataclasses import dataclass

from rag.library import Library
from rag.reply import Hit, Reply
from rag.settings import Settings


@dataclass(frozen=True, slots=True)
class Assistant:
    """A library that can be asked. Safe to use from several threads."""

    library: Library

    @classmethod
    def open(cls, settings: Settings) -> Assistant:
        """Open `settings.library` and load its models. `LibraryError` or `ModelError` when that cannot be done."""
        raise NotImplementedError

    def ask(self, question: str) -> Reply:
        """Answer `question` with cited sentences, or refuse. Every quote is checked against its source before it leaves."""
        raise NotImplementedError

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """Return the at most `k` best passages, best first, at most one per text that says the same."""
        raise NotImplementedError
