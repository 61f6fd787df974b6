"""PDF: each page's text is read where it stands, in lines, and made into headings and prose with page numbers.

PDFium reads the letters and their places; what is a line, a column, a heading, a running head or a paragraph is found in
`corpus.pdf_order` and `corpus.pdf_blocks`. Only this module knows PDFium.
"""

from __future__ import annotations

import ctypes
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pypdfium2
import pypdfium2.raw as pdfium

from corpus.blocks import join
from corpus.decode import check_text, normalise
from corpus.document import Document
from corpus.pdf_blocks import page_blocks, title_line
from corpus.pdf_order import HYPHEN, Box, Line, Page
from corpus.pdf_raised import lower_raised
from corpus.pdf_trouble import DAMAGED, DRAWINGS, IMAGES, UNKNOWN_LETTERS, Trouble
from stemqa import DocumentError

_WORD = re.compile(r"[^\s\x02\ufffe]+|[\x02\ufffe]")  # PDFium writes U+FFFE, or 2, for a hyphen at a line's end
_LIGATURES = {code: unicodedata.normalize("NFKC", chr(code)) for code in range(0xFB00, 0xFB07)}
_BULLETS = dict.fromkeys((0xF0B7, 0xF0A7, 0xF076, 0xF0D8, 0xF0FC, 0xF0A8, 0xF071), "•")  # of the fonts Symbol and Wingdings
_UNSEEN = re.compile("[\u00ad\u200b\u2060\ufeff]")
_UNKNOWN = re.compile("[\x00-\x1f\x7f-\x9f\ufffe\uffff\ud800-\udfff\ue000-\uf8ff]")  # no letters, or those of one font
_LOST = "\ufffd"  # stands for a letter or sign of which the file does not say what it is
_BOLD = re.compile(r"bold|black|heavy|semib|demi|-medi\b|CMBX|CMB\d", re.IGNORECASE)
_NO_TITLE = re.compile(
    r"""microsoft[ ](word|powerpoint|excel)\b | untitled | unbenannt | \(?anonymous
      | (document|slide|title|presentation|layout)\s*\d*\Z
      | .*\.(docx?|pptx?|xlsx?|odt|rtf|txt|pdf|tex|dvi|e?ps|indd|qxd|qxp|pmd|p65|fm|cdr|html?|wpd)\Z
      | \S*[\\/_]\S*\Z | (https?|file): | [\W\d_]*\Z""",
    re.IGNORECASE | re.VERBOSE,
)
_SMALLER = 0.85  # times the size of a word's letters: raised digits are set smaller
_UNREADABLE = 0.2  # of a page's letters: with more of which the file does not say what they are, the page is not read


def pdf_document(data: bytes, *, stem: str, source: str, report: Callable[[str], None] = lambda _: None) -> Document:
    """Make a document of a PDF file. `report` gets at most one line, of the pages that could not be read.

    Headings are found by size and weight. Running heads and feet, page numbers, tables of contents and the list of
    references are left out; words parted at a line's end are put together; sections end with their page.
    `DocumentError`, without the file's name, when it is encrypted, damaged, or holds no text.
    """
    pdf = _opened(data)
    try:
        pages, troubles = _pages(pdf)
        given = " ".join(map(_shown, str(pdf.get_metadata_dict().get("Title", "")).split()))
    finally:
        pdf.close()
    title = given if _sensible(given, pages[0]) else title_line(pages) or stem
    text, sections = join(page_blocks(pages, title=title), title=title)
    if not sections:
        raise DocumentError("holds no text besides headings, running heads and page numbers")
    check_text(title + text)
    if troubles:
        report(f"{source} {troubles}; the rest is read")
    return Document.create(text, title=title, source=source, sections=sections)


def _opened(data: bytes) -> pypdfium2.PdfDocument:
    try:
        return pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if b"/Encrypt" in data and error.err_code in {pdfium.FPDF_ERR_PASSWORD, pdfium.FPDF_ERR_SECURITY}:  # may be an old code
            raise DocumentError("is encrypted; save it without a password") from None
        raise DocumentError("is damaged or was cut off: it cannot be opened as PDF") from None


def _sensible(title: str, first: Page) -> bool:
    """Whether a title from the metadata is one: not a file's name or a program's, and, if one word, on the first page."""
    if len(title) < 3 or len(title) > 300 or _NO_TITLE.match(title):
        return False
    return " " in title or any(title.casefold() in line.text.casefold() for line in first.lines)


def _pages(pdf: pypdfium2.PdfDocument) -> tuple[list[Page], str]:
    """Return the pages that hold text, and what is to be said of the others. `DocumentError` when none holds any."""
    pages: list[Page] = []
    troubles: dict[Trouble, list[int]] = {}
    for number in range(1, len(pdf) + 1):
        try:
            found = _page(pdf[number - 1], number)
        except pypdfium2.PdfiumError:
            found = DAMAGED
        if isinstance(found, Page):
            pages.append(found)
        elif found:
            troubles.setdefault(found, []).append(number)
    if not pages:
        raise DocumentError(max(troubles, key=lambda trouble: len(troubles[trouble])).whole if troubles else "holds no text")
    return pages, "; ".join(trouble.of_pages(numbers, len(pdf)) for trouble, numbers in troubles.items() if trouble.some)


def _page(page: pypdfium2.PdfPage, number: int) -> Page | Trouble | None:
    """Return the page's lines in the order in which they were written, or why it has none; None for an empty page.

    Of a page written in several directions the lines of one are returned: the one in which most letters are written.
    """
    textpage = page.get_textpage()
    seen = page.get_bbox()
    words = [word for word in _words(textpage) if _within(_turned(word.turn, *seen), word.box)]
    letters = Counter[int]()
    for word in words:
        letters[word.turn] += len(word.text)
    turn = max(letters, key=letters.__getitem__, default=0)
    lines = tuple(_lines(textpage, [word for word in words if word.turn == turn]))
    if sum(word.text.count(_LOST) for word in words) > _UNREADABLE * letters.total():
        return UNKNOWN_LETTERS
    if lines:
        return Page(number, _turned(turn, *seen), lines)
    kinds = {item.type for item in page.get_objects()}
    if pdfium.FPDF_PAGEOBJ_IMAGE in kinds:
        return IMAGES
    return DRAWINGS if kinds & {pdfium.FPDF_PAGEOBJ_PATH, pdfium.FPDF_PAGEOBJ_SHADING} else None


@dataclass(frozen=True, slots=True)
class _Word:
    """Letters between white space, from the letter `first` to the letter `last` of the page.

    `turn` counts the quarter turns of the direction of writing from left to right; `box` is upright.
    """

    text: str
    first: int
    turn: int
    box: Box
    spaced: bool


def _words(textpage: pypdfium2.PdfTextPage) -> list[_Word]:
    """Return the page's words in the order in which they were written."""
    text = _text(textpage)
    raw, matrix = textpage.raw, pdfium.FS_MATRIX()
    words: list[_Word] = []
    end = 0
    for match in _WORD.finditer(text):
        first, last = match.start(), match.end() - 1
        spaced, end = " " in text[end:first], match.end()
        if match[0] in "\x02\ufffe":
            if words:
                words[-1] = replace(words[-1], text=words[-1].text + HYPHEN)
            continue
        pdfium.FPDFText_GetMatrix(raw, first, matrix)
        turn = round(math.atan2(matrix.b, matrix.a) / (math.pi / 2)) % 4
        if shown := _shown(_lowered(raw, first, _known(raw, first, match[0]), turn)):
            word = _Word(shown, first, turn, _box(raw, first, last, turn), spaced)
            if words and _raised_behind(raw, words[-1], word):
                before = words[-1].text
                lowered = lower_raised(before + shown, [False] * len(before) + [True] * len(shown))
                words[-1] = replace(words[-1], text=lowered, box=words[-1].box.around(word.box))
            else:
                words.append(word)
    return words


def _within(page: Box, word: Box) -> bool:
    """Whether a word stands on the page: of a spread cut into two pages, each holds what is seen on the other one."""
    return page.x0 <= (word.x0 + word.x1) / 2 <= page.x1 and page.y0 <= (word.y0 + word.y1) / 2 <= page.y1


def _lowered(raw: object, first: int, word: str, turn: int) -> str:
    """Return the letters from `first` on, raised digits among them as they are read."""
    if len(word) < 2 or not any(map(str.isdigit, word)):
        return word
    sizes = [_size(raw, index) for index in range(first, first + len(word))]
    if min(sizes) > _SMALLER * max(sizes):
        return word
    levels = [_level(raw, index, turn) for index in range(first, first + len(word))]
    level = max(at for at, size in zip(levels, sizes, strict=True) if size == max(sizes))
    places = zip(levels, sizes, strict=True)
    return lower_raised(word, [size <= _SMALLER * max(sizes) and at < level - 0.15 * max(sizes) for at, size in places])


def _raised_behind(raw: object, before: _Word, word: _Word) -> bool:
    """Whether a word is raised digits behind another that PDFium takes for a line of their own."""
    if word.spaced or word.turn != before.turn or not re.fullmatch(r"[\d,–−+-]*\d[\d,–−+-]*", word.text):
        return False
    size = _size(raw, before.first)
    raised = _level(raw, word.first, word.turn) < _level(raw, before.first, word.turn) - 0.15 * size
    return raised and _size(raw, word.first) <= _SMALLER * size and abs(word.box.x0 - before.box.x1) < 0.3 * size


def _level(raw: object, index: int, turn: int) -> float:
    """Return the height of the line on which a letter stands, counted downwards."""
    x, y = ctypes.c_double(), ctypes.c_double()
    pdfium.FPDFText_GetCharOrigin(raw, index, ctypes.byref(x), ctypes.byref(y))
    return _turned(turn, x.value, y.value, x.value, y.value).y0


def _text(textpage: pypdfium2.PdfTextPage) -> str:
    """Return one character for each letter that PDFium counts on the page."""
    count, raw = textpage.count_chars(), textpage.raw
    text = textpage.get_text_range(errors="replace") if count else ""
    if len(text) != count:  # it leaves some out
        text = "".join(chr(pdfium.FPDFText_GetUnicode(raw, index)) for index in range(count))
    return re.sub(r"[\x00-\x1f]", lambda match: _known(raw, match.start(), match[0]), text)


def _known(raw: object, first: int, word: str) -> str:
    """Return the letters from `first` on, less those that PDFium only guesses. Where the first is known, the others are."""
    if pdfium.FPDFText_HasUnicodeMapError(raw, first) != 1:
        return word
    return "".join(
        _LOST if pdfium.FPDFText_HasUnicodeMapError(raw, index) == 1 else letter for index, letter in enumerate(word, first)
    )


def _shown(word: str) -> str:
    """Return the word as it is shown: in NFC, ligatures as letters, without marks that cannot be seen."""
    if word.isascii() and word.isprintable():
        return word
    shown = _UNSEEN.sub("", word.translate(_BULLETS).translate(_LIGATURES))
    return normalise(_UNKNOWN.sub(_LOST, shown)) + (HYPHEN if word[-1] == HYPHEN and shown else "")


def _box(raw: object, first: int, last: int, turn: int) -> Box:
    """Return the box around two letters."""
    one, other = pdfium.FS_RECTF(), pdfium.FS_RECTF()
    pdfium.FPDFText_GetLooseCharBox(raw, first, one)
    pdfium.FPDFText_GetLooseCharBox(raw, last, other)
    left, bottom = min(one.left, other.left), min(one.bottom, other.bottom)
    return _turned(turn, left, bottom, max(one.right, other.right), max(one.top, other.top))


def _turned(turn: int, left: float, bottom: float, right: float, top: float) -> Box:
    """Return a box so turned that writing in the direction of `turn` goes from left to right; y counts downwards."""
    match turn:
        case 0:
            return Box(left, -top, right, -bottom)
        case 1:  # upwards
            return Box(bottom, left, top, right)
        case 2:
            return Box(-right, bottom, -left, top)
        case _:
            return Box(-top, -right, -bottom, -left)


def _lines(textpage: pypdfium2.PdfTextPage, words: Sequence[_Word]) -> Iterator[Line]:
    """Yield lines: words that were written one after the other, side by side, without a gap as between columns."""
    line: list[_Word] = []
    box = Box(0, 0, 0, 0)
    for word in words:
        if line and not _goes_on(line[-1], box, word):
            yield _line(textpage, line, box)
            line = []
        box = box.around(word.box) if line else word.box
        line.append(word)
    if line:
        yield _line(textpage, line, box)


def _goes_on(last: _Word, line: Box, word: _Word) -> bool:
    """Whether a word stands in the line, beside its last word."""
    low = min(line.height, word.box.height)
    if last.text.endswith(HYPHEN) or not line.beside(word.box):
        return False
    return -0.5 * low <= _gap(last, word) <= 1.5 * max(line.height, word.box.height)


def _gap(last: _Word, word: _Word) -> float:
    """Return how far apart two words of a line are, in the direction of their script."""
    leftwards = unicodedata.bidirectional(word.text[0]) in {"R", "AL"}
    return last.box.x0 - word.box.x1 if leftwards else word.box.x0 - last.box.x1


def _line(textpage: pypdfium2.PdfTextPage, words: Sequence[_Word], box: Box) -> Line:
    text = words[0].text
    for last, word in pairwise(words):
        apart = word.spaced or _gap(last, word) > 0.15 * word.box.height
        text += (" " if apart else "") + word.text
    longest = max(words, key=lambda word: len(word.text))
    bold = all(_bold(textpage, word.first) for word in (words[0], words[-1]))
    return Line(" ".join(text.split()), box, _size(textpage.raw, longest.first), bold)


def _size(raw: object, index: int) -> float:
    """Return the size, in points, in which a letter is shown."""
    matrix = pdfium.FS_MATRIX()
    pdfium.FPDFText_GetMatrix(raw, index, ctypes.byref(matrix))
    return round(float(pdfium.FPDFText_GetFontSize(raw, index)) * math.hypot(matrix.c, matrix.d), 1)


def _bold(textpage: pypdfium2.PdfTextPage, index: int) -> bool:
    if pdfium.FPDFText_GetFontWeight(textpage.raw, index) >= 700:
        return True
    name, flags = ctypes.create_string_buffer(128), ctypes.c_int()
    pdfium.FPDFText_GetFontInfo(textpage.raw, index, name, len(name), ctypes.byref(flags))
    return _BOLD.search(name.value.decode("utf-8", "replace")) is not None
