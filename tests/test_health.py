"""What `stemqa check` finds in documents, and what it leaves in peace."""

from __future__ import annotations

import random
import time

import pytest
from conftest import NOTES

from corpus.chunks import chunk_document
from corpus.document import Chunk, Document, Section, Span
from corpus.duplicates import near_duplicates, words_of
from corpus.health import Finding, examine
from corpus.language import foreign
from corpus.load import load_documents
from corpus.shipped import shipped_documents_path

PROSE = (
    "The thymus shapes young T cells and lets only those go that spare the body. Stem cells in the marrow replace what is "
    "lost every day, and they do so for a lifetime. Doctors watch patients closely in the weeks after a transplant."
)
GERMAN = (
    "Die Stammzellen leben im Knochenmark und erneuern sich ein Leben lang. Nach einer Transplantation beobachten die Ärzte "
    "ihre Patienten mehrere Wochen lang sehr genau, weil Infektionen drohen."
)


def _note(name: str, text: str, *, title: str = "A title", sections: tuple[Section, ...] | None = None) -> Document:
    return Document.create(text, id=name, title=title, source=f"notes/{name}.txt", sections=sections)


def _examine(*documents: Document, examples: int = 5) -> dict[str, Finding]:
    chunks = [chunk for document in documents for chunk in chunk_document(document, max_words=120)]
    return {finding.name: finding for finding in examine(documents, chunks, examples=examples)}


def _found(*documents: Document) -> dict[str, int]:
    return {name: finding.count for name, finding in _examine(*documents).items() if finding.count}


def test_sound_documents_have_no_findings() -> None:
    """English prose with a title of its own is left in peace, and so are the shipped articles."""
    assert _found(_note("a", PROSE)) == {}
    assert _found(*NOTES) == {}
    shipped = tuple(load_documents([shipped_documents_path()], report=pytest.fail))
    assert {name for name in _found(*shipped) if not name.endswith("passages")} == set()


def test_repeated_documents_and_passages_are_found() -> None:
    """The same text under two ids is one document too many; capitals and spacing make no difference to a passage."""
    found = _examine(_note("a", PROSE), _note("b", PROSE), _note("c", PROSE.upper().replace(". ", ".  ")))
    assert (found["same_documents"].count, found["same_passages"].count, found["near_passages"].count) == (1, 2, 0)
    assert found["same_documents"].examples[0].note == "has the text of a"
    place = found["same_passages"].examples[0]
    assert (place.document_id, place.source, place.span) == ("b", "notes/b.txt", Span(0, len(PROSE)))


def test_a_passage_with_one_word_changed_is_a_near_duplicate() -> None:
    """One word of forty changed makes a near duplicate, which names the other and how like they are; half makes none."""
    changed = PROSE.replace("closely", "daily")
    found = _examine(_note("a", PROSE), _note("b", changed))["near_passages"]
    assert found.count == 1
    assert found.examples[0].document_id == "b"
    assert found.examples[0].note.startswith("86% like a:")
    assert "near_passages" not in _found(_note("a", PROSE), _note("b", PROSE[: len(PROSE) // 2] + "Other words. " * 20))


def test_near_duplicates_agree_with_comparing_all_pairs() -> None:
    """Banding finds what comparing every pair of 400 texts finds, but for pairs at the limit; and nothing else."""
    draw = random.Random(1)
    vocabulary = [f"w{number}" for number in range(2000)]
    texts = [" ".join(draw.choices(vocabulary, k=60)) for _ in range(200)]
    for text in texts[:200]:
        words = text.split()
        for place in draw.sample(range(60), draw.choice([0, 1, 2, 8])):
            words[place] = "changed"
        texts.append(" ".join(words))
    distinct = list(dict.fromkeys(texts))

    def similarity(a: str, b: str) -> float:
        first, second = ({tuple(t[i : i + 3]) for i in range(len(t) - 2)} for t in (a.split(), b.split()))
        return len(first & second) / len(first | second)

    pairs = {(i, j): similarity(distinct[i], distinct[j]) for j in range(len(distinct)) for i in range(j)}
    found = {(i, j): value for i, j, value in near_duplicates(distinct)}
    assert (
        {pair for pair, value in pairs.items() if value >= 0.85}
        <= found.keys()
        <= {pair for pair, value in pairs.items() if value >= 0.8}
    )
    assert all(pairs[pair] == pytest.approx(value) for pair, value in found.items())


def test_many_passages_are_compared_in_seconds() -> None:
    """Time grows with the number of passages and not with its square: 2,000 passages, two million pairs, take seconds."""
    draw = random.Random(2)
    vocabulary = [f"w{number}" for number in range(5000)]
    texts = [" ".join(draw.choices(vocabulary, k=100)) for _ in range(2000)]
    started = time.process_time()
    assert list(near_duplicates(texts)) == []
    assert time.process_time() - started < 10


def test_pages_and_documents_without_text_are_found() -> None:
    """A page between two that have text, and a document without any, are told; a format without pages has none missing."""
    half = len(PROSE) // 2
    sections = (Section(Span(0, half), page=1), Section(Span(half, len(PROSE)), page=4))
    found = _examine(_note("scan", PROSE, sections=sections), _note("empty", "", sections=()))
    assert [place.page for place in found["empty_pages"].examples] == [2, 3]
    assert [place.document_id for place in found["without_text"].examples] == ["empty"]
    assert "empty_pages" not in _found(_note("a", PROSE))


@pytest.mark.parametrize("broken", ["donâ€™t", "naÃ¯ve T cells", "a \N{REPLACEMENT CHARACTER} b"])
def test_mojibake_is_found_where_it_stands(broken: str) -> None:
    """UTF-8 read as Windows-1252, and characters that were lost, are found with the span of the sign itself."""
    text = f"{PROSE} The word is {broken}, he said."
    found = _examine(_note("a", text))["mojibake"]
    assert found.count == 1
    span = found.examples[0].span
    assert span is not None
    assert not span.of(text).isascii()
    assert found.examples[0].note == repr(span.of(text))


@pytest.mark.parametrize("sound", ["naïve T cells", "Ménière’s disease", "IL‑2 ≥ 5 µg/mL ± 0.3 °C", "α/β T cells – “quoted”"])
def test_sound_characters_are_no_mojibake(sound: str) -> None:
    """Accents, Greek letters and typographic signs are what they should be."""
    assert "mojibake" not in _found(_note("a", f"{PROSE} This is {sound}."))


@pytest.mark.parametrize(("title", "counted"), [("", 1), ("a", 1), ("a.txt", 1), ("A", 0), ("What stem cells are", 0)])
def test_a_title_that_is_the_file_name_is_missing(title: str, counted: int) -> None:
    """A document without a title, or with its file's name for one, is told."""
    assert _examine(_note("a", PROSE, title=title))["untitled"].count == counted


def test_short_and_long_passages_are_found() -> None:
    """A passage of four words is short, one sentence of 300 words makes a long one."""
    document = _note("a", "Too short a text.")
    assert _found(document) == {"short_passages": 1}
    long = _note("b", "word " * 299 + "end.")
    chunk = Chunk.create(long, (Span(0, len(long.text)),), long.sections[0])
    (found,) = (finding for finding in examine([long], [chunk]) if finding.name == "long_passages")
    assert found.examples[0].note == "300 words"


def test_foreign_text_is_found_by_document_and_by_page() -> None:
    """A German document is one finding, a German page in an English document another; a page of names is none."""
    assert _found(_note("a", GERMAN)) == {"foreign_documents": 1}
    text = f"{PROSE * 3}\n{GERMAN}\nLupus, Crohn, Sjögren"
    cuts = (len(PROSE * 3), len(PROSE * 3) + 1 + len(GERMAN))
    sections = (
        Section(Span(0, cuts[0]), page=1),
        Section(Span(cuts[0] + 1, cuts[1]), page=2),
        Section(Span(cuts[1] + 1, len(text)), page=3),
    )
    found = _examine(_note("b", text, sections=sections))
    assert found["foreign_documents"].count == 0
    assert [(place.page, place.note[:11]) for place in found["foreign_pages"].examples] == [(2, "language de")]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (PROSE, None),
        (GERMAN, "de"),
        ("Les cellules souches vivent dans la moelle osseuse et se renouvellent pendant toute la vie du patient.", "fr"),
        ("Las células madre viven en la médula ósea y se renuevan durante toda la vida del paciente sano.", "es"),
        ("Lupus, multiple sclerosis, rheumatoid arthritis, aplastic anemia, leukemia, lymphoma, SCID, GVHD, HSCT.", None),
        ("HSCT 2019 n=34 p<0.001", None),
        ("Stammzellen sind gut.", None),
    ],
)  # fmt: skip
def test_languages(text: str, code: str | None) -> None:
    """Prose of a dozen words is told by its language; lists of names, numbers and short texts are left in peace."""
    told = foreign(text)
    assert (told[0] if told else None) == code


def test_examples_are_the_first_and_the_count_is_whole() -> None:
    """However many there are, all are counted and only the first are shown."""
    found = _examine(*(_note(f"n{i}", f"Text {i} here.") for i in range(9)), examples=2)["short_passages"]
    assert (found.count, [place.document_id for place in found.examples]) == (9, ["n0", "n1"])


def test_words_are_what_is_compared() -> None:
    """Case, spacing and punctuation are no difference; a figure is."""
    assert words_of("Stem  cells: 5%.") == words_of("stem cells 5") != words_of("stem cells 6")
