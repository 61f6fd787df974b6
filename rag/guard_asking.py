"""Tell what a question asks apart from the story around it, for the guard.

"My aunt had lymphoma. What does a transplant do?"  ->  story "My aunt had lymphoma.", asked "What does a transplant do?"
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from corpus.document import Span
from corpus.sentences import split_sentences

_ASKS = re.compile(
    r"""[\W_]*(?:(?:and|but|so|or|now|please|kindly|well|okay|hi|hello|thanks)\b[\s,]*)*(?:
        (?:(?:in|for|to|from|by|at|on|of|with|up\sto|up\suntil)\s+)?(?:what|which|who|whom|whose|when|where|why|how)\b
      | (?:is|are|was|were|am|do|does|did|can|could|will|would|shall|should|may|must|might|has|have|any|thoughts)\b
      | (?:tell|explain|describe|show|list|name|give|help|compare|summari[sz]e|outline|define|advi[sc]e|recommend|prescribe)\b
      | (?:just\s)?say\b | yes\sor\sno\b
      | i(?:['’]d|\swould|\sshould|\swant|\sneed|['’]m|\sam|\swas)?\s(?:\w+\s){0,3}?
        (?:know|wonder(?:ing)?|hear|learn|understand)\b
    )""",
    re.IGNORECASE | re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Asking:
    """`asked`: the sentences that ask, or the whole text where none does; `story`: the others; `sentences`: how many in all."""

    asked: str
    story: str
    sentences: int


def split_asking(question: str) -> Asking:
    """Split `question` into the sentences that ask (a question mark, a question's or a request's opening) and the rest."""
    text = " ".join(question.split())
    sentences = [span.of(text) for span in split_sentences(text, Span(0, len(text)))] if text else []
    asking = [sentence for sentence in sentences if "?" in sentence[-4:] or _ASKS.match(sentence)]
    if not asking or len(asking) == len(sentences):
        return Asking(text, "", len(sentences))
    return Asking(" ".join(asking), " ".join(s for s in sentences if s not in asking), len(sentences))


# "... and do I have it?", "..., or should she": where the next thing asked begins.
_NEXT = re.compile(
    r"(?:,\s*|\s)(?:and|but|or)\s+(?=(?:also\s+)?(?:do|does|am|is|are|was|could|can|should|shall|may|will|would|what|which|how"
    r"|when|who|why|where|if|whether|tell|say)\b)|(?<=[.?!;])\s+",
    re.IGNORECASE,
)
_OF_SOMEBODY = re.compile(r"\b(?:i|me|my|mine|we|us|our|he|she|him|her|his|mum|dad|mom|someone|somebody)\b", re.IGNORECASE)
_CLAUSES = 4


def clauses(asked: str) -> list[str]:
    """Return the parts of `asked` that name somebody, where it has several: what may be personal beside what is not."""
    parts = [part.strip() for part in _NEXT.split(asked)]
    if len(parts) == 1:
        return []
    return [part for part in parts if _OF_SOMEBODY.search(part) and len(part.split()) > 2][:_CLAUSES]
