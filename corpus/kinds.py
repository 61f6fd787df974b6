"""What a file is by its first bytes, whatever its name says."""

from __future__ import annotations

from io import BytesIO
from zipfile import BadZipFile, ZipFile

from stemqa import DocumentError

PACKAGES = {
    ".docx": "a Word file (DOCX)",
    ".odt": "an OpenDocument text (ODT)",
    ".epub": "a book (EPUB)",
    ".zip": "a ZIP archive",
}
_MARKUP = {".html": "an HTML page", ".xml": "an XML file"}
_NAMED = {**PACKAGES, **_MARKUP, ".htm": "an HTML page", ".xhtml": "an HTML page", ".nxml": "an XML file", ".pdf": "a PDF file"}
_NAMED |= {".csv": "a table (CSV)", ".tsv": "a table (TSV)"}
_PARTS = {  # which part of a package tells what it is
    "word/document.xml": ".docx",
    "META-INF/container.xml": ".epub",
    "content.xml": ".odt",
    "xl/workbook.xml": "an Excel file",
    "ppt/presentation.xml": "a PowerPoint file",
}
_MAGIC = (
    (b"\xd0\xcf\x11\xe0", "an old or encrypted office file"),
    (b"{\\rtf", "an RTF file"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"II*\0", "a TIFF image"),
    (b"MM\0*", "a TIFF image"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3", "a database"),
)
_HEAD = 1024  # bytes in which a PDF file's mark stands, by the note to ISO 32000-1, 7.5.2


def check_kind(data: bytes, suffix: str) -> None:
    """Raise `DocumentError` if the bytes are clearly those of another kind of file than the suffix says, or if there are none.

    The message names the kind and, where files of that kind are read, the suffix they need.
    """
    if not data:
        raise DocumentError("is empty")
    found = _kind(data)
    if found == suffix or not found or (suffix in _MARKUP_SUFFIXES and found in _MARKUP):
        return
    if suffix in PACKAGES and (found == "PK" or data.startswith(b"\xd0\xcf")):
        return  # opening it says what is broken, or that it is encrypted
    if suffix not in _BINARY and found in _MARKUP:
        return  # a table that begins with a tag
    named, wanted = _NAMED.get(found, found), _NAMED[suffix]
    mend = f"; rename it to end in {found}" if found in _NAMED else ""
    raise DocumentError(f"is {named}, not {wanted}{mend}")


_MARKUP_SUFFIXES = frozenset({".html", ".htm", ".xhtml", ".xml", ".nxml"})
_BINARY = frozenset({".pdf", *PACKAGES})


def _kind(data: bytes) -> str:
    """Return a suffix, or a name for what is not read; "PK" for a broken package and "" where the bytes do not say."""
    if b"%PDF-" in data[:_HEAD]:
        return ".pdf"
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _package(data)
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    head = data[:_HEAD].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if head.startswith((b"<!doctype html", b"<html")):
        return ".html"
    return ".xml" if head.startswith(b"<?xml") else ""


def _package(data: bytes) -> str:
    try:
        with ZipFile(BytesIO(data)) as package:
            names = set(package.namelist())
    except (BadZipFile, ValueError, NotImplementedError, EOFError, OSError):
        return "PK"
    return next((kind for part, kind in _PARTS.items() if part in names), ".zip")
