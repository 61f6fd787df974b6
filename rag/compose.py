"""Evidence -> the sentences of an answer: at most three, each served once, in reading order, with all their citations."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from corpus.document import Chunk, Span
from rag.cite import cite
from rag.evidence import Candidate, leans_back
from rag.library import Library
from rag.reply import AnswerSentence, Citation, Hit
from rag.retrieve import wording

MAX_SENTENCES = 3
KEEP = 0.3
"""A further sentence is shown when its score is at least this share of the best one's. Measured in docs/decisions.md."""
AHEAD = 0.9
"""... and at least this share when reading order would put it ahead of the sentence that answers best."""
_SAME = 0.9
"""Share of words in common, of all words of both, from which two sentences say the same."""
_FIGURE = re.compile(r"\d+")
_DENIAL = re.compile(r"no|not|never|nor|none|neither|without|cannot|hardly|rarely|seldom|.*n't")

Place = tuple[Chunk, Span]


@dataclass(frozen=True, slots=True)
class Choice:
    """Sentences that are shown together: the one that answers, after the one it leans on.

    `scores` are those of the places: a sentence that only leads in has its own, not that of the one that answers.
    `emphasis` is the place in the document of a short answer within the one that answers.
    """

    places: tuple[Place, ...]
    score: float
    scores: tuple[float, ...]
    emphasis: Span | None = None


def choose(library: Library, found: Sequence[Sequence[Candidate]]) -> list[Choice]:
    """Choose what to show for the parts of a question, each with its candidates, best first.

    Every part gets its best sentence for which there is room; what room is left goes to the best of the rest, but hardly to
    one that would stand ahead of a part's best. A sentence that says what another one says is not chosen again.
    """
    chosen: list[Choice] = []
    scores = {(c.chunk.document_id, c.span): c.score for part in found for c in part}
    worthy = [[c for c in part if c.score >= KEEP * part[0].score] for part in found]
    for part in worthy:
        next((c for c in part if _served(library, chosen, c, scores)), None)
    leading = len(chosen)
    for candidate in sorted((c for part in worthy for c in part), key=lambda c: -c.score):
        if not any(_weakly_ahead(candidate, leader) for leader in chosen[:leading]):
            _served(library, chosen, candidate, scores)
    return chosen


def render(
    library: Library, choices: Sequence[Choice], hits: Iterable[Hit]
) -> tuple[tuple[AnswerSentence, ...], tuple[Citation, ...]]:
    """Return the sentences in order and their citations; the same sentence elsewhere in `hits` is a further citation."""
    twins = _twins(library, hits)
    scores = {
        (chunk.document_id, span): score
        for choice in choices
        for (chunk, span), score in zip(choice.places, choice.scores, strict=True)
    }
    emphasis = {(c.places[-1][0].document_id, c.places[-1][1]): c.emphasis for c in choices}
    sentences: list[AnswerSentence] = []
    citations: list[Citation] = []
    for chunk, span in _in_order(choices):
        text = span.of(library.documents[chunk.document_id].text)
        places = [(chunk, span), *(t for t in twins.get(wording(text), ()) if t[0].document_id != chunk.document_id)]
        cited = [cite(library, *place, number=len(citations) + i) for i, place in enumerate(places, start=1)]
        citations += cited
        place = chunk.document_id, span
        bold = found.shifted(-span.start) if (found := emphasis.get(place)) else None
        sentences.append(AnswerSentence(text, tuple(c.number for c in cited), scores[place], bold))
    return tuple(sentences), tuple(citations)


def _served(library: Library, chosen: list[Choice], candidate: Candidate, scores: Mapping[tuple[str, Span], float]) -> bool:
    """Whether what `candidate` says is shown: already, or from now on. False when there is no room for it.

    `scores` are those of all candidates, by document and place.
    """
    shown = [place for choice in chosen for place in choice.places]
    *support, own = _with_support(library, candidate)
    if any(_says_same(library, own, place) for place in shown):
        return True
    support = [place for place in support if place not in shown]
    # What it leans on may be shown from another document: that copy gives way, and is cited as one.
    copies = [c for c in chosen if support and len(c.places) == 1 and _says_same(library, c.places[0], support[0])][:1]
    if len(shown) - len(copies) + len(support) + 1 > MAX_SENTENCES:
        return False
    score = max([candidate.score, *(copy.score for copy in copies)])
    led_in = [min(score, scores.get((chunk.document_id, span), 0.0)) for chunk, span in support]
    choice = Choice((*support, own), score, (*led_in, candidate.score), candidate.emphasis)
    if copies:
        chosen[chosen.index(copies[0])] = choice
    else:
        chosen.append(choice)
    return True


def _weakly_ahead(candidate: Candidate, leader: Choice) -> bool:
    """Whether `candidate` stands before the sentence that leads, in its document, and answers clearly less well."""
    chunk, span = leader.places[-1]
    ahead = candidate.chunk.document_id == chunk.document_id and candidate.span < span
    return ahead and candidate.score < AHEAD * leader.score


def _with_support(library: Library, candidate: Candidate) -> Iterator[Place]:
    """Yield the sentence, and first the one before it where it cannot stand alone."""
    chunk = candidate.chunk
    before = _before(library, candidate)
    if before and leans_back(candidate.span.of(library.documents[chunk.document_id].text)):
        yield before
    yield chunk, candidate.span


def _before(library: Library, candidate: Candidate) -> Place | None:
    """Return the sentence before the candidate's in its section; it may be the last one of the chunk before."""
    chunk = candidate.chunk
    if candidate.number:
        return chunk, chunk.sentences[candidate.number - 1]
    sections = library.documents[chunk.document_id].sections
    section = next((s for s in sections if s.span.covers(chunk.span)), None)
    earlier = library.chunks[library.number(chunk) - 1]
    inside = section and earlier.document_id == chunk.document_id and section.span.covers(earlier.span)
    return (earlier, earlier.sentences[-1]) if inside and earlier.span < chunk.span else None


def _says_same(library: Library, one: Place, other: Place) -> bool:
    """Whether two sentences have the same words, or one has a few more that neither deny nor count."""
    said, also = (wording(span.of(library.documents[chunk.document_id].text)) for chunk, span in (one, other))
    first, second = set(said), set(also)
    if said == also:
        return True
    if not (first <= second or second <= first) or len(first & second) < _SAME * len(first | second):
        return False
    figures = [[word for word in words if _FIGURE.search(word)] for words in (said, also)]
    return figures[0] == figures[1] and not any(_DENIAL.fullmatch(word) for word in first ^ second)


def _in_order(choices: Sequence[Choice]) -> list[Place]:
    """Return all places: documents in the order of their first choice, sentences in the order of the text."""
    rank: dict[str, int] = {}
    for choice in choices:
        rank.setdefault(choice.places[0][0].document_id, len(rank))
    return sorted((p for c in choices for p in c.places), key=lambda p: (rank[p[0].document_id], p[1]))


def _twins(library: Library, hits: Iterable[Hit]) -> Mapping[tuple[str, ...], list[Place]]:
    """Map each sentence of `hits`, by its words, to the places where it stands."""
    places: dict[tuple[str, ...], list[Place]] = {}
    for chunk in dict.fromkeys(hit.chunk for hit in hits):  # the parts of a question may find the same passage
        text = library.documents[chunk.document_id].text
        for span in chunk.sentences:
            places.setdefault(wording(span.of(text)), []).append((chunk, span))
    return places
