"""ZIP archives of documents: which members are read, and which are refused and why.

Nothing is unpacked to disk, so a name cannot lead out of the archive; names that try are refused all the same, as are links
and archives in the archive. One that is encrypted or unpacks to too much is refused as a whole (`corpus.package`).
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import PurePosixPath
from zipfile import ZipFile, ZipInfo

from stemqa import DocumentError

_RATIO = 200  # times the packed size; text packs to a tenth or so, and only a bomb to less than a two-hundredth ...
_HARMLESS = 10 * 1024 * 1024  # ... but a few megabytes harm nobody
_NESTED = frozenset({".zip", ".7z", ".rar", ".gz", ".tgz", ".tar", ".bz2", ".xz"})
_BEIR = "corpus.jsonl"  # as in a folder: what lies beside or below it is no document

Refuse = Callable[[str], None]


def members_to_read(archive: ZipFile, suffixes: Iterable[str], refuse: Refuse) -> list[str]:
    """Return the names of the members to read, sorted: those with one of the `suffixes` that are not hidden.

    `refuse` gets one line for each reason for which some are left out. `DocumentError` for an archive that unpacks to
    more than 200 times its size, or holds nothing that is read.
    """
    members = [member for member in archive.infolist() if not member.is_dir()]
    packed, unpacked = sum(member.compress_size for member in members), sum(member.file_size for member in members)
    if unpacked > max(_HARMLESS, packed * _RATIO):
        raise DocumentError(f"unpacks to {unpacked // max(packed, 1):,} times its size, as only a bomb does")
    known, kept = tuple(suffixes), set[str]()
    refused: dict[str, list[str]] = {}
    for member in members:
        path = PurePosixPath(member.filename)
        hidden = any(part.startswith(".") for part in path.parts) or "__MACOSX" in path.parts
        if reason := _reason(member, path):
            refused.setdefault(reason, []).append(plain_name(member.filename))
        elif path.suffix.lower() in known and not hidden:
            kept.add(member.filename)
    for reason, names in refused.items():
        refuse(f"{_some(names)}: {reason}; left out")
    if not kept and not refused:
        raise DocumentError(f"holds no document; files that end in {', '.join(known[:-1])} or {known[-1]} are read")
    return sorted(_without_neighbours(kept))


def plain_name(name: str) -> str:
    """Return a member's name as it may stand in a line of text."""
    return "".join(character if character.isprintable() else "?" for character in name)


def _reason(member: ZipInfo, path: PurePosixPath) -> str:
    """Return why a member is refused; nothing if it is not. Encrypted ones are refused with the archive."""
    if path.is_absolute() or ".." in path.parts or "\\" in member.filename or path.parts[0].endswith(":"):
        return "the name leads out of the archive"
    if stat.S_ISLNK(member.external_attr >> 16):
        return "a symbolic link"
    return "an archive in the archive; unpack it first" if path.suffix.lower() in _NESTED else ""


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _without_neighbours(names: Iterable[str]) -> Iterator[str]:
    """Leave out what lies in or below a folder that holds a `corpus.jsonl`, but for that."""
    paths = [PurePosixPath(name) for name in names]
    collections = {path.parent for path in paths if path.name == _BEIR}
    for path in paths:
        if path.name == _BEIR or not collections & set(path.parents):
            yield str(path)
