"""How the evidence model is trained: pairs kept apart from the judges, examples, losses, and resuming."""

from __future__ import annotations

import gzip
import json
import random
import re
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
pytest.importorskip("sklearn")

from embeddings.evidence import read_window  # noqa: E402 -- after the check for what training needs
from embeddings.evidence_input import Input, pad  # noqa: E402
from training import perturb, slots  # noqa: E402
from training.average import average  # noqa: E402
from training.examples import Stream  # noqa: E402
from training.model import EvidenceNet, Target, losses, sentence_logits  # noqa: E402
from training.near import window  # noqa: E402
from training.pairs import SOURCES, Judges, Pair, is_held_out, read_pairs, sentence_spans  # noqa: E402
from training.train import rate_at  # noqa: E402

NOBODY = Judges(frozenset(), frozenset(), frozenset())
PASSAGES = [
    f"The town of Ash{i}ford lies by the river Mole. It was founded in {1100 + i} by Duke Harald. Its market sells wool. "
    f"Most houses are built of red brick. The old bridge was destroyed by a flood in {1700 + i}."
    for i in range(8)
]


def rows(source: str) -> list[dict]:
    found = []
    for i, passage in enumerate(PASSAGES):
        start = passage.index("It was founded")
        end = passage.index(".", start) + 1
        year = passage.index(str(1100 + i))
        found.append(
            {
                "question": f"When was Ash{i}ford founded by Duke Harald?",
                "passage": passage,
                "spans": [[start, end]] if i % 4 else [],
                "ans": [[year, year + 4]] if i % 4 else [],
                "doc": f"Towns_{i // 2}",
                "src": source,
            }
        )
    return found


@pytest.fixture(scope="module")
def pairs(tmp_path_factory: pytest.TempPathFactory) -> list[Pair]:
    folder = tmp_path_factory.mktemp("train")
    for source in SOURCES:
        with gzip.open(folder / f"{source}.jsonl.gz", "wt") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows(source))
    return read_pairs(folder, NOBODY)[0]


def test_pairs_keep_the_answer_in_a_gold_sentence(pairs: list[Pair]) -> None:
    """The short answer is a slice of a sentence that is gold; a pair without spans has neither."""
    assert len(pairs) == len(SOURCES) * len(PASSAGES)
    for pair in pairs:
        assert bool(pair.gold) == (pair.answer is not None)
        if pair.answer:
            assert pair.answer[0] in pair.gold
            assert pair.answer_text.isdigit()


@pytest.mark.parametrize(
    "judges",
    [
        Judges(frozenset({"towns 0"}), frozenset(), frozenset()),
        Judges(frozenset(), frozenset(), frozenset({"when was ash1ford founded by duke harald"})),
    ],
)
def test_what_a_judge_knows_is_dropped(tmp_path: Path, judges: Judges) -> None:
    """A title or a question of an evaluation set keeps a pair out, and the count says so."""
    for source in SOURCES:
        with gzip.open(tmp_path / f"{source}.jsonl.gz", "wt") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows(source))
    kept, counts = read_pairs(tmp_path, judges)
    assert counts["shift_wiki"]["leaked"] in (1, 2)
    assert not any(judges.know(pair) for pair in kept)


def test_a_shared_run_of_ten_words_is_a_leak(pairs: list[Pair]) -> None:
    """Ten words in a row shared with an evaluation paragraph are found wherever they stand."""
    from training.pairs import _runs  # noqa: PLC0415 -- the one test that needs it

    judges = Judges(
        frozenset(), frozenset(_runs("So it was founded in 1103 by Duke Harald. Its market sells fish")), frozenset()
    )
    assert [judges.know(pair) for pair in pairs[:8]] == [i == 3 for i in range(8)]


def test_documents_are_held_out_whole(pairs: list[Pair]) -> None:
    """Pairs of one document are never on both sides."""
    sides: dict[str, set[bool]] = {}
    for pair in pairs:
        sides.setdefault(pair.source + pair.document, set()).add(is_held_out(pair))
    assert all(len(found) == 1 for found in sides.values())


def test_sentences_are_cut_where_they_end() -> None:
    """Abbreviations and spans kept whole are not cut; a row of words without an end is."""
    text = "Dr. Smith came at 5 p.m. on Monday. He left. " + "Word " * 200
    found = [text[a:b] for a, b in sentence_spans(text)]
    assert found[:2] == ["Dr. Smith came at 5 p.m. on Monday.", "He left."]
    assert all(len(piece.split()) <= 90 for piece in found)
    assert sentence_spans("One. Two. Three.", [(0, 9)]) == [(0, 9), (10, 16)]


def test_a_window_holds_its_centre_and_keeps_its_budget(pairs: list[Pair]) -> None:
    """Neighbours are added on either side only while the words fit."""
    for seed in range(20):
        kept = window(pairs[0], [2], 20, random.Random(seed))
        assert 2 in kept
        assert kept == list(range(kept[0], kept[-1] + 1))
        assert sum(len(pairs[0].sentences[k].split()) for k in kept) <= 20


def test_examples_depend_on_seed_and_number_alone(pairs: list[Pair]) -> None:
    """Two streams of one seed agree in any order of asking, so that a run can be taken up again; another seed differs."""
    one, two, other = (Stream(pairs, seed=seed) for seed in (1, 1, 2))
    forward = [one.example(i) for i in range(60)]
    backward = [two.example(i) for i in reversed(range(60))]
    assert forward == backward[::-1]
    assert forward != [other.example(i) for i in range(60)]


def test_examples_are_half_answerable_and_well_formed(pairs: list[Pair]) -> None:
    """Gold and answer point into the window; unanswerable kinds have no gold; about half of all are answerable."""
    stream = Stream(pairs, seed=3)
    made = [stream.example(i) for i in range(600)]
    for example in made:
        assert example.sentences
        assert all(0 <= g < len(example.sentences) for g in example.gold)
        if example.answer:
            sentence, start, end = example.answer
            assert sentence in example.gold
            assert example.sentences[sentence][start:end].isdigit()
        if example.kind not in ("answered", "terms"):
            assert not example.gold
    assert 0.4 < np.mean([bool(e.gold) for e in made]) < 0.6
    assert {"answered", "annotated", "same_document", "neighbour", "removed"} <= {e.kind for e in made}


def test_groups_ask_one_question_of_several_passages(pairs: list[Pair]) -> None:
    """The first passage answers; the others are different ones that do not hold its short answer; most draws are no groups."""
    one, two = Stream(pairs, seed=5), Stream(pairs, seed=5)
    made = [one.group(i) for i in range(300)]
    assert made[::-1] == [two.group(i) for i in reversed(range(300))]
    groups = [group for group in made if len(group) > 1]
    assert 0.15 < len(groups) / len(made) < 0.4
    for first, *rivals in groups:
        assert first.gold
        assert {first.question} == {e.question for e in rivals}
        assert len({e.sentences for e in (first, *rivals)}) == 1 + len(rivals)
        sentence, start, end = first.answer or (0, 0, 0)
        answer = first.sentences[sentence][start:end]
        assert not answer or not any(answer in s for e in rivals if not e.gold for s in e.sentences)


def test_removed_evidence_is_gone(pairs: list[Pair]) -> None:
    """The passage without its evidence does not hold the answer."""
    stream = Stream(pairs, seed=4)
    for example in (stream.example(i) for i in range(400)):
        if example.kind == "removed":
            assert not any("founded" in sentence for sentence in example.sentences)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            lambda rng: perturb.swap_opposite("What caused an increase?", rng),
            {"What caused an decrease?", "What prevented an increase?"},
        ),
        (lambda rng: perturb.negate("Where is it?", rng), {"Where isn't it?", "Where is never it?"}),
        (lambda rng: perturb.negate("Why not?", rng), {None}),
        (lambda rng: perturb.swap_number("Who won in 1999?", ["1987"], rng), None),
        (lambda rng: perturb.keywords("What is the capital city of France?", rng), None),
    ],
)
def test_changes_to_a_question(change: object, expected: set[str | None] | None) -> None:
    """Each change gives one of its possible results, and never the question itself."""
    assert callable(change)
    found = {change(random.Random(seed)) for seed in range(30)}
    assert found <= expected if expected else found
    assert "Who won in 1999?" not in found


def test_misspelt_questions_stay_close(pairs: list[Pair]) -> None:
    """A slip of the keys changes words, not their number, and leaves short words alone."""
    question = "When was the old bridge destroyed?"
    found = {perturb.misspell(question, random.Random(seed)) for seed in range(40)}
    assert len(found) > 20
    assert all(len(text.split()) == 6 and " the old " in text for text in found)


def test_names_are_swapped_only_for_strangers() -> None:
    """The new name shares no word with the question."""
    for seed in range(10):
        found = perturb.swap_entity("Where did Anna Miller live?", ["Anna Karenina", "Bob Smith"], random.Random(seed))
        assert found == ("Where did Bob Smith live?", "Anna Miller", "Bob Smith")


def small_net() -> EvidenceNet:
    from transformers import BertConfig, BertModel  # noqa: PLC0415 -- slow to import

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=60,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        max_position_embeddings=32,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )
    return EvidenceNet(BertModel(config, add_pooling_layer=False))


LAID = [
    Input((1, 7, 2, 2, 9, 7, 11, 12, 2), (0, 0, 0, 1, 1, 1, 1, 1, 1), (-1, -1, -1, -1, 0, 0, 1, 1, -1), ((0, 1),) * 9),
    Input((1, 8, 2, 2, 9, 7, 11, 2), (0, 0, 0, 1, 1, 1, 1, 1), (-1, -1, -1, -1, 0, 0, 1, -1), ((0, 1),) * 8),
]
TARGET = Target(torch.tensor([[1.0, 0.0], [0.0, 0.0]]), torch.tensor([5, 0]), torch.tensor([5, 0]), torch.tensor([0, 0]))


def test_the_layers_written_out_compute_what_the_library_does() -> None:
    """Token states equal those of the transformers encoder, padding included."""
    net, batch = small_net().eval(), pad(LAID)
    ids, mask, segments = (torch.from_numpy(a) for a in (batch.ids, batch.mask, batch.segments))
    with torch.no_grad():
        states = net.encoder(input_ids=ids, attention_mask=mask, token_type_ids=segments).last_hidden_state
        expected, found = net.token_head(states), net(ids, mask, segments)[0]
    assert torch.allclose(expected[mask > 0], found[mask > 0], atol=1e-5)


def test_training_and_run_time_pool_alike() -> None:
    """Sentence logits in training are those that the run-time code computes from the same tokens."""
    batch = pad(LAID)
    tokens = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(1))
    found, exists = sentence_logits(tokens, torch.from_numpy(batch.sentences))
    assert exists.all()
    for k, row in enumerate(LAID):
        expected = read_window(row, tokens[k, : len(row.ids)].numpy(), np.zeros(2, np.float32)).sentences
        assert tuple(found[k].tolist()) == pytest.approx(expected, abs=1e-5)


def test_a_tiny_batch_can_be_learned() -> None:
    """Every term of the loss falls to nearly nothing on two examples, and is finite where no answer is known."""
    net, batch = small_net(), pad(LAID)
    arrays = [torch.from_numpy(a) for a in (batch.ids, batch.mask, batch.segments)]
    sentences = torch.from_numpy(batch.sentences)
    optimiser = torch.optim.AdamW(net.parameters(), lr=1e-2)
    for _ in range(80):
        terms = losses(*net(*arrays), sentences, TARGET)
        sum(terms.values()).backward()
        optimiser.step()
        optimiser.zero_grad()
    assert all(term.item() < 0.1 for term in terms.values())
    unknown = Target(TARGET.gold, torch.tensor([-100, -100]), torch.tensor([-100, -100]), TARGET.group)
    assert losses(*net(*arrays), sentences, unknown)["span"].item() == 0.0


def test_sentences_of_a_group_are_ranked_together() -> None:
    """The term is the log share of the gold sentence among all of its group's passages; rows of their own have none."""
    tokens, sentences = torch.zeros(3, 3, 4), torch.tensor([[0, 1, -1], [0, -1, -1], [0, 1, -1]])
    tokens[0, 0, 0], tokens[1, 0, 0], tokens[2, 0, 0] = 2.0, 1.0, 50.0
    gold, none = torch.tensor([[1.0, 0.0], [0.0, 0.0], [1.0, 0.0]]), torch.zeros(3, dtype=torch.long)

    def term(group: list[int]) -> float:
        return losses(tokens, torch.zeros(3, 2), sentences, Target(gold, none, none, torch.tensor(group)))["group"].item()

    e = np.exp(1.0)
    assert term([0, 0, -1]) == pytest.approx(-np.log(e**2 / (e**2 + 1 + e)), abs=1e-5)
    assert term([-1, -1, -1]) == 0.0


def test_weights_of_two_runs_are_averaged() -> None:
    """The share is the later run's; whole numbers, which cannot be averaged, are the later run's own."""
    earlier, later = ({"w": torch.tensor([w]), "n": torch.tensor(n)} for w, n in ((0.0, 1), (2.0, 5)))
    assert average(earlier, later, 0.25)["w"].item() == 0.5
    assert average(earlier, later, 0.25)["n"].item() == 5


def test_the_rate_rises_and_ends_at_zero() -> None:
    """A linear rise over the first twentieth of the time, then a linear fall to nothing."""
    assert rate_at(0.0) == 0.0
    assert rate_at(0.05) == pytest.approx(1.0)
    assert rate_at(0.525) == pytest.approx(0.5)
    assert rate_at(1.0) == rate_at(1.2) == 0.0


def test_the_exported_model_computes_what_was_trained(tmp_path: Path) -> None:
    """The runtime gives the network's logits, and close ones with 8-bit weights."""
    pytest.importorskip("onnx")
    from onnxruntime import InferenceSession  # noqa: PLC0415 -- after the check

    from training.export import write_fp32, write_int8  # noqa: PLC0415 -- after the check

    net = small_net().eval()
    net.encoder.embeddings.position_embeddings.weight.data.mul_(0.1)
    batch = pad(LAID)
    inputs = {"ids": batch.ids, "mask": batch.mask, "segments": batch.segments}
    assert write_fp32(net, tmp_path / "fp32.onnx", tokens=12, vocabulary=60) < 1e-4
    write_int8(tmp_path / "fp32.onnx", tmp_path / "int8.onnx")
    exact, close = (InferenceSession(str(tmp_path / n)).run(None, inputs)[1] for n in ("fp32.onnx", "int8.onnx"))
    assert np.abs(exact - close).max() < 0.1


def test_a_resumed_run_is_drawn_once() -> None:
    """Steps lost to an interruption are left out of the drawing, which is well-formed XML."""
    import xml.etree.ElementTree as ET  # noqa: PLC0415 -- the one test that needs it

    from training.plot import curves, draw  # noqa: PLC0415 -- as above

    log = [
        {"step": 25, "loss": 3.0, "token": 0.6},
        {"step": 50, "loss": 2.0, "token": 0.5},
        {"step": 25, "options": {}},
    ]
    log += [{"step": 50, "loss": 2.1, "token": 0.55}, {"step": 75, "loss": 1.0, "token": 0.4}]
    assert curves(log)[0]["token"] == [(0.025, 0.6), (0.05, 0.55), (0.075, 0.4)]
    ET.fromstring(draw(log))


@pytest.mark.parametrize(
    ("sentence", "answer", "question", "expected"),
    [
        (
            "The tower was built in 1889 by Eiffel.",
            "1889",
            "When was the tower built?",
            r"The tower was built (?!in 1889).+ by Eiffel\.",
        ),
        (
            "It has 24 rooms.",
            "24 rooms",
            "How many rooms has it?",
            r"It has (several|many|some|a number of|a few|most of the) rooms\.",
        ),
        ("The law was written by Anna Miller.", "Anna Miller", "Who wrote the law?", r"The law was written by (?!Anna).+\."),
        ("He came on foot.", "on foot", "How did he come?", r"He came .+\."),
    ],
)
def test_a_short_answer_is_made_vague_in_its_kind(sentence: str, answer: str, question: str, expected: str) -> None:
    """What is left says that there is such a thing, and not which."""
    start = sentence.index(answer)
    for seed in range(20):
        blurred = slots.blur(sentence, start, start + len(answer), question=question, rng=random.Random(seed))
        assert blurred is not None
        assert re.fullmatch(expected, blurred)
        assert answer not in blurred


def test_a_question_is_turned_only_to_what_the_passage_does_not_hold() -> None:
    """A time is asked for only where none is told, a count only where nothing is counted."""
    rng = random.Random(0)
    assert slots.turn("Which genes do they change?", "They change genes.", rng) == "How many genes do they change?"
    assert slots.turn("Which genes do they change?", "They change four genes.", rng) is None
    assert slots.turn("How did it end?", "It ended in 1990 because of war, 3 times.", rng) is None
