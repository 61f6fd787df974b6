"""What a reader's own passages say, as rows in and JSON out: the same form in the terminal and over HTTP.

Importing this module imports neither fastapi nor gradio.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import ConfigDict, Field
from pydantic.config import JsonDict

from rag.extract import Extraction
from stemqa import QuestionSetError
from ui.batch import RowId, rows, whole
from ui.wire import WireModel

_FORM = 'write {"id": "...", "question": "...", "passages": ["...", ...]}, all of them given'
_EXAMPLE: JsonDict = {
    "id": "3f2a9c41d07be586",
    "answerable": 0.94,
    "spans": [{"passage": 0, "start": 0, "end": 37, "score": 0.91}],
}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of a batch: a question and the passages to read for it."""

    id: RowId
    question: str
    passages: tuple[str, ...]


class WireExtract(WireModel):
    """A sentence that answers: code points `start` to `end` of a passage, just as it was sent."""

    passage: int = Field(description="Which of the passages, counted from 0.")
    start: int = Field(description="First code point of the sentence, counted from 0.")
    end: int = Field(description="The code point after its last.")
    score: float = Field(description="Probability, 0 to 1, that the sentence answers the question.")


class WireExtraction(WireModel):
    """What the passages of one question hold."""

    model_config = ConfigDict(frozen=True, extra="forbid", json_schema_extra={"examples": [_EXAMPLE]})

    id: str
    answerable: float = Field(ge=0, le=1, description="Probability that anything in the passages answers the question.")
    spans: list[WireExtract] = Field(description="The sentences worth showing, best first.")


def to_wire(found: Extraction, *, id: str) -> WireExtraction:
    """Return the JSON form of what was found."""
    spans = [WireExtract(passage=s.passage, start=s.span.start, end=s.span.end, score=s.score) for s in found.spans]
    return WireExtraction(id=id, answerable=found.answerable, spans=spans)


def extraction_id(question: str, passages: Sequence[str]) -> str:
    """Return a digest of question and passages, 16 hexadecimal digits."""
    return hashlib.sha256(json.dumps([question, *passages]).encode()).hexdigest()[:16]


def read_rows(name: str, *, max_question_chars: int) -> list[Row]:
    """Read the rows of the file `name`, "-" being standard input. `QuestionSetError` naming the line."""
    return [
        Row(row_id, _short(question, max_question_chars, where), _passages(row.get("passages"), where))
        for where, row_id, question, row in rows(name, form=_FORM)
    ]


def _short(question: str, limit: int, where: str) -> str:
    if len(question) > limit:
        raise QuestionSetError(f"{where}: the question has {len(question):,} characters; shorten it to {limit:,}, or less")
    return question


def _passages(value: object, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise QuestionSetError(f"{where}: {_FORM}")
    return tuple(map(whole, value))
