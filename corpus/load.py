"""Files to Documents: find the files, read each with the parser for its kind, keep ids apart.

A parser takes a file's path, its source (how a reader knows it) and a function to report lines of trouble to, and yields
documents. It raises `DocumentError`, without the file's name, when nothing of the file can be read.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from corpus.decode import decode
from corpus.document import Document
from stemqa import DocumentError

Report = Callable[[str], None]
Parser = Callable[[Path, str, Report], Iterator[Document]]

_BEIR = "corpus.jsonl"  # a folder that holds it is one collection: its other files are questions and judgements


def _plain(path: Path, source: str, _report: Report) -> Iterator[Document]:
    from corpus.plain import plain_document  # noqa: PLC0415 -- each parser is imported when a file needs it

    yield plain_document(decode(path.read_bytes()), stem=path.stem, source=source)


def _markdown(path: Path, source: str, _report: Report) -> Iterator[Document]:
    from corpus.markdown import markdown_document  # noqa: PLC0415 -- as above

    yield markdown_document(decode(path.read_bytes()), stem=path.stem, source=source)


def _jsonl(path: Path, source: str, report: Report) -> Iterator[Document]:
    from corpus.jsonl import jsonl_documents  # noqa: PLC0415 -- as above

    yield from jsonl_documents(path, source, report)


_PARSERS: Mapping[str, Parser] = {".txt": _plain, ".md": _markdown, ".markdown": _markdown, ".jsonl": _jsonl}
SUFFIXES = tuple(_PARSERS)


def to_stderr(message: str) -> None:
    """Report to the standard error stream."""
    print(message, file=sys.stderr)  # noqa: T201 -- this is where messages to a person go


def find_files(paths: Sequence[Path]) -> list[Path]:
    """Return the files to read, sorted by source: named files, whatever their suffix, and those of known kind in named folders.

    Hidden files, hidden folders and symbolic links that lead out of the named folder are passed over. In a folder that
    holds a `corpus.jsonl` only that is read. `DocumentError` for a missing path or a folder without documents.
    """
    return [path for path, _ in _found(paths)]


def load_documents(paths: Sequence[Path], *, report: Report = to_stderr) -> Iterator[Document]:
    """Return the documents of all files, in the order of `find_files`.

    A file or line that cannot be read goes to `report` as one line and does not stop the rest. The same text twice is one
    document, and reported. `DocumentError` at once for a missing path, and while iterating for two different documents
    with one id, or at the end when nothing could be read.
    """
    return _documents(_found(paths), report)


def _found(paths: Sequence[Path]) -> list[tuple[Path, str]]:
    """Return each file once, with its source: the path from the named folder, or the named file's own folder, on."""
    found: dict[Path, tuple[Path, str]] = {}
    for path in paths:
        files = _files_below(path) if path.is_dir() else [path]
        root = path.resolve() if path.is_dir() else path.resolve().parent
        if not path.exists():
            raise DocumentError(f"{path} does not exist; name a file or folder of {_known()} files")
        if not files:
            raise DocumentError(f"{path} holds no document; files that end in {_known()} are read")
        for file in files:
            inside = file.relative_to(path).as_posix() if path.is_dir() else file.name
            found.setdefault(file.resolve(), (file, f"{root.name}/{inside}".lstrip("/")))
    return sorted(found.values(), key=lambda entry: (entry[1], entry[0]))


def _files_below(folder: Path) -> list[Path]:
    """Return the files of known kind in `folder` and its subfolders."""
    files: list[Path] = []
    root = folder.resolve()
    for where, folders, names in os.walk(folder, onerror=_cannot_list):
        if _BEIR in names:
            folders.clear()
            names[:] = [_BEIR]
        folders[:] = [name for name in folders if not name.startswith(".")]
        candidates = (Path(where, name) for name in names if not name.startswith("."))
        files += (path for path in candidates if path.suffix.lower() in _PARSERS and _inside(path, root))
    return files


def _inside(path: Path, root: Path) -> bool:
    """Whether `path` is a regular file that, symbolic links resolved, lies below `root`."""
    return path.is_file() and path.resolve().is_relative_to(root)


def _cannot_list(error: OSError) -> None:
    raise DocumentError(f"{error.filename} cannot be listed: {error.strerror}; make it readable or leave it out") from None


def _known() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def _documents(files: Sequence[tuple[Path, str]], report: Report) -> Iterator[Document]:
    seen: dict[str, tuple[str, str]] = {}  # id -> hash of the text, source
    for path, source in files:
        for document in _read(path, source, report):
            if document.id not in seen:
                seen[document.id] = (document.sha256, document.source)
                yield document
                continue
            sha256, first = seen[document.id]
            if sha256 != document.sha256:
                raise DocumentError(f"{first} and {document.source} are different documents with one id, {document.id!r}")
            report(f"{document.source} has the same text as {first}; kept once")
    if not seen:
        raise DocumentError(f"none of {len(files)} files could be read; files that end in {_known()} are read")


def _read(path: Path, source: str, report: Report) -> Iterator[Document]:
    """Yield what a file holds, and report what it does not."""
    parser = _PARSERS.get(path.suffix.lower())
    if parser is None:
        report(f"{source} is not read: its name does not end in {_known()}")
        return
    try:
        yield from parser(path, source, report)
    except DocumentError as error:
        report(f"{source} {error}; left out")
    except OSError as error:
        report(f"{source} cannot be read: {error.strerror}; left out")
