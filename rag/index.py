"""Bringing a library up to date with the files that it is made of, and taking files and documents out of it."""

from __future__ import annotations

import gc
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from corpus.limits import Limits
from embeddings.encoder import open_embedder
from embeddings.evidence import MANIFEST, MODELS, WEIGHTS
from rag.build import Parts, Progress, Upkeep, write_library
from rag.calibration import calibrations_from, default_calibrations
from rag.collect import Collected, Collection, Exclusion, Planned, Report, is_in
from rag.hashes import check_files
from rag.previous import DamageError, Previous, previous_library
from rag.roots import Changes, check_gone, find, plan, root_of
from rag.rows import FileRecord
from rag.settings import Settings
from rag.stamp import stamps
from rag.store import check_model, clear, discard_journal, has_manifest, read_manifest, writing
from stemqa import LibraryError


@dataclass(frozen=True, slots=True)
class _Job:
    """What `index` and `remove` have in common: where, with what, and whom to tell."""

    folder: Path
    parts: Parts
    report: Report
    progress: Progress
    limits: Limits


def index(paths: Sequence[Path], settings: Settings, *, report: Report, progress: Progress) -> Changes:
    """Bring `settings.library` up to date with its roots, to which the files and folders in `paths` are added.

    A file whose bytes are what they were is neither parsed nor embedded again. `DocumentError` for a path that is not there
    or when nothing can be read; `LibraryError` when there is neither a path nor a library, when a root is gone, or when the
    library cannot be written: it then stays as it was. `report` is told, in one line each, of what is passed over.
    """
    folder = settings.library
    given = [root_of(path) for path in paths]
    if given:
        find([], given, hashed=False, report=report)
    else:
        read_manifest(folder)  # where there is none, no folder is made
    embedder = open_embedder(settings.model, threads=settings.threads)
    parts = Parts(embedder, default_calibrations(), evidence_sha256())
    with writing(folder), _rare_collections():
        return _update(_Job(folder, parts, report, progress, settings.limits), given)


def remove(names: Sequence[str], settings: Settings, *, report: Report, progress: Progress) -> Changes:
    """Take documents, by id, and files and folders, by path, out of `settings.library`; no other file is looked at.

    What remains below a root stays out when the library is brought up to date. With the last document the library goes.
    `LibraryError` for a name that the library does not hold, and as for `index`.
    """
    folder = settings.library
    read_manifest(folder)
    embedder = open_embedder(settings.model, threads=settings.threads)
    with writing(folder):
        manifest = read_manifest(folder)
        check_model(folder, manifest, embedder)
        check_files(folder, manifest, quick=True)
        parts = Parts(embedder, calibrations_from(manifest["calibrations"]), manifest["evidence"]["sha256"])
        return _taken_out(_Job(folder, parts, report, progress, settings.limits), Previous(folder, manifest), names)


@contextmanager
def _rare_collections() -> Iterator[None]:
    """Have garbage collected rarely: the many rows of a large library form no cycles, and were looked through over and over."""
    before = gc.get_threshold()
    gc.set_threshold(200_000, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def evidence_sha256() -> str:
    """Return the SHA-256 of the evidence model that is shipped, as its manifest says; empty where there is none."""
    try:
        return str(json.loads((MODELS / MANIFEST).read_text(encoding="utf-8"))["sha256"][WEIGHTS])
    except (OSError, ValueError, KeyError):
        return ""


def _update(job: _Job, given: Sequence[str]) -> Changes:
    """Bring the library up to date; where that meets damage, or nothing seems to have changed, all of it is looked at."""
    kept, exclusions = _kept(job, given)
    found = find(kept, given, report=job.report)
    exclusions = [e for e in exclusions if any(Path(e.path).is_relative_to(root) for root in found.roots)]
    for thorough in (False, True):
        previous = previous_library(job.folder, thorough=thorough)
        sure = thorough or previous is None or previous.is_looked_over
        if previous and not (sure or previous.is_whole):
            continue
        before = previous.records if previous else ()
        check_gone(found, before, folder=job.folder)
        again = previous is not None and previous.manifest["stamps"]["parsing"] == stamps()["parsing"]
        planned = plan(found.files, before if again else (), exclusions, job.limits)
        if previous and _is_current(job, previous, planned, (found.roots, exclusions)):
            if not sure:
                continue
            for record in before:
                _repeat(record, before, job.report)
            discard_journal(job.folder)
            return Changes.between(before, before, written=False)
        try:
            return _write(job, previous, planned, (found.roots, exclusions, stamps()))
        except DamageError:
            if sure:
                raise
    raise AssertionError("a library that was looked over is current, or is written")


def _kept(job: _Job, given: Sequence[str]) -> tuple[list[str], list[Exclusion]]:
    """Return the roots and the exclusions that the library remembers. What is named is excluded no longer."""
    try:
        manifest = read_manifest(job.folder)
    except LibraryError as error:
        if not given:
            raise
        if has_manifest(job.folder):
            job.report(f"{error}; so it is built anew, of what is named now alone")
        return [], []
    exclusions = [Exclusion(**row) for row in manifest["excluded"]]
    roots = [row["path"] for row in manifest["roots"]]
    if not roots and not given:
        raise LibraryError(
            f"the library {job.folder} remembers no file; name some: stemqa index PATH... --library {job.folder}"
        )
    return roots, [exclusion for exclusion in exclusions if exclusion.path not in given]


def _is_current(
    job: _Job, previous: Previous, planned: Sequence[Planned], upkeep: tuple[Sequence[str], Sequence[Exclusion]]
) -> bool:
    """Whether the library is what building it would give."""
    manifest, contents = previous.manifest, job.parts.contents()
    roots, exclusions = upkeep
    return (
        previous.is_whole
        and [plan.before for plan in planned] == list(previous.records)
        and all(manifest[name] == value for name, value in contents.items())
        and manifest["stamps"] == stamps()
        and [row["path"] for row in manifest["roots"]] == list(roots)
        and manifest["excluded"] == [asdict(exclusion) for exclusion in exclusions]
    )


def _repeat(record: FileRecord, records: Sequence[FileRecord], report: Report) -> None:
    """Report of a file that is not read again what was reported when it was."""
    for trouble in record.troubles:
        report(trouble)
    for path in dict.fromkeys(record.duplicates.values()):
        source = next((other.source for other in records if other.path == path), path)
        report(f"{record.source} has the same text as {source}; kept once")


def _taken_out(job: _Job, previous: Previous, names: Sequence[str]) -> Changes:
    manifest, records = previous.manifest, previous.records
    roots = [row["path"] for row in manifest["roots"]]
    exclusions = [Exclusion(**row) for row in manifest["excluded"]]
    for name in names:
        dropped, excluded = _targets(name, records, roots, job.folder)
        roots = [root for root in roots if root not in dropped]
        exclusions += [exclusion for exclusion in excluded if exclusion not in exclusions]
        for path in sorted({exclusion.path for exclusion in excluded if any(is_in(exclusion.path, root) for root in roots)}):
            job.report(f"{name} stays out when the library is brought up to date; back in with: stemqa index {path}")
    exclusions = [e for e in exclusions if any(is_in(e.path, root) for root in roots)]
    left = [file for file in records if file.root in roots and not any(e.covers(file) for e in exclusions)]
    held = {(file.path, name) for file in left for name in (*file.documents, *file.duplicates)}
    if held <= {(exclusion.path, exclusion.document) for exclusion in exclusions}:
        clear(job.folder)
        job.report(f"nothing is left of the library {job.folder}")
        return Changes.between(records, (), written=True)
    return _write(job, previous, [Planned(file, file) for file in left], (roots, exclusions, manifest["stamps"]))


def _targets(name: str, records: Sequence[FileRecord], roots: Sequence[str], folder: Path) -> tuple[set[str], list[Exclusion]]:
    """Return the roots that go with the document, file or folder `name`, and what is to be excluded of the others."""
    holding = [file for file in records if name in file.documents or name in file.duplicates]
    if holding:
        alone = {file.path for file in holding if file.size == 1}
        excluded = [Exclusion(file.path, "" if file.path in alone else name) for file in holding]
        return alone & set(roots), [e for e in excluded if e.path not in alone & set(roots)]
    path = root_of(Path(name))
    if path not in roots and not any(is_in(file.path, path) and is_in(path, file.root) for file in records):
        raise LibraryError(
            f"the library holds no document and no file {name!r}; see what it holds: stemqa list --library {folder}"
        )
    return {path} & set(roots), [Exclusion(path)]


def _write(
    job: _Job,
    previous: Previous | None,
    planned: Sequence[Planned],
    upkeep: tuple[Sequence[str], Sequence[Exclusion], Mapping[str, str]],
) -> Changes:
    roots, exclusions, made_by = upkeep
    records: list[FileRecord] = []

    def collected() -> Iterable[Collected]:
        collection = Collection(
            planned,
            exclusions,
            _nothing_stored if previous is None else previous.document,
            job.report,
            job.limits,
            lambda *done: job.progress("files", *done),
        )
        for read in collection:
            if read.record is not None:
                records.append(read.record)
            yield read

    def remembered() -> Upkeep:
        files = Counter(record.root for record in records)
        kept: list[dict[str, Any]] = [{"path": root, "files": files[root]} for root in roots]
        return Upkeep(kept, [asdict(exclusion) for exclusion in exclusions], made_by)

    written = write_library(job.folder, collected(), job.parts, previous=previous, progress=job.progress, upkeep=remembered)
    return Changes.between(previous.records if previous else (), records, written=written)


def _nothing_stored(name: str) -> Any:  # noqa: ANN401 -- it never returns
    raise AssertionError(f"{name!r} is planned to be taken from a library that is not there")
