"""One writer at a time. The lock is the operating system's (flock), so it ends with the process that holds it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from stemqa import LibraryError

LOCK = ".lock"


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock. `LibraryError`, at once, that names the process that holds it; `OSError` where none can be."""
    file = folder / LOCK
    # Without flock a lock would be a mere file, which a killed writer leaves behind: better none than that.
    lock = FileLock(file, blocking=False, fallback_to_soft=False)
    try:
        lock.acquire()
    except Timeout:
        raise LibraryError(f"the library {folder} is being written by {_holder(file)}; wait for it or stop it") from None
    try:
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        file.write_text(f"{os.getpid()} {now} {socket.gethostname()}\n", encoding="utf-8")
        yield
    finally:
        with suppress(OSError):
            os.truncate(file, 0)
        lock.release()


def _holder(file: Path) -> str:
    """Say who wrote the lock's file. It may be empty yet."""
    try:
        pid, since, host = file.read_text(encoding="utf-8").split()
    except (OSError, ValueError):
        return "another process"
    started = datetime.fromisoformat(since)
    day = "" if started.date() == datetime.now().astimezone().date() else f"{started:%Y-%m-%d} "
    return f"process {pid} since {day}{started:%H:%M}" + ("" if host == socket.gethostname() else f" on {host}")
