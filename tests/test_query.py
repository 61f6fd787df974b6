"""Questions: their parts, what each part refers to, and their spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.query import MAX_PARTS, parts, queries, whole_query


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What are stem cells?", ["What are stem cells?"]),
        ("stem cell risks", ["stem cell risks"]),
        ("What are stem cells and where do they live?", ["What are stem cells", "where do they live?"]),
        ("What are stem cells, and how do they age?", ["What are stem cells", "how do they age?"]),
        ("What are stem cells? Where do T cells grow up?", ["What are stem cells?", "Where do T cells grow up?"]),
        ("What are stem cells; how do grafts work?", ["What are stem cells", "how do grafts work?"]),
        ("What are the risks and benefits of a graft?", ["What are the risks and benefits of a graft?"]),
        ("Which cells are in blood and marrow?", ["Which cells are in blood and marrow?"]),
        ("Tell me about marrow. How is it collected?", ["How is it collected?"]),
        ("How?", ["How?"]),
    ],
)
def test_parts_as_typed(question: str, expected: list[str]) -> None:
    """A question is cut where a new question begins, and not inside a list; statements are no parts."""
    assert [asked for asked, _ in parts(question)] == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What are stem cells and where do they live?", "What are stem cells where do they live?"),
        ("Tell me about bone marrow. How is it collected?", "Tell me about bone marrow. How is it collected?"),
        ("What are stem cells? Why?", "What are stem cells? Why?"),
    ],
)
def test_a_part_that_points_back_carries_what_it_points_to(question: str, expected: str) -> None:
    """A part with "it" or "they", or with hardly a word of its own, is searched for with the part before it."""
    assert parts(question)[-1][1] == expected


def test_a_part_that_stands_alone_carries_nothing() -> None:
    """Two questions that do not refer to each other are searched for one by one."""
    question = "What are stem cells? Where do T cells grow up?"
    assert [text for _, text in parts(question)] == ["What are stem cells?", "Where do T cells grow up?"]


def test_many_questions_are_one() -> None:
    """A text with more questions than can be served is searched for as a whole."""
    question = " ".join(f"What is cell number {i} good for?" for i in range(MAX_PARTS + 1))
    assert parts(question) == ((question, question),)


@given(st.text() | st.lists(st.sampled_from(["What is a cell", "how", "and", "?", ".", ";", "it", "Tell me"])).map(" ".join))
def test_any_text_has_parts_of_its_own_words(text: str) -> None:
    """Any text has one to three parts, and each is made of its words alone."""
    found = parts(text)
    assert 1 <= len(found) <= MAX_PARTS
    for asked, searched in found:
        assert asked in " ".join(text.split())
        assert searched.endswith(asked)
        assert set(searched.split()) <= set(text.replace(";", " ; ").replace(",", " , ").split()) | set(text.split())


def test_spelling_is_set_right_for_the_search_only(notes_assistant: Assistant) -> None:
    """A query is searched for in the library's spelling, and keeps what was typed."""
    (query,) = queries(notes_assistant.library, "Where is the bone marow?")
    assert (query.typed, query.text) == ("Where is the bone marow?", "Where is the bone marrow?")
    assert query.terms == ("bone", "marrow")


def test_terms_are_those_of_the_part_itself(notes_assistant: Assistant) -> None:
    """What a part refers to is in its text and vector, and not among its terms; no term comes twice."""
    library = notes_assistant.library
    second = queries(library, "What are stem cells and where do they renew, renew, renew?")[1]
    assert second.terms == ("renew",)
    assert second.text.startswith("What are stem cells where")
    assert (second.vector == library.embedder.embed_query(second.text)).all()


def test_a_whole_query_is_not_cut(notes_assistant: Assistant) -> None:
    """For a search, a question of two parts stays one."""
    query = whole_query(notes_assistant.library, "What is marrow and where is it?")
    assert query.asked == query.text == "What is marrow and where is it?"
