"""Commands that look after a library: `check` and `watch`."""
# ruff: noqa: PLC0415 -- what is heavy is imported by the command that needs it

from __future__ import annotations

import textwrap
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.settings import Settings
from stemqa import SettingsError

if TYPE_CHECKING:
    from corpus.health import Finding, Place

Tell = Callable[[str], None]


def check(settings: Settings) -> tuple[dict[str, Any], str]:
    """Return what may be wrong with the library's documents, as one JSON object and as text."""
    from corpus.health import examine
    from rag.contents import Chunks, Documents
    from rag.segment import open_segments
    from rag.store import read_manifest

    manifest = read_manifest(settings.library)
    segments = open_segments(settings.library, manifest)
    documents, chunks = Documents(segments), Chunks(segments)
    findings = examine(list(documents.values()), chunks)
    facts = {
        "library": manifest["fingerprint"],
        "documents": len(documents),
        "passages": len(chunks),
        "findings": [_finding_json(finding) for finding in findings],
    }
    heading = f"{len(documents):,} documents, {len(chunks):,} passages\n"
    return facts, heading + _findings_text(findings)


def _finding_json(finding: Finding) -> dict[str, Any]:
    return {
        "name": finding.name,
        "meaning": finding.meaning,
        "count": finding.count,
        "examples": [_place_json(place) for place in finding.examples],
    }


def _place_json(place: Place) -> dict[str, Any]:
    return {
        "document_id": place.document_id,
        "source": place.source,
        "page": place.page,
        "start": place.span and place.span.start,
        "end": place.span and place.span.end,
        "note": place.note,
    }


def _findings_text(findings: Sequence[Finding]) -> str:
    from ui.terminal import WIDTH, table_text

    lines: list[str] = []
    for finding in (finding for finding in findings if finding.count):
        lines.append(f"\n{finding.count:,} {finding.meaning}\n")
        lines.append(table_text(("   ", place.document_id, _where(place), place.note) for place in finding.examples))
        if (left := finding.count - len(finding.examples)) > 0:
            lines.append(f"     and {left:,} more\n")
    clean = "; ".join(finding.meaning for finding in findings if not finding.count)
    return "".join(lines) + (f"\n{textwrap.fill(f'None: {clean}', WIDTH)}\n" if clean else "")


def _where(place: Place) -> str:
    page = f"page {place.page}" if place.page is not None else ""
    span = f"{place.span.start}-{place.span.end}" if place.span else ""
    return ", ".join(filter(None, [place.source, page, span]))


def watch(paths: Sequence[Path], settings: Settings, *, tell: Tell) -> None:
    """Keep `settings.library` up to date with the folders `paths`, until Ctrl-C raises. `tell` hears one line per update.

    `SettingsError` for a path that is no folder.
    """
    from ui.watch import Folders, follow

    for path in paths:
        if not path.is_dir():
            raise SettingsError(f"{path} is no folder; name the folder that is to be watched")
    tell(f"Watching {', '.join(map(str, paths))} for the library {settings.library}; Ctrl-C ends it")
    folders = Folders([path.absolute() for path in paths], settings.library.resolve())
    follow(folders, _Update(paths, settings, tell), tell=lambda line: tell(f"{time.strftime('%H:%M:%S')} {line}"))


class _Update:
    """Brings the library up to date, as `stemqa index` does, and says what that has changed."""

    def __init__(self, paths: Sequence[Path], settings: Settings, tell: Tell) -> None:
        self._paths = paths
        self._settings = settings
        self._tell = tell
        self._first = True
        self._troubles: set[str] = set()

    def __call__(self) -> str | None:
        """Return the news, None where there is none. Raises what `rag.index.index` raises."""
        from rag.index import index

        started = time.perf_counter()
        troubles: list[str] = []
        changes = index(self._paths, self._settings, report=troubles.append, progress=lambda *_: None)
        seconds = time.perf_counter() - started
        for trouble in troubles:
            if trouble not in self._troubles:  # a file that cannot be read is told of once, not at every update
                self._tell(trouble)
        first, self._first, self._troubles = self._first, False, set(troubles)
        if not changes:
            return "up to date" if first else None
        renamed = f"{changes.renamed:,} renamed, " if changes.renamed else ""
        counts = f"{changes.added:,} added, {changes.changed:,} changed, {renamed}{changes.removed:,} removed"
        return f"files: {counts} ({seconds:.1f} s)"
