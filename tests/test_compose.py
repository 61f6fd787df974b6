"""What is shown of what was found: how many sentences, which, in which order, and with which citations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from corpus.document import Chunk, Document, Span
from rag.compose import MAX_SENTENCES, choose, render
from rag.evidence import Candidate
from rag.library import Library
from rag.reply import Hit
from rag.retrieve import wording

LibraryOf = Callable[[Sequence[Document]], Library]


def note(name: str, text: str) -> Document:
    """Make a document that is called `name`."""
    return Document.create(text, title=name.title(), source=f"{name}.txt", id=name)


def places(library: Library, name: str) -> list[tuple[Chunk, int]]:
    """Return each sentence of the document as its chunk and its number in it."""
    return [(chunk, i) for chunk in library.chunks if chunk.document_id == name for i in range(len(chunk.sentences))]


def candidate(library: Library, name: str, sentence: int, score: float = 0.9) -> Candidate:
    """Make a candidate of the document's numbered sentence."""
    chunk, number = places(library, name)[sentence]
    return Candidate(Hit(chunk, 1.0), number, score, {})


def shown(library: Library, *found: Sequence[Candidate]) -> list[str]:
    """Return the sentences that are shown for these candidates, one sequence for each part of the question."""
    sentences, _ = render(library, choose(library, found), hits(library))
    return [sentence.text for sentence in sentences]


def hits(library: Library) -> list[Hit]:
    return [Hit(chunk, 1.0) for chunk in library.chunks]


def test_at_most_three_sentences_the_best_ones(library_of: LibraryOf) -> None:
    """Of many good sentences the three with the highest scores are shown, in reading order."""
    library = library_of([note("a", "Cells divide. Cells rest. Cells die. Cells move. Cells grow.")])
    found = [candidate(library, "a", i, score) for i, score in [(3, 0.9), (0, 0.85), (4, 0.7), (1, 0.6), (2, 0.5)]]
    assert MAX_SENTENCES == 3
    assert shown(library, found) == ["Cells divide.", "Cells move.", "Cells grow."]


def test_much_weaker_sentences_are_left_out(library_of: LibraryOf) -> None:
    """A sentence with a tenth of the best one's score is not shown beside it."""
    library = library_of([note("a", "Cells divide. Cells rest.")])
    assert shown(library, [candidate(library, "a", 0, 0.9), candidate(library, "a", 1, 0.09)]) == ["Cells divide."]


def test_the_best_sentence_is_not_led_into_by_weaker_ones(library_of: LibraryOf) -> None:
    """What would stand ahead of the best sentence, in its document, and answers clearly less well, is left out."""
    library = library_of([note("a", "Cells divide. Cells rest. Cells move."), note("b", "Blood clots.")])
    found = [candidate(library, "a", 1, 0.9), candidate(library, "a", 0, 0.7), candidate(library, "b", 0, 0.5)]
    assert shown(library, [*found, candidate(library, "a", 2, 0.4)]) == ["Cells rest.", "Cells move.", "Blood clots."]


def test_documents_in_the_order_of_their_best(library_of: LibraryOf) -> None:
    """The document with the best sentence comes first; inside it, sentences keep the order of the text."""
    library = library_of([note("a", "Cells rest."), note("b", "Blood flows. Blood clots.")])
    found = [candidate(library, "b", 1, 0.9), candidate(library, "a", 0, 0.88), candidate(library, "b", 0, 0.85)]
    assert shown(library, found) == ["Blood flows.", "Blood clots.", "Cells rest."]


def test_each_part_gets_its_best_sentence(library_of: LibraryOf) -> None:
    """A part with low scores is served before further sentences of a part with high ones."""
    library = library_of([note("a", "Cells divide. Cells rest. Cells move."), note("b", "Blood clots.")])
    first = [candidate(library, "a", i, 0.9) for i in range(3)]
    assert shown(library, first, [candidate(library, "b", 0, 0.4)]) == ["Cells divide.", "Cells rest.", "Blood clots."]


def test_parts_that_share_a_sentence_show_it_once(library_of: LibraryOf) -> None:
    """One sentence that is the best for two parts serves both."""
    library = library_of([note("a", "Cells divide. Cells rest.")])
    assert shown(library, [candidate(library, "a", 0)], [candidate(library, "a", 0)]) == ["Cells divide."]


def test_a_part_for_whose_best_there_is_no_room_gets_its_next(library_of: LibraryOf) -> None:
    """Where a part's best sentence would need more room than is left, the part is served by the next that fits."""
    library = library_of(
        [note("a", "Cells divide. This takes a day."), note("b", "Blood clots. It stops a wound. Blood flows.")]
    )
    second = [candidate(library, "b", 1, 0.9), candidate(library, "b", 2, 0.8)]
    assert shown(library, [candidate(library, "a", 1)], second) == ["Cells divide.", "This takes a day.", "Blood flows."]


@pytest.mark.parametrize("opening", ["This", "It", "In such cases it", "These conditions", "However, they"])
def test_a_leaning_sentence_brings_the_one_before(library_of: LibraryOf, opening: str) -> None:
    """A sentence that points back is shown after the sentence that it points to."""
    library = library_of([note("a", f"Blood flows. Cells die. {opening} may need a day.")])
    assert shown(library, [candidate(library, "a", 2)]) == ["Cells die.", f"{opening} may need a day."]


def test_what_only_leads_in_has_its_own_score(library_of: LibraryOf) -> None:
    """The sentence that answers has the highest score, and not the one that it leans on; unknown, that one's is 0."""
    library = library_of([note("a", "Cells die. This may need a day."), note("b", "Blood clots. It stops a wound.")])
    found = [candidate(library, "a", 1, 0.9), candidate(library, "a", 0, 0.3)]
    sentences, _ = render(library, choose(library, [found]), ())
    assert [s.score for s in sentences] == [0.3, 0.9]
    sentences, _ = render(library, choose(library, [[candidate(library, "b", 1, 0.8)]]), ())
    assert [s.score for s in sentences] == [0.0, 0.8]


def test_a_leaning_sentence_reaches_over_the_chunk(library_of: LibraryOf) -> None:
    """A sentence that opens a chunk brings the last one of the chunk before, in the same section."""
    long = f"Cells divide {'very ' * 115}often."
    library = library_of([note("a", f"{long} This needs a day.")])
    assert [len(chunk.sentences) for chunk in library.chunks] == [1, 1]
    assert shown(library, [candidate(library, "a", 1)]) == [long, "This needs a day."]


def test_a_sentence_does_not_lean_on_another_document(library_of: LibraryOf) -> None:
    """The first sentence of a document is shown alone, even when it points back."""
    library = library_of([note("a", "Cells die."), note("b", "This needs a day.")])
    assert shown(library, [candidate(library, "b", 0)]) == ["This needs a day."]


def test_the_same_sentence_elsewhere_is_a_further_citation(library_of: LibraryOf) -> None:
    """A sentence that stands in two documents is shown once and cited in both, however it is spaced and capitalised."""
    library = library_of([note("a", "Cells divide daily. Blood flows."), note("b", "Blood clots. CELLS divide\ndaily.")])
    found = [candidate(library, "a", 0), candidate(library, "b", 1)]
    sentences, citations = render(library, choose(library, [found]), hits(library))
    assert [(sentence.text, sentence.citations) for sentence in sentences] == [("Cells divide daily.", (1, 2))]
    assert [(c.number, c.document_id, c.quote) for c in citations] == [
        (1, "a", "Cells divide daily."),
        (2, "b", "CELLS divide\ndaily."),
    ]


def test_a_passage_found_twice_is_cited_once(library_of: LibraryOf) -> None:
    """Two parts of a question that found the same passage do not make two citations of one place."""
    library = library_of([note("a", "Cells divide."), note("b", "Cells divide.")])
    _, citations = render(library, choose(library, [[candidate(library, "a", 0)]]), hits(library) * 2)
    assert [citation.document_id for citation in citations] == ["a", "b"]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("These cells are safe.", "These cells aren't safe."),
        ("CD34+ cells divide.", "CD34- cells divide."),
        ("A dose > 5 mg harms.", "A dose < 5 mg harms."),
        ("The risk is 1.5 %.", "The risk is 15 %."),
        ("Area is 10 m.", "Area is 10 m²."),
    ],
)
def test_sentences_that_differ_in_meaning_are_no_copies(library_of: LibraryOf, one: str, other: str) -> None:
    """Signs, figures and denials keep sentences apart: both are shown, and neither is cited for the other."""
    library = library_of([note("a", one), note("b", other)])
    found = [candidate(library, "a", 0), candidate(library, "b", 0)]
    sentences, citations = render(library, choose(library, [found]), hits(library))
    assert [sentence.text for sentence in sentences] == [one, other]
    assert [citation.quote for citation in citations] == [one, other]


LONG = "In an {} transplant the cells that were collected from the blood or the marrow are {}given back into a vein of the arm"


@pytest.mark.parametrize(
    ("other", "times"),
    [
        (LONG.format("autologous", "") + "!", 1),
        (LONG.format("autologous", "then ") + ".", 1),
        (LONG.format("autologous", "not ") + ".", 2),
        (LONG.format("allogeneic", "") + ".", 2),
        (LONG.format("autologous", "2 ") + ".", 2),
    ],
)
def test_near_repetitions_appear_once(library_of: LibraryOf, other: str, times: int) -> None:
    """A word more makes a repetition; a denial, a figure or another word in its place does not."""
    library = library_of([note("a", LONG.format("autologous", "") + "."), note("b", other)])
    assert len(shown(library, [candidate(library, "a", 0), candidate(library, "b", 0)])) == times


def test_what_is_leaned_on_is_not_shown_twice(library_of: LibraryOf) -> None:
    """A sentence that leans on a copy of one that is shown takes that one's place, and the copy is cited."""
    library = library_of([note("a", "Grafts may attack. This harms the skin."), note("b", "Grafts may attack. Blood flows.")])
    found = [candidate(library, "b", 0, 0.9), candidate(library, "a", 1, 0.8)]
    sentences, citations = render(library, choose(library, [found]), hits(library))
    assert [(s.text, s.citations) for s in sentences] == [("Grafts may attack.", (1, 2)), ("This harms the skin.", (3,))]
    assert [citation.document_id for citation in citations] == ["a", "b", "a"]


def test_scores_stay_with_their_sentences(library_of: LibraryOf) -> None:
    """Sentences at the same place of two documents keep each its own score."""
    library = library_of([note("a", "Cells divide."), note("b", "Blood clots.")])
    choices = choose(library, [[candidate(library, "a", 0, 0.9), candidate(library, "b", 0, 0.6)]])
    assert [(s.text, s.score) for s in render(library, choices, ())[0]] == [("Cells divide.", 0.9), ("Blood clots.", 0.6)]


def test_nothing_found_shows_nothing(library_of: LibraryOf) -> None:
    """No parts, and parts without candidates, give no choices."""
    library = library_of([note("a", "Cells divide.")])
    assert choose(library, []) == choose(library, [[], []]) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Stem-cell  “therapy”, they say…", ("stem", "cell", "therapy", "they", "say")),
        ("- **IL-2** isn’t\n'new' – (yet).", ("il-2", "isn't", "new", "yet")),
        ("CD34+, CD34-; 5 % > 4", ("cd34+", "cd34-", "5", "%", ">", "4")),
        ("— … !", ()),
    ],
)
def test_wording(text: str, expected: tuple[str, ...]) -> None:
    """Wording keeps words and the signs that carry meaning, and drops capitals, spacing, punctuation and markup."""
    assert wording(text) == expected


def test_emphasis_stays_with_the_sentence_that_answers(library_of: LibraryOf) -> None:
    """The short answer's place in the document becomes its place in the sentence; what the sentence leans on has none."""
    library = library_of([note("a", "Blood flows. Cells die. This takes ten days.")])
    found = candidate(library, "a", 2)
    start = library.documents["a"].text.index("ten days")
    found = replace(found, emphasis=Span(start, start + len("ten days")))
    sentences, _ = render(library, choose(library, [[found]]), hits(library))
    assert [s.emphasis and s.emphasis.of(s.text) for s in sentences] == [None, "ten days"]
