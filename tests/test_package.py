"""ZIP packages are opened only if they are sound, open to read and bounded."""

from __future__ import annotations

import struct

import pytest
from parsing import zipped

from corpus.package import open_package, read_part
from stemqa import DocumentError

KIND = "a book (EPUB)"


def parts(data: bytes, max_bytes: int = 1_000_000) -> dict[str, bytes | None]:
    with open_package(data, kind=KIND, max_bytes=max_bytes) as package:
        return {name: read_part(package, name) for name in [*package.namelist(), "missing"]}


def test_parts_are_read() -> None:
    """A part's bytes are given, and None for one that is not there."""
    assert parts(zipped({"a.xml": b"x" * 1000})) == {"a.xml": b"x" * 1000, "missing": None}


def test_what_unpacks_to_too_much_is_refused_before_it_is_read() -> None:
    """The sizes of all members together count."""
    with pytest.raises(DocumentError, match=r"unpacks to 2 MB; at most 1 MB are read \(STEMQA_MAX_UNPACKED_MB allows more\)$"):
        parts(zipped({f"{number}.xml": b"0" * 500_000 for number in range(5)}), 1024**2)


def test_a_member_that_is_larger_than_it_says_is_refused() -> None:
    """A directory that gives a smaller size than is packed does not get past the limit."""
    data = zipped({"a.xml": b"0" * 3_000_000})
    lying = data.replace(struct.pack("<L", 3_000_000), struct.pack("<L", 3_000))
    assert lying != data
    with pytest.raises(DocumentError, match=r"its part a\.xml cannot be unpacked"):
        parts(lying)


def test_one_part_has_a_limit_of_its_own() -> None:
    """A part of XML is parsed as a whole, so it is bounded more narrowly than the package."""
    with pytest.raises(DocumentError, match=r"holds a part of 65 MB; at most 64 MB are read$"):
        parts(zipped({"a.xml": b"0" * (65 * 1024**2)}), 1024**3)


def test_too_many_members_are_refused() -> None:
    """An archive of countless empty files is a bomb too."""
    with pytest.raises(DocumentError, match="holds 10,001 files; at most 10,000 are read"):
        parts(zipped({f"{number}": b"" for number in range(10_001)}))


def test_encrypted_members_are_refused() -> None:
    """The flag of a member that needs a password is believed."""
    data = bytearray(zipped({"a.xml": b"text"}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    with pytest.raises(DocumentError, match="is encrypted; save it without a password"):
        parts(bytes(data))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b"%PDF-1.4", r"is not a book \(EPUB\)"),
        (b"PK\x03\x04 and no more", "is truncated or damaged"),
        (zipped({"a.xml": bytes(range(256)) * 99})[:-60], "is truncated or damaged"),
        (b"\xd0\xcf\x11\xe0" + b"\0" * 99, r"is an old office file, not a book \(EPUB\)"),
        (b"\xd0\xcf\x11\xe0" + "EncryptedPackage".encode("utf-16-le"), "is encrypted; save it without a password"),
    ],
)
def test_what_is_no_sound_archive_is_refused(data: bytes, message: str) -> None:
    """Other files, truncated archives and encrypted office files are told apart."""
    with pytest.raises(DocumentError, match=message):
        parts(data)


def test_a_damaged_part_is_refused() -> None:
    """A part whose bytes were changed does not pass its checksum."""
    data = bytearray(zipped({"a.xml": bytes(range(256)) * 9}))
    data[60] ^= 255
    with pytest.raises(DocumentError, match=r"its part a\.xml cannot be unpacked"):
        parts(bytes(data))
