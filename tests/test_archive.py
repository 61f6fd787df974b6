"""ZIP archives: members of known kinds are documents, and what is dangerous in one is refused in a line."""

from __future__ import annotations

import io
import stat
import zipfile
from pathlib import Path

import pytest
from parsing import BOMB, zipped
from pdf_writer import column, pdf

from corpus.document import Document
from corpus.kinds import check_kind
from corpus.limits import Limits
from corpus.load import load_documents
from stemqa import DocumentError


def read(folder: Path, data: bytes, name: str = "papers.zip", limits: Limits = Limits()) -> tuple[list[Document], list[str]]:  # noqa: B008
    """Return the documents of an archive that lies in a folder beside a text, less that, and what was reported."""
    docs = folder / "docs"
    docs.mkdir()
    (docs / name).write_bytes(data)
    (docs / "zzz.txt").write_text("It is read.")
    reported: list[str] = []
    documents = list(load_documents([docs], report=reported.append, limits=limits))
    assert documents.pop().text == "It is read."
    return documents, reported


def test_members_of_known_kinds_are_documents(tmp_path: Path) -> None:
    """Each is known by the archive's name and its place inside; hidden files and other kinds are passed over."""
    parts = {
        "b/cells.md": "# Cells\n\nCells divide.",
        "a.pdf": pdf(column(("Cells rest.",))),
        "rows.jsonl": '{"_id": "1", "text": "Cells die."}\n{',
        "c.PNG": b"\x89PNG",
        ".hidden.txt": "Secret.",
        "__MACOSX/a.txt": "Forks.",
        "b/.git/x.txt": "More.",
    }
    documents, reported = read(tmp_path, zipped(parts))
    assert [(document.source, document.text) for document in documents] == [
        ("docs/papers.zip/a.pdf", "Cells rest."),
        ("docs/papers.zip/b/cells.md", "Cells\n\nCells divide."),
        ("docs/papers.zip/rows.jsonl:1", "Cells die."),
    ]
    assert len(reported) == 1
    assert reported[0].startswith("docs/papers.zip/rows.jsonl:2 is not JSON")


def test_beir_collection_is_read_as_one(tmp_path: Path) -> None:
    """Beside or below a corpus.jsonl nothing else is a document; in other folders it is."""
    parts = {
        "set/corpus.jsonl": '{"_id": "1", "text": "Cells divide."}',
        "set/queries.jsonl": '{"_id": "q", "text": "Do they?"}',
        "set/qrels/test.tsv": "a\tb\nc\td",
        "notes.txt": "Notes.",
    }
    assert [document.text for document in read(tmp_path, zipped(parts))[0]] == ["Notes.", "Cells divide."]


def test_a_broken_member_does_not_stop_the_rest(tmp_path: Path) -> None:
    """It is reported by its name."""
    parts = {"a.pdf": b"%PDF-1.7\n", "b.docx": "x", "c.txt": "Cells divide."}
    documents, reported = read(tmp_path, zipped(parts))
    assert [document.text for document in documents] == ["Cells divide."]
    assert [line.partition(" ")[0] for line in reported] == ["docs/papers.zip/a.pdf", "docs/papers.zip/b.docx"]


@pytest.mark.parametrize("name", ["../a.txt", "/etc/a.txt", "b/../../a.txt", "C:/a.txt", "..\\a.txt"])
def test_names_that_lead_out_are_refused(tmp_path: Path, name: str) -> None:
    """A member whose name leads out of the archive is left out, and nothing is written anywhere."""
    documents, reported = read(tmp_path, zipped({name: "Out.", "b.txt": "In."}))
    assert [document.text for document in documents] == ["In."]
    assert reported == [f"docs/papers.zip: {name}: the name leads out of the archive; left out"]
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["docs", "papers.zip", "zzz.txt"]


def test_links_are_refused(tmp_path: Path) -> None:
    """A member that says it is a symbolic link is left out."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        link = zipfile.ZipInfo("link.txt")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("b.txt", "In.")
    documents, reported = read(tmp_path, buffer.getvalue())
    assert [document.text for document in documents] == ["In."]
    assert reported == ["docs/papers.zip: link.txt: a symbolic link; left out"]


def test_too_large_a_member_is_left_out_alone(tmp_path: Path) -> None:
    """A member is held to the size of a file, and the report names what raises it."""
    data = zipped({"a.txt": "".join(f"{number} cells. " for number in range(200_000)), "b.txt": "In."})
    documents, reported = read(tmp_path, data, limits=Limits(file_bytes=1024**2))
    assert [document.text for document in documents] == ["In."]
    most = "at most 1 MB are read (STEMQA_MAX_FILE_MB allows more)"
    assert reported == [f"docs/papers.zip/a.txt holds a part of 3 MB; {most}; left out"]


def test_archives_in_the_archive_are_not_opened(tmp_path: Path) -> None:
    """All that are left out for one reason are one line."""
    inner = zipped({"a.txt": "Deep."})
    parts: dict[str, str | bytes] = {f"{number}.zip": inner for number in range(5)}
    documents, reported = read(tmp_path, zipped({**parts, "b.txt": "In."}))
    assert [document.text for document in documents] == ["In."]
    assert reported == ["docs/papers.zip: 0.zip, 1.zip, 2.zip and 2 more: an archive in the archive; unpack it first; left out"]


@pytest.mark.parametrize(
    ("data", "limits", "said"),
    [
        (zipped({"a.txt": b"0" * 30_000_000}), Limits(), "unpacks to 1,0.. times its size, as only a bomb does"),
        (zipped({"a.txt": b"x" * 3_000_000}), Limits(unpacked_bytes=1024**2), "unpacks to 3 MB; at most 1 MB are read"),
        (zipped({f"{number}.txt": b"" for number in range(10_001)}), Limits(), "holds 10,001 files; at most 10,000 are read"),
        (zipped({"a.png": b""}), Limits(), r"holds no document; files that end in \.txt, .* or \.pdf are read"),
        (zipped({"a.txt": b"Text."})[:-9], Limits(), "is truncated or damaged"),
        (b"Text.", Limits(), r"is not a ZIP archive"),
        (b"", Limits(), "is empty"),
    ],
)
def test_an_archive_that_cannot_be_read_is_one_line(tmp_path: Path, data: bytes, limits: Limits, said: str) -> None:
    """Bombs, crowds, archives without documents and broken ones are refused as a whole."""
    documents, reported = read(tmp_path, data, limits=limits)
    assert not documents
    assert len(reported) == 1
    with pytest.raises(DocumentError, match=rf"^docs/papers\.zip {said}.*; left out$"):
        raise DocumentError(reported[0])


def test_encrypted_archive_is_refused(tmp_path: Path) -> None:
    """An archive with a member that needs a password is one line."""
    data = bytearray(zipped({"a.txt": "Text."}))
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1
    assert read(tmp_path, bytes(data)) == ([], ["docs/papers.zip is encrypted; save it without a password; left out"])


def test_names_with_control_characters_are_shown_plainly(tmp_path: Path) -> None:
    """A line break in a member's name gets neither into a report nor into a citation."""
    documents, _ = read(tmp_path, zipped({"a\n\x1bb.txt": "Cells divide."}))
    assert [document.source for document in documents] == ["docs/papers.zip/a??b.txt"]


@pytest.mark.parametrize("name", ["a.xml", "a.nxml", "a.xhtml", "a.html", "a.odt", "a.docx", "a.epub"])
def test_entities_are_not_expanded(tmp_path: Path, name: str) -> None:
    """A billion laughs and a file read through an entity come to nothing in every format that is made of XML."""
    lines = BOMB + "<article><body><p>Cells divide. &g; &outside;</p></body></article>"
    parts = {
        "a.docx": {"word/document.xml": lines, "[Content_Types].xml": lines},
        "a.odt": {"content.xml": lines, "mimetype": "application/vnd.oasis.opendocument.text"},
        "a.epub": {"META-INF/container.xml": lines},
    }
    data = zipped(parts[name]) if name in parts else lines.encode()
    documents, reported = read(tmp_path, data, name, Limits(seconds=20, memory_bytes=512 * 1024**2))
    texts = " ".join(document.text for document in documents)
    assert "lollollol" not in texts
    assert "root:" not in texts
    assert documents or len(reported) == 1
    assert not any("longer" in line or "memory" in line for line in reported)


PACKAGES = {
    "docx": zipped({"word/document.xml": ""}),
    "odt": zipped({"content.xml": ""}),
    "epub": zipped({"META-INF/container.xml": ""}),
}


@pytest.mark.parametrize(
    ("data", "suffix", "said"),
    [
        (b"<!DOCTYPE html><p>x", ".pdf", "is an HTML page, not a PDF file; rename it to end in .html"),
        (b"\xef\xbb\xbf\n<HTML>", ".docx", "is an HTML page, not a Word file (DOCX); rename it to end in .html"),
        (b"%PDF-1.4", ".html", "is a PDF file, not an HTML page; rename it to end in .pdf"),
        (b"\n%PDF-1.4", ".csv", "is a PDF file, not a table (CSV); rename it to end in .pdf"),
        (zipped({"a.txt": "x"}), ".docx", "is a ZIP archive, not a Word file (DOCX); rename it to end in .zip"),
        (PACKAGES["docx"], ".zip", "is a Word file (DOCX), not a ZIP archive; rename it to end in .docx"),
        (PACKAGES["epub"], ".odt", "is a book (EPUB), not an OpenDocument text (ODT); rename it to end in .epub"),
        (PACKAGES["odt"], ".epub", "is an OpenDocument text (ODT), not a book (EPUB); rename it to end in .odt"),
        (zipped({"xl/workbook.xml": ""}), ".docx", "is an Excel file, not a Word file (DOCX)"),
        (b"\x89PNG...", ".pdf", "is a PNG image, not a PDF file"),
        (b"{\\rtf1", ".html", "is an RTF file, not an HTML page"),
        (b"\xd0\xcf\x11\xe0", ".pdf", "is an old or encrypted office file, not a PDF file"),
        (b"", ".pdf", "is empty"),
    ],
)
def test_a_file_under_a_wrong_name_is_called_what_it_is(data: bytes, suffix: str, said: str) -> None:
    """The first bytes tell the kind, and the line says which name it needs."""
    with pytest.raises(DocumentError) as error:
        check_kind(data, suffix)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("data", "suffix"),
    [
        (b"<?xml version='1.0'?><html>", ".html"),
        (b"<html>", ".xml"),
        (b"<p>Only a piece of a page.", ".html"),
        (b"<html>,b\n1,2", ".csv"),
        (b"junk before\n%PDF-1.4", ".pdf"),
        (PACKAGES["docx"], ".docx"),
        (b"PK\x03\x04 broken", ".docx"),
        (b"no PDF at all", ".pdf"),
    ],
)
def test_a_file_that_may_be_what_it_says_is_left_to_its_parser(data: bytes, suffix: str) -> None:
    """Where the bytes do not clearly say otherwise, the parser decides."""
    check_kind(data, suffix)
