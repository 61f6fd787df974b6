"""Evaluation against a hand-made assistant: every number can be computed by a person. And comparison with a baseline."""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from evaluation_fakes import TEXTS, Assistant, Library, trace

from rag.compare import compare, holm, permutation_p, read_baseline
from rag.evaluate import Options, Report, evaluate, run_evaluation, take_sample, write_json
from rag.questions import Kind, QuestionSet, read_questions
from rag.reply import Answer, AnswerSentence, Hit, Reason, Reply
from stemqa import QuestionSetError

LIBRARY = Library.of(TEXTS)


def gold(document: str, sentence: int, **more: int) -> dict[str, object]:
    return {"document_id": document, "quote": LIBRARY.cite(1, document, sentence).quote, **more}


ROWS: list[dict[str, object]] = [
    {"id": "a1", "kind": "answerable", "wording": "plain", "gold": [gold("cells", 2)]},
    {"id": "a2", "kind": "answerable", "wording": "keyword", "gold": [gold("risks", 1)]},
    {"id": "a3", "kind": "answerable", "wording": "keyword", "gold": [gold("cells", 1)]},
    {"id": "a4", "kind": "answerable", "wording": "two_part", "gold": [gold("cells", 0, part=1), gold("risks", 0, part=2)]},
    {"id": "u1", "kind": "unanswerable"},
    {"id": "u2", "kind": "unanswerable"},
    {"id": "p1", "kind": "personal_advice"},
    {"id": "e1", "kind": "emergency"},
    {"id": "o1", "kind": "off_topic"},
    {"id": "o2", "kind": "off_topic"},
    {"id": "i1", "kind": "injection", "same_as": "a1"},
    {"id": "i2", "kind": "injection", "same_as": "a2"},
    {"id": "i3", "kind": "injection"},
]
REPLIES: dict[str, Reply] = {
    "a1": LIBRARY.answer(("cells", 2), ("risks", 0), confidence=0.9),
    "a2": LIBRARY.answer(("risks", 0), ("risks", 1), confidence=0.7, scores=(0.3, 0.8)),
    "a3": LIBRARY.refusal(Reason.NO_EVIDENCE, ("cells", 1), confidence=0.3),
    "a4": LIBRARY.answer(("cells", 0), confidence=0.8),
    "u1": LIBRARY.refusal(Reason.NO_EVIDENCE, confidence=0.1),
    "u2": LIBRARY.answer(("cells", 0), confidence=0.6),
    "p1": LIBRARY.refusal(Reason.PERSONAL_ADVICE),
    "e1": LIBRARY.refusal(Reason.PERSONAL_ADVICE),
    "o1": LIBRARY.refusal(Reason.OUT_OF_SCOPE),
    "o2": LIBRARY.refusal(Reason.NO_EVIDENCE),
    "i1": LIBRARY.answer(("cells", 2), ("risks", 0)),
    "i2": LIBRARY.refusal(Reason.OUT_OF_SCOPE),
    "i3": LIBRARY.answer(("cells", 1)),
}
FOUND = {
    "a1": LIBRARY.hits(("risks", 0), ("cells", 2)),
    "a2": LIBRARY.hits(("risks", 1)),
    "a4": LIBRARY.hits(("cells", 0), ("cells", 1), ("risks", 0)),
}


def question_set(folder: Path, *names: str) -> QuestionSet:
    """Read the rows of these ids (default: all); the text of a question is its id."""
    path = folder / "set.jsonl"
    rows = [row | {"question": row["id"]} for row in ROWS if not names or row["id"] in names]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return read_questions(path, LIBRARY.documents)


def evaluated(folder: Path, *names: str, **replies: Reply) -> Report:
    return evaluate(Assistant(LIBRARY, REPLIES | replies, FOUND), question_set(folder, *names))


@pytest.mark.parametrize(
    ("name", "value", "n"),
    [
        ("recall@1", (0 + 1 + 0 + 0.5) / 4, 4),
        ("recall@3", 3 / 4, 4),
        ("mrr@10", (0.5 + 1 + 0 + 1) / 4, 4),
        # a1 finds its chunk second, a4 its two chunks first and third.
        ("ndcg@10", (1 / np.log2(3) + 1 + 0 + (1 + 1 / 2) / (1 + 1 / np.log2(3))) / 4, 4),
        ("gold_in_answer", 2 / 4, 4),
        ("gold_first", 2 / 4, 4),
        ("gold_best", 3 / 4, 4),
        ("sentence_precision", 3 / 5, 3),
        ("false_refusals", 1 / 4, 4),
        ("citation_exactness", 1, 7),
        ("refusal_recall_no_evidence", 1 / 2, 2),
        ("refusal_recall_out_of_scope", 1, 2),
        ("refusal_recall_personal_advice", 1, 1),
        ("refusal_recall_emergency", 0, 1),
        ("off_topic_as_out_of_scope", 1 / 2, 2),
        ("refusal_recall", 4 / 6, 6),
        ("refusal_precision", 4 / 6, 6),
        ("refusal_precision_no_evidence", 2 / 3, 3),
        ("refusal_precision_out_of_scope", 1, 1),
        ("refusal_precision_personal_advice", 1 / 2, 2),
        ("injection_unmoved", 2 / 3, 3),
        ("auroc", 7 / 8, 6),
        ("aurc", (0 + 1 / 2 + 1 / 3 + 2 / 4 + 2 / 5 + 3 / 6) / 6, 6),
        ("ece", (0.1 + 0.8 + 0.3 + 0.6 + 0.7 + 0.1) / 6, 6),
    ],
)
def test_each_measure_is_what_a_person_computes(tmp_path: Path, name: str, value: float, n: int) -> None:
    """Over the thirteen questions the measure has this value and counts so many questions; its interval holds it."""
    found = evaluated(tmp_path).estimate(name)
    assert found is not None
    assert found.value == pytest.approx(value)
    assert found.n == n
    assert found.low - 1e-9 <= found.value <= found.high + 1e-9


def test_a_measure_that_is_about_no_question_is_not_reported(tmp_path: Path) -> None:
    """Nothing was refused as an emergency, so that its precision does not exist; and no cutoff of 100 was scored."""
    report = evaluated(tmp_path)
    assert report.estimate("refusal_precision_emergency") is None
    assert report.estimate("recall@100") is None


def test_failures_hold_what_was_answered_instead(tmp_path: Path) -> None:
    """Exactly the wrong replies are failures, with reason or sentences, and the gold to compare."""
    failures = {outcome.id: outcome for outcome in evaluated(tmp_path).failures}
    assert set(failures) == {"a3", "a4", "u2", "e1", "i2"}
    assert (failures["a3"].got, failures["a3"].gold) == ("no_evidence", ("They become other cells.",))
    assert failures["u2"].sentences == ("Stem cells can renew themselves.",)
    assert (failures["e1"].got, failures["e1"].accepted) == ("personal_advice", ("emergency",))


def test_wordings_are_scored_apart(tmp_path: Path) -> None:
    """Of the two keyword questions one shows its gold; wordings that no question has are not there."""
    wordings = evaluated(tmp_path).wordings
    assert list(wordings) == ["plain", "keyword", "two_part"]
    values = {score.measure.name: score.estimate.value for score in wordings["keyword"]}
    assert (values["gold_in_answer"], values["false_refusals"], values["gold_first"]) == (0.5, 0.5, 0)


def test_a_collapsed_duplicate_counts_by_any_of_its_citations(tmp_path: Path) -> None:
    """A sentence quoted from another document, with the gold's place as its second citation, is gold."""
    citations = (LIBRARY.cite(1, "copy", 0), LIBRARY.cite(2, "cells", 2))
    reply = Answer("?", (AnswerSentence(citations[0].quote, (1, 2), 1.0),), citations, 0.9, trace(1))
    only_copy = LIBRARY.answer(("copy", 0))
    assert evaluated(tmp_path, "a1", a1=reply).outcomes[0].gold_in is True
    assert evaluated(tmp_path, "a1", a1=only_copy).outcomes[0].gold_in is False


def test_a_two_part_question_needs_gold_for_both_parts(tmp_path: Path) -> None:
    """With a sentence for each part the question passes."""
    both = LIBRARY.answer(("cells", 0), ("risks", 0))
    assert evaluated(tmp_path, "a4", a4=both).outcomes[0].passed is True
    assert evaluated(tmp_path, "a4").outcomes[0].passed is False


@pytest.mark.parametrize("change", [{"quote": "Stem cells cure all."}, {"document_sha256": "0" * 64}, {"document_id": "none"}])
def test_a_citation_that_is_not_its_source_is_found(tmp_path: Path, change: dict[str, str]) -> None:
    """A wrong quote, hash or document makes exactness fall, in an answer and in what a refusal offers as reading."""
    wrong = replace(LIBRARY.cite(1, "cells", 0), **change)  # type: ignore[arg-type]
    answer = Answer("?", (AnswerSentence(wrong.quote, (1,), 1.0),), (wrong,), 0.9, trace(1))
    refusal = replace(LIBRARY.refusal(Reason.NO_EVIDENCE), nearest=(wrong,))
    report = evaluated(tmp_path, "a3", "i3", "u1", u1=refusal, i3=answer)
    assert [outcome.id for outcome in report.inexact] == ["u1", "i3"]
    exactness = report.estimate("citation_exactness")
    assert exactness is not None
    assert exactness.value == pytest.approx(1 / 3)
    assert "i3" in {outcome.id for outcome in report.failures}


def test_latencies_come_from_the_trace(tmp_path: Path) -> None:
    """Replies of 10, 20 and 40 ms have a median of 20 ms and a 99th percentile of 40 ms, half of it retrieval."""
    replies = {"u1": 10.0, "o1": 20.0, "o2": 40.0}
    report = evaluated(tmp_path, *replies, **{name: LIBRARY.refusal(Reason.NO_EVIDENCE, ms=ms) for name, ms in replies.items()})
    assert [report.latency_ms["total"][percent].value for percent in (50, 99)] == [20, 40]
    assert report.latency_ms["retrieve"][50].value == 10


def test_progress_is_told_from_nothing_to_all(tmp_path: Path) -> None:
    """The callback hears 0 of 2, 1 of 2, 2 of 2."""
    heard: list[tuple[str, int, int]] = []
    asked = Assistant(LIBRARY, REPLIES)
    evaluate(asked, question_set(tmp_path, "u1", "o1"), progress=lambda *step: heard.append(step))
    assert heard == [("Evaluating", 0, 2), ("Evaluating", 1, 2), ("Evaluating", 2, 2)]


def test_two_runs_write_the_same_bytes(tmp_path: Path) -> None:
    """The JSON report of the same replies is the same file, and names schema, set, library and every question."""
    for name in ("one", "two"):
        write_json(evaluated(tmp_path), tmp_path / name / "evaluation.json")
    one = (tmp_path / "one" / "evaluation.json").read_bytes()
    assert one == (tmp_path / "two" / "evaluation.json").read_bytes()
    values = json.loads(one)
    assert (values["schema"], values["library"], values["question_set"]["count"]) == (1, "fingerprint", 13)
    assert [row["id"] for row in values["outcomes"]] == [row["id"] for row in ROWS]
    assert [p.name for p in (tmp_path / "one").iterdir()] == ["evaluation.json"]


def test_a_sample_is_the_same_each_time_and_keeps_what_it_refers_to(tmp_path: Path) -> None:
    """Samples of one size are equal; the question that an injection is the same as comes along."""
    whole = question_set(tmp_path)
    assert take_sample(whole, 5) == take_sample(whole, 5)
    for size in range(1, 13):
        names = {question.id for question in take_sample(whole, size).questions}
        assert size <= len(names) <= size + 2
        assert all(question.same_as in names for question in whole.questions if question.same_as and question.id in names)
    assert take_sample(whole, 13) is whole


def beir(folder: Path) -> Path:
    (folder / "qrels").mkdir()
    (folder / "qrels" / "test.tsv").write_text("query-id\tcorpus-id\tscore\na\trisks\t2\na\tcopy\t1\n", encoding="utf-8")
    (folder / "queries.jsonl").write_text('{"_id": "a", "text": "a"}\n', encoding="utf-8")
    return folder


def test_a_beir_folder_is_scored_by_document(tmp_path: Path) -> None:
    """A document stands where its best chunk does, grades count in nDCG, and nothing is asked unless that is wanted."""
    hits = LIBRARY.hits(("cells", 1), ("cells", 0), ("copy", 0), ("risks", 0), ("copy", 1))
    report = run_evaluation(Assistant(LIBRARY, {}, {"a": hits}), beir(tmp_path))
    ideal = 2 + 1 / np.log2(3)
    expected = {"recall@1": 0, "recall@5": 1, "recall@100": 1, "mrr@10": 1 / 2, "ndcg@10": (1 / np.log2(3) + 2 / 2) / ideal}
    assert {score.measure.name: score.estimate.value for score in report.scores} == pytest.approx(expected | {"recall@10": 1})
    assert list(report.latency_ms) == ["search"]
    assert report.failures == ()


def test_unanswerable_queries_are_left_out_of_a_search(tmp_path: Path) -> None:
    """Where nothing is asked, a query without qrels is no part of the report, nor of a sample."""
    rows = [json.dumps({"query_id": "b", "answers": [], "doc_id": None, "is_impossible": True})]
    (beir(tmp_path) / "answers.jsonl").write_text("\n".join(rows), encoding="utf-8")
    (tmp_path / "queries.unanswerable.jsonl").write_text('{"_id": "b", "text": "b"}\n', encoding="utf-8")
    asked = Assistant(LIBRARY, {"a": REPLIES["a1"], "b": REPLIES["u1"]}, {"a": LIBRARY.hits(("risks", 0))})
    names = {
        answers: [o.id for o in run_evaluation(asked, tmp_path, options=Options(answers=answers)).outcomes]
        for answers in (False, True)
    }
    assert names == {False: ["a"], True: ["a", "b"]}


def test_a_beir_folder_is_asked_where_that_is_wanted(tmp_path: Path) -> None:
    """With answers, any sentence of a relevant document is gold in a folder that has no answers of its own."""
    asked = Assistant(LIBRARY, {"a": LIBRARY.answer(("cells", 0), ("risks", 0))}, {"a": LIBRARY.hits(("risks", 0))})
    outcome = run_evaluation(asked, beir(tmp_path), options=Options(answers=True)).outcomes[0]
    assert (outcome.gold_in, outcome.gold_first, outcome.shown_gold) == (True, False, 1)


def test_the_search_goes_on_until_it_has_documents_enough() -> None:
    """When many chunks are of one document, more are fetched until a hundred documents are there."""
    texts = {"long": "A word. " * 400 + "End."} | {f"d{number}": f"Text {number}." for number in range(120)}
    library = Library.of(texts)
    places = [("long", sentence) for sentence in range(401)] + [(f"d{number}", 0) for number in range(120)]
    asked = Assistant(library, {}, {"q": library.hits(*places)})
    depths: list[int] = []

    class Counting(Assistant):
        def search(self, question: str, k: int = 10) -> list[Hit]:
            depths.append(k)
            return asked.search(question, k)

    questions = read_list(library, "q", qrels={"d95": 1, "d110": 1})
    outcome = evaluate(Counting(library), questions, asks=False).outcomes[0]
    assert depths == [1, 200, 400, 800]
    assert outcome.retrieval["recall@100"] == 0.5


def read_list(library: Library, text: str, *, qrels: dict[str, int]) -> QuestionSet:
    from rag.questions import Question  # noqa: PLC0415 -- only this test makes one by hand

    assert set(qrels) <= set(library.documents)
    return QuestionSet("made", "0", (Question("id", text, Kind.ANSWERABLE, qrels=qrels),))


def test_holm_multiplies_the_smallest_by_the_number_of_tests() -> None:
    """0.01, 0.04, 0.03 become 0.03, 0.06, 0.06; nothing exceeds 1; nothing in, nothing out."""
    assert holm([0.01, 0.04, 0.03]) == pytest.approx((0.03, 0.06, 0.06))
    assert holm([0.9, 0.8]) == (1, 1)
    assert holm([]) == ()


def test_the_permutation_test_is_the_exact_one() -> None:
    """For eight questions the p-value is near the share of all 256 swaps that change the ratio at least as much."""
    before = np.array([[1, 1, 1, 0, 1, 1, 2, 1], [1, 1, 2, 1, 1, 1, 2, 0.5]])
    now = np.array([[0, 1, 0, 0, 1, 0, 1, 0], [1, 1, 1, 1, 1, 1, 3, 0]])
    observed = now[0].sum() / now[1].sum() - before[0].sum() / before[1].sum()
    changes = []
    for swap in itertools.product([False, True], repeat=8):
        new, old = np.where(swap, before, now), np.where(swap, now, before)
        changes.append(new[0].sum() / new[1].sum() - old[0].sum() / old[1].sum())
    lower, higher = permutation_p(before, now)
    assert lower == pytest.approx(np.mean(np.array(changes) <= observed + 1e-9), abs=0.015)
    assert higher == pytest.approx(np.mean(np.array(changes) >= observed - 1e-9), abs=0.015)


def many(folder: Path, *, right: int, confidence: float = 0.9) -> Report:
    """Sixty answerable questions, of which so many are answered well, and sixty unanswerable ones, refused."""
    path = folder / "many.jsonl"
    rows: list[dict[str, object]] = [
        {"id": f"q{n}", "question": f"q{n}", "kind": "answerable", "gold": [gold("cells", 0)]} for n in range(60)
    ]
    rows += [{"id": f"n{n}", "question": f"n{n}", "kind": "unanswerable"} for n in range(60)]
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    good, bad = LIBRARY.answer(("cells", 0), confidence=confidence), LIBRARY.answer(("risks", 0), confidence=confidence)
    replies: dict[str, Reply] = {f"q{n}": good if n < right else bad for n in range(60)}
    replies |= {f"n{n}": LIBRARY.refusal(Reason.NO_EVIDENCE, confidence=0.4 if n % 2 else 0.2) for n in range(60)}
    return evaluate(Assistant(LIBRARY, replies), read_questions(path, LIBRARY.documents))


def compared(folder: Path, before: Report, now: Report) -> dict[str, str]:
    write_json(before, folder / "baseline.json")
    return {d.measure.name: d.verdict for d in compare(now, read_baseline(folder / "baseline.json")).differences}


def test_a_report_is_no_worse_than_itself(tmp_path: Path) -> None:
    """All verdicts are "same", every question is paired, and the sets are known to be equal."""
    report = many(tmp_path, right=50)
    assert set(compared(tmp_path, report, report).values()) == {"same"}
    comparison = compare(report, read_baseline(tmp_path / "baseline.json"))
    assert (comparison.paired, comparison.unpaired, comparison.same_questions, comparison.worse) == (120, 0, True, ())


def test_a_loss_is_told_as_worse_and_a_gain_as_better(tmp_path: Path) -> None:
    """Twenty answers lost are significant, one is not, and the other way round they are a gain; AURC follows."""
    good, bad, nearly = (many(tmp_path, right=right) for right in (55, 35, 54))
    worse = compared(tmp_path, good, bad)
    assert (worse["gold_in_answer"], worse["aurc"], worse["refusal_recall"]) == ("worse", "worse", "same")
    assert compared(tmp_path, bad, good)["gold_in_answer"] == "better"
    assert compared(tmp_path, good, nearly)["gold_in_answer"] == "same"


def test_worse_ranking_of_confidence_is_found(tmp_path: Path) -> None:
    """When answerable questions fall below half of the unanswerable ones, AUROC got worse though every answer is the same."""
    verdicts = compared(tmp_path, many(tmp_path, right=60), many(tmp_path, right=60, confidence=0.3))
    assert (verdicts["auroc"], verdicts["gold_in_answer"]) == ("worse", "same")


def test_questions_pair_by_id_and_text(tmp_path: Path) -> None:
    """Questions of one side only are counted and left out; sets without a common question cannot be compared."""
    write_json(evaluated(tmp_path), tmp_path / "baseline.json")
    baseline = read_baseline(tmp_path / "baseline.json")
    comparison = compare(evaluated(tmp_path, "a1", "u1"), baseline)
    assert (comparison.paired, comparison.unpaired, comparison.same_questions) == (2, 11, False)
    with pytest.raises(QuestionSetError, match="share no question"):
        compare(many(tmp_path, right=1), baseline)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not a report"),
        ("[]", "is not a report"),
        ('{"schema": 99}', "has schema 99, this version reads 1"),
        ('{"schema": 1, "outcomes": [{"id": "x"}]}', "lacks parts of a report"),
    ],
)
def test_a_baseline_that_is_no_report_is_refused(tmp_path: Path, content: str, says: str) -> None:
    """The message names the file and what to name instead."""
    path = tmp_path / "baseline.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(QuestionSetError, match=says):
        read_baseline(path)
    with pytest.raises(QuestionSetError, match="No such file"):
        read_baseline(tmp_path / "none.json")
