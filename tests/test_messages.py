"""The fixed texts are complete, short and kind."""

from __future__ import annotations

import re

import pytest

from rag.messages import MESSAGES, NEAREST, NOTICE, TITLES, too_long, unanswered
from rag.reply import Reason


def test_every_reason() -> None:
    """Every reason has its title and its message, and no two are the same; what offers no reading has no heading for it."""
    assert MESSAGES.keys() == TITLES.keys() == set(Reason)
    assert len(set(MESSAGES.values())) == len(set(TITLES.values())) == len(Reason)
    assert NEAREST.keys() == {Reason.NO_EVIDENCE, Reason.PERSONAL_ADVICE}


@pytest.mark.parametrize("text", [*MESSAGES.values(), too_long(2000)])
def test_short_and_finished(text: str) -> None:
    """A message is plain text of 10 to 60 words that ends a sentence."""
    assert 10 <= len(text.split()) <= 60
    assert text.endswith((".", '"'))
    assert not re.search(r"[<>*_#`\n]|  ", text)


@pytest.mark.parametrize("text", [*TITLES.values(), *NEAREST.values()])
def test_headings(text: str) -> None:
    """A title or a heading is plain text of at most 12 words; one over passages ends in a colon."""
    assert len(text.split()) <= 12
    assert text.endswith(":") is (text in NEAREST.values())
    assert not re.search(r"[<>*_#`\n]|  ", text)


@pytest.mark.parametrize("text", [*MESSAGES.values(), *TITLES.values(), *NEAREST.values(), NOTICE, too_long(2000)])
def test_tone(text: str) -> None:
    """No text blames, orders about, apologises in a formula, promises, or speaks of machinery."""
    forbidden = (
        r"unfortunately|sorry|error|invalid|cannot comply|as an ai|language model|policy|forbidden|must not|"
        r"guarantee|always|never mind|threshold"
    )
    assert not re.search(forbidden, text, re.IGNORECASE)


def test_emergency_first() -> None:
    """The emergency message begins with getting help, and names no number as if it held everywhere."""
    message = MESSAGES[Reason.EMERGENCY]
    assert message.startswith("Please get help now.")
    for wanted in ("local emergency number", "such as 112 or 911", "crisis line", "988 in the US"):
        assert wanted in message
    assert set(re.findall(r"\d+", message)) == {"112", "911", "988"}


def test_personal_advice_names_whom_to_ask() -> None:
    """The message on personal advice names whom to ask."""
    for wanted in ("care team", "transplant centre", "GP", "pharmacist"):
        assert wanted in MESSAGES[Reason.PERSONAL_ADVICE]


@pytest.mark.parametrize("text", MESSAGES.values())
def test_true_on_every_surface(text: str) -> None:
    """No message speaks of what only one surface shows, or of passages, which need not be there."""
    assert not re.search(r"below|above|example questions|passage|button|click", text)


def test_too_long_names_the_limit() -> None:
    """The message for a question that is too long says how long it may be."""
    assert "at most 2,000 characters" in too_long(2000)


def test_notice() -> None:
    """The standing notice says that this is general information and no medical advice."""
    assert "general information" in NOTICE.lower()
    assert "no medical advice" in NOTICE


def test_unanswered_part() -> None:
    """The note quotes the reader's own words, joined up and cut where they are long."""
    assert unanswered("  what\n it costs ") == "The library holds no answer to this part of your question: “what it costs”"
    cut = unanswered("word " * 100)
    assert cut.endswith("…”")
    assert len(cut.split("“")[1]) <= 121
