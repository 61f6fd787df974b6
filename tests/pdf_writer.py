"""Writes small PDF files for tests: text at given places in Helvetica, plain or bold, on pages of 600 by 800 points."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

WIDTH, HEIGHT = 600, 800


@dataclass(frozen=True)
class Text:
    """A piece of text. `x` and `y` place its base line from the lower left corner of the page."""

    x: float
    y: float
    text: str
    size: float = 10
    bold: bool = False
    upwards: bool = False

    def operators(self) -> bytes:
        """Return what draws it."""
        turn = "0 1 -1 0" if self.upwards else "1 0 0 1"
        shown = self.text.encode("cp1252").replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")
        head = f"BT /F{int(self.bold) + 1} {self.size} Tf {turn} {self.x} {self.y} Tm (".encode()
        return head + shown + b") Tj ET\n"


@dataclass(frozen=True)
class Sheet:
    """A page: texts in the order in which they are written, and other operators behind them."""

    texts: Sequence[Text] = ()
    drawn: bytes = b""
    rotate: int = 0


def column(lines: Iterable[str], *, x: float = 60, top: float = 700, leading: float = 12, **style: float) -> list[Text]:
    """Return lines one below the other."""
    return [Text(x, top - number * leading, line, **style) for number, line in enumerate(lines)]  # type: ignore[arg-type]


@dataclass
class _File:
    objects: list[bytes] = field(default_factory=list)

    def add(self, content: bytes) -> int:
        """Add an object and return its number."""
        self.objects.append(content)
        return len(self.objects)

    def written(self, trailer: bytes) -> bytes:
        """Return the file, with a table of where its objects stand."""
        data, places = b"%PDF-1.7\n", []
        for number, content in enumerate(self.objects, start=1):
            places.append(len(data))
            data += b"%d 0 obj\n%s\nendobj\n" % (number, content)
        table = b"".join(b"%010d 00000 n \n" % place for place in places)
        size = len(self.objects) + 1
        end = b"trailer\n<< /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, len(data))
        return data + b"xref\n0 %d\n0000000000 65535 f \n" % size + table + end


def pdf(*sheets: Sheet | Sequence[Text], title: str = "", encrypted: bool = False) -> bytes:
    """Return a PDF file of pages. `encrypted`: with a password that nobody knows."""
    file = _File()
    root, pages = file.add(b"<< /Type /Catalog /Pages 2 0 R >>"), file.add(b"")
    fonts = b"".join(
        b"/F%d << /Type /Font /Subtype /Type1 /Encoding /WinAnsiEncoding /BaseFont /%s >> " % (number, name)
        for number, name in ((1, b"Helvetica"), (2, b"Helvetica-Bold"))
    )
    pixel = file.add(
        b"<< /Type /XObject /Subtype /Image /Width 1 /Height 1 /ColorSpace /DeviceGray /BitsPerComponent 8 /Length 1 >>\n"
        b"stream\n\x80\nendstream"
    )
    kids = []
    for sheet in sheets:
        page = sheet if isinstance(sheet, Sheet) else Sheet(sheet)
        content = b"".join(text.operators() for text in page.texts) + page.drawn
        stream = file.add(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
        kids.append(
            file.add(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Rotate %d /Contents %d 0 R /Resources << "
                b"/Font << %s >> /XObject << /Im %d 0 R >> >> >>" % (WIDTH, HEIGHT, page.rotate, stream, fonts, pixel)
            )
        )
    file.objects[pages - 1] = b"<< /Type /Pages /Count %d /Kids [%s] >>" % (
        len(kids),
        b" ".join(b"%d 0 R" % kid for kid in kids),
    )
    facts = file.add(b"<< /Title (%s) >>" % title.encode("cp1252"))
    trailer = b"/Root %d 0 R /Info %d 0 R" % (root, facts)
    if encrypted:
        key = b"<%s>" % (b"5a" * 32)
        lock = file.add(b"<< /Filter /Standard /V 1 /R 2 /Length 40 /P -4 /O %s /U %s >>" % (key, key))
        trailer += b" /Encrypt %d 0 R /ID [<00> <00>]" % lock
    return file.written(trailer)
