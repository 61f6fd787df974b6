"""Files to Documents: find the files, read each with the parser for its kind, keep ids apart.

Plain text is parsed here, everything else in a process of its own (`corpus.bounded`), within `Limits`.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from corpus.document import Document
from corpus.limits import Limits
from corpus.parse import ARCHIVE, JSONL, SAFE, parse
from corpus.parse import SUFFIXES as _PARSED
from stemqa import DocumentError

Report = Callable[[str], None]

SUFFIXES = (*_PARSED, ARCHIVE)
"""Endings of the names of files that are read."""

_LIMITS = Limits()

_BEIR = "corpus.jsonl"  # a folder that holds it is one collection: its other files are questions and judgements


def to_stderr(message: str) -> None:
    """Report to the standard error stream."""
    print(message, file=sys.stderr)  # noqa: T201 -- this is where messages to a person go


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file to read. `source` is how a reader knows it, the same on any machine and from any working directory.

    `root` is the resolved folder that was named, or, for a file that was named itself, that file's resolved path.
    """

    path: Path
    source: str
    root: Path


def find_files(paths: Sequence[Path]) -> list[SourceFile]:
    """Return the files to read, sorted by source: named files, whatever their suffix, and those of known kind in named folders.

    Hidden files, hidden folders and symbolic links that lead out of the named folder are passed over. In a folder that
    holds a `corpus.jsonl` only that is read. `DocumentError` for a missing path or a folder without documents.
    """
    return sorted(files_by_place(paths).values(), key=lambda file: (file.source, file.path))


def files_by_place(paths: Sequence[Path]) -> dict[Path, SourceFile]:
    """Return the files that `find_files` tells of by where they lie, all links resolved. Each folder is resolved once."""
    found: dict[Path, SourceFile] = {}
    resolved = lru_cache(None)(Path.resolve)
    for file in (file for path in paths for file in _files_of(path)):
        path = file.path
        found.setdefault(path.resolve() if path.is_symlink() else resolved(path.parent) / path.name, file)
    return found


def read_file(file: SourceFile, *, report: Report = to_stderr, limits: Limits = _LIMITS) -> tuple[Document, ...]:
    """Return what a file holds; `report` gets one line for the file, or each part of it, that cannot be read. Never raises."""
    documents: list[Document] = []
    try:
        documents.extend(_read(file, limits, lambda line: report(_one_line(line))))
    except DocumentError as error:
        report(_one_line(f"{file.source} {error}; left out"))
    except OSError as error:
        report(_one_line(f"{file.source} cannot be read: {error.strerror}; left out"))
    return tuple(documents)


def load_documents(paths: Sequence[Path], *, report: Report = to_stderr, limits: Limits = _LIMITS) -> Iterator[Document]:
    """Return the documents of all files, in the order of `find_files`.

    A file or line that cannot be read goes to `report` as one line and does not stop the rest. The same text twice is one
    document, and reported. `DocumentError` at once for a missing path, and while iterating for two different documents
    with one id, or at the end when nothing could be read.
    """
    return _documents(find_files(paths), report, limits)


def _files_of(path: Path) -> Iterator[SourceFile]:
    """Yield the named file, or the files of known kind below the named folder."""
    root = path.resolve()
    if not path.exists():
        raise DocumentError(f"{path} does not exist; name a file or folder of {_known()} files")
    if not path.is_dir():
        yield SourceFile(path, f"{root.parent.name}/{path.name}".lstrip("/"), root)
        return
    files = _files_below(path)
    if not files:
        raise DocumentError(f"{path} holds no document; files that end in {_known()} are read")
    for file in files:
        yield SourceFile(file, f"{root.name}/{file.relative_to(path).as_posix()}".lstrip("/"), root)


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
        files += (path for path in candidates if path.suffix.lower() in SUFFIXES and _inside(path, root))
    return files


def _inside(path: Path, root: Path) -> bool:
    """Whether `path`, in a folder below `root` reached without links, is a regular file that lies below `root` itself."""
    return path.is_file() and (not path.is_symlink() or path.resolve().is_relative_to(root))


def _cannot_list(error: OSError) -> None:
    raise DocumentError(f"{error.filename} cannot be listed: {error.strerror}; make it readable or leave it out") from None


def _known() -> str:
    return f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"


def _read(file: SourceFile, limits: Limits, report: Report) -> Iterator[Document]:
    """Yield what a file holds. `DocumentError`, without the file's name, if that is nothing."""
    path, suffix = file.path, file.path.suffix.lower()
    if suffix not in SUFFIXES:
        raise DocumentError(f"is not read: its name does not end in {_known()}")
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise DocumentError("is not a regular file")
    if suffix == JSONL:  # line by line, whatever its size
        from corpus.jsonl import jsonl_documents  # noqa: PLC0415 -- only where it is needed, as the parsers

        with path.open("rb") as lines:
            yield from jsonl_documents(lines, file.source, report)
        return
    if status.st_size > limits.file_bytes:
        most = f"at most {limits.file_bytes / 1024**2:,.0f} MB are read (STEMQA_MAX_FILE_MB allows more)"
        raise DocumentError(f"has {status.st_size / 1024**2:,.0f} MB; {most}")
    if suffix in SAFE:
        yield from parse(path.read_bytes(), suffix, stem=path.stem, source=file.source, limits=limits, report=report)
    else:
        from corpus.bounded import parse_bounded  # noqa: PLC0415 -- as above

        yield from parse_bounded(path, source=file.source, limits=limits, report=report)


def _one_line(text: str) -> str:
    """Return a report as one line, whatever stands in a file's name."""
    return " ".join(text.split())


def _documents(files: Sequence[SourceFile], report: Report, limits: Limits) -> Iterator[Document]:
    seen: dict[str, tuple[str, str]] = {}  # id -> hash of the text, source
    for file in files:
        for document in read_file(file, report=report, limits=limits):
            if document.id not in seen:
                seen[document.id] = (document.sha256, document.source)
                yield document
                continue
            sha256, first = seen[document.id]
            if sha256 != document.sha256:
                raise DocumentError(
                    f"{first} and {document.source} are different documents with one id, {document.id!r}; "
                    "give one of them another id, or take its file out"
                )
            report(f"{document.source} has the same text as {first}; kept once")
    if not seen:
        raise DocumentError(f"none of {len(files)} files could be read; files that end in {_known()} are read")
