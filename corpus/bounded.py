"""Parse risky files in a process of their own, which is killed when a file takes too long, and replaced when it dies.

One process serves all files, since starting one takes a tenth of a second. It is started afresh as `python -m corpus.worker`:
a fork would copy the locks of other threads, and `multiprocessing` would run the caller's main module again.
"""

from __future__ import annotations

import atexit
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, cast

from corpus.archive import plain_name
from corpus.document import Document
from corpus.limits import Limits
from corpus.parse import ARCHIVE
from corpus.worker import Job, Reply
from stemqa import DocumentError

_START_SECONDS = 60.0  # on a machine that is busy with other things
_CLOCK = 4.0  # times the processor time that a file may take: what waits and does nothing ends then


def parse_bounded(path: Path, *, source: str, limits: Limits, report: Callable[[str], None]) -> Iterator[Document]:
    """Yield the documents of a file of any kind that `corpus.parse` knows, or of an archive of such files.

    `report` gets one line for each part, or member of an archive, that cannot be read. `DocumentError`, without the file's
    name, when nothing of it can be: also when it takes longer or needs more memory than it may, or makes its parser crash.
    Safe to call from several threads; they take turns.
    """
    job = Job(path.resolve(), source, limits)
    if path.suffix.lower() != ARCHIVE:
        yield from _told(_SLOT.ask(job), report).documents
        return
    for member in _told(_SLOT.ask(job), report).members:
        try:
            yield from _told(_SLOT.ask(Job(job.path, source, limits, member)), report).documents
        except DocumentError as error:
            report(f"{source}/{plain_name(member)} {error}; left out")


def close_worker() -> None:
    """End the process, if there is one. The next file starts another."""
    _SLOT.close()


def _told(reply: Reply, report: Callable[[str], None]) -> Reply:
    for trouble in reply.troubles:
        report(trouble)
    if reply.error:
        raise DocumentError(reply.error)
    return reply


class _Worker:
    """A running process. After an error it is of no use any more."""

    def __init__(self) -> None:
        self._late = False
        path = os.pathsep.join(os.path.abspath(entry) for entry in sys.path)  # noqa: PTH100 -- "" is the working directory
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "corpus.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path},
        )
        started = False
        try:
            started = self._exchange(None, _START_SECONDS) is not None
        finally:
            if not started:
                self.close()
        if not started:
            raise DocumentError("cannot be parsed: the process that is to do so does not start")

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    def ask(self, job: Job) -> Reply:
        """Return what came of a job. `DocumentError` when the process was killed over it, or died."""
        reply = self._exchange(job, _CLOCK * job.limits.seconds)
        if reply is None:
            raise DocumentError(_cause(self._process.wait(), job.limits, late=self._late))
        return reply

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        with suppress(OSError):  # what could not be sent any more
            self._process.communicate()

    def _exchange(self, job: Job | None, seconds: float) -> Reply | None:
        """Send a job, if one is given, and return the next reply; None when none comes in time, or ever."""
        requests, replies = cast("BinaryIO", self._process.stdin), cast("BinaryIO", self._process.stdout)
        clock = threading.Timer(seconds, self._give_up)
        clock.daemon = True
        clock.start()
        try:
            if job is not None:
                pickle.dump(job, requests)
                requests.flush()
            return cast("Reply", pickle.load(replies))  # noqa: S301 -- from this module's own process
        except (EOFError, OSError, pickle.UnpicklingError):
            return None
        finally:
            clock.cancel()

    def _give_up(self) -> None:
        self._late = True
        self._process.kill()


def _cause(status: int, limits: Limits, *, late: bool) -> str:
    """Return why a process that ended with `status` did so; `late`: this module's clock had it killed."""
    if late or status == -signal.SIGXCPU:
        return f"took longer than {limits.seconds:g} s to read (STEMQA_PARSE_SECONDS allows more)"
    most = f"{limits.memory_bytes // 1024**2:,} MB"
    if status == -signal.SIGKILL:
        return f"had its parser killed by the system, which may lack the {most} of memory that STEMQA_PARSE_MEMORY_MB allows it"
    return f"makes its parser crash, or needs more than {most} of memory (STEMQA_PARSE_MEMORY_MB allows more)"


class _Slot:
    """The one process, while there is one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None

    def ask(self, job: Job) -> Reply:
        """Return what came of a job, from a process that is started where none runs."""
        with self._lock:
            if self._worker is None or not self._worker.alive:
                self._end()
                self._worker = _Worker()
            done = False
            try:
                reply = self._worker.ask(job)
                done = not reply.last
            finally:
                if not done:  # also when interrupted: the reply would be taken for that to the next job
                    self._end()
            return reply

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.close()


_SLOT = _Slot()
atexit.register(close_worker)
