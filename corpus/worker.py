"""The process in which risky files are parsed, so that it can be given up: it answers one job after the other.

Jobs come from standard input and replies go to standard output, pickled. It is started by `corpus.bounded`, and ends when
its input does.
"""

from __future__ import annotations

import copyreg
import math
import os
import pickle
import resource
import signal
import sys
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path, PurePosixPath
from types import MappingProxyType
from typing import Any, BinaryIO
from zipfile import ZipFile

from corpus.archive import members_to_read, plain_name
from corpus.document import Document
from corpus.kinds import PACKAGES, check_kind
from corpus.limits import Limits
from corpus.package import open_package, read_part
from corpus.parse import ARCHIVE, SUFFIXES, parse
from stemqa import DocumentError


def _frozen(values: dict[str, Any]) -> MappingProxyType[str, Any]:
    return MappingProxyType(values)


copyreg.pickle(MappingProxyType, lambda proxy: (_frozen, (dict(proxy),)))  # the metadata of a document


@dataclass(frozen=True, slots=True)
class Job:
    """A file to parse; of an archive, the member to parse, or None to list those that can be."""

    path: Path
    source: str
    limits: Limits
    member: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a job. `error` is why nothing did; after the `last` reply the process ends."""

    documents: Sequence[Document] = ()
    members: Sequence[str] = ()
    troubles: Sequence[str] = ()
    error: str = ""
    last: bool = False


def main() -> None:
    """Answer jobs until there are no more."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a parser prints must not come between replies
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _send(replies, Reply())
    while True:
        try:
            job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301 -- from the parent
        except EOFError:
            return
        reply = _answer(job)
        _send(replies, reply)
        if reply.last:
            return


def _send(replies: BinaryIO, reply: Reply) -> None:
    pickle.dump(reply, replies)
    replies.flush()


def _answer(job: Job) -> Reply:
    _limit(job.limits)
    troubles: list[str] = []
    try:
        reply = _listed(job, troubles) if _is_archive(job) and job.member is None else _parsed(job, troubles)
    except DocumentError as failure:
        reply = Reply(troubles=troubles, error=str(failure))
    except OSError as failure:
        reply = Reply(error=f"cannot be read: {failure.strerror}")
    except MemoryError:
        most = f"{job.limits.memory_bytes // 1024**2:,} MB of memory (STEMQA_PARSE_MEMORY_MB allows more)"
        return Reply(error=f"needs more than {most}", last=True)
    except RecursionError:
        reply = Reply(error="is nested too deeply")
    except Exception as failure:  # noqa: BLE001 -- others' parsers fail on broken files in more ways than anybody can list
        reply = Reply(error=f"is damaged in a way that its parser does not know ({type(failure).__name__})")
    return replace(reply, last=_peak() > job.limits.memory_bytes / 2)  # what one file took must not be missing to the next


def _peak() -> int:
    """Return the most memory that this process has held, in bytes."""
    with suppress(OSError):  # Linux: what `getrusage` tells there is at least what the parent held when this one began
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _limit(limits: Limits) -> None:
    """Hold this process to the limits of a job. Where the system does not know one, the parent's clock is left."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    seconds = math.ceil(usage.ru_utime + usage.ru_stime + limits.seconds)
    for kind, value in ((resource.RLIMIT_AS, limits.memory_bytes), (resource.RLIMIT_CPU, seconds)):
        hard = resource.getrlimit(kind)[1]
        with suppress(ValueError, OSError):
            resource.setrlimit(kind, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))


def _is_archive(job: Job) -> bool:
    return job.path.suffix.lower() == ARCHIVE


def _listed(job: Job, troubles: list[str]) -> Reply:
    """List the members of an archive that can be parsed."""
    members = members_to_read(_archive(job), SUFFIXES, lambda line: troubles.append(f"{job.source}: {line}"))
    return Reply(members=members, troubles=troubles)


def _parsed(job: Job, troubles: list[str]) -> Reply:
    path, source, data = PurePosixPath(job.member or job.path), job.source, b""
    if job.member is None:
        data = job.path.read_bytes()
    else:
        source = f"{source}/{plain_name(job.member)}"
        most = job.limits.file_bytes
        data = read_part(_archive(job), job.member, max_bytes=most, setting="STEMQA_MAX_FILE_MB") or b""
    documents = parse(data, path.suffix.lower(), stem=path.stem, source=source, limits=job.limits, report=troubles.append)
    return Reply(documents=tuple(documents), troubles=troubles)


def _archive(job: Job) -> ZipFile:
    status = job.path.stat()
    return _opened(job.path, (status.st_mtime_ns, status.st_size), job.limits.unpacked_bytes)[1]


@lru_cache(maxsize=1)
def _opened(path: Path, _version: tuple[int, int], max_bytes: int) -> tuple[ExitStack, ZipFile]:
    """Keep the archive open that was read last: its members come one by one."""
    data = path.read_bytes()
    check_kind(data, ARCHIVE)
    stack = ExitStack()
    return stack, stack.enter_context(open_package(data, kind=PACKAGES[ARCHIVE], max_bytes=max_bytes))


if __name__ == "__main__":
    from corpus.worker import main as _main  # so that what is pickled belongs to this module by its name

    _main()
