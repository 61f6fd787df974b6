"""Bytes to text: find the encoding, refuse what is not text, normalise once.

The encoding is UTF-8 where the bytes are valid UTF-8, what the byte order mark says where there is one, and otherwise
what chardet detects among the encodings of the web and the ISO 8859 family.
"""

from __future__ import annotations

import codecs
import re
import unicodedata

from stemqa import DocumentError

_MARKS = (  # UTF-32 first: its little-endian mark begins with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MAGIC = (
    (b"%PDF-", "a PDF file"),
    (b"PK\x03\x04", "a ZIP archive or office file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"\xd0\xcf\x11\xe0", "an old office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x7fELF", "a program"),
)
_DOUBLED = re.compile("[\u00c2-\u00df][\u0080-\u00bf]|[\u00e0-\u00ef][\u0080-\u00bf]{2}|[\u00f0-\u00f4][\u0080-\u00bf]{3}")
_UNUSED = re.compile("[\u0080-\u0084\u0086-\u009f]")  # no text holds them
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f]")
_CONTROLS_TOLERATED = 1 / 500  # real files hold a stray form feed or end-of-file mark; binary data is full of them


def decode(data: bytes) -> str:
    """Return the normalised text of a file's bytes. `DocumentError`, without the file's name, when they are not text."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            raise DocumentError(f"is {kind}, not text")
    text = normalise(_once(_decoded(data)))
    if not text.strip():
        raise DocumentError("is empty")
    check_text(text)
    return text


def normalise(text: str) -> str:
    """Return `text` in Unicode NFC with LF newlines. Doing it twice changes nothing."""
    return unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))


def check_text(text: str) -> None:
    """Raise `DocumentError` when `text` holds NULs, many control characters or lone surrogates."""
    controls = len(_CONTROL.findall(text))
    if "\0" in text or controls > max(1, len(text) * _CONTROLS_TOLERATED):
        raise DocumentError("is binary, not text")
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise DocumentError(f"holds half a character (a lone surrogate) at position {error.start}") from None


def _decoded(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return _strictly(data, encoding)
    if wide := _wide_encoding(data[:4096]):
        return _strictly(data, wide)
    if b"\x1b$" in data:  # ISO-2022-JP, whose bytes are ASCII
        return _detected(data)
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return _mended(data) or _detected(data)


def _once(text: str) -> str:
    """Return text that was encoded as UTF-8 twice as it was before. It is told by control characters that no text holds."""
    if not _UNUSED.search(text):
        return text
    try:
        mended = _DOUBLED.sub(lambda match: match[0].encode("latin-1").decode("utf-8"), text)
    except UnicodeDecodeError:
        return text
    return text if _UNUSED.search(mended) else mended


def _mended(data: bytes) -> str | None:
    """Return UTF-8 that has a few broken places, each as the replacement character; None when it is no UTF-8."""
    text = data.decode("utf-8", errors="replace")
    broken = text.count("\ufffd")
    sound = len(data) - len(text) - broken  # at least so many bytes belong to characters of several valid bytes
    return text if sound > 20 * broken else None


def _strictly(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise DocumentError(f"is marked as {name} but is not valid {name} at byte {error.start}") from None


def _wide_encoding(head: bytes) -> str | None:
    """UTF-16 without a mark: every other byte is NUL in Western text, and none of the rest is."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if odd > len(head) / 4 and not even:
        return "utf-16-le"
    if even > len(head) / 4 and not odd:
        return "utf-16-be"
    return None


def _detected(data: bytes) -> str:
    if b"\0" in data:
        raise DocumentError("is binary, not text")
    from chardet import EncodingEra, detect  # noqa: PLC0415 -- only files that are not UTF-8 need it

    eras = EncodingEra.MODERN_WEB | EncodingEra.LEGACY_ISO  # with those of DOS and old Macs, short texts are taken for them
    encoding = detect(data, encoding_era=eras)["encoding"]
    if encoding is None:
        raise DocumentError("is in an encoding that was not recognised; save it as UTF-8")
    try:
        return data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        raise DocumentError(f"looks like {encoding} but is not valid {encoding}; save it as UTF-8") from None
