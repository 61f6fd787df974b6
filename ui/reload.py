"""Taking up a new library while the old one is served.

A thread looks at DIR/manifest.json about once a second. When it has been replaced, the new generation is opened and asked
one question, with the models that are loaded already; then one reference is swapped. Requests that have begun end with the
library that they began with. A library that cannot be opened is left alone until its manifest changes again.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from threading import Event, Thread
from time import perf_counter

from rag.settings import Settings
from stemqa import StemqaError
from ui.opening import WARM_UP, Opening, Serving

POLL_SECONDS = 1.0
_log = logging.getLogger("stemqa")

_Stamp = tuple[int, int, int]
"""Modification time, inode and size: together they differ whenever a file was put in another's place."""


class Reload:
    """Follows the library in `settings.library` for `opening`."""

    def __init__(self, opening: Opening, settings: Settings, *, poll_seconds: float = POLL_SECONDS) -> None:
        self._opening = opening
        self._settings = settings
        self._poll_seconds = poll_seconds
        self._stopped = Event()
        self._thread = Thread(target=self._follow, name="reload-library", daemon=True)

    def start(self) -> None:
        """Begin to follow. To be called before the library is opened: what is written from now on counts as new."""
        self._seen = _stamp(self._manifest)
        self._opening.when_done(lambda error: None if error else self._thread.start())

    def stop(self) -> None:
        """Follow no longer. A library that is being opened is given up, after a second without waiting for it."""
        self._stopped.set()
        if self._thread.is_alive():
            self._thread.join(1)

    @property
    def _manifest(self) -> Path:
        return self._settings.library / "manifest.json"

    def _follow(self) -> None:
        while not self._stopped.wait(self._poll_seconds):
            found = _stamp(self._manifest)
            if found != self._seen:
                self._seen = found
                self._take_up(found)

    def _take_up(self, found: _Stamp | None) -> None:
        """Open the library whose manifest was `found`, and serve it; when that cannot be, say why and serve the old one."""
        started = perf_counter()
        current = self._opening.ready()
        try:
            assistant = current.reopened(self._settings)
            assistant.ask(WARM_UP)
        except Exception as error:  # noqa: BLE001 -- whatever is wrong with the new library, the old one goes on serving
            # Otherwise it was replaced while it was read, and the next look takes that one.
            if _stamp(self._manifest) == found and not self._stopped.is_set():
                self._keep(error)
            return
        if not self._stopped.is_set():
            self._opening.serve(Serving(assistant))
            library, seconds = assistant.library, perf_counter() - started
            _say(f"Now serving library {library.fingerprint[:12]}: {len(library.documents):,} documents ({seconds:.1f} s)")

    def _keep(self, error: Exception) -> None:
        if isinstance(error, StemqaError):
            why = " ".join(str(error).split())
        else:
            why = "something broke inside; the server's log says what"
            _log.error("taking up a new library failed", exc_info=error)
        self._opening.serve(Serving(self._opening.ready(), stale=why))
        _say(f"stemqa: the library has changed and cannot be opened, so the one before it goes on serving: {why}")


def _stamp(file: Path) -> _Stamp | None:
    try:
        facts = file.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_ino, facts.st_size


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)  # noqa: T201 -- a message to the person
