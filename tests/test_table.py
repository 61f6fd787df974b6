"""CSV and TSV: each row reads alone, with the names of its columns."""

from __future__ import annotations

import csv
from io import StringIO

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from parsing import PARAGRAPHS, check_order, check_quotes

from corpus.document import Document
from corpus.table import table_document
from stemqa import DocumentError


def read(data: str | bytes) -> Document:
    return table_document(data.encode() if isinstance(data, str) else data, stem="counts", source="data/counts.csv")


@settings(deadline=None, max_examples=80)
@given(cells=PARAGRAPHS, mark=st.sampled_from(",;\t|"))
def test_cells_arrive_in_order_and_are_quoted_exactly(cells: list[str], mark: str) -> None:
    """Whatever the cells hold and whatever parts them, each is there, and every sentence is a slice of the text."""
    file = StringIO()
    writer = csv.writer(file, delimiter=mark, quoting=csv.QUOTE_ALL)
    writer.writerow(["Cell", "Note", "Number"])
    writer.writerows([f"cell {number}", cell, number] for number, cell in enumerate(cells))
    document = read(file.getvalue())
    check_order(document, [piece for number, cell in enumerate(cells) for piece in (f"- Cell: cell {number}; Note: ", cell)])
    check_quotes(document)


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("Cell,Count\nT,5\nB,\n,7\n,\n", "- Cell: T; Count: 5\n- Cell: B\n- Count: 7"),
        ("Cell;Mean\r\nT;5,2\r\nB;6,1\r\n", "- Cell: T; Mean: 5,2\n- Cell: B; Mean: 6,1"),
        ("Cell\tNote\nT\tsmall, round\nB\tround, too\n", "- Cell: T; Note: small, round\n- Cell: B; Note: round, too"),
        ('Cell,Note\nT,"two\nlines, and ""quotes"""\n', '- Cell: T; Note: two lines, and "quotes"'),
        ("Country,2019,2020\nPeru,1,2\n", "- Country: Peru; 2019: 1; 2020: 2"),
        ("1,2\n3,4\n", "- 1; 2\n- 3; 4"),
        ("T,5,6,7\nB,5\n", "- T; 5; 6; 7\n- B; 5"),
        ("Cell,Count\nT,5,extra\n", "- Cell: T; Count: 5; extra"),
        ("one\ntwo\n", "- one\n- two"),
        ("\ufeffCell,Count\nT,5\n", "- Cell: T; Count: 5"),
    ],
)
def test_rows(data: str, text: str) -> None:
    """The delimiter is told, short different names in the first row are headings, and empty cells are left out."""
    document = read(data)
    assert document.text == text
    assert (document.title, document.source) == ("counts", "data/counts.csv")


def test_a_title_above_the_table() -> None:
    """A first row of one cell is the title, and the names are in the second."""
    document = read("Counts of cells,,\nCell,n,Note\nT,5,few\n")
    assert document.title == "Counts of cells"
    assert document.text == "Counts of cells\n\n- Cell: T; n: 5; Note: few"


def test_a_quote_that_nothing_closes_does_not_swallow_the_rows() -> None:
    """An inch sign at the front of a cell is no quote."""
    rows = "".join(f'{number}\t"{number} inch\n' if number == 2 else f"{number}\tx\n" for number in range(100))
    document = read(f"Number\tSize\n{rows}")
    assert '- Number: 2; Size: "2 inch\n- Number: 3; Size: x' in document.text
    assert document.text.count("\n") == 99


@pytest.mark.parametrize("encoding", ["utf-16", "cp1252"])
def test_encodings(encoding: str) -> None:
    """A table is decoded as any text is."""
    text = "Zelle;Größe\n" + "Drüse;groß und länglich, für Körper und Gefäße\n" * 5
    assert "- Zelle: Drüse; Größe: groß und länglich" in read(text.encode(encoding)).text


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "is empty"),
        (b" , \n,,\n", "holds no rows with text"),
        (b"PK\x03\x04", "is a ZIP archive or office file, not text"),
        (b"a,b\n" + b"x" * 200_000 + b",y\n", "cannot be read as a table: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_refused(data: bytes, message: str) -> None:
    """Empty files, files of other kinds and cells without end are refused in one line."""
    with pytest.raises(DocumentError, match=message):
        read(data)
