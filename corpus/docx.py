"""DOCX: the body of a Word document. Heads and feet of pages, notes, comments, deletions and contents lists are left out.

mammoth makes HTML of it, by the styles of its paragraphs, and `corpus.markup` reads that.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from zipfile import ZipFile

from corpus.blocks import Block, join
from corpus.bold import mark_bold_headings
from corpus.decode import check_text
from corpus.document import Document
from corpus.markdown import flat_meta
from corpus.markup import markup_blocks
from corpus.package import open_package, read_part
from corpus.rendering import given_title
from corpus.tree import Element, below, drop, element_line, parse_html, parse_xml
from stemqa import DocumentError

_KIND = "a Word document (.docx)"
_STYLES = "\n".join(
    [
        "p[style-name='Title'] => h1:fresh",
        "p[style-name='Subtitle'] => p:fresh",
        *(f"p[style-name='{toc} {level}'] => !" for toc in ("toc", "TOC") for level in range(1, 10)),
        "p[style-name='TOC Heading'] => !",
        "p[style-name='table of figures'] => !",
    ]
)


def docx_document(data: bytes, *, stem: str, source: str) -> Document:
    """Make a document of a DOCX file. `DocumentError`, without the file's name, if it cannot be read or holds no text."""
    with open_package(data, kind=_KIND) as package:
        facts = _checked(package)
    root = parse_html(f"<div>{_html(data)}</div>")
    blocks = list(_blocks(root))
    title = given_title(_fact(facts, "title")) or next((block.text for block in blocks if block.level), "") or stem
    rendering, sections = join(blocks, title=title)
    if not sections:
        raise DocumentError("holds no text")
    check_text(title + rendering)
    return Document.create(rendering, title=title, source=source, meta=flat_meta(_meta(facts)), sections=sections)


def _checked(package: ZipFile) -> Element | None:
    """Return the document's properties, having made sure that it is a Word document whose parts are safe to parse."""
    types = read_part(package, "[Content_Types].xml")
    if types is None or b"wordprocessingml" not in types:
        raise DocumentError(f"is {'another office file' if types else 'a ZIP archive'}, not {_KIND}")
    for name in package.namelist():
        part = read_part(package, name) if name.endswith((".xml", ".rels")) else None
        if part and b"<!DOCTYPE" in part[:4096]:  # not allowed in these files, and the way to an entity bomb
            raise DocumentError(f"declares entities in its part {name}, which no Word document does")
    core = read_part(package, "docProps/core.xml")
    return parse_xml(core) if core and core.strip() else None


def _html(data: bytes) -> str:
    import mammoth  # noqa: PLC0415 -- heavy

    try:
        result = mammoth.convert_to_html(
            BytesIO(data),
            style_map=_STYLES,
            include_embedded_style_map=False,
            external_file_access=False,
            convert_image=mammoth.images.img_element(lambda _image: {}),
        )
    except RecursionError:
        raise DocumentError("is nested too deeply") from None
    except Exception as error:  # noqa: BLE001 -- mammoth lets whatever its parts raise through
        raise DocumentError(f"is damaged: {str(error).partition(chr(10))[0] or type(error).__name__}") from None
    return str(result.value)


def _blocks(root: Element) -> Iterator[Block]:
    for note in [item for item in below(root, "li") if item.get("id", "").startswith(("footnote-", "endnote-"))]:
        drop(note)
    if not any(True for _ in below(root, "h1", "h2", "h3", "h4", "h5", "h6")):
        mark_bold_headings(root, "h2")
    return markup_blocks(root)


def _fact(facts: Element | None, *names: str) -> str:
    return next(filter(None, map(element_line, below(facts, *names))), "") if facts is not None else ""


def _meta(facts: Element | None) -> dict[object, object]:
    authors = [author.strip() for author in _fact(facts, "creator").split(";") if author.strip()]
    return {"authors": authors, "date": _fact(facts, "modified", "created")[:10], "language": _fact(facts, "language")}
