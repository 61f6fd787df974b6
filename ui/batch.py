"""Rows of a batch: JSON Lines in a file or on standard input, all of them read before the first is answered."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from rag.questions import json_lines, read_bytes
from stemqa import QuestionSetError

RowId = str | int
Row = tuple[RowId | None, str]
"""A question and the id of its row in a batch; None for the question on the command line."""


def questions(name: str) -> list[Row]:
    """Read rows with `id` and `question`. `QuestionSetError` naming the line."""
    form = 'write {"id": "...", "question": "..."}, both of them given'
    return [(row_id, question) for _, row_id, question, _ in rows(name, form=form)]


def rows(name: str, *, form: str) -> Iterator[tuple[str, RowId, str, dict[str, Any]]]:
    """Yield each row's place, id and question, and the row whole; "-" is standard input.

    `QuestionSetError` naming file and line, and saying `form`, where a row has no id or no question.
    """
    path = Path("standard input" if name == "-" else name)
    for number, row in json_lines(sys.stdin.buffer.read() if name == "-" else read_bytes(path), path):
        where, row_id, question = f"{path}, line {number}", row.get("id"), row.get("question")
        if not isinstance(row_id, str | int) or isinstance(row_id, bool) or not isinstance(question, str):
            raise QuestionSetError(f"{where}: {form}")
        yield where, row_id, whole(question), row


def words(given: Sequence[str]) -> str:
    """Return the question of the command line; "-" is standard input."""
    return whole(sys.stdin.read() if list(given) == ["-"] else " ".join(given))


def whole(text: str) -> str:
    """Return `text` with each lone surrogate, which no UTF-8 can hold, replaced; it keeps its length."""
    return re.sub("[\ud800-\udfff]", "\N{REPLACEMENT CHARACTER}", text)
