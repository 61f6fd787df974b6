"""Stamps of the code: whether what an earlier version made may be used again.

A stamp is a hash of the source files that decide a result, and of the versions of the packages they stand on. It costs
milliseconds, and changes with every edit: what is then made anew is often the same as before, and the fingerprint says so.
"""

from __future__ import annotations

import platform
import re
from collections.abc import Iterable
from functools import cache
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from stemqa import __version__

_ROOT = Path(__file__).parent.parent
_WRITING = (
    "embeddings/postings.py",
    "embeddings/rowfile.py",
    "embeddings/terms.py",
    "embeddings/vectors.py",
    *(f"rag/{name}.py" for name in ("build", "collect", "rows", "segment", "splice", "store")),
)
_NAME = re.compile(r"[\w.-]+")


@cache
def stamps() -> dict[str, str]:
    """Return the stamps: "parsing" of files to documents and chunks, "writing" of these to the files of a library."""
    parsing = sorted((_ROOT / "corpus").rglob("*.py"))
    return {"parsing": _stamp(parsing), "writing": _stamp(_ROOT / name for name in _WRITING)}


def _stamp(files: Iterable[Path]) -> str:
    digest = sha256(_line(__version__, platform.python_version(), *_packages()))
    for file in files:
        source = file.read_bytes()
        digest.update(_line(file.name, str(len(source))) + source)
    return digest.hexdigest()


def _line(*values: str) -> bytes:
    return (" ".join(values) + "\n").encode()


@cache
def _packages() -> tuple[str, ...]:
    """Return name and version of each package that stemqa names as needed to run, and that is there."""
    found: list[str] = []
    for requirement in _required():
        try:
            found.append(f"{requirement}=={version(requirement)}")
        except PackageNotFoundError:
            continue
    return tuple(sorted(found))


def _required() -> Iterable[str]:
    try:
        lines = requires("stemqa") or []
    except PackageNotFoundError:  # run from its folder, not installed
        return []
    return [match[0] for line in lines if "extra ==" not in line and (match := _NAME.match(line))]
