"""Reading documents: which files, in what encoding, with what title, sections and ids; and what is said about the rest."""

from __future__ import annotations

import json
import os
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corpus.decode import decode, normalise
from corpus.document import Document
from corpus.limits import Limits
from corpus.load import SourceFile, find_files, load_documents, read_file
from corpus.markdown import markdown_document
from corpus.plain import plain_document
from corpus.shipped import shipped_documents_path
from stemqa import DocumentError

SHARED = Path(__file__).parent.parent.parent / "shared"
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


def write(folder: Path, **files: str | bytes) -> Path:
    """Write files into `folder`; `a__txt` becomes `a.txt`."""
    for name, content in files.items():
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    return folder


def read(*paths: Path) -> tuple[list[Document], list[str]]:
    """Return the documents, and the lines that were reported."""
    reported: list[str] = []
    return list(load_documents(paths, report=reported.append)), reported


def bodies(document: Document) -> list[tuple[tuple[str, ...], str]]:
    """Return headings and text of each section."""
    return [(section.headings, section.span.of(document.text)) for section in document.sections]


class TestFindingFiles:
    """Files are found in a fixed order, and only those that should be."""

    def test_known_kinds_are_found_sorted_and_below(self, tmp_path: Path) -> None:
        """Files of known kinds, in subfolders too; hidden files, hidden folders and other kinds are passed over."""
        docs = tmp_path / "docs"
        names = ["b.TXT", "a.md", "sub/c.markdown", "sub/d.jsonl", "sub/e.PDF", ".hidden.txt", ".git/e.txt", "f.png"]
        for name in names:
            (docs / name).parent.mkdir(parents=True, exist_ok=True)
            (docs / name).write_text("x")
        assert [file.path.relative_to(docs).as_posix() for file in find_files([docs])] == [
            "a.md",
            "b.TXT",
            "sub/c.markdown",
            "sub/d.jsonl",
            "sub/e.PDF",
        ]

    def test_beir_folder_is_read_as_one_collection(self, tmp_path: Path) -> None:
        """Beside a corpus.jsonl nothing else is a document: not its queries, not its notes."""
        write(tmp_path, corpus__jsonl='{"_id": "1", "text": "It is."}', queries__jsonl='{"_id": "q", "text": "Is it?"}')
        write(tmp_path, notes__md="Notes.", sub_in_x__txt="More.")
        assert [file.path.name for file in find_files([tmp_path])] == ["corpus.jsonl"]

    def test_links_out_of_the_folder_are_not_followed(self, tmp_path: Path) -> None:
        """A symbolic link that leads out is passed over, one that stays inside is the same file."""
        write(tmp_path, outside__txt="Secret.", docs_in_in__txt="Inside.", other_in_b__txt="Elsewhere.")
        docs = tmp_path / "docs"
        (docs / "out.txt").symlink_to(tmp_path / "outside.txt")
        (docs / "folder").symlink_to(tmp_path / "other")
        (docs / "again.txt").symlink_to(docs / "in.txt")
        (docs / "gone.txt").symlink_to(docs / "nowhere.txt")
        assert len(find_files([docs])) == 1

    def test_a_file_knows_its_root(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The root is the resolved folder that was named, or the named file itself."""
        write(tmp_path, docs_in_a__txt="One.")
        monkeypatch.chdir(tmp_path)
        assert find_files([Path("docs")]) == [SourceFile(Path("docs/a.txt"), "docs/a.txt", tmp_path / "docs")]
        assert find_files([Path("docs/a.txt")]) == [SourceFile(Path("docs/a.txt"), "docs/a.txt", tmp_path / "docs/a.txt")]

    def test_file_named_twice_is_found_once(self, tmp_path: Path) -> None:
        """A folder and a file in it, both named, give each file once."""
        write(tmp_path, a__txt="One.", b__txt="Two.")
        assert len(find_files([tmp_path, tmp_path / "a.txt", tmp_path])) == 2

    def test_missing_path_is_named(self, tmp_path: Path) -> None:
        """A path that is not there is an error at once, before anything is read."""
        with pytest.raises(DocumentError, match=r"nowhere does not exist; name a file or folder of \.txt"):
            load_documents([tmp_path / "nowhere"])

    @pytest.mark.parametrize("name", [None, "picture.png", ".hidden.txt"])
    def test_folder_without_documents_is_named(self, tmp_path: Path, name: str | None) -> None:
        """An empty folder, or one that holds other things, is an error that says which suffixes are read."""
        if name:
            (tmp_path / name).write_text("x")
        with pytest.raises(DocumentError, match=r"holds no document; files that end in \.txt, .*\.pdf or \.zip are read"):
            find_files([tmp_path])

    def test_source_is_the_same_whichever_way_a_file_is_named(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """The source begins with the folder's name and is the same from any place and on any machine."""
        write(tmp_path, docs_in_a__txt="Cells divide.")
        ways = [(tmp_path / "docs",), (tmp_path / "docs" / "a.txt",)]
        monkeypatch.chdir(tmp_path / "docs")
        ways += [(Path(),), (Path("a.txt"),), (Path("../docs"),)]
        assert {read(*way)[0][0].source for way in ways} == {"docs/a.txt"}


class TestTrouble:
    """Whatever cannot be read is reported in one line and does not stop the rest."""

    @pytest.mark.parametrize(
        ("name", "content", "said"),
        [
            ("a.txt", b"", "is empty"),
            ("a.txt", b" \n\n ", "is empty"),
            ("a.txt", b"\x00\x01\x02\x03\xff\xfe" * 50, "is binary, not text"),
            ("a.txt", bytes(range(1, 32)) * 9, "is binary, not text"),
            ("a.txt", b"%PDF-1.7\n...", "is a PDF file, not text"),
            ("a.md", b"PK\x03\x04...", "is a ZIP archive or office file, not text"),
            ("a.txt", b"\xff\xfea", "is marked as UTF-16 but is not valid UTF-16 at byte"),
            ("a.md", b"---\ntitle: [\n---\nText.", "has broken front matter at line"),
            ("a.md", b"---\ndate: 2024-13-45\n---\nText.", "has broken front matter"),
            ("a.md", b"# Only a heading", "holds no text besides"),
            ("a.jsonl", b"", "is empty"),
            ("a.jsonl", b'{"_id": "1", "text": "Fine."}\n{"_id": ', ".jsonl:2 is not JSON"),
            ("a.jsonl", b'["no", "object"]', ".jsonl:1 is not a JSON object"),
            ("a.jsonl", b'{"_id": "1", "title": "T"}', ".jsonl:1 has no text"),
            ("a.jsonl", b'{"_id": "1", "text": "a\\ud800b"}', ".jsonl:1 holds half a character"),
            ("a.jsonl", b'{"_id": "1", "title": "a\\ud800b", "text": "Fine."}', ".jsonl:1 holds half a character"),
            ("a.jsonl", b'{"_id": "1", "text": "caf\xe9"}', ".jsonl:1 is not UTF-8"),
            ("a.jsonl", b"[" * 100_000, ".jsonl:1 is not JSON"),
        ],
    )
    def test_unreadable_file_is_reported_and_the_rest_is_read(
        self, tmp_path: Path, name: str, content: bytes, said: str
    ) -> None:
        """One line names the file and the reason; the good file beside it is read."""
        write(tmp_path, good__txt="Cells divide.")
        (tmp_path / name).write_bytes(content)
        documents, reported = read(tmp_path)
        assert any(document.source.endswith("good.txt") for document in documents)
        assert len(reported) == 1
        assert said in reported[0]
        assert name in reported[0]
        assert "\n" not in reported[0]

    def test_named_file_of_another_kind_is_reported(self, tmp_path: Path) -> None:
        """A file that is named, but of a kind that is not read, is reported with the kinds that are."""
        write(tmp_path, a__png=b"x", b__txt="Fine.")
        documents, reported = read(tmp_path / "a.png", tmp_path / "b.txt")
        assert len(documents) == 1
        assert len(reported) == 1
        assert reported[0].startswith(f"{tmp_path.name}/a.png is not read: its name does not end in .txt, .md, ")

    def test_what_is_no_file_is_reported(self, tmp_path: Path) -> None:
        """A pipe would be waited for, and a folder may be named like a file; neither is read, nor what is gone meanwhile."""
        os.mkfifo(tmp_path / "a.txt")
        reported: list[str] = []
        for name in ("a.txt", "gone.txt"):
            assert read_file(SourceFile(tmp_path / name, name, tmp_path), report=reported.append) == ()
        assert reported == [
            "a.txt is not a regular file; left out",
            "gone.txt cannot be read: No such file or directory; left out",
        ]

    @pytest.mark.parametrize("name", ["a.txt", "a.pdf", "a.zip"])
    def test_too_large_a_file_is_reported(self, tmp_path: Path, name: str) -> None:
        """A file over the limit is not opened; JSON Lines, which are read line by line, may be larger."""
        (tmp_path / name).write_bytes(b"x" * 3_000_000)
        (tmp_path / "b.jsonl").write_text('{"text": "Cells divide."}\n' + " " * 3_000_000)
        reported: list[str] = []
        documents = list(load_documents([tmp_path], report=reported.append, limits=Limits(file_bytes=2 * 1024**2)))
        assert [document.text for document in documents] == ["Cells divide."]
        most = "at most 2 MB are read (STEMQA_MAX_FILE_MB allows more)"
        assert reported == [f"{tmp_path.name}/{name} has 3 MB; {most}; left out"]

    def test_a_report_is_one_line_whatever_the_name(self, tmp_path: Path) -> None:
        """A line break in a file's name does not break the report."""
        write(tmp_path, good__txt="Fine.")
        (tmp_path / "a\nb.txt").write_text("")
        assert read(tmp_path)[1] == [f"{tmp_path.name}/a b.txt is empty; left out"]

    def test_nothing_readable_is_an_error(self, tmp_path: Path) -> None:
        """Where not one file can be read, that is an error after the reports."""
        write(tmp_path, a__txt="", b__md="")
        with pytest.raises(DocumentError, match="could be read"):
            read(tmp_path)

    @pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read any file")
    def test_file_without_permission_is_reported(self, tmp_path: Path) -> None:
        """A file that may not be read is reported."""
        write(tmp_path, a__txt="Secret.", b__txt="Fine.")
        (tmp_path / "a.txt").chmod(0)
        assert "Permission denied" in read(tmp_path)[1][0]

    def test_many_broken_lines_are_counted(self, tmp_path: Path) -> None:
        """Of many broken lines the first five are named and the others counted."""
        write(tmp_path, a__jsonl='{"text": "Fine."}\n' + "{\n" * 40)
        documents, reported = read(tmp_path)
        assert len(documents) == 1
        assert len(reported) == 6
        assert "35 more lines" in reported[-1]


class TestIds:
    """Ids are given or derived, and never shared by different texts."""

    def test_id_comes_from_the_content_where_none_is_given(self, tmp_path: Path) -> None:
        """A file without an id of its own keeps its id under another name."""
        write(tmp_path, one_in_a__txt="Cells divide.", two_in_b__txt="Cells divide.")
        (first,), (second,) = read(tmp_path / "one")[0], read(tmp_path / "two")[0]
        assert first.id == second.id == first.sha256[:16]

    def test_same_text_twice_is_one_document(self, tmp_path: Path) -> None:
        """The second of two files with one text is reported and left out."""
        write(tmp_path, a__txt="Cells divide.", b__txt="Cells divide.")
        documents, reported = read(tmp_path)
        assert [document.source for document in documents] == [f"{tmp_path.name}/a.txt"]
        assert reported == [f"{tmp_path.name}/b.txt has the same text as {tmp_path.name}/a.txt; kept once"]

    def test_one_id_for_two_texts_is_an_error(self, tmp_path: Path) -> None:
        """Two different documents that claim one id are both named."""
        write(tmp_path, a__md="---\nid: x\n---\nOne.", b__jsonl='{"_id": "x", "text": "Two."}')
        with pytest.raises(DocumentError, match=r"a\.md and .*b\.jsonl:1 are different documents with one id, 'x'; give one"):
            read(tmp_path)


class TestDecoding:
    """Bytes become the text that was meant."""

    @pytest.mark.parametrize(
        ("encoding", "text"),
        [
            ("utf-8", "Zellen teilen sich – überall."),
            ("utf-8-sig", "Zellen teilen sich."),
            ("utf-16", "Zellen teilen sich."),
            ("utf-16-le", "Cells divide without a mark."),
            ("utf-16-be", "Cells divide without a mark."),
            ("utf-32", "Zellen teilen sich."),
            ("cp1252", "The patient’s marrow – “emptied” by chemotherapy – was replaced by the donor’s, and that was that."),
            ("latin-1", "Les cellules souches se renouvellent et se différencient; c'est là leur propriété la plus étonnante."),
            (
                "cp1250",
                "Komórki macierzyste odnawiają się i różnicują; są też źródłem wszystkich komórek układu odpornościowego.",
            ),
            (
                "iso-8859-2",
                "Kmenové buňky se obnovují a mění se v jiné buňky těla, což je předmětem mnoha výzkumů po celém světě.",
            ),
            ("cp1251", "Стволовые клетки обновляются и превращаются в другие клетки тела; они находятся в костном мозге."),
            ("iso-8859-7", "Τα βλαστικά κύτταρα ανανεώνονται και μετατρέπονται σε άλλα κύτταρα του σώματος."),
            ("gb18030", "干细胞可以自我更新，并能分化为身体的其他细胞。它们存在于骨髓之中。"),
            ("big5", "幹細胞可以自我更新，並能分化為身體的其他細胞。它們存在於骨髓之中。"),
            ("shift_jis", "幹細胞は自分で増えることができ、体のほかの細胞になることもできます。"),
            ("euc-jp", "幹細胞は自分で増えることができ、体のほかの細胞になることもできます。"),
            ("iso-2022-jp", "幹細胞は自分で増えることができ、体のほかの細胞になることもできます。"),
            ("cp949", "줄기세포는 스스로 증식하고 몸의 다른 세포로 분화할 수 있습니다. 골수에 있습니다."),
        ],
    )
    def test_encoding_is_found(self, encoding: str, text: str) -> None:
        """A short text in each common encoding is read as it was written."""
        assert decode(text.encode(encoding)) == text

    def test_one_broken_byte_does_not_change_the_encoding(self) -> None:
        """UTF-8 with a broken byte stays UTF-8, with the replacement character in that place."""
        assert decode("größer – ".encode() * 9 + b"\xff" + "über".encode()) == "größer – " * 9 + "�über"

    def test_text_that_was_encoded_twice_is_mended(self) -> None:
        """A dash that became three signs is a dash again; the same letters where they are meant stay."""
        text = "größer – von 1986–1990"
        assert decode(text.encode().decode("latin-1").encode()) == text
        assert decode("Â» und Ã©".encode()) == "Â» und Ã©"

    def test_text_is_normalised_to_nfc_and_lf(self) -> None:
        """Accents are composed, newlines are LF, and nothing else is touched."""
        assert decode("e\u0301  \t\r\nb\rc\u00a0 ".encode()) == "é  \t\nb\nc\u00a0 "

    @given(ANY_TEXT)
    def test_normalising_twice_is_normalising_once(self, text: str) -> None:
        """Normalised text is left alone."""
        once = normalise(text)
        assert normalise(once) == once
        assert "\r" not in once
        assert unicodedata.is_normalized("NFC", once)


class TestPlainText:
    """The text is the file; title and headings are found by how they stand."""

    @given(ANY_TEXT)
    def test_text_is_the_file_and_nothing_else(self, text: str) -> None:
        """Whatever stands in it, the document's text is the normalised file."""
        document = plain_document(normalise(text), stem="s", source="s")
        assert document.text == normalise(text)

    def test_repeated_title_and_headings_are_in_no_section(self) -> None:
        """A title given twice, and a heading without blank lines around it, are not prose."""
        long = "Stem cells renew themselves and give rise to other cells, which is why many laboratories study them. "
        document = plain_document(f"Of Cells\n\nOf Cells\n\n{long}\nThe Early Years\n{long}\n", stem="s", source="s")
        assert document.title == "Of Cells"
        assert bodies(document) == [((), long.strip()), (("The Early Years",), long.strip())]

    def test_a_first_line_that_stands_again_is_the_title(self) -> None:
        """The title of a saved page stands at its head and above its text, whatever lines surround it."""
        text = "Bone Marrow\nA drawing of it\nWhere it is found: in large bones.\nBone Marrow\nMarrow makes blood. It is soft."
        document = plain_document(text, stem="s", source="s")
        assert document.title == "Bone Marrow"
        assert bodies(document)[-1] == ((), "Marrow makes blood. It is soft.")

    def test_first_sentence_is_no_title(self) -> None:
        """A first line that is a sentence stays prose, and the title is the file's name."""
        document = plain_document("Cells divide.\n\nThey do.", stem="cells", source="s")
        assert document.title == "cells"
        assert bodies(document) == [((), "Cells divide.\n\nThey do.")]

    def test_wrapped_lines_are_no_headings(self) -> None:
        """In a text wrapped at the edge of the page no line is taken for a heading."""
        text = (
            "The cells were taken from the marrow of the hip under anaesthesia.\n"
            "They were frozen on the same day and kept at minus 196 degrees in\n"
            "Liquid nitrogen until the day of the transplant. Then they were\n"
            "thawed."
        )
        assert bodies(plain_document(text, stem="s", source="s")) == [((), text)]

    def test_lead_in_of_a_list_is_no_heading(self) -> None:
        """A line that leads into a list belongs to the prose."""
        text = "The symptoms are\n- fatigue\n- joint pain\n\nThey pass."
        assert bodies(plain_document(text, stem="s", source="s")) == [((), text)]

    def test_lines_without_prose_behind_them_are_kept(self) -> None:
        """In a text of short lines only, the first is the title and all others are prose: nothing is lost."""
        document = plain_document("Opening hours\n\nMonday to Friday\n\nNine to five", stem="hours", source="s")
        assert document.title == "Opening hours"
        assert bodies(document) == [((), "Monday to Friday\n\nNine to five")]

    def test_single_line_is_prose(self) -> None:
        """A text of one line can be quoted, whatever it looks like."""
        assert bodies(plain_document("Opening hours", stem="hours", source="s")) == [((), "Opening hours")]

    @pytest.mark.shared
    @pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data beside the checkout")
    def test_seed_files_have_their_titles_and_headings(self) -> None:
        """The four seed files: each has its title, three have one section, one has a heading within."""
        documents, reported = read(SHARED / "seeds")
        assert not reported
        assert [document.title.split()[0] for document in documents] == ["How", "The", "Stem", "How"]
        assert [[len(section.headings) for section in document.sections] for document in documents] == [[0], [0], [0, 1], [0]]
        assert all(document.title not in body for document in documents for _, body in bodies(document))


MARKDOWN = """---
id: marrow
title: "Marrow: a tour"
topics: [bone, blood]
date: 2026-01-02
draft: false
nested: {a: 1}
---
# Marrow

Intro *with* a [link](https://example.org), `code` &amp; <b>bold</b>. ![image](a.png)
Wrapped **line**.

## Kinds

- red
- yellow
  - nested

3. third
4. fourth

| Kind | Role |
|------|------|
| red  | *blood* |
| yellow |    |

<script>alert(1)</script>

### Deep

> Quoted.

```
x = 1
```

## Last

The end.
"""


class TestMarkdown:
    """A plain rendering, sections with heading paths, and metadata from the front matter."""

    def test_rendering_holds_no_markup(self) -> None:
        """Headings stand alone, items and rows have a line each, links and code are kept, HTML and images are gone."""
        document = markdown_document(MARKDOWN, stem="m", source="m.md")
        assert document.text == (
            "Marrow\n\nIntro with a link, code & bold. Wrapped line.\n\nKinds\n\n- red\n- yellow\n  - nested\n\n"
            "3. third\n4. fourth\n\n- Kind: red; Role: blood\n- Kind: yellow\n\nDeep\n\nQuoted.\n\nx = 1\n\nLast\n\nThe end."
        )

    def test_sections_hold_prose_under_their_heading_paths(self) -> None:
        """A section's span leaves the heading lines out, and its path leads from the first level down."""
        document = markdown_document(MARKDOWN, stem="m", source="m.md")
        assert [section.headings for section in document.sections] == [
            ("Marrow",),
            ("Marrow", "Kinds"),
            ("Marrow", "Kinds", "Deep"),
            ("Marrow", "Last"),
        ]
        assert bodies(document)[0][1] == "Intro with a link, code & bold. Wrapped line."
        assert bodies(document)[3][1] == "The end."

    def test_front_matter_becomes_title_id_and_meta(self) -> None:
        """Title and id are taken out; scalars and lists are kept as text, nested values are not."""
        document = markdown_document(MARKDOWN, stem="m", source="m.md")
        assert (document.id, document.title) == ("marrow", "Marrow: a tour")
        assert dict(document.meta) == {"topics": ("bone", "blood"), "date": "2026-01-02", "draft": "false"}

    def test_title_falls_back_to_the_first_heading_and_then_the_name(self) -> None:
        """Without front matter the first-level heading is the title, and is in no path; without one it is the file's name."""
        titled = markdown_document("# Top\n\n## Sub\n\nText.", stem="m", source="m.md")
        assert (titled.title, titled.sections[0].headings) == ("Top", ("Sub",))
        assert markdown_document("Text.", stem="name", source="m.md").title == "name"

    def test_rule_is_not_taken_for_front_matter(self) -> None:
        """Prose between two rules at the top of a file is prose."""
        assert markdown_document("---\nJust prose.\n---\nMore.", stem="m", source="m").text.startswith("Just prose.")

    @given(
        ANY_TEXT
        | st.lists(
            st.sampled_from(["# a\n", "e", "\u0301", "&#x301;", "- ", "*", "\n", "|a|\n|-|\n", "<b>", "`", "&#13;"])
        ).map("".join)
    )
    def test_rendering_is_normalised_and_sections_are_in_it(self, text: str) -> None:
        """Any Markdown gives normalised text whose sections are disjoint and trimmed, or is said to hold no text."""
        try:
            document = markdown_document(normalise(text), stem="s", source="s")
        except DocumentError:
            return
        assert normalise(document.text) == document.text
        assert all(section.span.of(document.text).strip() for section in document.sections)


class TestJsonLines:
    """One document per line, in the BEIR form."""

    def test_row_becomes_a_document(self, tmp_path: Path) -> None:
        """Id, title, text and address are taken from the row, the rest is metadata; numbers count as ids."""
        row = {
            "_id": 7,
            "title": "T",
            "text": "Cells\r\ndivide.",
            "url": "https://example.org/7",
            "year": 2020,
            "tags": ["a", 1],
        }
        write(tmp_path, rows__jsonl=json.dumps(row) + "\n\n" + json.dumps({"text": "No id."}))
        (first, second), reported = read(tmp_path)
        assert not reported
        assert (first.id, first.title, first.text, first.source) == ("7", "T", "Cells\ndivide.", "https://example.org/7")
        assert dict(first.meta) == {"url": "https://example.org/7", "year": "2020", "tags": ("a", "1")}
        assert second.source == f"{tmp_path.name}/rows.jsonl:3"

    def test_byte_order_mark_is_read(self, tmp_path: Path) -> None:
        """A file with a byte order mark is read in the encoding that it announces."""
        for encoding in ("utf-8-sig", "utf-16", "utf-32"):
            (tmp_path / "a.jsonl").write_bytes('{"_id": "ä", "text": "Zellen"}\n'.encode(encoding))
            assert read(tmp_path)[0][0].id == "ä"

    @pytest.mark.shared
    @pytest.mark.skipif(not SHARED.is_dir(), reason="no shared data beside the checkout")
    @pytest.mark.parametrize(("name", "count"), [("squad2_dev", 1204), ("medquad_immune", 1145)])
    def test_beir_collections_are_read_whole(self, name: str, count: int) -> None:
        """The public collections are read without a word of complaint."""
        documents, reported = read(SHARED / "eval" / name)
        assert (len(documents), reported) == (count, [])


def test_shipped_articles_are_read() -> None:
    """Every shipped article is read, has an id and a title of its own, and prose in sections."""
    documents, reported = read(shipped_documents_path())
    assert not reported
    assert len({document.id for document in documents}) == len(documents) == len(list(shipped_documents_path().glob("*.md")))
    assert all(document.sections and document.id == Path(document.source).stem for document in documents)
