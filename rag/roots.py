"""What a library is made of on the disk: the files below its roots, as they are now and as they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path

from corpus.limits import Limits
from corpus.load import files_by_place
from rag.collect import Exclusion, Planned, Report
from rag.hashes import file_sha256
from rag.rows import FileRecord
from stemqa import DocumentError, LibraryError


@dataclass(frozen=True, slots=True)
class Found:
    """The files of all roots, in the order of the library; those of a root that is `gone` are not among them."""

    roots: tuple[str, ...]
    files: tuple[FileRecord, ...]
    gone: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Changes:
    """How many files were added, changed, renamed and so on; `written`: whether the library is another one now."""

    added: int = 0
    changed: int = 0
    renamed: int = 0
    removed: int = 0
    unchanged: int = 0
    written: bool = False

    def __bool__(self) -> bool:
        return self.written

    @classmethod
    def between(cls, before: Iterable[FileRecord], now: Iterable[FileRecord], *, written: bool) -> Changes:
        """Compare two libraries' files, by path and by content."""
        old, new = ({file.path: file for file in files} for files in (before, now))
        same = sum(old[path].sha256 == file.sha256 for path, file in new.items() if path in old)
        both = len(old.keys() & new.keys())
        gone = [file.sha256 for path, file in old.items() if path not in new]
        renamed = 0
        for path, file in new.items():
            if path not in old and file.sha256 in gone:
                gone.remove(file.sha256)
                renamed += 1
        return cls(len(new) - both - renamed, both - same, renamed, len(gone), same, written)


def root_of(path: Path) -> str:
    """Return the absolute path that a named file or folder is kept by. A file that is a link keeps its name."""
    return str(path.resolve() if path.is_dir() else path.parent.resolve() / path.name)


def find(kept: Iterable[str], given: Sequence[str], *, report: Report, hashed: bool = True) -> Found:
    """Find the files below all roots, and hash them, unless only their being there is asked.

    `DocumentError` for one that is `given` and is not there, or holds no document. A kept one is then `gone`. A root whose
    files are all found by another one, above it, is none of its own.
    """
    below: dict[str, dict[Path, FileRecord]] = {}
    gone: list[str] = []
    for root in sorted({*kept, *given}):
        try:
            files = files_by_place([Path(root)])
        except DocumentError:
            if root in given:
                raise
            gone.append(root)
            continue
        below[root] = {path: FileRecord(file.source, root, str(file.path), 0, "") for path, file in files.items()}
    found: dict[Path, FileRecord] = {}
    roots: list[str] = []
    for root, records in below.items():  # those above come first
        if records.keys() <= found.keys() and any(Path(root).is_relative_to(other) for other in roots):
            continue
        roots.append(root)
        for path, record in records.items():
            found.setdefault(path, record)
    order = sorted(found.values(), key=lambda record: (record.source, record.path))
    now = (_hashed(record, report) if hashed else record for record in order)
    return Found(tuple(roots), tuple(record for record in now if record is not None), tuple(gone))


def check_gone(found: Found, before: Sequence[FileRecord], *, folder: Path) -> None:
    """`LibraryError` for roots that are gone with documents that are found nowhere else: a disk may not be mounted."""
    there = {file.sha256 for file in found.files}
    lost = [file for file in before if file.root in found.gone and file.documents and file.sha256 not in there]
    if lost:
        roots = sorted({file.root for file in lost})
        count = sum(len(file.documents) for file in lost)
        raise LibraryError(
            f"{roots[0]} is not there any more, or holds no document; the library has {count} documents of it"
            f"{f' and of {len(roots) - 1} others that are gone' if len(roots) > 1 else ''}, and is left as it is; "
            f"bring it back, or take it out with: stemqa remove {' '.join(roots)} --library {folder}"
        )


def plan(
    files: Sequence[FileRecord], before: Sequence[FileRecord], exclusions: Sequence[Exclusion], limits: Limits
) -> list[Planned]:
    """Say of each file that is not excluded what an earlier build made of it, if its bytes and its source were the same."""
    old, read_so = {file.path: file for file in before}, {(), astuple(limits)}
    planned: list[Planned] = []
    for now in files:
        if any(exclusion.covers(now) for exclusion in exclusions):
            continue
        was = old.get(now.path)
        same = was and (was.sha256, was.source) == (now.sha256, now.source) and was.limits in read_so
        if was and was.root != now.root:
            was = replace(was, root=now.root)
        planned.append(Planned(now, was if same else None))
    return planned


def _hashed(record: FileRecord, report: Report) -> FileRecord | None:
    try:
        return replace(record, bytes=Path(record.path).stat().st_size, sha256=file_sha256(Path(record.path)))
    except OSError as error:
        report(f"{record.source} cannot be read: {error.strerror}; left out")
        return None
