"""Question and passages to evidence: the shipped cross-encoder, run with onnxruntime. The only module that imports it.

    EvidencePassage(context, text, sentences) -> OnnxEvidenceModel.score -> PassageEvidence(sentences, answerable, emphasis)

The model reads the question and a window of whole sentences together (see `embeddings.evidence_input`). For each token it
gives four logits: evidence, weight within its sentence, start and end of a short answer; for the window two: something
answers, nothing does. A sentence's logit is its tokens' evidence averaged by their weights. How it was trained, on what, and
how well it does stands in models/README.md.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from embeddings.emphasis import ShortAnswer, likeliest, log_total, whole_words
from embeddings.evidence_input import ALL_TOKENS, CONTEXT_TOKENS, QUESTION_TOKENS, Input, InputMaker, pad
from stemqa import ModelError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

MODELS = Path(__file__).parent / "models"
WEIGHTS, TOKENIZER, MANIFEST = "evidence.int8.onnx", "tokenizer.json", "manifest.json"
WINDOW_TOKENS = 190
"""Passage tokens of one window: about 140 words, the longest that the model was trained on."""
OVERLAP_TOKENS = 50
"""Tokens at a window's end that the next one reads again, so that a sentence keeps what it refers to."""
ROWS = 8
"""Windows computed at once, of like length."""
NO_SHORT_ANSWER = -10.0  # a logit

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class EvidencePassage:
    """A passage to read: `sentences` are half-open (start, end) in `text`, in order; `context` is its title and heading."""

    context: str
    text: str
    sentences: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class PassageEvidence:
    """What one passage holds for the question, each a calibrated probability.

    `sentences`: that the sentence answers. `answerable`: that anything in the passage does. `emphasis`: for each sentence
    the (start, end) in the passage's text of a short answer within it, or None. `short_answers`: for each sentence how much
    likelier its likeliest short answer is than none, in logits and no probability.
    """

    sentences: tuple[float, ...]
    answerable: float
    emphasis: tuple[tuple[int, int] | None, ...]
    short_answers: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class WindowLogits:
    """Raw output for one window: a logit for each of its sentences, and what its answerability is told from.

    `spans` holds for each sentence its likeliest short answer; None for a sentence of no known characters.
    """

    sentences: tuple[float, ...]
    answers: float
    nothing: float
    spans: tuple[ShortAnswer | None, ...]

    @property
    def signals(self) -> tuple[float, float, float, float]:
        """What answerability is fitted on: passage logit, null logit, best sentence logit, best span over none."""
        best_span = max((span.over for span in self.spans if span is not None), default=NO_SHORT_ANSWER)
        return self.answers, self.nothing, max(self.sentences), best_span


@dataclass(frozen=True, slots=True)
class EvidenceCalibration:
    """How logits become probabilities: logistic functions fitted on held-out pairs with the shipped 8-bit weights.

    `emphasis` is the least certainty, below 0, of a short answer that is marked; at 0 none is.
    """

    sentence: tuple[float, float]  # slope and offset
    answerable: tuple[float, float, float, float, float]  # a weight for each of WindowLogits.signals, and an offset
    emphasis: float = 0.0

    def of_sentence(self, logit: float) -> float:
        return _sigmoid(self.sentence[0] * logit + self.sentence[1])

    def marks(self, found: ShortAnswer) -> bool:
        """Whether a short answer is sure enough to be marked."""
        return self.emphasis <= found.certainty < 0

    def of_window(self, window: WindowLogits) -> float:
        *weights, offset = self.answerable
        return _sigmoid(sum(w * s for w, s in zip(weights, window.signals, strict=True)) + offset)


class OnnxEvidenceModel:
    """The shipped evidence model, loaded at once. Safe to use from several threads."""

    def __init__(self, session: InferenceSession, maker: InputMaker, calibration: EvidenceCalibration, *, sha256: str) -> None:
        self._session = session
        self._maker = maker
        self._calibration = calibration
        self.sha256 = sha256

    def score(self, question: str, passages: Sequence[EvidencePassage]) -> list[PassageEvidence]:
        """Return the evidence of each passage for `question`, in order.

        A passage without sentences holds none; a long one is read in overlapping windows, and each sentence keeps its
        highest logit.
        """
        return [
            self._judge(passage, windows) for passage, windows in zip(passages, self.logits(question, passages), strict=True)
        ]

    def logits(self, question: str, passages: Sequence[EvidencePassage]) -> list[list[tuple[int, WindowLogits]]]:
        """Return for each passage its windows, each with the number of its first sentence: for calibration and tests."""
        texts = [question, *(p.context for p in passages), *(p.text[a:b] for p in passages for a, b in p.sentences)]
        asked, *rest = self._maker.tokens(texts)
        contexts, tokens = rest[: len(passages)], iter(rest[len(passages) :])
        rows: list[tuple[int, int, Input]] = []
        for number, (passage, context) in enumerate(zip(passages, contexts, strict=True)):
            own = [next(tokens) for _ in passage.sentences]
            room = ALL_TOKENS - 3 - min(len(asked.ids), QUESTION_TOKENS) - min(len(context.ids), CONTEXT_TOKENS)
            for start, end in windows([len(t.ids) for t in own], min(room, WINDOW_TOKENS)):
                rows.append((number, start, self._maker.lay_out(asked, context, own[start:end])))
        found: list[list[tuple[int, WindowLogits]]] = [[] for _ in passages]
        for (number, start, row), (token_logits, passage_logits) in zip(rows, self._run([r for *_, r in rows]), strict=True):
            found[number].append((start, read_window(row, token_logits, passage_logits)))
        return found

    def _run(self, rows: Sequence[Input]) -> list[tuple[Floats, Floats]]:
        """Return the model's output for each row: token logits (its length, 4) and passage logits (2,)."""
        order = sorted(range(len(rows)), key=lambda k: len(rows[k].ids))
        outputs: dict[int, tuple[Floats, Floats]] = {}
        for at in range(0, len(order), ROWS):
            chosen = order[at : at + ROWS]
            batch = pad([rows[k] for k in chosen])
            inputs = {"ids": batch.ids, "mask": batch.mask, "segments": batch.segments}
            tokens, passages = self._session.run(["token_logits", "passage_logits"], inputs)
            for place, k in enumerate(chosen):
                outputs[k] = (tokens[place, : len(rows[k].ids)], passages[place])
        return [outputs[k] for k in range(len(rows))]

    def _judge(self, passage: EvidencePassage, found: Sequence[tuple[int, WindowLogits]]) -> PassageEvidence:
        best = [-math.inf] * len(passage.sentences)
        emphasis: list[tuple[int, int] | None] = [None] * len(passage.sentences)
        short = [NO_SHORT_ANSWER] * len(passage.sentences)
        for start, window in found:
            for k, (logit, span) in enumerate(zip(window.sentences, window.spans, strict=True), start):
                if logit > best[k]:
                    best[k], emphasis[k] = logit, self._emphasis(passage, k, span)
                    short[k] = span.over if span else NO_SHORT_ANSWER
        answerable = max((self._calibration.of_window(window) for _, window in found), default=0.0)
        sentences = tuple(self._calibration.of_sentence(logit) for logit in best)
        return PassageEvidence(sentences, answerable, tuple(emphasis), tuple(short))

    def _emphasis(self, passage: EvidencePassage, number: int, found: ShortAnswer | None) -> tuple[int, int] | None:
        """Return where in the passage the numbered sentence's short answer stands, if it is sure enough to be marked."""
        if found is None or not self._calibration.marks(found):
            return None
        start, end = passage.sentences[number]
        place = whole_words(passage.text[start:end], found)
        return (start + place[0], start + place[1]) if place else None


def windows(sizes: Sequence[int], room: int) -> Iterator[tuple[int, int]]:
    """Cut sentences of so many tokens into windows (first, end) of at most `room` tokens, each a whole number of sentences.

    A sentence longer than `room` gets a window of its own. Consecutive windows share about OVERLAP_TOKENS tokens.
    """
    start = 0
    while start < len(sizes):
        end, total = start + 1, sizes[start]
        while end < len(sizes) and total + sizes[end] <= room:
            total += sizes[end]
            end += 1
        yield start, end
        if end == len(sizes):
            return
        back, shared = end, 0
        while back - 1 > start and shared + sizes[back - 1] <= OVERLAP_TOKENS and shared + sizes[back - 1] + sizes[end] <= room:
            back -= 1
            shared += sizes[back]
        start = back


def read_window(row: Input, token_logits: Floats, passage_logits: Floats) -> WindowLogits:
    """Pool a row's token logits into its sentences; a sentence cut off whole by the length limit gets the lowest logit."""
    place = np.asarray(row.sentences)
    total = log_total(row, token_logits)
    logits: list[float] = []
    spans: list[ShortAnswer | None] = []
    for number in range(int(place.max(initial=-1)) + 1):
        inside = np.flatnonzero(place == number)
        if inside.size == 0:  # a sentence of no known characters
            logits.append(-10.0)
            spans.append(None)
            continue
        weights = np.exp(token_logits[inside, 1] - token_logits[inside, 1].max())
        logits.append(float(weights @ token_logits[inside, 0] / weights.sum()))
        spans.append(likeliest(row, token_logits, inside, total=total))
    return WindowLogits(tuple(logits) or (-10.0,), float(passage_logits[0]), float(passage_logits[1]), tuple(spans) or (None,))


def open_evidence_model(folder: Path = MODELS, *, threads: int) -> OnnxEvidenceModel:
    """Open the model in `folder`, its files checked against the hashes in its manifest; `ModelError` where that fails."""
    manifest = _manifest(folder)
    for name in (WEIGHTS, TOKENIZER):
        _check(folder / name, manifest["sha256"].get(name, ""))
    return OnnxEvidenceModel(
        _session(folder / WEIGHTS, threads),
        InputMaker(folder / TOKENIZER),
        _calibration(manifest["calibration"]),
        sha256=manifest["sha256"][WEIGHTS],
    )


_MEND = "reinstall stemqa, or set STEMQA_EVIDENCE=off to rank by similarity alone"


def _calibration(found: Mapping[str, Any]) -> EvidenceCalibration:
    slope, offset = found["sentence"]
    passage, nothing, sentence, span, constant = found["answerable"]
    return EvidenceCalibration((slope, offset), (passage, nothing, sentence, span, constant), found.get("emphasis", 0.0))


def _manifest(folder: Path) -> Mapping[str, Any]:
    path = folder / MANIFEST
    try:
        found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"the evidence model's manifest {path} cannot be read ({type(error).__name__}); {_MEND}") from error
    if not {"sha256", "calibration"} <= found.keys():
        raise ModelError(f"the evidence model's manifest {path} names no hashes or no calibration; {_MEND}")
    return found


def _check(path: Path, expected: str) -> None:
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise ModelError(f"the evidence model's file {path} is missing or cannot be read; {_MEND}") from error
    if found != expected:
        raise ModelError(f"the evidence model's file {path} has SHA-256 {found[:12]}…, expected {expected[:12]}…; {_MEND}")


def _session(path: Path, threads: int) -> InferenceSession:
    from onnxruntime import InferenceSession, SessionOptions  # noqa: PLC0415 -- slow to import

    options = SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    return InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _sigmoid(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-min(max(value, -60.0), 60.0)))
