"""Where within a sentence a short answer stands: the likeliest span of tokens, how sure it is, and as whole words.

The model gives every token a logit to begin and one to end a short answer; its first token, [CLS], stands for "nowhere".
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from embeddings.evidence_input import NO_SENTENCE, Input

LONGEST_TOKENS = 24
LONGEST_WORDS = 12
SHARE = 0.6
"""What is more than this of its sentence is no short answer within it."""

# "3.5", "1,000", "well-known", "12:30" and "$5%" are one word each; "U.S." keeps its stops.
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[$€£]?\w+(?:[.,:/'’–-]\w+)*[%‰°]?")

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShortAnswer:
    """The likeliest short answer within a sentence: characters `start` to `end` of it.

    `over` is its logit over that of "nowhere"; `certainty` the log of its probability among all of the window and "nowhere".
    """

    over: float
    certainty: float
    start: int
    end: int


def log_total(row: Input, token_logits: Floats) -> float:
    """Return the log of the sum over all places where a short answer may begin and end, "nowhere" included."""
    inside = np.asarray(row.sentences) != NO_SENTENCE
    inside[0] = True
    return float(np.logaddexp.reduce(token_logits[inside, 2:].astype(np.float64), axis=0).sum())


def likeliest(row: Input, token_logits: Floats, inside: NDArray[np.int64], *, total: float) -> ShortAnswer:
    """Return the likeliest short answer among the tokens `inside`, which are one sentence's; `total` is `log_total`."""
    starts, ends = token_logits[inside, 2], token_logits[inside, 3]
    scores = np.triu(starts[:, None] + ends[None, :]) + np.tril(np.full((inside.size, inside.size), -1e4), -1)
    scores += np.triu(np.full_like(scores, -1e4), LONGEST_TOKENS)
    first, last = divmod(int(scores.argmax()), inside.size)
    best = float(scores[first, last])
    start, end = row.offsets[inside[first]][0], row.offsets[inside[last]][1]
    return ShortAnswer(best - float(token_logits[0, 2:].sum()), best - total, start, end)


def whole_words(sentence: str, answer: ShortAnswer) -> tuple[int, int] | None:
    """Return the answer's place in `sentence` as whole words; None where it is not short, or not a word at all."""
    words = [m for m in _WORD.finditer(sentence) if m.start() < answer.end and answer.start < m.end()]
    if not words:
        return None
    start, end = words[0].start(), words[-1].end()
    if sentence[end : end + 1] == ")" and sentence.count("(", start, end) > sentence.count(")", start, end):
        end += 1
    return (start, end) if len(words) <= LONGEST_WORDS and end - start <= SHARE * len(sentence) else None
