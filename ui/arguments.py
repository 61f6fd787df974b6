"""The arguments of the command line: commands, options and their help."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError, Namespace, RawDescriptionHelpFormatter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rag.questions import Kind
from stemqa import __version__

_DESCRIPTION = """\
Answers questions from a library of documents with verbatim, cited sentences,
or says honestly that it holds no answer."""

_EPILOG = """\
examples:
  stemqa index                              the shipped articles into ./library
  stemqa index ~/papers --library ~/lib     your own documents
  stemqa ask "What are stem cells?"
  stemqa serve                              page and API on http://127.0.0.1:7860

exit codes: 0 done, a refusal to answer included; 1 something is broken, or an
evaluation got worse; 2 wrong usage; 130 Ctrl-C (serve and watch: 0).

environment, where no option says it: STEMQA_LIBRARY, STEMQA_MODEL, STEMQA_HOST,
STEMQA_PORT, STEMQA_THREADS, STEMQA_MAX_QUESTION_CHARS; STEMQA_EVIDENCE (on, off);
limits for reading one file: STEMQA_PARSE_SECONDS (60), STEMQA_PARSE_MEMORY_MB
(2048), STEMQA_MAX_FILE_MB (200), STEMQA_MAX_UNPACKED_MB (1024)."""


def parser(commands: Mapping[str, Callable[[Namespace], int]]) -> ArgumentParser:
    """Return the parser. What it parses holds `run`, one of `commands`, and `usage`, to say what is wrong and exit with 2."""
    whole = ArgumentParser("stemqa", description=_DESCRIPTION, epilog=_EPILOG, formatter_class=RawDescriptionHelpFormatter)
    whole.add_argument("--version", action="version", version=f"stemqa {__version__}")
    shared = ArgumentParser(add_help=False)
    shared.add_argument("--library", metavar="DIR", help="folder of the library (default: STEMQA_LIBRARY, or ./library)")
    subparsers = whole.add_subparsers(title="commands", metavar="COMMAND", required=True)

    def command(name: str, help: str, *, parents: Sequence[ArgumentParser] = (shared,)) -> ArgumentParser:
        made = subparsers.add_parser(name, help=help, description=help, parents=parents)
        made.set_defaults(run=commands[name], usage=made.error)
        return made

    index = command("index", "Bring the library up to date with its files and folders, and those that are named from now on.")
    help_paths = (
        "folder or file; the README lists the kinds (default: what the library is made of; of a new one, the shipped articles)"
    )
    index.add_argument("paths", nargs="*", type=Path, metavar="PATH", help=help_paths)
    remove = command("remove", "Take documents, files or folders out of the library; they stay out.")
    remove.add_argument("names", nargs="+", metavar="DOCUMENT_ID_OR_PATH", help="as `stemqa list` and `stemqa info` show them")
    listing = command("list", "List the documents: id, title, source, characters, passages.")
    listing.add_argument("--json", action="store_true", help="print one JSON object a line")
    show = command("show", "Print a document's normalised text, in which all offsets count; without an id, list the documents.")
    show.add_argument("document_id", nargs="?", metavar="DOCUMENT_ID")
    ask = command("ask", "Answer a question with cited sentences, or say why not.")
    _add_questions(ask)
    extract = command("extract", "Find what answers a question in passages that you bring; needs no library.", parents=())
    extract.add_argument("--json", action="store_true", help="print one JSON object a line, which is what a batch always does")
    extract.add_argument(
        "--batch", metavar="FILE", required=True, help='JSON Lines with id, question and passages, a list of texts; or "-"'
    )
    search = command("search", "Find passages, best first.")
    _add_questions(search)
    search.add_argument("-k", type=_count, default=10, metavar="N", help="how many at most (default: 10)")
    _add_evaluate(command("evaluate", "Score the library on questions: a table, and with --output JSON and a page with plots."))
    serve = command("serve", "Serve the chat page and the HTTP API.")
    serve.add_argument("--host", help="address to listen on (default: STEMQA_HOST, or 127.0.0.1)")
    serve.add_argument("--port", type=int, help="port to listen on (default: STEMQA_PORT, or 7860)")
    info = command("info", "Say what the library is made of.")
    info.add_argument("--json", action="store_true", help="print one JSON object")
    check = command("check", "Say what may be wrong with the documents: duplicates, mojibake, pages without text, language ...")
    check.add_argument("--json", action="store_true", help="print one JSON object")
    watch = command("watch", "Keep the library up to date with folders, until Ctrl-C.")
    watch.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="folder whose files are indexed when they change")
    return whole


def _add_questions(parser: ArgumentParser) -> None:
    parser.add_argument("question", nargs="*", metavar="QUESTION", help='in your own words; "-" reads it from standard input')
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--batch", metavar="FILE", help='JSON Lines with id and question, or "-"; prints one JSON object a line'
    )


def _add_evaluate(parser: ArgumentParser) -> None:
    help_questions = "JSON Lines, or a BEIR folder (default: the shipped questions)"
    help_kinds = f"read the file as plain questions of one kind: {', '.join(Kind)}"
    parser.add_argument("questions", nargs="?", type=Path, metavar="QUESTIONS", help=help_questions)
    parser.add_argument("--output", type=Path, metavar="DIR", help="where to write evaluation.json and evaluation.html")
    parser.add_argument("--baseline", type=Path, metavar="FILE", help="an earlier evaluation.json: exit 1 where it got worse")
    parser.add_argument("--kind", type=_kind, metavar="KIND", help=help_kinds)
    parser.add_argument("--answers", action="store_true", help="of a BEIR folder: answer its questions too, not only search")
    help_queries = "of a BEIR folder: the file of its questions (default: queries.jsonl)"
    parser.add_argument("--queries", metavar="NAME", help=help_queries)
    parser.add_argument("--sample", type=_count, metavar="N", help="take that many of the questions, the same ones each time")


def _kind(text: str) -> Kind:
    try:
        return Kind(text)
    except ValueError:
        raise ArgumentTypeError(f"{text!r} is none of {', '.join(Kind)}") from None


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return int(text)
