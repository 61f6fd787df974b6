"""Replies: an answer without a right citation cannot be made."""

from __future__ import annotations

import pytest

from corpus.document import Span, text_sha256
from rag.reply import Answer, AnswerSentence, Citation, Reason, Refusal, Trace

TRACE = Trace("f" * 64)


def citation(number: int, quote: str) -> Citation:
    return Citation(number, "d", "T", "t.txt", "", None, Span(0, len(quote)), quote, text_sha256(quote))


def answer(sentences: list[AnswerSentence], citations: list[Citation]) -> Answer:
    return Answer("What?", tuple(sentences), tuple(citations), 0.9, TRACE)


def test_marks_follow_their_sentences() -> None:
    """The text of an answer is its sentences in order, each followed by the marks of its citations."""
    sentences = [AnswerSentence("Cells divide.", (1, 2), 0.9), AnswerSentence("They rest.", (3,), 0.8)]
    citations = [citation(1, "Cells divide."), citation(2, "Cells divide!"), citation(3, "They rest.")]
    assert answer(sentences, citations).text == "Cells divide. [1][2] They rest. [3]"


@pytest.mark.parametrize(
    ("sentences", "citations", "message"),
    [
        ([], [citation(1, "Cells.")], "at least one sentence"),
        ([AnswerSentence("Cells.", (), 0.9)], [citation(1, "Cells.")], "has no citation"),
        ([AnswerSentence("Cells.", (2,), 0.9)], [citation(1, "Cells.")], "one that is not there"),
        ([AnswerSentence("Cells.", (1, 2), 0.9)], [citation(1, "Cells.")], "one that is not there"),
        ([AnswerSentence("Cells", (1,), 0.9)], [citation(1, "Cells.")], "not the quote of its first citation"),
        ([AnswerSentence("Cells.", (1,), 0.9)], [citation(1, "Cells."), citation(1, "Cells.")], "numbers of their own"),
    ],
)
def test_an_answer_that_is_not_cited_right_cannot_be_made(
    sentences: list[AnswerSentence], citations: list[Citation], message: str
) -> None:
    """No sentence, no citation, a citation that is not there, other words than the quote's: none of them is an answer."""
    with pytest.raises(ValueError, match=message):
        answer(sentences, citations)


def test_reasons_are_their_names_on_the_wire() -> None:
    """A reason is the text that stands in the JSON."""
    assert [str(reason) for reason in Reason] == [
        "no_evidence",
        "out_of_scope",
        "personal_advice",
        "emergency",
        "invalid_question",
    ]


def test_a_refusal_offers_no_confidence_of_its_own() -> None:
    """A refusal that nothing was measured for has confidence 0."""
    assert Refusal("What?", Reason.EMERGENCY, "Help.", (), TRACE).confidence == 0.0


def test_emphasis_lies_in_its_sentence() -> None:
    """A short answer that reaches beyond its sentence is refused."""
    assert AnswerSentence("Cells divide.", (1,), 0.9, Span(0, 13)).emphasis == Span(0, 13)
    with pytest.raises(ValueError, match="reaches beyond"):
        AnswerSentence("Cells divide.", (1,), 0.9, Span(6, 14))
