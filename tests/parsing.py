"""What the tests of the parsers share: paragraphs to write into files, ZIP packages, and what must hold of any document."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from hypothesis import strategies as st

from corpus.chunks import chunk_document
from corpus.document import Document
from corpus.rendering import inline_text

ZOO = Path(__file__).parent.parent.parent / "shared/eval/docs_zoo"

# No control characters, which XML cannot hold, and no white space but single spaces.
_WORD = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cf", "Zs", "Zl", "Zp", "Cn"]), min_size=1, max_size=12)
WORDS = st.lists(_WORD, min_size=1, max_size=30).map(lambda words: inline_text(" ".join(words)))
PARAGRAPHS = st.lists(WORDS.filter(lambda text: any(map(str.isalnum, text))), min_size=1, max_size=8)

BOMB = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY a "lollollollollollollollollollol">
<!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;"><!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;">
<!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;"><!ENTITY g "&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;">
<!ENTITY outside SYSTEM "file:///etc/passwd">]>
"""


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """Return a ZIP archive of named parts."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def bodies(document: Document) -> list[tuple[tuple[str, ...], str]]:
    """Return headings and text of each section."""
    return [(section.headings, section.span.of(document.text)) for section in document.sections]


def check_quotes(document: Document) -> None:
    """Check that every sentence quotes the text exactly, in order, within its section."""
    end = 0
    for chunk in chunk_document(document):
        for span in chunk.sentences:
            assert end <= span.start
            assert any(section.span.covers(span) for section in document.sections)
            assert span.of(document.text) == document.text[span.start : span.end].strip()
            end = span.end


def check_order(document: Document, paragraphs: Sequence[str]) -> None:
    """Check that the paragraphs stand in the text in this order, each within a section."""
    at = 0
    for paragraph in paragraphs:
        found = document.text.find(paragraph, at)
        assert found >= 0, paragraph
        at = found + len(paragraph)
        assert any(section.span.start <= found and at <= section.span.end for section in document.sections)
