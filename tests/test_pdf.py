"""PDF files: pages, columns, paragraphs and headings as a person reads them, and what is said of files that cannot be read."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import bodies, check_quotes
from pdf_writer import Sheet, Text, column, pdf

from corpus.document import Document
from corpus.pdf import _shown, pdf_document
from stemqa import DocumentError

PROSE = (
    "Stem cells renew themselves for a lifetime and give rise to all",
    "the cells of the blood. They live in the marrow of large bones,",
    "where other cells feed them and tell them when to divide.",
)
MORE = (
    "The thymus shapes young T cells before they meet what they are to",
    "fight. It shrinks with age, and fewer of them are made each year.",
)
LEFT = ("In an allogeneic transplant the", "cells come from a donor, who is", "often a brother or a sister of", "the patient.")
RIGHT = ("Graft-versus-host disease is a", "risk of it. The donated cells", "attack the body of the one who", "received them.")


def document_of(*sheets: Sheet | list[Text], title: str = "") -> Document:
    """Read a PDF file of the pages, of which nothing is reported."""
    troubles: list[str] = []
    document = pdf_document(pdf(*sheets, title=title), stem="stem", source="a.pdf", report=troubles.append)
    assert not troubles
    check_quotes(document)
    return document


def width(text: str, size: float = 10) -> float:
    """Return how wide a text is in Helvetica, of which these letters are known."""
    narrow = {"i": 222, "l": 222, "t": 278, "f": 278, " ": 278, ",": 278, "(": 333, ")": 333, "-": 333, "r": 333}
    known = {"c": 500, "s": 500, "m": 833, "w": 722} | narrow
    return sum(known.get(letter, 556) for letter in text) * size / 1000


def texts_of(*sheets: Sheet | list[Text]) -> list[str]:
    """Return the text of each section."""
    return [text for _, text in bodies(document_of(*sheets))]


class TestPages:
    """What stands on a page is cited with it, and what only serves the page is not cited."""

    def test_sections_name_their_page(self) -> None:
        """Each page has a section of its own, counted from 1; an empty page counts."""
        document = document_of(column(PROSE), [], column(MORE))
        assert [section.page for section in document.sections] == [1, 3]
        assert [section.span.of(document.text) for section in document.sections] == [" ".join(PROSE), " ".join(MORE)]

    def test_running_heads_and_page_numbers_are_left_out(self) -> None:
        """A line that heads or ends three pages is no sentence, nor is a page's number, alone or in words."""
        pages = [
            [Text(60, 770, "Annals of Marrow"), *column(lines), Text(60, 30, f"Volume 3, {n}"), Text(300, 30, f"Page {n} of 3")]
            for n, lines in enumerate((PROSE, MORE, LEFT), start=1)
        ]
        assert texts_of(*pages) == [" ".join(PROSE), " ".join(MORE), " ".join(LEFT)]

    def test_a_heading_that_is_repeated_at_the_foot_is_left_out_there(self) -> None:
        """The name of the chapter below the text is no sentence, even on one page."""
        page = [Text(60, 750, "Where they live", 16), *column(PROSE), Text(60, 30, "Where they live")]
        assert texts_of(page) == [" ".join(PROSE)]

    def test_a_line_of_a_paragraph_is_no_running_foot(self) -> None:
        """A form that ends alike on every page keeps all of its lines, since a paragraph without one would be misquoted."""
        form = column((*PROSE, *MORE), top=100)
        pages = [[*column((f"This is for {name}.",)), *form[:-1], Text(60, 52, f"{MORE[1]} So says {name}.")] for name in "ABC"]
        whole = f"{' '.join(PROSE)}\n\n{' '.join(MORE)}"
        assert texts_of(*pages) == [f"This is for {name}.\n\n{whole} So says {name}." for name in "ABC"]

    def test_numbers_in_the_text_stay(self) -> None:
        """A number alone on a line far from the edges is text."""
        assert "42" in document_of([*column(PROSE), Text(60, 400, "42"), *column(MORE, top=300)]).text

    def test_turned_pages_are_read_upright(self) -> None:
        """A page whose text goes upwards is read line by line."""
        lines = [Text(100 + 12 * number, 60, line, upwards=True) for number, line in enumerate(PROSE)]
        assert texts_of(Sheet(lines, rotate=90)) == [" ".join(PROSE)]

    def test_what_is_written_across_is_left_out(self) -> None:
        """A stamp along the margin does not get into the text."""
        assert texts_of([*column(PROSE), Text(20, 300, "Preprint of May 2020", upwards=True)]) == [" ".join(PROSE)]


class TestColumns:
    """Columns are read one after the other, tables row by row."""

    def test_columns_that_were_written_across_are_read_down(self) -> None:
        """Lines written from left to right over both columns are put in order; the title above comes first."""
        across = [
            piece
            for number, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True))
            for piece in (Text(60, 700 - 12 * number, left), Text(320, 700 - 12 * number, right))
        ]
        document = document_of([Text(200, 750, "Of transplants", 18), *across])
        assert document.title == "Of transplants"
        assert bodies(document) == [((), " ".join(LEFT) + "\n\n" + " ".join(RIGHT))]

    def test_columns_that_were_written_down_are_read_so(self) -> None:
        """The order in which a file was written is kept where it can be read."""
        page = [*column(LEFT), *column(RIGHT, x=320)]
        assert texts_of(page) == [" ".join(LEFT) + "\n\n" + " ".join(RIGHT)]

    def test_a_sentence_goes_on_in_the_next_column(self) -> None:
        """A sentence that a column's end and a footnote part is one sentence."""
        page = [
            *column(("Some cells leave the marrow and", "wander with the blood until they")),
            Text(60, 620, "1 As was found by others.", 7),
            *column(("reach an organ that calls them.", "There they stay."), x=320),
        ]
        whole = (
            "Some cells leave the marrow and wander with the blood until they reach an organ that calls them. There they stay."
        )
        assert whole in document_of(page).text

    def test_rows_of_a_table_stay_together(self) -> None:
        """Cells that stand in one row are one line, and rows are not run together."""
        rows = (("Cell", "Lives in", "Lifetime"), ("Neutrophil", "Blood", "1 day"), ("Macrophage", "Tissue", "90 days"))
        table = [
            Text(60 + 150 * place, 500 - 14 * number, cell) for number, row in enumerate(rows) for place, cell in enumerate(row)
        ]
        text = document_of([*column(PROSE), *table]).text
        assert text.endswith("\n\nCell Lives in Lifetime\n\nNeutrophil Blood 1 day\n\nMacrophage Tissue 90 days")


class TestParagraphs:
    """Lines become paragraphs, and parted words become whole."""

    def test_indented_lines_and_gaps_begin_paragraphs(self) -> None:
        """A first line that is indented, or stands apart, begins a paragraph."""
        indented = [*column(PROSE), Text(72, 664, MORE[0]), Text(60, 652, MORE[1]), *column(("It stands apart.",), top=610)]
        assert texts_of(indented) == ["\n\n".join((" ".join(PROSE), " ".join(MORE), "It stands apart."))]

    def test_a_bold_word_after_a_sentence_begins_a_paragraph(self) -> None:
        """The entries of a glossary do not run into one another."""
        page = [*column(PROSE), Text(60, 664, "thymus", bold=True), *column(MORE, top=652)]
        assert document_of(page).text == "\n\n".join((" ".join(PROSE), "thymus", " ".join(MORE)))

    def test_a_sentence_is_never_put_together_over_what_stands_between(self) -> None:
        """A row of a formula or table within a paragraph parts it: a quote that lacks its middle would be none."""
        page = [
            *column(("We take the set of all cells such that", "they are many, which is the case if")),
            *[Text(60 + 150 * place, 676, cell) for place, cell in enumerate(("f(1)", "f(2)", "f(3)", "f(4)"))],
            *column(("is not zero in the end.",), top=664),
        ]
        assert "is the case if\n\nf(1) f(2) f(3) f(4)\n\nis not zero" in document_of(page).text

    def test_letters_that_are_raised_or_lowered_stay_in_their_line(self) -> None:
        """The two of "H2O" stands in the word; a note's number behind its sentence is left out."""
        page = [
            Text(60, 700, "Cells need H"),
            Text(117.3, 697, "2", 7),
            Text(121.2, 700, "O and salts."),
            Text(174.6, 704, "12", 7),
        ]
        assert document_of(page).text == "Cells need H2O and salts."

    @pytest.mark.parametrize(
        ("before", "raised", "behind", "read"),
        [
            ("cells", "3", ", which", "cells, which"),
            ("of 10", "9", " cells", "of 10⁹ cells"),
            ("an area of 5 cm", "2", " in all", "an area of 5 cm² in all"),
            ("(as it was found)", "12,13", " once", "(as it was found) once"),
            ("a rate of 4 min", "-1", " in all", "a rate of 4 min⁻¹ in all"),
        ],
    )
    def test_raised_digits_are_notes_or_powers(self, before: str, raised: str, behind: str, read: str) -> None:
        """Behind a word or a mark they number a note, which is left out; behind a number or unit they are a power."""
        here = width(before)
        there = here + width(raised, 6)
        line = [Text(60, 700, before), Text(60 + here, 703.5, raised, 6), Text(60 + there, 700, behind)]
        assert document_of([*line, *column(PROSE, top=600)]).text.startswith(read)

    def test_items_stand_alone(self) -> None:
        """Each item of a list is a line of its own, without a blank line between them."""
        lines = ("• red cells, which carry the oxygen of the air to wherever", "it is needed", "• white cells", "• platelets")
        text = document_of(column(("The marrow makes these cells, each kind in its own number:", *lines))).text
        assert text.endswith(
            ":\n\n• red cells, which carry the oxygen of the air to wherever it is needed\n• white cells\n• platelets"
        )

    @pytest.mark.parametrize(
        ("first", "second", "whole"),
        [
            ("and a bone marrow trans-", "plant may follow", "a bone marrow transplant may"),
            ("which is graft-versus-", "host disease", "is graft-versus-host disease"),
            ("so the T-", "cells of the", "the T-cells of"),
            ("it went to New-", "York and", "to New-York and"),
            ("a long-", "term study of it", "a long-term study"),
            ("a cells-", "spanning study of it", "a cells-spanning study"),
            ("the cells-", "izations of it", "the cellsizations of"),
            ("a state-", "of-the-art study of it", "a state-of-the-art study"),
        ],
    )
    def test_words_parted_at_the_end_of_a_line_are_put_together(self, first: str, second: str, whole: str) -> None:
        """The hyphen goes where it stands for the line's end, and stays where it belongs to the word."""
        page = column(
            ("This is about stem cells and what comes " + first, second + " in the end, after a long-term wait of years.")
        )
        assert whole in document_of(page).text

    def test_letters_are_as_shown(self) -> None:
        """Typographic marks, accents and brackets are kept."""
        assert document_of(column(["“Größe” (café) – naïve… 5 € \\"])).text == "“Größe” (café) – naïve… 5 € \\"

    def test_letters_are_normalised(self) -> None:
        """Ligatures become letters, a symbol font's bullet a bullet, an unknown sign �; what cannot be seen is dropped."""
        assert _shown("e\u0301\ufb03x\u200b") == "éffix"
        assert _shown("\uf0b7") == "•"
        assert _shown("\ue123\x01") == "��"
        assert _shown("\u200b\u00ad") == ""

    @settings(max_examples=30, deadline=None)
    @given(
        st.lists(
            st.lists(st.text("abcdefgh XYZ.,;(5)äß", min_size=1, max_size=40), min_size=1, max_size=9), min_size=1, max_size=3
        )
    )
    def test_every_letter_is_read_in_order(self, pages: list[list[str]]) -> None:
        """Whatever stands in the middle of the pages is in the text, letter by letter, and quotes are slices of it."""
        written = "".join("".join("".join(line.split()) for line in lines) for lines in pages)
        data = pdf(*(column(lines, top=600) for lines in pages))
        try:
            document = pdf_document(data, stem="s", source="s")
        except DocumentError as error:
            assert not any(map(str.isalnum, written)), error  # noqa: PT017 -- either outcome has its condition
            return
        check_quotes(document)
        assert "".join(document.text.split()) == written

    def test_half_a_word_is_no_word(self) -> None:
        """What stands at the start of a line behind a hyphen does not say how another word is written."""
        lines = ("The sup in sup is short, and a cell that sup-", "ports another one is a cell that sup-", "ports all of them.")
        assert "supports another one is a cell that supports all" in document_of(column(lines)).text

    def test_terms_beside_their_meaning_stand_alone(self) -> None:
        """In two columns of bold terms and their meanings, each term begins a paragraph that ends with its meaning."""
        page = column(PROSE)
        for place, (term, meaning) in enumerate((("surgeon", "operates on the patient, and"), ("nurse", "cares for her and"))):
            top = 600 - 40 * place
            page += [Text(60, top, term, bold=True), *column((meaning, "is there at all times"), x=180, top=top + 7)]
        text = document_of(page).text
        assert text.endswith(
            "\n\nsurgeon operates on the patient, and is there at all times\n\nnurse cares for her and is there at all times"
        )

    def test_what_stands_beside_the_page_is_not_on_it(self) -> None:
        """Each half of a spread is a page, although both hold what is written on both."""
        assert texts_of([*column(PROSE), *column(MORE, x=660)]) == [" ".join(PROSE)]


class TestHeadings:
    """Larger and bolder lines are headings; the list of references and the contents are left out."""

    def test_headings_by_size_and_weight_make_paths(self) -> None:
        """The largest letters make the first level, bold ones of the prose's size the last."""
        page = [
            Text(60, 740, "Cells", 20),
            Text(60, 710, "Where they live", 14),
            *column(PROSE, top=690),
            Text(60, 630, "In the marrow", 10, bold=True),
            *column(MORE, top=615),
            Text(60, 560, "Whom to ask", 14),
            *column(LEFT, top=540),
        ]
        document = document_of(page, title="A tour of the marrow")
        assert document.title == "A tour of the marrow"
        assert [headings for headings, _ in bodies(document)] == [
            ("Cells", "Where they live"),
            ("Cells", "Where they live", "In the marrow"),
            ("Cells", "Whom to ask"),
        ]

    def test_a_letterhead_within_a_sentence_is_no_heading(self) -> None:
        """What stands in large letters above a page that goes on with a sentence names no section."""
        pages = [
            [*column(PROSE), *column(MORE[:1], top=600)],
            [Text(60, 700, "Institute of Marrow", 14), Text(60, 670, "fight. " + MORE[1])],
        ]
        assert bodies(document_of(*pages))[-1] == ((), "fight. " + MORE[1])

    def test_the_head_of_a_table_is_no_heading(self) -> None:
        """A bold row of short names with numbers names columns, and no section."""
        page = [*column(PROSE), Text(60, 600, "Top-1 Top-5 Top-20 Top-100", bold=True), *column(MORE, top=560)]
        assert {headings for headings, _ in bodies(document_of(page))} == {()}

    def test_long_passages_in_large_letters_are_prose(self) -> None:
        """A lead of several lines in larger letters is no heading, nor is a large line that ends like a sentence."""
        lead = [
            "Stem cells renew themselves for a lifetime, and",
            "give rise to all the cells of the blood that a body",
            "needs.",
        ] * 3
        page = [*column(lead, top=780, leading=16, size=13), *column([*PROSE, *MORE] * 4, top=500)]
        assert all(not headings for headings, _ in bodies(document_of(page, title="On cells")))

    def test_references_are_left_out_up_to_the_next_heading(self) -> None:
        """Of a paper's end the list is left out, and the appendix is kept."""
        page = [
            *column(PROSE),
            Text(60, 640, "References", 14),
            *column(("[1] A. Smith. Of cells. 2001.", "[2] B. Jones. Of marrow. 2002.", "[3] C. Doe. doi:10.1/2."), top=620),
            Text(60, 560, "Appendix", 14),
            *column(MORE, top=540),
        ]
        assert bodies(document_of(page, title="On cells")) == [((), " ".join(PROSE)), (("Appendix",), " ".join(MORE))]

    def test_a_section_that_is_only_called_so_is_kept(self) -> None:
        """Prose under the heading "Literature" is no list of references."""
        page = [*column(PROSE), Text(60, 640, "Literature", 14), *column(MORE, top=620)]
        assert bodies(document_of(page, title="On cells"))[1] == (("Literature",), " ".join(MORE))

    def test_contents_are_left_out(self) -> None:
        """Lines that lead with dots to a page are no sentences."""
        page = [*column(("Where they live ........ 3", "What they do . . . . . 12")), *column(PROSE, top=600)]
        assert texts_of(page) == [" ".join(PROSE)]

    def test_lines_between_those_of_contents_are_left_out(self) -> None:
        """In a list of contents chapters may stand without dots, and long names on two lines."""
        listed = [f"1.{number} Of one more kind of cell ........ {number}" for number in range(1, 7)]
        lines = ["1 All kinds of cells 1", *listed[:3], "Of the cells that came to be known late", *listed[3:], "2 Ends 9"]
        assert texts_of(column(lines), column(PROSE)) == [" ".join(PROSE)]

    def test_an_index_is_left_out(self) -> None:
        """The words of an index and their pages are no sentences, on all of its pages."""
        entries = [f"{word}, {number}" for number, word in enumerate(("marrow", "spleen", "thymus", "tonsil"), start=3)]
        index = [Text(60, 720, "Index", 14), *column(entries)]
        assert texts_of(column(PROSE), index, index) == [" ".join(PROSE)]


class TestTitle:
    """The title is the metadata's, or the page's, or the file's name."""

    @pytest.mark.parametrize(
        "given", ["", "x", "untitled", "Microsoft Word - draft3", "paper_final.docx", "C:\\papers\\a", "marrow_v2", "Slide 1"]
    )
    def test_metadata_that_are_no_title_are_passed_over(self, given: str) -> None:
        """Names of files and programs are no titles; the largest line of the first page is."""
        assert (
            document_of([Text(60, 750, "Where stem cells live", 18), *column(PROSE)], title=given).title
            == "Where stem cells live"
        )

    def test_title_over_two_lines_is_one(self) -> None:
        """Lines of the largest letters that follow one another are one title, and no section is named after it."""
        page = [Text(60, 760, "Where stem cells", 18), Text(60, 740, "live and die", 18), *column(PROSE)]
        document = document_of(page)
        assert (document.title, bodies(document)) == ("Where stem cells live and die", [((), " ".join(PROSE))])

    @pytest.mark.parametrize(
        ("lines", "title"),
        [
            (("About marrow",), "About marrow"),
            ((), "stem"),
            (("1 Introduction",), "stem"),
            (("A sentence stands here.",), "stem"),
        ],
    )
    def test_without_large_letters_a_first_line_of_its_own_is_the_title(self, lines: tuple[str, ...], title: str) -> None:
        """A first line that is a sentence, or only the first of a paragraph, is none; then it is the file's name."""
        assert document_of([*column(lines, top=750), *column(PROSE)]).title == title


class TestTrouble:
    """What cannot be read is named, with the remedy."""

    @pytest.mark.parametrize(
        ("data", "said"),
        [
            (pdf(column(PROSE), encrypted=True), "is encrypted; save it without a password"),
            (pdf(Sheet(drawn=b"100 0 0 100 50 50 cm /Im Do")), "holds no text, only images; run OCR on it first"),
            (pdf(Sheet(drawn=b"50 50 100 100 re f")), "holds no text, only drawings; run OCR on it first"),
            (pdf([]), "holds no text"),
            (
                pdf([Text(300, 30, "1"), Text(60, 770, "2 of 3")]),
                "holds no text besides headings, running heads and page numbers",
            ),
            (pdf(column(PROSE))[:200], "is damaged or was cut off: it cannot be opened as PDF"),
            (b"%PDF-1.7\n", "is damaged or was cut off: it cannot be opened as PDF"),
        ],
    )
    def test_unreadable_file_is_named(self, data: bytes, said: str) -> None:
        """Encrypted files, images, drawings, empty pages and broken files are told apart."""
        with pytest.raises(DocumentError) as error:
            pdf_document(data, stem="s", source="s")
        assert str(error.value) == said

    def test_an_encrypted_file_does_not_colour_the_next(self) -> None:
        """PDFium keeps its last error; a broken file after an encrypted one is called broken."""
        for data, said in ((pdf([], encrypted=True), "encrypted"), (b"%PDF-1.7\n", "damaged")):
            with pytest.raises(DocumentError, match=said):
                pdf_document(data, stem="s", source="s")

    def test_pages_that_are_images_are_counted(self) -> None:
        """Of a file that is partly scanned the rest is read, and one line says which pages are missing."""
        troubles: list[str] = []
        scan = Sheet(drawn=b"100 0 0 100 50 50 cm /Im Do")
        document = pdf_document(pdf(scan, column(PROSE), scan), stem="s", source="a.pdf", report=troubles.append)
        assert [section.page for section in document.sections] == [2]
        assert troubles == ["a.pdf has 2 of 3 pages (1, 3) that are only images; run OCR on it to read them; the rest is read"]
