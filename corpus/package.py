"""ZIP packages: office files and books are archives of XML parts. They are opened only if what they unpack to is bounded."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from zipfile import BadZipFile, ZipFile

from corpus.limits import Limits
from stemqa import DocumentError

_MOST_MEMBERS = 10_000
_PART_BYTES = 64 * 1024 * 1024  # one part of XML; the longest books have some megabytes in all
_OLD_OFFICE = b"\xd0\xcf\x11\xe0"
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")  # the name of the stream in which Office puts an encrypted package


@contextmanager
def open_package(data: bytes, *, kind: str, max_bytes: int = Limits().unpacked_bytes) -> Iterator[ZipFile]:
    """Give the archive that `data` is, for `read_part`. `kind` names in an error what was expected: "a book (EPUB)".

    `DocumentError`, without the file's name, for what is no sound archive, is encrypted, has more than 10,000 members, or
    unpacks to more than `max_bytes`, which zipfile holds the members to.
    """
    if data.startswith(_OLD_OFFICE):
        encrypted = _ENCRYPTED in data
        raise DocumentError("is encrypted; save it without a password" if encrypted else f"is an old office file, not {kind}")
    if not data.startswith(b"PK"):
        raise DocumentError(f"is not {kind}" if data.strip() else "is empty")
    try:
        package = ZipFile(BytesIO(data))
    except (BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        raise DocumentError("is truncated or damaged: the directory at the end of the archive cannot be read") from None
    with package:
        members = package.infolist()
        if len(members) > _MOST_MEMBERS:
            raise DocumentError(f"holds {len(members):,} files; at most {_MOST_MEMBERS:,} are read")
        if (size := sum(member.file_size for member in members)) > max_bytes:
            most = f"at most {max_bytes / 1024**2:,.0f} MB are read (STEMQA_MAX_UNPACKED_MB allows more)"
            raise DocumentError(f"unpacks to {size / 1024**2:,.0f} MB; {most}")
        if any(member.flag_bits & 1 for member in members):
            raise DocumentError("is encrypted; save it without a password")
        yield package


def read_part(package: ZipFile, name: str, *, max_bytes: int = _PART_BYTES, setting: str = "") -> bytes | None:
    """Return a member's bytes; None where there is none of that name. `DocumentError` if it is damaged or too large.

    `setting` names what raises `max_bytes`, for that error.
    """
    try:
        member = package.getinfo(name)
        if member.file_size > max_bytes:
            most = f"at most {max_bytes // 1024**2:,} MB are read" + (f" ({setting} allows more)" if setting else "")
            raise DocumentError(f"holds a part of {member.file_size / 1024**2:,.0f} MB; {most}")
        return package.read(member)
    except KeyError:
        return None
    except (BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, RuntimeError, ValueError):
        raise DocumentError(f"is truncated or damaged: its part {name} cannot be unpacked") from None
