"""The fixed texts are complete, short and kind."""

from __future__ import annotations

import re

import pytest

from rag.messages import MESSAGES, NEAREST, NOTICE, unanswered
from rag.reply import Reason


def test_every_reason() -> None:
    """Every reason has its message and its heading, and no two are the same."""
    assert MESSAGES.keys() == NEAREST.keys() == set(Reason)
    assert len(set(MESSAGES.values())) == len(set(NEAREST.values())) == len(Reason)


@pytest.mark.parametrize("reason", list(Reason))
def test_short_and_finished(reason: Reason) -> None:
    """A message is plain text of 10 to 60 words that ends a sentence; a heading has at most 12 and ends in a colon."""
    assert 10 <= len(MESSAGES[reason].split()) <= 60
    assert MESSAGES[reason].endswith((".", '"'))
    assert len(NEAREST[reason].split()) <= 12
    assert NEAREST[reason].endswith(":")
    assert not re.search(r"[<>*_#`\n]|  ", MESSAGES[reason] + NEAREST[reason])


@pytest.mark.parametrize("text", [*MESSAGES.values(), *NEAREST.values(), NOTICE])
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
    """The message on personal advice names whom to ask, and points to the reading below."""
    for wanted in ("care team", "transplant centre", "GP", "pharmacist", "below"):
        assert wanted in MESSAGES[Reason.PERSONAL_ADVICE]


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
