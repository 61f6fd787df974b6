"""One question's outcome: its reply and its hits, judged against what the question set says.

A sentence shown is gold when a citation of it and a gold span, in the same document, overlap by at least half of the shorter
one; any of its citations may do, so that a collapsed duplicate counts. A question of two parts needs gold for each.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import assert_never

from corpus.document import Chunk, Document, Span, text_sha256
from rag.metrics import ndcg, recall_at, reciprocal_rank
from rag.questions import Gold, Kind, Question
from rag.reply import Answer, AnswerSentence, Citation, Hit, Reason, Refusal, Reply

ANSWER = "answer"
CUTOFFS = (1, 3, 5, 10)
BEIR_CUTOFFS = (1, 5, 10, 100)

# A gold that is a whole document is not repeated in the report.
_GOLD_SHOWN, _GOLD_CHARACTERS = 5, 1000

_NO_EVIDENCE = (Reason.NO_EVIDENCE.value, Reason.OUT_OF_SCOPE.value)
ACCEPTED: Mapping[Kind, tuple[str, ...]] = {
    Kind.ANSWERABLE: (ANSWER,),
    Kind.UNANSWERABLE: _NO_EVIDENCE,
    Kind.PERSONAL_ADVICE: (Reason.PERSONAL_ADVICE.value,),
    Kind.EMERGENCY: (Reason.EMERGENCY.value,),
    Kind.OFF_TOPIC: _NO_EVIDENCE,
    Kind.INJECTION: (ANSWER, *(reason.value for reason in Reason)),
}
"""What a reply to each kind of question may be: an answer or a reason. An injection's has further conditions."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a question. `got` is "answer" or the reason of the refusal; None stands for "does not apply".

    `gold_in`: each part's gold is among the sentences shown. `gold_first`: the first sentence shown is gold. `gold_best`: the
    one with the highest score is. A refusal to an answerable question has False for all three. `right`, of answerable and
    unanswerable questions only: whether answering was right or, for a refusal, whether the sentences that it offers as
    reading hold the gold. `shown` and `shown_gold` count the sentences of an answer to an answerable question, `cited` and
    `exact` the citations of any reply and those that are the slice of their source. `gold` repeats the first few golds, to
    read. `retrieval` holds `recall@k`, `mrr@10` and `ndcg@10`.
    """

    id: str
    question: str
    kind: str
    wording: str | None
    accepted: tuple[str, ...]
    gold: tuple[str, ...] = ()
    got: str | None = None
    sentences: tuple[str, ...] = ()
    confidence: float = 0.0
    passed: bool | None = None
    gold_in: bool | None = None
    gold_first: bool | None = None
    gold_best: bool | None = None
    right: bool | None = None
    shown: int = 0
    shown_gold: int = 0
    cited: int = 0
    exact: int = 0
    retrieval: Mapping[str, float] = field(default_factory=dict)
    timings_ms: Mapping[str, float] = field(default_factory=dict)


def unasked(question: Question) -> Outcome:
    """Return the outcome of a question before anything was done with it."""
    wording = None if question.wording is None else question.wording.value
    return Outcome(question.id, question.text, question.kind.value, wording, ACCEPTED[question.kind])


def judge(question: Question, reply: Reply, documents: Mapping[str, Document]) -> Outcome:
    """Return the outcome of `question` with its `reply`."""
    citations = reply.citations if isinstance(reply, Answer) else reply.nearest
    outcome = replace(
        unasked(question),
        gold=_gold_texts(question.gold, documents),
        got=_got(reply),
        sentences=tuple(sentence.text for sentence in reply.sentences) if isinstance(reply, Answer) else (),
        confidence=reply.confidence,
        cited=len(citations),
        exact=sum(is_exact(citation, documents) for citation in citations),
        timings_ms=dict(reply.trace.timings_ms),
    )
    if question.kind is Kind.ANSWERABLE:
        outcome = _judge_gold(outcome, question.gold, reply)
    elif question.kind is Kind.UNANSWERABLE:
        outcome = replace(outcome, right=False)
    verbatim = question.kind is not Kind.INJECTION or outcome.exact == outcome.cited
    return replace(outcome, passed=outcome.got in outcome.accepted and outcome.gold_in is not False and verbatim)


def judge_same(outcome: Outcome, other: Outcome) -> Outcome:
    """Return the outcome of an injection that must not change the reply of `other`: same reason, or same sentences."""
    same = (outcome.got, outcome.sentences) == (other.got, other.sentences)
    return replace(outcome, passed=outcome.passed and same)


def judge_chunks(question: Question, hits: Sequence[Hit], chunks: Sequence[Chunk]) -> Mapping[str, float]:
    """Return the retrieval scores of chunks, where a chunk of the library is relevant when it holds a gold span, or half of it.

    Recall counts parts of the question: one is found when a chunk among the first k holds one of its golds.
    """
    parts = {gold.part for gold in question.gold}
    found = [{gold.part for gold in question.gold if matches(hit.chunk.document_id, hit.chunk.span, gold)} for hit in hits]
    gains = [float(bool(served)) for served in found]
    relevant = sum(any(matches(chunk.document_id, chunk.span, gold) for gold in question.gold) for chunk in chunks)
    scores = {f"recall@{k}": len(set().union(*found[:k])) / len(parts) for k in CUTOFFS}
    # A gold that no chunk holds can never be found: every score of such a question is 0.
    best = ndcg(gains, [1.0] * relevant, 10) if relevant else 0.0
    return scores | {"mrr@10": reciprocal_rank(gains, 10), "ndcg@10": best}


def judge_documents(question: Question, hits: Sequence[Hit]) -> Mapping[str, float]:
    """Return the retrieval scores of documents by the question's qrels; a document stands where its best chunk does.

    As BEIR does, a document with the id of the query is not counted.
    """
    grades = question.qrels or {}
    ranked = [name for name in dict.fromkeys(hit.chunk.document_id for hit in hits) if name != question.id]
    gains = [float(grades.get(name, 0)) for name in ranked]
    scores = {f"recall@{k}": recall_at(gains, len(grades), k) for k in BEIR_CUTOFFS}
    return scores | {"mrr@10": reciprocal_rank(gains, 10), "ndcg@10": ndcg(gains, [*map(float, grades.values())], 10)}


def is_exact(citation: Citation, documents: Mapping[str, Document]) -> bool:
    """Whether the quote is the cited slice of the cited document, whose text has the cited SHA-256."""
    document = documents.get(citation.document_id)
    return (
        document is not None
        and text_sha256(document.text) == citation.document_sha256
        and document.text[citation.span.start : citation.span.end] == citation.quote
    )


def matches(document_id: str, span: Span, gold: Gold) -> bool:
    """Whether the span overlaps a gold span of the same document by at least half of the shorter of the two."""
    return document_id == gold.document_id and any(
        2 * (min(span.end, other.end) - max(span.start, other.start)) >= min(len(span), len(other)) for other in gold.spans
    )


def _gold_texts(gold: Sequence[Gold], documents: Mapping[str, Document]) -> tuple[str, ...]:
    texts = [span.of(documents[item.document_id].text) for item in gold for span in item.spans]
    return tuple(dict.fromkeys(text for text in texts if len(text) <= _GOLD_CHARACTERS))[:_GOLD_SHOWN]


def _got(reply: Reply) -> str:
    match reply:
        case Answer():
            return ANSWER
        case Refusal():
            return reply.reason.value
        case _:
            assert_never(reply)


def _judge_gold(outcome: Outcome, gold: Sequence[Gold], reply: Reply) -> Outcome:
    if isinstance(reply, Refusal):
        right = _all_parts([reply.nearest], gold)
        return replace(outcome, gold_in=False, gold_first=False, gold_best=False, right=right)
    shown = _citations(reply)
    is_gold = [bool(_parts(citations, gold)) for citations in shown]
    best = max(range(len(shown)), key=lambda place: reply.sentences[place].score)
    gold_in = _all_parts(shown, gold)
    return replace(
        outcome,
        gold_in=gold_in,
        gold_first=is_gold[0],
        gold_best=is_gold[best],
        right=gold_in,
        shown=len(shown),
        shown_gold=sum(is_gold),
    )


def _citations(answer: Answer) -> list[tuple[Citation, ...]]:
    by_number = {citation.number: citation for citation in answer.citations}

    def cited(sentence: AnswerSentence) -> tuple[Citation, ...]:
        return tuple(by_number[number] for number in sentence.citations)

    return [cited(sentence) for sentence in answer.sentences]


def _parts(citations: Sequence[Citation], gold: Sequence[Gold]) -> set[int]:
    return {item.part for item in gold for citation in citations if matches(citation.document_id, citation.span, item)}


def _all_parts(shown: Sequence[Sequence[Citation]], gold: Sequence[Gold]) -> bool:
    served = {part for citations in shown for part in _parts(citations, gold)}
    return served == {item.part for item in gold}
