"""Question -> Queries: the parts of a question, each with its vector and terms."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from corpus.document import Span
from corpus.sentences import split_sentences
from rag.library import Library
from rag.protocols import FloatArray

_WORDS = "what|which|who|whom|whose|when|where|why|how"
_HELPERS = "is|are|was|were|do|does|did|can|could|will|would|should|has|have"
_ASKS = f"{_WORDS}|{_HELPERS}"
_SUBJECT = "it|they|he|she|there|this|these|those|the|a|an|any|such|all|patients|people|doctors|stem|cells?|trials?"
# "and how ...", "or are they ...": but not "and can become ...", which goes on with the same subject.
_SEAM = re.compile(
    rf"(?:[,;]\s+(?:and|but|or)(?:\s+also)?|;)\s+(?=(?:{_ASKS})\b)|"
    rf"(?:[,;]?\s+(?:and|but|or)(?:\s+also)?|;)\s+(?=(?:(?:in|for|to|from|by|at|on)\s+)?(?:(?:{_WORDS})\b|(?:{_HELPERS})\s+(?:{_SUBJECT})\b))",
    re.IGNORECASE,
)
_OPENS_AS_QUESTION = re.compile(rf"\W*(?:(?:in|for|to|from|by|at|on)\s+)?(?:{_ASKS})\b", re.IGNORECASE)
_POINTS_BACK = re.compile(r"\b(?:it|its|they|them|their|theirs|this|these|those|he|him|his|she|her)\b", re.IGNORECASE)
MAX_PARTS = 3


@dataclass(frozen=True, slots=True)
class Query:
    """One part of a question, ready to be searched for.

    `typed` is the part as it was typed; `asked` has its spelling set right; `text`, which is searched for, may carry what
    the part refers to as well; `terms` are those of the part itself.
    """

    typed: str
    asked: str
    text: str
    vector: FloatArray
    terms: tuple[str, ...]


def queries(library: Library, question: str) -> tuple[Query, ...]:
    """Return the parts of `question`, at least one and at most `MAX_PARTS`, spelling set right against the library."""
    return tuple(_query(library, asked, text) for asked, text in parts(question))


def whole_query(library: Library, question: str) -> Query:
    """Return `question` as one query, its spelling set right against the library."""
    return _query(library, question, question)


def parts(question: str) -> tuple[tuple[str, str], ...]:
    """Split `question` into what is asked: pairs of the part as typed and the part with what it refers to.

    Sentences that ask nothing are context, not parts. A part that points back ("how is it treated?"), or that has hardly a
    word of its own, carries the part or the sentence before it.
    """
    text = " ".join(question.split())
    sentences = [span.of(text) for span in split_sentences(text, Span(0, len(text)))] if text else []
    asked = [(i, piece) for i, sentence in enumerate(sentences) if _asks(sentence) for piece in _pieces(sentence)]
    if not asked or len(asked) > MAX_PARTS:
        return ((text, text),)
    context = sentences[asked[0][0] - 1] if asked[0][0] else ""
    before = [context, *(piece for _, piece in asked)]
    return tuple((piece, _with_reference(earlier, piece)) for earlier, (_, piece) in zip(before, asked, strict=False))


def _asks(sentence: str) -> bool:
    return sentence.rstrip("\"'”’) ").endswith("?") or bool(_OPENS_AS_QUESTION.match(sentence))


def _pieces(sentence: str) -> list[str]:
    """Cut a sentence at its seams into questions, where each of them has words enough to be one."""
    cuts = [0, *(match.end() for match in _SEAM.finditer(sentence)), len(sentence)]
    pieces = [_SEAM.sub("", sentence[a:b]).strip(" ,;") if b < len(sentence) else sentence[a:b] for a, b in pairwise(cuts)]
    whole = all(len(piece.split()) >= 3 for piece in pieces) and _OPENS_AS_QUESTION.match(pieces[0])
    return [_trimmed(piece) for piece in pieces] if whole else [sentence]


def _trimmed(piece: str) -> str:
    return re.sub(r"[,;]?\s+(?:and|but|or)(?:\s+also)?\s*$", "", piece, flags=re.IGNORECASE)


def _with_reference(earlier: str, piece: str) -> str:
    thin = len(piece.split()) < 3
    return f"{earlier} {piece}" if earlier and (thin or _POINTS_BACK.search(piece)) else piece


def _query(library: Library, typed: str, text: str) -> Query:
    asked, text = (library.speller.correct(t) for t in (typed, text))
    terms = tuple(dict.fromkeys(library.lexical.terms(asked)))
    return Query(typed, asked, text, library.embedder.embed_query(text), terms)
