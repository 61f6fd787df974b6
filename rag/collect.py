"""Files to documents, for a library: what an earlier build read is taken from there, the rest is parsed.

found files, earlier records -> Planned -> Collected, one file at a time, in the order of the library
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path

from corpus.document import Document
from corpus.limits import Limits
from corpus.load import SUFFIXES, SourceFile, read_file
from rag.rows import FileRecord
from stemqa import DocumentError

Report = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Exclusion:
    """What was taken out and stays out: a file or folder; with `document`, only that document of the file."""

    path: str
    document: str = ""

    def covers(self, file: FileRecord) -> bool:
        """Whether all of the file is excluded. A file or folder that is named itself is not excluded with its path."""
        return not self.document and self.path != file.root and is_in(file.path, self.path) and is_in(self.path, file.root)


@dataclass(frozen=True, slots=True)
class Planned:
    """A file of the library to be: as it is now, and what an earlier build made of it, if it was the same then."""

    now: FileRecord
    before: FileRecord | None = None


@dataclass(frozen=True, slots=True)
class Collected:
    """A file's documents that the library takes; `stored` are ids of those of the earlier library. No record: no file."""

    documents: Sequence[Document] = ()
    record: FileRecord | None = None
    stored: Sequence[str] = ()


@dataclass(slots=True)
class Collection:
    """Reads planned files. `stored` gives a document of the earlier library by its id."""

    planned: Sequence[Planned]
    exclusions: Iterable[Exclusion]
    stored: Callable[[str], Document]
    report: Report
    limits: Limits
    told: Callable[[int, int], None]
    _seen: dict[str, tuple[str, tuple[str, str] | None]] = field(default_factory=dict)  # id -> path of its file; see _facts
    _out: dict[str, set[str]] = field(default_factory=dict)

    def __iter__(self) -> Iterator[Collected]:
        """Yield what each file gives. `DocumentError` for two different documents with one id, or, last, for none."""
        for exclusion in self.exclusions:
            if exclusion.document:
                self._out.setdefault(exclusion.path, set()).add(exclusion.document)
        parsed, total = 0, sum(plan.before is None for plan in self.planned)
        for plan in self.planned:
            if plan.before is not None and self._holds(plan.before):
                yield self._again(plan.before)
                continue
            self.told(parsed, max(total, parsed + 1))
            yield self._parsed(plan.now)
            parsed += 1
        if parsed:
            self.told(parsed, parsed)
        if not self._seen:
            raise DocumentError(
                f"none of {len(self.planned)} files could be read; files that end in {', '.join(SUFFIXES)} are read"
            )

    def _holds(self, before: FileRecord) -> bool:
        """Whether what the file gave depends on nothing that is no more: neither on an exclusion nor on another file."""
        kept = all(
            path == before.path or self._seen.get(name, ("", None))[0] == path for name, path in before.duplicates.items()
        )
        return kept and set(before.excluded) <= self._out.get(before.path, set())

    def _again(self, before: FileRecord) -> Collected:
        for trouble in before.troubles:
            self.report(trouble)
        kept, record = self._sifted(before, [(name, None) for name in before.documents])
        return Collected((), record, tuple(kept))

    def _parsed(self, now: FileRecord) -> Collected:
        troubles: list[str] = []
        file = SourceFile(Path(now.path), now.source, Path(now.root))
        documents = read_file(file, report=troubles.append, limits=self.limits)
        for trouble in troubles:
            self.report(trouble)
        limits = astuple(self.limits) if troubles else ()
        named: list[tuple[str, Document | None]] = [(document.id, document) for document in documents]
        kept, record = self._sifted(replace(now, troubles=tuple(troubles), limits=limits), named)
        return Collected([document for document in kept.values() if document is not None], record)

    def _sifted(
        self, record: FileRecord, documents: Iterable[tuple[str, Document | None]]
    ) -> tuple[dict[str, Document | None], FileRecord]:
        """Keep the documents that are not excluded and that no file before gave; None stands for a stored one."""
        kept: dict[str, Document | None] = {}
        out = self._out.get(record.path, set())
        duplicates = {name: path for name, path in record.duplicates.items() if name not in out}
        excluded = set(record.excluded)
        for name, document in documents:
            if name in out:
                excluded.add(name)
            elif name not in self._seen:
                self._seen[name] = (record.path, None if document is None else (document.sha256, document.source))
                kept[name] = document
            else:
                path, facts = self._seen[name]
                (sha256, source), (other, other_source) = self._facts(name, facts), self._facts(name, document)
                if sha256 != other:
                    raise DocumentError(
                        f"{source} and {other_source} are different documents with one id, {name!r}; "
                        "give one of them another id, or take its file out"
                    )
                duplicates[name] = path
        for name in duplicates:
            which = f"{record.source}: document {name!r}" if len(duplicates) + len(kept) > 1 else record.source
            self.report(f"{which} has the same text as {self._facts(name, self._seen[name][1])[1]}; kept once")
        now = replace(record, documents=tuple(kept), duplicates=duplicates, excluded=tuple(sorted(excluded)))
        return kept, now

    def _facts(self, name: str, known: Document | tuple[str, str] | None) -> tuple[str, str]:
        """Return hash and source of a document; of a stored one they are read."""
        if isinstance(known, tuple):
            return known
        document = known or self.stored(name)
        return document.sha256, document.source


def is_in(path: str, folder: str) -> bool:
    """Whether `path` is the file or folder `folder`, or below it."""
    return Path(path).is_relative_to(folder)
