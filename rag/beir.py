"""BEIR folders as question sets: `corpus.jsonl`, `queries.jsonl`, `qrels/test.tsv`, and our own `answers.jsonl`.

A query with qrels is answerable. With `answers.jsonl` (`query_id, answers, doc_id, is_impossible`) its gold is each sentence
of the document that holds one of the short answers, by words; without, any sentence of a relevant document. A query that
`answers.jsonl` calls impossible is unanswerable; such queries may also stand in `queries.unanswerable.jsonl`.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from corpus.document import Chunk, Document, Span
from rag.questions import Gold, Kind, Question, QuestionSet, find_quote, json_lines, read_bytes
from stemqa import QuestionSetError

_WORD = re.compile(r"\w+")


def is_beir(path: Path) -> bool:
    """Whether `path` is a folder, and so to be read as BEIR."""
    return path.is_dir()


def read_beir(
    folder: Path, documents: Mapping[str, Document], chunks: Sequence[Chunk], *, queries: str = "queries.jsonl"
) -> QuestionSet:
    """Read the folder's queries against a library built of its `corpus.jsonl`. `queries` names another file of questions.

    Queries that have neither qrels nor an entry in `answers.jsonl` are left out. `QuestionSetError` when a file is missing
    or broken, when a relevant document is not in the library, or when nothing is left.
    """
    digest = hashlib.sha256()
    texts = _queries(folder / queries, digest)
    qrels = _qrels(folder / "qrels" / "test.tsv", digest)
    answers = _answers(folder / "answers.jsonl", digest)
    extra = folder / "queries.unanswerable.jsonl"
    if extra.exists():
        texts |= {name: text for name, text in _queries(extra, digest).items() if name not in texts}
    _check_documents(folder, qrels, documents)
    sentences = _sentences(chunks)
    questions = []
    for query, text in texts.items():
        if query in qrels:
            gold = _gold(answers.get(query), qrels[query], documents, sentences)
            questions.append(Question(query, text, Kind.ANSWERABLE, gold=gold, qrels=qrels[query]))
        elif query in answers and answers[query]["is_impossible"]:
            questions.append(Question(query, text, Kind.UNANSWERABLE))
    if not any(question.qrels for question in questions):
        raise QuestionSetError(f"{folder}: no query of {queries} is in qrels/test.tsv; the two must share their ids")
    unit = "answer" if any(row["answers"] for row in answers.values()) else "document"
    return QuestionSet(folder.resolve().name, digest.hexdigest(), tuple(questions), unit)


def _queries(path: Path, digest: hashlib._Hash) -> dict[str, str]:
    data = read_bytes(path)
    digest.update(data)
    return {_text(row, "_id", path, number): _text(row, "text", path, number) for number, row in json_lines(data, path)}


def _text(row: Mapping[str, Any], field: str, path: Path, number: int) -> str:
    value = row.get(field)
    if not isinstance(value, str):
        raise QuestionSetError(f"{path}, line {number}: {field} must be text; a BEIR row has _id and text")
    return value


def _qrels(path: Path, digest: hashlib._Hash) -> dict[str, dict[str, int]]:
    """Return the grades above 0 per query and document. The header line, if there is one, is skipped."""
    data = read_bytes(path)
    digest.update(data)
    qrels: dict[str, dict[str, int]] = {}
    for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
        cells = line.split("\t")
        if not line.strip() or (number == 1 and cells[-1].strip() == "score"):
            continue
        if len(cells) != 3 or not cells[2].strip().lstrip("-").isdecimal():
            raise QuestionSetError(f"{path}, line {number}: a qrel is query-id, corpus-id and a whole number, by tabs")
        if int(cells[2]) > 0:
            qrels.setdefault(cells[0], {})[cells[1]] = int(cells[2])
    return qrels


def _answers(path: Path, digest: hashlib._Hash) -> dict[str, dict[str, Any]]:
    if not path.exists():
        return {}
    data = read_bytes(path)
    digest.update(data)
    rows: dict[str, dict[str, Any]] = {}
    for number, row in json_lines(data, path):
        answers = row.get("answers")
        if not isinstance(row.get("is_impossible"), bool) or not isinstance(answers, list):
            raise QuestionSetError(f"{path}, line {number}: an answer has query_id, answers, doc_id and is_impossible")
        rows[_text(row, "query_id", path, number)] = row
    return rows


def _check_documents(folder: Path, qrels: Mapping[str, Mapping[str, int]], documents: Mapping[str, Document]) -> None:
    missing = sorted({name for row in qrels.values() for name in row} - documents.keys())
    if missing:
        # A document without text holds nothing to find, so no library holds it; it still counts as relevant.
        path = folder / "corpus.jsonl"
        blank = {row.get("_id") for _, row in json_lines(read_bytes(path), path) if not str(row.get("text", "")).strip()}
        missing = [name for name in missing if name not in blank]
    if missing:
        raise QuestionSetError(
            f"{folder}: {len(missing)} relevant documents are not in the library, the first is {missing[0]!r}; "
            f"build it with: stemqa index {folder / 'corpus.jsonl'} --library DIR"
        )


def _sentences(chunks: Iterable[Chunk]) -> dict[str, dict[Span, None]]:
    """Return each document's sentence spans, in order and once, though chunks may overlap."""
    spans: dict[str, dict[Span, None]] = {}
    for chunk in chunks:
        spans.setdefault(chunk.document_id, {}).update(dict.fromkeys(chunk.sentences))
    return spans


def _gold(
    answer: Mapping[str, Any] | None,
    grades: Mapping[str, int],
    documents: Mapping[str, Document],
    sentences: Mapping[str, Iterable[Span]],
) -> tuple[Gold, ...]:
    if answer is None or not answer["answers"]:
        return tuple(Gold(name, (Span(0, len(documents[name].text)),)) for name in grades if name in documents)
    document = documents.get(answer["doc_id"])
    if document is None:
        return (Gold(str(answer["doc_id"]), ()),)
    wanted = [words for text in answer["answers"] if (words := _words(text)).strip()]
    spans = tuple(
        span for span in sentences.get(document.id, ()) if any(words in _words(span.of(document.text)) for words in wanted)
    )
    # An answer that runs over the end of a sentence is gold where it stands; one that is nowhere counts as never found.
    return (Gold(document.id, spans or tuple(span for text in answer["answers"] for span in find_quote(text, document.text))),)


def _words(text: str) -> str:
    """Return the words in lower case with a space around each, so that containment is containment of whole words."""
    return f" {' '.join(_WORD.findall(unicodedata.normalize('NFKC', text).casefold()))} "
