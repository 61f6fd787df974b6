"""The public collection of real files, whole and broken: each is read or named for what it is, and quotes are exact."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

import pypdfium2
import pytest
from parsing import ZOO, check_quotes

from corpus.chunks import chunk_document
from corpus.document import Document
from corpus.load import find_files, read_file

pytestmark = [pytest.mark.shared, pytest.mark.skipif(not ZOO.is_dir(), reason="no shared data beside the checkout")]

SAID = {"encrypted": "is encrypted;", "image-only": "holds no text, only images;", "empty": "is empty"}
CORRUPT = {
    "derived/html_named.pdf": "is an HTML page, not a PDF file; rename it to end in .html",
    "derived/pdf_named.txt": "is a PDF file, not text",
    "derived/truncated.docx": "is truncated or damaged",
    "derived/truncated.pdf": "is damaged or was cut off",
    "derived/zip_named.docx": "is a ZIP archive, not a Word file (DOCX); rename it to end in .zip",
    "pdf.js/GHOSTSCRIPT-698804-1-fuzzed.pdf": "holds no text",
    "pdf.js/REDHAT-1531897-0.pdf": "is damaged or was cut off",
    "pdf.js/poppler-395-0-fuzzed.pdf": "is damaged or was cut off",
    "pdf.js/poppler-937-0-fuzzed.pdf": "is damaged",
}
TITLES = {
    "chardet/GB2312__14.blog.westca.com.xml": "加西公社温哥华大队向阳生产队温暖小分队",
    "docling/docx_page_header_footer_first_page.docx": "Page header/footer regression fixture",
    "docling/epub_purvis_poetry.epub": "Poetry",
    "epub3-samples/accessible_epub_3.epub": "Accessible EPUB 3",
    "markitdown/REPAIR-2022-INV-001_multipage.pdf": "ZAVA AUTO REPAIR",
    "markitdown/test.pdf": "test",
    "markitdown/test_wikipedia.html": "Microsoft",
    "pdf.js/TAMReview.pdf": "Overview of the Technology Acceptance Model: Origins, Developments and Future Directions",
    "sample-files/GeoTopo-komprimiert.pdf": "Geometrie und Topologie",
    "sample-files/google-doc-document.pdf": "PDF Example Document",
    "unstructured/DA-619p.pdf": "DA-619p",
    "unstructured/failure-after-repair.pdf": "Understanding Breast Cancer",
    "unstructured/norwich-city.txt": "Iwan Roberts",
    "unstructured/multi-column.pdf": "Dense Passage Retrieval for Open-Domain Question Answering",
}


Zoo = tuple[dict[str, Document], dict[str, str]]


@pytest.fixture(scope="module")
def zoo() -> Zoo:
    """Return each file's document, and the lines that were reported of it, by its path in the collection."""
    documents: dict[str, Document] = {}
    reported: dict[str, str] = {}
    for file in find_files([ZOO]):
        name, lines = file.source.removeprefix("docs_zoo/"), list[str]()
        for document in read_file(file, report=lines.append):
            assert name not in documents
            documents[name] = document
        if lines:
            reported[name] = "\n".join(lines).removeprefix(f"{file.source} ")
    return documents, reported


def labelled() -> Iterator[tuple[str, str]]:
    """Yield the path and the label of each file."""
    if ZOO.is_dir():
        yield from ((entry["path"], entry["expected"]) for entry in json.loads((ZOO / "manifest.json").read_text()))


@pytest.mark.parametrize("name", [name for name, label in labelled() if label == "ok"])
def test_a_sound_file_is_read(zoo: Zoo, name: str) -> None:
    """It has a title and prose; of one, most pages are in a font that does not say which letters it shows."""
    documents, reported = zoo
    document = documents[name]
    assert document.title.strip()
    assert document.sections
    check_quotes(document)
    if name == "pdf.js/TAMReview.pdf":
        assert reported[name].startswith("has 21 of 23 pages (2, 3, 4, 5, 6, ...) in a font")
    else:
        assert name not in reported


@pytest.mark.parametrize(("name", "title"), TITLES.items())
def test_titles_are_sensible(zoo: Zoo, name: str, title: str) -> None:
    """Titles come from metadata, from the largest letters, or from the file's name where neither says one."""
    assert zoo[0][name].title == title


@pytest.mark.parametrize(("name", "label"), [(name, label) for name, label in labelled() if label != "ok"])
def test_another_file_is_named_for_what_it_is(zoo: Zoo, name: str, label: str) -> None:
    """It is left out with one line that says why; a corrupt file may still be read."""
    documents, reported = zoo
    if name in documents:
        assert label == "corrupt"
        assert name not in CORRUPT
        check_quotes(documents[name])
        return
    assert "\n" not in reported[name]
    assert reported[name].startswith(SAID.get(label) or CORRUPT[name])
    assert reported[name].endswith("; left out")


def letters(text: str) -> str:
    """Return letters and digits alone: white space, hyphens and marks are set differently on a page."""
    return "".join(character for character in unicodedata.normalize("NFKC", text) if character.isalnum())


def unnumbered(text: str) -> str:
    """Return letters alone: the raised numbers of notes stand on a page, and not in the text."""
    return "".join(filter(str.isalpha, letters(text)))


@pytest.mark.parametrize(
    ("name", "least", "whole"),
    [
        ("unstructured/multi-column.pdf", 390, 0.98),
        ("unstructured/failure-after-repair.pdf", 1150, 0.99),
        ("unstructured/DA-619p.pdf", 21_000, 0.999),
        ("sample-files/GeoTopo-komprimiert.pdf", 3000, 0.9),  # the signs that PDFium guesses wrongly it guesses to be letters
        ("unstructured/invalid-pdf-structure-pdfminer-one-page.pdf", 100, 0.98),
        ("markitdown/REPAIR-2022-INV-001_multipage.pdf", 50, 1.0),
        ("markitdown/test.pdf", 34, 1.0),
    ],
)
def test_a_quote_stands_on_the_page_that_its_citation_names(zoo: Zoo, name: str, least: int, whole: float) -> None:
    """Each word of each sentence does, but for some of formulas, and nearly all sentences do in one piece."""
    document = zoo[0][name]
    with pypdfium2.PdfDocument(ZOO / name) as pdf:
        pages = [letters(page.get_textpage().get_text_range(errors="replace")) for page in pdf]
    unnumbered_pages = list(map(unnumbered, pages))
    sentences = [(chunk.page or 0, span.of(document.text)) for chunk in chunk_document(document) for span in chunk.sentences]
    assert all(page > 0 for page, _ in sentences)
    assert len(sentences) >= least
    words = [letters(word) in pages[page - 1] for page, text in sentences for word in text.split() if "\ufffd" not in word]
    assert words.count(False) <= len(words) / 500
    assert sum(unnumbered(text) in unnumbered_pages[page - 1] for page, text in sentences) >= whole * len(sentences)
