"""Evidence -> the sentences of an answer: at most three, each served once, in reading order, with all their citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.document import Chunk, Span
from embeddings.terms import words
from rag.cite import cite
from rag.evidence import Candidate, leans_back
from rag.library import Library
from rag.reply import AnswerSentence, Citation, Hit

MAX_SENTENCES = 3
KEEP = 0.35
"""A further sentence is shown when its score is at least this share of the best one's. Measured in docs/decisions.md."""
_SAME = 0.9
"""Share of words in common, of all words of both, from which two sentences say the same."""
_FIGURE = re.compile(r"\d+")

Place = tuple[Chunk, Span]


@dataclass(frozen=True, slots=True)
class Choice:
    """Sentences that are shown together: the one that answers, after the one it leans on."""

    places: tuple[Place, ...]
    score: float


def choose(library: Library, found: Sequence[Sequence[Candidate]]) -> list[Choice]:
    """Choose what to show for the parts of a question, each with its candidates, best first.

    Every part gets its best sentence; what room is left goes to the best of the rest. A sentence that says what another
    one says is not chosen again.
    """
    chosen: list[Choice] = []
    for part in found:
        _add(library, chosen, part[:1])
    floor = {id(part): part[0].score * KEEP for part in found if part}
    rest = sorted((c for part in found for c in part[1:] if c.score >= floor[id(part)]), key=lambda c: -c.score)
    _add(library, chosen, rest)
    return chosen


def render(
    library: Library, choices: Sequence[Choice], hits: Iterable[Hit]
) -> tuple[tuple[AnswerSentence, ...], tuple[Citation, ...]]:
    """Return the sentences in order and their citations; the same sentence elsewhere in `hits` is a further citation."""
    twins = _twins(library, hits)
    scores = {place[1]: choice.score for choice in choices for place in choice.places}
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for chunk, span in _in_order(choices):
        text = span.of(library.documents[chunk.document_id].text)
        places = [(chunk, span), *(t for t in twins.get(_key(text), ()) if t[0].document_id != chunk.document_id)]
        cited = [cite(library, *place, number=len(citations) + i) for i, place in enumerate(places, start=1)]
        citations += cited
        sentences.append(AnswerSentence(text, tuple(c.number for c in cited), scores[span]))
    return tuple(sentences), tuple(citations)


def _add(library: Library, chosen: list[Choice], offered: Iterable[Candidate]) -> None:
    for candidate in offered:
        shown = [place for choice in chosen for place in choice.places]
        places = [p for p in _with_support(library, candidate) if p not in shown]
        if (candidate.chunk, candidate.span) not in places or len(shown) + len(places) > MAX_SENTENCES:
            continue
        if any(_says_same(library, places[-1], other) for other in shown):
            continue
        chosen.append(Choice(tuple(places), candidate.score))


def _with_support(library: Library, candidate: Candidate) -> Iterator[Place]:
    """Yield the sentence, and first the one before it where it cannot stand alone."""
    chunk = candidate.chunk
    text = candidate.span.of(library.documents[chunk.document_id].text)
    if candidate.number > 0 and leans_back(text):
        yield chunk, chunk.sentences[candidate.number - 1]
    yield chunk, candidate.span


def _says_same(library: Library, one: Place, other: Place) -> bool:
    """Whether two sentences have the same figures and nearly the same words."""
    texts = [span.of(library.documents[chunk.document_id].text) for chunk, span in (one, other)]
    first, second = (set(words(text)) for text in texts)
    figures = [_FIGURE.findall(text) for text in texts]
    return figures[0] == figures[1] and len(first & second) >= _SAME * len(first | second)


def _in_order(choices: Sequence[Choice]) -> list[Place]:
    """Return all places: documents in the order of their first choice, sentences in the order of the text."""
    rank: dict[str, int] = {}
    for choice in choices:
        rank.setdefault(choice.places[0][0].document_id, len(rank))
    return sorted((p for c in choices for p in c.places), key=lambda p: (rank[p[0].document_id], p[1]))


def _twins(library: Library, hits: Iterable[Hit]) -> Mapping[tuple[str, ...], list[Place]]:
    """Map each sentence of `hits`, by its words, to the places where it stands."""
    places: dict[tuple[str, ...], list[Place]] = {}
    for hit in hits:
        text = library.documents[hit.chunk.document_id].text
        for span in hit.chunk.sentences:
            places.setdefault(_key(span.of(text)), []).append((hit.chunk, span))
    return places


def _key(text: str) -> tuple[str, ...]:
    return tuple(words(text))
