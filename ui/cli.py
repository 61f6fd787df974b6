"""The command line: reads arguments, asks the assistant, writes data to stdout and messages to stderr.

Exit codes: 0 done, and a refusal is done too; 1 something is broken, said in one line, or an evaluation got worse; 2 wrong
usage. What is heavy is imported by the command that needs it, so `stemqa --help` is instant.
"""
# ruff: noqa: PLC0415, T201 -- imports as said above; and printing is what a command line is for

from __future__ import annotations

import io
import json
import os
import sys
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from rag.settings import PREFIX, Settings
from stemqa import QuestionSetError, StemqaError
from ui.arguments import parser

T = TypeVar("T")

if TYPE_CHECKING:
    from tqdm import tqdm

    from rag.assistant import Assistant
    from rag.build import Progress
    from rag.reply import Hit


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    _speak_utf8()
    try:
        arguments = parser(_COMMANDS).parse_args(argv)
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read has seen enough. Python flushes once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        return 130
    except (StemqaError, OSError) as error:
        print(f"stemqa: {' '.join(str(error).split())}", file=sys.stderr)
        return 1
    return code


def _speak_utf8() -> None:
    """Make stdout and stdin UTF-8 in every locale; what is not valid Unicode is escaped, and never an error."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace", newline="\n")
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="replace")


def _settings(arguments: Namespace) -> Settings:
    """Return the settings: an option wins over its environment variable."""
    options = {name: getattr(arguments, name, None) for name in ("library", "host", "port")}
    given = {PREFIX + name.upper(): str(value) for name, value in options.items() if value is not None}
    return Settings.from_mapping({**os.environ, **given})


def _index(arguments: Namespace) -> int:
    from ui.holdings import index

    with _progress_bar() as progress:
        outcome = index(arguments.paths, _settings(arguments), tell=_say, progress=progress)
    _say(outcome)
    return 0


def _remove(arguments: Namespace) -> int:
    from ui.holdings import remove

    with _progress_bar() as progress:
        outcome = remove(arguments.names, _settings(arguments), tell=_say, progress=progress)
    _say(outcome)
    return 0


def _list(arguments: Namespace) -> int:
    from ui.holdings import listing, listing_text

    rows = listing(_settings(arguments).library)
    if arguments.json:
        for row in rows:
            _write_json(row)
    else:
        sys.stdout.write(listing_text(rows))
    return 0


def _show(arguments: Namespace) -> int:
    from ui.holdings import listing, listing_text, text_of
    from ui.terminal import document_text

    folder = _settings(arguments).library
    if arguments.document_id is None:
        sys.stdout.write(listing_text(listing(folder)))
        return 0
    text = text_of(arguments.document_id, folder)
    if sys.stdout.isatty():
        text = document_text(text) + ("" if text.endswith("\n") else "\n")
    sys.stdout.write(text)
    return 0


def _ask(arguments: Namespace) -> int:
    from ui.terminal import reply_text
    from ui.wire import to_wire

    for row_id, question, assistant in _asked(arguments):
        reply = assistant.ask(question)
        if row_id is None and not arguments.json:
            sys.stdout.write(reply_text(reply, bold=sys.stdout.isatty()))
        else:
            _write_json(to_wire(reply).model_dump(mode="json"), id=row_id)
    return 0


def _extract(arguments: Namespace) -> int:
    from rag.assistant import open_extractor
    from ui.extraction import read_rows, to_wire

    settings = _settings(arguments)
    rows = read_rows(arguments.batch, max_question_chars=settings.max_question_chars)
    extractor = open_extractor(settings)
    for row in _counted(rows, unit="row"):
        found = extractor.extract(row.question, row.passages)
        _write_json(to_wire(found, id="").model_dump(mode="json"), id=row.id)
    return 0


def _search(arguments: Namespace) -> int:
    from ui.terminal import hits_text
    from ui.wire import hits_to_wire, reply_id

    for row_id, question, assistant in _asked(arguments):
        hits, library = _hits(assistant, question, arguments.k), assistant.library
        if row_id is None and not arguments.json:
            sys.stdout.write(hits_text(hits, library.documents))
        else:
            own_id = reply_id(question, library=library.fingerprint)
            _write_json(hits_to_wire(hits, id=own_id, documents=library.documents).model_dump(mode="json"), id=row_id)
    return 0


def _hits(assistant: Assistant, question: str, k: int) -> list[Hit]:
    """Search. `QuestionSetError` for a question that is too long, as it would be for the HTTP API."""
    limit = assistant.max_question_chars
    if len(question) > limit:
        raise QuestionSetError(f"the question has {len(question):,} characters; shorten it to {limit:,}, or less")
    return assistant.search(question, k)


def _evaluate(arguments: Namespace) -> int:
    from corpus.shipped import shipped_questions_path
    from rag.beir import is_beir
    from rag.evaluate import Options
    from ui.evaluation import Job, run

    questions = arguments.questions or shipped_questions_path()
    if is_beir(questions) and arguments.kind is not None:
        arguments.usage(f"--kind is for a file of questions, and {questions} is a folder")
    if questions.exists() and not is_beir(questions) and (arguments.answers or arguments.queries is not None):
        arguments.usage(f"--answers and --queries are for a BEIR folder, and {questions} is a file")
    queries = arguments.queries or "queries.jsonl"
    options = Options(kind=arguments.kind, answers=arguments.answers, sample=arguments.sample, queries=queries)
    keep = None if arguments.library is None else Path(arguments.library)
    job = Job(questions, options, arguments.output, arguments.baseline, keep)
    with _progress_bar() as progress:
        return run(job, _settings(arguments), tell=_say, progress=progress)


def _serve(arguments: Namespace) -> int:
    from rag.assistant import Assistant
    from ui.server import serve

    settings = _settings(arguments)
    with suppress(KeyboardInterrupt):  # it is how a server is meant to be stopped
        serve(lambda: Assistant.open(settings), settings)
    return 0


def _info(arguments: Namespace) -> int:
    from ui.holdings import facts, facts_text

    found = facts(_settings(arguments).library)
    if arguments.json:
        _write_json(found)
    else:
        sys.stdout.write(facts_text(found))
    return 0


def _check(arguments: Namespace) -> int:
    from ui.upkeep import check

    facts, text = check(_settings(arguments))
    if arguments.json:
        _write_json(facts)
    else:
        sys.stdout.write(text)
    return 0


def _watch(arguments: Namespace) -> int:
    from ui.upkeep import watch

    with suppress(KeyboardInterrupt):  # it is how watching is meant to be ended
        watch(arguments.paths, _settings(arguments), tell=_say)
    return 0


_COMMANDS = {
    "index": _index,
    "remove": _remove,
    "list": _list,
    "show": _show,
    "ask": _ask,
    "extract": _extract,
    "search": _search,
    "evaluate": _evaluate,
    "serve": _serve,
    "info": _info,
    "check": _check,
    "watch": _watch,
}


# ---------------------------------------------------------------- questions in, JSON out, progress


def _asked(arguments: Namespace) -> Iterator[tuple[str | int | None, str, Assistant]]:
    """Yield each question with its row's id, None for the one on the command line, and the opened library."""
    from rag.assistant import Assistant
    from ui.batch import questions, words

    if bool(arguments.question) == (arguments.batch is not None):
        arguments.usage("give either a QUESTION or --batch FILE")
    rows = [(None, words(arguments.question))] if arguments.batch is None else questions(arguments.batch)
    assistant = Assistant.open(_settings(arguments))
    for row_id, question in _counted(rows, unit="question"):
        yield row_id, question, assistant


def _say(message: str) -> None:
    """Write a message to the person."""
    print(message, file=sys.stderr)


def _write_json(value: Mapping[str, Any], *, id: str | int | None = None) -> None:
    """Write one line of JSON and let it go at once; with an `id`, in place of its own."""
    row = value if id is None else {**value, "id": id}
    print(json.dumps(row, ensure_ascii=False), flush=True)


def _counted(rows: Sequence[T], *, unit: str) -> Iterator[T]:
    """Yield `rows`, with a progress bar where a person waits for more than one and the replies do not show it."""
    from tqdm import tqdm

    hidden = len(rows) < 2 or not sys.stderr.isatty() or sys.stdout.isatty()
    yield from tqdm(rows, unit=unit, disable=hidden)


@contextmanager
def _progress_bar() -> Iterator[Progress]:
    """Yield a function that shows how far each kind of work is, how fast it goes and how long it will take; on terminals."""
    from tqdm import tqdm

    bars: dict[str, tqdm[Any]] = {}

    def progress(what: str, done: int, total: int) -> None:
        if what not in bars:
            bars[what] = tqdm(desc=what, total=total, file=sys.stderr, disable=not sys.stderr.isatty())
        bars[what].total = total  # it grows while documents are still being read
        bars[what].update(done - bars[what].n)

    try:
        yield progress
    finally:
        for bar in bars.values():
            bar.close()
