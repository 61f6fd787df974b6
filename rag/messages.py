"""All fixed texts of the product, in one place: what a reader sees that is not a quote from a document."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rag.reply import Reason

_PLAINLY = 'Please ask in one or two plain sentences, for example: "What do stem cells do?"'

NOTICE = "General information, no medical advice. Please talk to your care team about your own health."

TITLES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_EVIDENCE: "The library does not answer this",
        Reason.OUT_OF_SCOPE: "This is outside the library",
        Reason.PERSONAL_ADVICE: "A question for your own doctor",
        Reason.EMERGENCY: "Please get help now",
        Reason.INVALID_QUESTION: "This cannot be looked up",
    }
)
"""The heading over a refusal, by its reason."""

MESSAGES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_EVIDENCE: (
            "The library holds no sentence that answers this, so nothing is made up. "
            "You could ask in other words, ask about one thing at a time, or add documents that cover it."
        ),
        Reason.OUT_OF_SCOPE: (
            "This is outside what the library is about, so it cannot answer. "
            "Please ask about a subject of its documents; the list of documents shows what it covers."
        ),
        Reason.PERSONAL_ADVICE: (
            "This is about one person's own care, and a library that has never met that person cannot judge it safely. "
            "The care team, the transplant centre, a GP or a pharmacist can."
        ),
        Reason.EMERGENCY: (
            "Please get help now. If a life may be in danger, call your local emergency number at once, such as 112 or 911. "
            "If you are thinking of harming yourself, call a crisis line (988 in the US) or emergency services, "
            "and stay with someone you trust. You do not have to face this alone."
        ),
        Reason.INVALID_QUESTION: f"There is no question here that can be looked up. {_PLAINLY}",
    }
)
"""What a refusal says, by its reason: plain, kind, at most 60 words."""

NEAREST: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_EVIDENCE: "Closest passages in the library. They do not answer the question:",
        Reason.PERSONAL_ADVICE: "What the library says on this in general:",
    }
)
"""The heading over the passages offered as reading, for the two reasons with which any are."""

_LONGEST_PART = 120


def too_long(limit: int) -> str:
    """Return the message for a question of more than `limit` characters, in place of the one for what is no question."""
    return f"This question is too long to be looked up: it may have at most {limit:,} characters. {_PLAINLY}"


def unanswered(part: str) -> str:
    """Return the note for a `part` of the question, in the reader's own words, that the library does not answer.

    White space is joined up, and a part of more than 120 characters is cut short with an ellipsis.
    """
    words = " ".join(part.split())
    if len(words) > _LONGEST_PART:
        words = words[: _LONGEST_PART - 1].rstrip() + "…"
    return f"The library holds no answer to this part of your question: “{words}”"
