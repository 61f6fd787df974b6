"""Whether the files of a generation are those that its manifest names, by size and hash."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from stemqa import LibraryError

Manifest = Mapping[str, Any]

_READ_IN_PLACES = {
    *("documents.jsonl", "chunks.jsonl", "passages.npy", "sentences.npy"),
    *("passages.keys.npy", "sentences.keys.npy", "postings.npy"),
}

_SMALL = 2**17

OPENING_BYTES = 128 * 2**20
"""So many bytes of a library are hashed before it is used: all of a small one. The rest of a larger one is hashed meanwhile."""


def check_files(folder: Path, manifest: Manifest, *, quick: bool = False) -> Path:
    """Return the folder of the generation. `LibraryError` that names the first of its files that is missing or damaged.

    With `quick`, all sizes are compared and the `quick_files` hashed.
    """
    for name in broken(folder, manifest, quick=quick):
        raise LibraryError(damage(folder, manifest, name))
    return folder / str(manifest["generation"])


def broken(folder: Path, manifest: Manifest, *, quick: bool = False) -> list[str]:
    """Return the files of the generation that are missing or damaged; see `check_files`."""
    generation = folder / str(manifest["generation"])
    files = manifest["files"]
    found = [name for name, facts in files.items() if _size(generation / name) != facts["bytes"]]
    hashed = [name for name in (quick_files(manifest) if quick else files) if name not in found]
    return sorted(found + [name for name in hashed if not is_sound(generation / name, files[name])])


def quick_files(manifest: Manifest) -> list[str]:
    """Return the files that are read whole at opening, and the smallest of the others, `OPENING_BYTES` together."""
    whole = [name for name in manifest["files"] if name.rpartition("/")[2] not in _READ_IN_PLACES]
    others = sorted(
        (facts["bytes"], name) for name, facts in manifest["files"].items() if name.rpartition("/")[2] in _READ_IN_PLACES
    )
    sums = accumulate(size for size, _ in others)
    return whole + [name for (_, name), total in zip(others, sums, strict=True) if total <= OPENING_BYTES]


def is_sound(file: Path, facts: Mapping[str, Any]) -> bool:
    """Whether the file is there and has the hash that the manifest names."""
    try:
        return file_sha256(file) == str(facts["sha256"])
    except OSError:
        return False


def damage(folder: Path, manifest: Manifest, name: str) -> str:
    """Return what is to be said of a file that is missing or damaged."""
    file = folder / str(manifest["generation"]) / name
    return (
        f"the library in {folder} is {'damaged' if file.exists() else 'missing'}: {file.relative_to(folder)}; "
        f"build it again with: stemqa index --library {folder}"
    )


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return -1


def file_sha256(file: Path) -> str:
    """Return the SHA-256 of the file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        start = stream.read(_SMALL)
        if len(start) < _SMALL:  # `file_digest` takes a large buffer, which costs more than a small file
            return hashlib.sha256(start).hexdigest()
        stream.seek(0)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def file_facts(new: Path, *names: str) -> dict[str, Any]:
    """Return size and hash of each file below a new folder, or of those named, by its path."""
    files = [new / name for name in names] or sorted(path for path in new.rglob("*") if path.is_file())
    return {p.relative_to(new).as_posix(): {"bytes": p.stat().st_size, "sha256": file_sha256(p)} for p in files}
