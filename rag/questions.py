"""A canned question set: reading it, and finding its gold quotes in the documents of a library.

One JSON object a line: `id`, `question`, `kind`, and for answerable questions `wording` and `gold`, a list of
`{"document_id", "quote"}`. Golds are alternatives; those of a question in two parts carry `"part": 1 | 2`, and each part
needs one. An injection may name, in `same_as`, the question whose reply it must not change.
"""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from corpus.document import Document, Span
from stemqa import QuestionSetError

_Member = TypeVar("_Member", bound=StrEnum)

FIELDS = frozenset({"id", "question", "kind", "wording", "gold", "same_as"})
GOLD_FIELDS = frozenset({"document_id", "quote", "part"})


class Kind(StrEnum):
    """What a question is, and so what its reply should be."""

    ANSWERABLE = "answerable"
    UNANSWERABLE = "unanswerable"
    PERSONAL_ADVICE = "personal_advice"
    EMERGENCY = "emergency"
    OFF_TOPIC = "off_topic"
    INJECTION = "injection"


class Wording(StrEnum):
    """How an answerable question is put."""

    PLAIN = "plain"
    KEYWORD = "keyword"
    MISSPELT = "misspelt"
    PARAPHRASED = "paraphrased"
    LONG = "long"
    INDIRECT = "indirect"
    VAGUE = "vague"
    TWO_PART = "two_part"


@dataclass(frozen=True, slots=True)
class Gold:
    """A passage that answers a part of a question: every place in the document where the quote stands."""

    document_id: str
    spans: tuple[Span, ...]
    part: int = 1


@dataclass(frozen=True, slots=True)
class Question:
    """A question, what it is, and what answers it. `qrels` are graded relevant documents, of BEIR folders only."""

    id: str
    text: str
    kind: Kind
    wording: Wording | None = None
    gold: tuple[Gold, ...] = ()
    same_as: str | None = None
    qrels: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class QuestionSet:
    """Questions with ids of their own, the name of their file or folder, and the SHA-256 of what was read.

    `gold` says what counts as gold: "quote", "answer" (sentences that hold a short answer), "document", or "none".
    """

    name: str
    sha256: str
    questions: tuple[Question, ...]
    gold: str = "quote"


def read_questions(path: Path, documents: Mapping[str, Document], *, kind: Kind | None = None) -> QuestionSet:
    """Read the question set at `path` and find each gold quote in `documents`; whitespace in quotes matches any other.

    With `kind`, the file is a list of questions of that one kind: rows with `_id` or `id` and `text` or `question`, whose
    other fields are ignored. `QuestionSetError`, naming file and line, for whatever cannot be used.
    """
    data = read_bytes(path)
    questions: dict[str, Question] = {}
    for number, row in json_lines(data, path):
        where = f"{path}, line {number}"
        if kind is not None:
            row = {"id": row.get("_id", row.get("id")), "question": row.get("text", row.get("question")), "kind": kind}  # noqa: PLW2901 -- the same row in the set's own form
        question = _question(row, documents, where)
        if question.id in questions:
            raise QuestionSetError(f"{where}: the id {question.id!r} was used before; give each question an id of its own")
        questions[question.id] = question
    if not questions:
        raise QuestionSetError(f"{path} holds no questions; write one JSON object a line")
    for question in questions.values():
        if question.same_as is not None and question.same_as not in questions:
            raise QuestionSetError(
                f"{path}: {question.id!r} is same_as {question.same_as!r}, which is no question of the set; "
                "give the id of one, or leave same_as out"
            )
    return QuestionSet(
        path.name,
        hashlib.sha256(data).hexdigest(),
        tuple(questions.values()),
        "quote" if any(question.gold for question in questions.values()) else "none",
    )


def read_bytes(path: Path) -> bytes:
    """Return the file's bytes. `QuestionSetError` when it is missing or cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or "it cannot be read"
        raise QuestionSetError(
            f"cannot read the questions in {path}: {reason}; name a JSON Lines file or a BEIR folder"
        ) from None


def json_lines(data: bytes, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the line number and object of each line that is not blank. `QuestionSetError` naming the line otherwise."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        number = data[: error.start].count(b"\n") + 1
        raise QuestionSetError(f"{path}, line {number}: not UTF-8; save the file as UTF-8") from None
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (json.JSONDecodeError, RecursionError) as error:
            detail = error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"
            raise QuestionSetError(f"{path}, line {number}: not JSON ({detail}); write one JSON object a line") from None
        if not isinstance(row, dict):
            raise QuestionSetError(
                f"{path}, line {number}: a JSON {type(row).__name__}, not an object; write one object a line"
            )
        yield number, row


def _question(row: Mapping[str, Any], documents: Mapping[str, Document], where: str) -> Question:
    if unknown := sorted(row.keys() - FIELDS):
        raise QuestionSetError(f"{where}: unknown field {unknown[0]!r}; known are {', '.join(sorted(FIELDS))}")
    question_id = _text(row, "id", where)
    kind = _member(Kind, row.get("kind"), "kind", where)
    wording = None if row.get("wording") is None else _member(Wording, row["wording"], "wording", where)
    gold = _golds(row.get("gold"), documents, f"{where} ({question_id!r})")
    _check_gold(kind, wording, gold, f"{where} ({question_id!r})")
    same_as = row.get("same_as")
    if same_as is not None and (kind is not Kind.INJECTION or not isinstance(same_as, str)):
        raise QuestionSetError(f"{where}: same_as names, in an injection, the id of another question; name one or leave it out")
    return Question(question_id, _text(row, "question", where), kind, wording, gold, same_as)


def _text(row: Mapping[str, Any], field: str, where: str) -> str:
    value = row.get(field)
    if not isinstance(value, str) or (field != "question" and not value.strip()):
        raise QuestionSetError(f"{where}: {field} must be text, got {_shown(value)}")
    return value


def _member(members: type[_Member], value: object, field: str, where: str) -> _Member:
    if not isinstance(value, str) or value not in list(members):
        raise QuestionSetError(f"{where}: {field} is {_shown(value)}; it must be one of {', '.join(members)}")
    return members(value)


def _shown(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."


def _golds(value: object, documents: Mapping[str, Document], where: str) -> tuple[Gold, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise QuestionSetError(f"{where}: gold must be a list of objects with document_id and quote, got {_shown(value)}")
    return tuple(_gold(item, documents, where) for item in value)


def _gold(item: Mapping[str, Any], documents: Mapping[str, Document], where: str) -> Gold:
    if unknown := sorted(item.keys() - GOLD_FIELDS):
        raise QuestionSetError(f"{where}: unknown gold field {unknown[0]!r}; known are {', '.join(sorted(GOLD_FIELDS))}")
    document_id, quote, part = _text(item, "document_id", where), _text(item, "quote", where), item.get("part", 1)
    if type(part) is not int or part not in (1, 2):
        raise QuestionSetError(f"{where}: the part of a gold must be 1 or 2, got {_shown(part)}")
    if document_id not in documents:
        raise QuestionSetError(f"{where}: the library holds no document {document_id!r}; index it or correct the gold")
    spans = find_quote(quote, documents[document_id].text)
    if not spans:
        raise QuestionSetError(f"{where}: document {document_id!r} does not hold the quote {_shown(quote)}; copy it from there")
    return Gold(document_id, spans, part)


def find_quote(quote: str, text: str) -> tuple[Span, ...]:
    """Return every place of `quote` in the normalised `text`, with any whitespace between its words."""
    words = unicodedata.normalize("NFC", quote).split()
    return tuple(Span(*match.span()) for match in re.finditer(r"\s+".join(map(re.escape, words)), text)) if words else ()


def _check_gold(kind: Kind, wording: Wording | None, gold: Sequence[Gold], where: str) -> None:
    parts = sorted({item.part for item in gold})
    if kind is Kind.ANSWERABLE and not gold:
        raise QuestionSetError(f"{where}: an answerable question needs at least one gold quote; add one, or change the kind")
    if kind is not Kind.ANSWERABLE and gold:
        raise QuestionSetError(f"{where}: only answerable questions have gold quotes; remove them or change the kind")
    needed = [1, 2] if wording is Wording.TWO_PART else [1]
    if gold and parts != needed:
        mend = "add the part, or change the wording" if len(needed) > 1 else 'set "wording": "two_part", or drop part 2'
        raise QuestionSetError(f"{where}: the wording {wording or 'null'!s} needs golds of part {needed}, got {parts}; {mend}")
