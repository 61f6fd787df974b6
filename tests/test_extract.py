"""Extraction: what passages that somebody brings hold, in offsets of these passages, by the trained model and by similarity."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest
from conftest import HashEmbedder
from hypothesis import given
from hypothesis import strategies as st

from corpus.document import Span
from embeddings.evidence import MODELS, WEIGHTS, EvidencePassage, PassageEvidence, open_evidence_model
from embeddings.terms import words
from rag.calibration import Linear
from rag.extract import ExtractCalibration, Extraction, Extractor, Sentence, default_extract_calibrations, pooled

QUESTION = "How long do platelets live?"
PLAIN = ExtractCalibration(Linear({"evidence": 1.0}, 0.0), Linear({"best": 1.0}, 0.0), keep=0.5, threshold=0.4, origin="tests")


class WordReader:
    """A sentence answers, nine to one, when it holds each of the question's longest words; else one to nine."""

    sha256 = "3" * 64

    def score(self, question: str, passages: Sequence[EvidencePassage]) -> list[PassageEvidence]:
        asked = max(words(question), key=len)
        chances = [tuple(0.9 if asked in words(p.text[a:b]) else 0.1 for a, b in p.sentences) for p in passages]
        return [PassageEvidence(c, max(c, default=0.0), tuple(None for _ in c), tuple(0.0 for _ in c)) for c in chances]


READER = Extractor(HashEmbedder(), WordReader())
BY_SIMILARITY = Extractor(HashEmbedder(), None)
WAYS = pytest.mark.parametrize("extractor", [READER, BY_SIMILARITY], ids=["evidence", "similarity"])


def texts(passages: Sequence[str], found: Extraction) -> list[str]:
    return [e.span.of(passages[e.passage]) for e in found.spans]


@WAYS
def test_the_sentence_that_answers_comes_first(extractor: Extractor) -> None:
    """Of several passages, the best sentence is named with its passage and its place, and scores fall."""
    passages = ["Skin is soft.", "Bone is hard. How long platelets live is known: platelets live for ten days."]
    found = extractor.extract(QUESTION, passages)
    assert texts(passages, found)[0].startswith("How long platelets live")
    assert found.spans[0].passage == 1
    scores = [e.score for e in found.spans]
    assert scores == sorted(scores, reverse=True)
    assert 0 < found.answerable < 1


@WAYS
@pytest.mark.parametrize("passages", [[], [""], ["  \n "], ["...", "\u200b"]])
def test_nothing_to_read_answers_nothing(extractor: Extractor, passages: list[str]) -> None:
    """No passages, and passages without a sentence, have answerability 0 and no spans."""
    assert extractor.extract(QUESTION, passages) == Extraction(0.0, ())


@WAYS
@pytest.mark.parametrize("question", ["", "  ", "?!", "123"])
def test_nothing_asked_is_not_answered(extractor: Extractor, question: str) -> None:
    """A question without a word is answered by nothing."""
    assert extractor.extract(question, ["Platelets live for ten days."]) == Extraction(0.0, ())


@WAYS
@pytest.mark.parametrize(
    "before",
    [
        "Cafe\N{COMBINING ACUTE ACCENT}s close. ",
        "One.\r\nTwo.\rThree.\n\n",
        "\U0001d6fc is a letter. ",
        "\N{ANGSTROM SIGN} is a unit. ",
    ],
)
def test_offsets_count_the_passage_as_given(extractor: Extractor, before: str) -> None:
    """Accents typed apart, foreign newlines and characters beyond 16 bits before a sentence do not move its span."""
    passage = f"{before}Platelets live for ten days, as platelets do."
    found = extractor.extract("How long do platelets live?", ["Bone.", passage])
    assert "Platelets live for ten days, as platelets do." in texts(["Bone.", passage], found)


@WAYS
def test_where_the_rest_stands_does_not_move_what_is_found(extractor: Extractor) -> None:
    """The order of passages changes their numbers and nothing else."""
    passages = ["Platelets live for ten days.", "Bone is hard. Skin is soft.", "Some platelets live longer."]
    one, other = extractor.extract(QUESTION, passages), extractor.extract(QUESTION, passages[::-1])
    assert one.answerable == pytest.approx(other.answerable)
    assert sorted(texts(passages, one)) == sorted(texts(passages[::-1], other))


def test_many_sentences_that_answer_are_all_shown() -> None:
    """Sentences within reach of the best one are shown, over all passages; among equals the earlier first."""
    passages = ["Platelets clot. Bone is hard. Platelets live for ten days.", "Skin is soft.", "Platelets are small."]
    found = PLAIN.judge(READER.sentences("platelets", passages))
    assert texts(passages, found) == ["Platelets clot.", "Platelets live for ten days.", "Platelets are small."]
    assert found.answerable == pytest.approx(0.9)
    assert [e.score for e in found.spans] == pytest.approx([0.9] * 3)


def test_below_the_threshold_nothing_is_worth_showing() -> None:
    """Where hardly anything answers, the probability is told and no sentence is shown."""
    found = PLAIN.judge(READER.sentences("platelets", ["Bone is hard. Skin is soft."]))
    assert found.answerable == pytest.approx(0.1)
    assert found.spans == ()


def test_passages_are_pooled_by_the_strongest() -> None:
    """The pooled signals are the highest of all sentences and the logarithm of the number of passages."""
    found = [Sentence(n, Span(0, 1), {"answerable": a, "evidence": 0.0}) for n, a in ((0, -2.0), (1, 3.0), (1, 3.0))]
    assert pooled(found, best=0.5) == pytest.approx({"best": 0.0, "passages": 0.6931, "most_answerable": 3.0}, abs=1e-4)


def test_shipped_calibrations_are_of_both_ways_and_come_back() -> None:
    """Both ways have a calibration in range, and what is written of it is what is read."""
    shipped = default_extract_calibrations()
    assert set(shipped) == {"evidence", "similarity"}
    for calibration in shipped.values():
        assert 0 < calibration.keep < 1
        assert 0 < calibration.threshold < 1
        assert ExtractCalibration.from_json(calibration.to_json()) == calibration


@given(st.lists(st.text(max_size=60), max_size=4))
def test_whatever_is_brought_spans_lie_in_their_passage(passages: list[str]) -> None:
    """For any text, spans are disjoint slices of the passage that they name, and probabilities are probabilities."""
    found = BY_SIMILARITY.extract("platelets live", [*passages, "Platelets live. Platelets e\u0301 live."])
    assert 0 <= found.answerable <= 1
    for e in found.spans:
        assert 0 <= e.score <= 1
        assert e.span.of([*passages, "Platelets live. Platelets e\u0301 live."][e.passage]).strip()
    by_passage = sorted((e.passage, e.span) for e in found.spans)
    assert all(a[0] != b[0] or a[1].end <= b[1].start for a, b in itertools.pairwise(by_passage))


@pytest.mark.skipif(not (MODELS / WEIGHTS).is_file(), reason="the trained model is not in this checkout")
def test_the_shipped_model_tells_an_answer_from_none() -> None:
    """With the shipped model and calibration, passages that answer are told from passages that do not."""
    extractor = Extractor(HashEmbedder(), open_evidence_model(threads=1))
    passages = ["The thymus shapes young T cells.", "Platelets are small. They live for about eight to ten days in the blood."]
    answered = extractor.extract(QUESTION, passages)
    assert answered.answerable > 0.5 > extractor.extract("Who discovered penicillin?", passages).answerable
    assert texts(passages, answered)[0] == "They live for about eight to ten days in the blood."
