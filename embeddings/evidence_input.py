"""Question and passage as the token ids that the evidence model reads, the same in training and at run time.

    [CLS] question [SEP] title and heading [SEP] sentence sentence ... [SEP]

Sentences are tokenised one by one, so that every token knows its sentence and its place in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

QUESTION_TOKENS, CONTEXT_TOKENS, ALL_TOKENS = 64, 32, 256
NO_SENTENCE = -1


@dataclass(frozen=True, slots=True)
class Tokens:
    """A text's token ids and each token's (start, end) in it, in code points."""

    ids: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Input:
    """One row for the model: ids, segments (0 question, 1 the rest), and for each token its sentence or NO_SENTENCE."""

    ids: tuple[int, ...]
    segments: tuple[int, ...]
    sentences: tuple[int, ...]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows padded to one length; every array is int64 of shape (rows, longest)."""

    ids: NDArray[np.int64]
    mask: NDArray[np.int64]
    segments: NDArray[np.int64]
    sentences: NDArray[np.int64]


class InputMaker:
    """Cuts texts into the embedding model's word pieces and lays them out as the model's input."""

    def __init__(self, tokenizer: Path) -> None:
        self._tokenizer = Tokenizer.from_file(str(tokenizer))
        self._tokenizer.no_truncation()
        self._tokenizer.no_padding()
        self._cls, self._sep = (self._id(name) for name in ("[CLS]", "[SEP]"))

    def _id(self, name: str) -> int:
        found = self._tokenizer.token_to_id(name)
        assert found is not None, name
        return int(found)

    def tokens(self, texts: Sequence[str]) -> list[Tokens]:
        """Word pieces of each text, without special tokens."""
        rows = self._tokenizer.encode_batch(list(texts), add_special_tokens=False)
        return [Tokens(tuple(row.ids), tuple(row.offsets)) for row in rows]

    def lay_out(self, question: Tokens, context: Tokens, sentences: Sequence[Tokens]) -> Input:
        """One input row; what exceeds ALL_TOKENS is cut off at the end of the passage."""
        asked, above = question.ids[:QUESTION_TOKENS], context.ids[:CONTEXT_TOKENS]
        head = (self._cls, *asked, self._sep, *above, self._sep)
        ids, place = list(head), [NO_SENTENCE] * len(head)
        offsets = [(0, 0)] * len(head)
        for number, sentence in enumerate(sentences):
            room = ALL_TOKENS - 1 - len(ids)
            ids += sentence.ids[:room]
            offsets += sentence.offsets[:room]
            place += [number] * (len(ids) - len(place))
        ids.append(self._sep)
        segments = [0] * (len(asked) + 2) + [1] * (len(ids) - len(asked) - 2)
        return Input(tuple(ids), tuple(segments), (*place, NO_SENTENCE), (*offsets, (0, 0)))


def pad(rows: Sequence[Input]) -> Batch:
    """Rows of one batch, filled up to the longest with padding (id 0, mask 0, no sentence)."""
    shape = (len(rows), max(len(row.ids) for row in rows))
    ids, mask, segments = (np.zeros(shape, np.int64) for _ in range(3))
    batch = Batch(ids, mask, segments, np.full(shape, NO_SENTENCE, np.int64))
    for k, row in enumerate(rows):
        length = len(row.ids)
        batch.ids[k, :length] = row.ids
        batch.mask[k, :length] = 1
        batch.segments[k, :length] = row.segments
        batch.sentences[k, :length] = row.sentences
    return batch
