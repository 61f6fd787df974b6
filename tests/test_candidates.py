"""Candidates: every sentence of the best passages with its signals; and what points back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from conftest import CALIBRATION
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Document, Span
from embeddings.evidence import EvidencePassage, PassageEvidence
from rag.calibration import Linear
from rag.evidence import PASSAGES, Candidate, answer_signals, candidates, has_witness, leans_back
from rag.library import Library
from rag.query import whole_query
from rag.reply import Hit

LibraryOf = Callable[[Sequence[Document]], Library]


class LongestReader:
    """Gives a sentence the probability that its length has among 100 characters. Keeps what it was given."""

    sha256 = "2" * 64

    def __init__(self) -> None:
        self.given: list[EvidencePassage] = []

    def score(self, _question: str, passages: Sequence[EvidencePassage]) -> list[PassageEvidence]:
        self.given += passages
        chances = [tuple((end - start) / 100 for start, end in passage.sentences) for passage in passages]
        return [PassageEvidence(chance, max(chance), tuple((0, 1) for _ in chance), chance) for chance in chances]


def note(name: str, text: str, title: str = "Notes") -> Document:
    return Document.create(text, title=title, source=f"{name}.txt", id=name)


def read(library: Library, question: str, model: Linear = CALIBRATION.sentence) -> list[Candidate]:
    hits = [Hit(chunk, 1 - i / 100) for i, chunk in enumerate(library.chunks)]
    return candidates(library, whole_query(library, question), hits, model=model, reader=None)


def text_of(library: Library, candidate: Candidate) -> str:
    return candidate.span.of(library.documents[candidate.chunk.document_id].text)


def test_every_sentence_once_best_first(library_of: LibraryOf) -> None:
    """Each sentence of the passages is a candidate once; scores fall, and lie between 0 and 1."""
    library = library_of([note("a", "Cells divide. Blood flows. Skin heals."), note("b", "Marrow holds cells.")])
    found = read(library, "What does marrow hold?")
    assert text_of(library, found[0]) == "Marrow holds cells."
    assert len({(c.chunk.id, c.number) for c in found}) == len(found) == 4
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert 0 <= scores[-1] <= scores[0] <= 1


def test_a_question_answers_nothing(library_of: LibraryOf) -> None:
    """A sentence that asks is no candidate, though none is nearer to what is asked; alone, it leaves nothing to answer with."""
    library = library_of([note("a", "Is coffee bad for the heart? Moderate drinking was not linked with disease.")])
    assert [text_of(library, c) for c in read(library, "Is coffee bad for the heart?")] == [
        "Moderate drinking was not linked with disease."
    ]
    assert read(library_of([note("a", "Is coffee bad for the heart?")]), "Is coffee bad for the heart?") == []


def test_equals_in_the_order_of_the_text(library_of: LibraryOf) -> None:
    """Of sentences with equal scores the earlier document, and in it the earlier sentence, comes first."""
    library = library_of([note("b", "Cells rest. Cells move."), note("a", "Cells divide.")])
    found = read(library, "zebra")
    assert [text_of(library, c) for c in found] == ["Cells divide.", "Cells rest.", "Cells move."]


def test_only_the_first_passages_are_read(library_of: LibraryOf) -> None:
    """Of many hits only the first few are read for sentences."""
    library = library_of([note(f"d{i:02}", f"Cell number {i} divides.") for i in range(PASSAGES + 3)])
    assert {c.chunk.document_id for c in read(library, "cell")} == {f"d{i:02}" for i in range(PASSAGES)}


def test_no_hits_no_candidates(library_of: LibraryOf) -> None:
    """Without hits there are no candidates."""
    library = library_of([note("a", "Cells divide.")])
    assert candidates(library, whole_query(library, "cells"), [], model=CALIBRATION.sentence, reader=None) == []


def test_coverage_is_the_share_of_the_terms_by_weight(library_of: LibraryOf) -> None:
    """Coverage is the found terms' idf over all terms'; with title and headings it is at least as large."""
    library = library_of([note("a", "Marrow holds cells. Cells divide.", title="Blood"), note("b", "Skin heals.")])
    idf = library.lexical.idf
    first, second, third = (
        next(c.signals for c in read(library, "marrow cells blood") if text_of(library, c) == text)
        for text in ("Marrow holds cells.", "Cells divide.", "Skin heals.")
    )
    whole = idf("marrow") + idf("cell") + idf("blood")
    assert first["coverage"] == pytest.approx((idf("marrow") + idf("cell")) / whole)
    assert second["coverage"] == pytest.approx(idf("cell") / whole)
    assert first["context_coverage"] == pytest.approx(1)
    assert (third["coverage"], third["context_coverage"]) == (0, 0)
    assert first["missing"] == 0
    assert second["missing"] == pytest.approx(idf("marrow") / idf("unheard"))


def test_a_question_without_terms_covers_nothing(library_of: LibraryOf) -> None:
    """Stop words alone give coverage 0 and nothing missing, and no division by 0."""
    library = library_of([note("a", "Cells divide.")])
    signals = read(library, "What is it?")[0].signals
    assert (signals["coverage"], signals["missing"]) == (0, 0)


def test_a_leaning_sentence_is_read_with_the_one_before(library_of: LibraryOf) -> None:
    """A sentence that points back has the terms of the sentence before it as well."""
    library = library_of([note("a", "Marrow holds cells. They divide daily. Skin heals daily.")])
    coverage = {text_of(library, c): c.signals["coverage"] for c in read(library, "marrow")}
    assert coverage == {"Marrow holds cells.": 1, "They divide daily.": 1, "Skin heals daily.": 0}


def test_the_reader_sees_passages_and_decides(library_of: LibraryOf) -> None:
    """With an evidence model each passage is read with its title and sentence offsets, and its verdict is a signal."""
    library = library_of([note("a", "Cells divide. Cells divide for a long, long time.", title="On cells")])
    reader = LongestReader()
    hits = [Hit(chunk, 1.0) for chunk in library.chunks]
    model = Linear({"evidence": 1.0}, 0.0)
    found = candidates(library, whole_query(library, "cells"), hits, model=model, reader=reader)
    (passage,) = reader.given
    assert passage.context == "On cells"
    assert [passage.text[a:b] for a, b in passage.sentences] == ["Cells divide.", "Cells divide for a long, long time."]
    assert [c.number for c in found] == [1, 0]
    assert found[0].score == pytest.approx(len("Cells divide for a long, long time.") / 100)


def test_signals_of_the_answer_are_numbers_from_the_best(library_of: LibraryOf) -> None:
    """The answer's signals are finite, and those of sentence and passage are the best candidate's."""
    library = library_of([note("a", "Cells divide. Blood flows."), note("b", "Marrow holds cells.")])
    query = whole_query(library, "What does marrow hold?")
    found = read(library, "What does marrow hold?")
    signals = answer_signals(query, found)
    assert all(isinstance(value, float) and abs(value) < 100 for value in signals.values())
    assert signals["best"] >= signals["second"]
    assert signals["nearest_passage"] == max(c.signals["passage_similarity"] for c in found)
    assert signals["coverage"] == found[0].signals["coverage"]


@pytest.mark.parametrize(("evidence", "coverage", "similarity"), [(0.0, 0.0, 0.1), (-4.0, 0.2, 0.1), (-4.0, 0.0, 0.5)])
def test_one_witness_is_enough(library_of: LibraryOf, evidence: float, coverage: float, similarity: float) -> None:
    """Evidence, a term in common or a near meaning speaks for a sentence; without all three nothing does."""
    found = read(library_of([note("a", "Marrow makes blood.")]), "What makes blood?")[0]
    signals = dict(found.signals)
    told = {"evidence": evidence, "passage_coverage": coverage, "similarity": similarity}
    assert has_witness(replace(found, signals=signals | told))
    assert not has_witness(replace(found, signals=signals | {"evidence": -4.0, "passage_coverage": 0.0, "similarity": 0.1}))


@pytest.mark.parametrize(
    "sentence",
    [
        "This happens early.",
        "It is painful.",
        "In such cases doctors wait.",
        "These conditions are rare.",
        "However, they recover.",
        "The latter is rare.",
        "For this reason doctors wait.",
        "“It grows.”",
        "Their cause is unknown.",
        "Both are rare.",
        "therefore it is used",
    ],
)
def test_what_leans(sentence: str) -> None:
    """A sentence that opens by pointing at something outside it leans."""
    assert leans_back(sentence)


@pytest.mark.parametrize(
    "sentence",
    [
        "Stem cells divide.",
        "However, cells die.",
        "It is known that cells divide.",
        "It is not clear that cells divide.",
        "Both blood and marrow hold cells.",
        "Thistles grow.",
        "Items are listed.",
        "Theory has it that this is so.",
        "In the marrow they divide.",
        "",
    ],
)
def test_what_stands_alone(sentence: str) -> None:
    """A sentence that names its subject, or points at what it says itself, stands alone."""
    assert not leans_back(sentence)


@given(st.text())
def test_any_text_leans_or_does_not(text: str) -> None:
    """Any text is judged, and white space in front does not matter."""
    assert leans_back(f"  {text}") == leans_back(text)


def test_a_short_answer_is_told_in_the_documents_offsets(library_of: LibraryOf) -> None:
    """What the reader marks in a passage is marked at its place in the document; without a reader nothing is."""
    library = library_of([note("a", "# Cells\n\nCells divide daily.\n\nBlood flows slowly.")])
    hits = [Hit(chunk, 1.0) for chunk in library.chunks]
    query = whole_query(library, "cells")
    found = candidates(library, query, hits, model=CALIBRATION.sentence, reader=LongestReader())
    for c in found:  # the reader marks the passage's first character
        assert c.emphasis == Span(c.chunk.span.start, c.chunk.span.start + 1)
    assert {c.emphasis for c in read(library, "cells")} == {None}
