"""Keeping up with folders: an update soon after something in them has changed. The only module that imports watchfiles."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from watchfiles import Change, watch
from watchfiles.main import FileChange

from stemqa import StemqaError

QUIET_MS = 500
"""A change is taken up once nothing has changed for so long, so that files that are copied together are read together ..."""
LONGEST_WAIT_MS = 5000
"""... or after that, where there is no quiet."""
RETRY_SECONDS = 10.0
_LOOK_MS = 1000


@dataclass(frozen=True, slots=True)
class Folders:
    """What is watched, as absolute paths. Hidden files and what lies in `besides`, the library, are of no interest."""

    paths: Sequence[Path]
    besides: Path

    def concerns(self, _change: Change, name: str) -> bool:
        """Whether a change of the file of that name may change the library."""
        path = Path(name)
        inside = [path.relative_to(root).parts for root in self.paths if path.is_relative_to(root)]
        hidden = any(part.startswith(".") for parts in inside for part in parts)
        return not hidden and not path.is_relative_to(self.besides)

    def replaced(self, changes: set[FileChange]) -> bool:
        """Whether a folder itself was removed or made: another may have its inode."""
        return any(change is not Change.modified and Path(name) in self.paths for change, name in changes)

    def identities(self) -> tuple[tuple[int, int] | None, ...]:
        """Return device and inode of each folder, None for one that is not there: what a watch is bound to."""
        return tuple(_identity(path) for path in self.paths)


def follow(
    folders: Folders,
    update: Callable[[], str | None],
    *,
    tell: Callable[[str], None],
    retry_seconds: float = RETRY_SECONDS,
    stop: Event | None = None,
) -> None:
    """Update at once, and whenever something in the folders has changed, until `stop` is set or Ctrl-C raises.

    What `update` returns is told. A `StemqaError` or `OSError` of it is told once, however often it comes again, and the
    update is tried again every `retry_seconds`. A folder that is put in the place of a watched one is watched in its stead.
    """
    stop = stop or Event()
    attempt = _Attempt(update, tell, retry_seconds)
    while not stop.is_set():
        attempt.due = 0.0
        bound = folders.identities()
        if None in bound:
            attempt.run_if_due()
            stop.wait(min(1.0, retry_seconds))
            continue
        with suppress(FileNotFoundError):  # it has gone since: the next round waits for it
            for changes in _ticks(folders, stop, min(_LOOK_MS, int(retry_seconds * 1000))):
                if changes:
                    attempt.due = 0.0
                attempt.run_if_due()
                if folders.identities() != bound or folders.replaced(changes):
                    break


def _ticks(folders: Folders, stop: Event, look_ms: int) -> Iterator[set[FileChange]]:
    """Yield what has changed, and nothing where that is so for `look_ms`. What changes between two ticks is not lost."""
    return watch(
        *folders.paths,
        watch_filter=folders.concerns,
        debounce=LONGEST_WAIT_MS,
        step=QUIET_MS,
        rust_timeout=look_ms,
        yield_on_timeout=True,
        stop_event=stop,
    )


@dataclass(slots=True)
class _Attempt:
    """An update that is tried until it succeeds. `due` is when, by the monotonic clock; None when there is nothing to do."""

    update: Callable[[], str | None]
    tell: Callable[[str], None]
    retry_seconds: float
    due: float | None = None
    told: str = ""

    def run_if_due(self) -> None:
        if self.due is None or time.monotonic() < self.due:
            return
        try:
            news = self.update()
        except (StemqaError, OSError) as error:
            self.due = time.monotonic() + self.retry_seconds
            trouble = " ".join(str(error).split())
            if trouble != self.told:
                self.tell(f"not updated: {trouble}; tried again every {self.retry_seconds:g} s")
            self.told = trouble
        else:
            self.due, self.told = None, ""
            if news:
                self.tell(news)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_dev, facts.st_ino
