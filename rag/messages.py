"""All fixed texts of the product, in one place: what a reader sees that is not a quote from a document."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from rag.reply import Reason

NOTICE = "General information, no medical advice. Please talk to your care team about your own health."

MESSAGES: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_EVIDENCE: (
            "The library holds no sentence that answers this, so nothing is made up. "
            "You could ask in other words, ask about one thing at a time, or add documents that cover it."
        ),
        Reason.OUT_OF_SCOPE: (
            "This is outside what the library is about, so it cannot answer. "
            "Please ask about a subject of its documents; the example questions show what it covers."
        ),
        Reason.PERSONAL_ADVICE: (
            "This is about one person's own care, and a library that has never met that person cannot judge it safely. "
            "The care team, the transplant centre, a GP or a pharmacist can. "
            "What the library says on the subject in general stands below and may help you to prepare that talk."
        ),
        Reason.EMERGENCY: (
            "Please get help now. If a life may be in danger, call your local emergency number at once, such as 112 or 911. "
            "If you are thinking of harming yourself, call a crisis line (988 in the US) or emergency services, "
            "and stay with someone you trust. You do not have to face this alone."
        ),
        Reason.INVALID_QUESTION: (
            "There is no question here that can be looked up. "
            'Please ask in one or two plain sentences, for example: "What do stem cells do?"'
        ),
    }
)
"""What a refusal says, by its reason: plain, kind, at most 60 words."""

NEAREST: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.NO_EVIDENCE: "Closest passages in the library. They do not answer the question:",
        Reason.OUT_OF_SCOPE: "Closest passages in the library. They are probably about something else:",
        Reason.PERSONAL_ADVICE: "What the library says on this in general:",
        Reason.EMERGENCY: "To read later, once everyone is safe:",
        Reason.INVALID_QUESTION: "Passages from the library:",
    }
)
"""The heading over the passages offered as reading, by the refusal's reason."""

_LONGEST_PART = 120


def unanswered(part: str) -> str:
    """Return the note for a `part` of the question, in the reader's own words, that the library does not answer.

    White space is joined up, and a part of more than 120 characters is cut short with an ellipsis.
    """
    words = " ".join(part.split())
    if len(words) > _LONGEST_PART:
        words = words[: _LONGEST_PART - 1].rstrip() + "…"
    return f"The library holds no answer to this part of your question: “{words}”"
