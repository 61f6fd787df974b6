"""Examples to batches: laid out as the model reads them, of like lengths, padded."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from embeddings.evidence_input import Input, InputMaker, pad
from training.examples import Example, Stream
from training.model import Target
from training.pairs import Pair
from training.team import Team

BATCH, BLOCK = 24, 16  # examples in a batch; draws of the stream, in batches, that are sorted by length together


@dataclass(frozen=True, slots=True)
class Rows:
    """A batch ready for the network."""

    ids: torch.Tensor
    mask: torch.Tensor
    segments: torch.Tensor
    sentences: torch.Tensor
    target: Target


@dataclass(frozen=True, slots=True)
class Laid:
    """An example, its input, and the tokens of its short answer."""

    example: Example
    row: Input
    span: tuple[int, int]


def lay_out(example: Example, maker: InputMaker) -> tuple[Input, tuple[int, int]]:
    """Lay out the example and find the tokens of its short answer: (0, 0) where none, (-100, -100) where unknown."""
    question, context, *sentences = maker.tokens([example.question, example.context, *example.sentences])
    row = maker.lay_out(question, context, sentences)
    if not example.gold:
        return row, (0, 0)
    if example.answer is None:
        return row, (-100, -100)
    sentence, start, end = example.answer
    inside = [
        k
        for k, (place, (a, b)) in enumerate(zip(row.sentences, row.offsets, strict=True))
        if place == sentence and a < end and start < b
    ]
    return row, (inside[0], inside[-1]) if inside else (-100, -100)


def to_rows(groups: Sequence[Sequence[Laid]]) -> Rows:
    """Pad a batch of groups, each the examples of one question."""
    laid = [one for group in groups for one in group]
    batch = pad([one.row for one in laid])
    gold = torch.zeros(len(laid), max(len(one.example.sentences) for one in laid))
    for k, one in enumerate(laid):
        gold[k, list(one.example.gold)] = 1.0
    start, end = (torch.tensor([one.span[side] for one in laid]) for side in (0, 1))
    group = torch.tensor([number if len(group) > 1 else -1 for number, group in enumerate(groups) for _ in group])
    arrays = (torch.from_numpy(a) for a in (batch.ids, batch.mask, batch.segments, batch.sentences))
    return Rows(*arrays, Target(gold, start, end, group))


def batches(stream: Stream, maker: InputMaker, start_block: int, *, seed: int, team: Team) -> Iterator[tuple[int, Rows]]:
    """Endless batches of like lengths, each with its block's number; the same blocks come out whatever block one starts at.

    Each worker gets its share of every block. A group is never parted: a batch may have a few examples more than its share.
    """
    block, size, own = start_block, BATCH * BLOCK, BATCH // team.workers
    while True:
        groups = [
            [Laid(example, *lay_out(example, maker)) for example in stream.group(i)]
            for i in range(block * size + team.rank, (block + 1) * size, team.workers)
        ]
        groups.sort(key=lambda group: max(len(one.row.ids) for one in group))
        cut: list[list[Sequence[Laid]]] = [[]]
        for group in groups:
            if sum(map(len, cut[-1])) >= own:
                cut.append([])
            cut[-1].append(group)
        for at in np.random.default_rng([seed, block]).permutation(len(cut)):
            yield block, to_rows(cut[at])
        block += 1


def held_out_rows(pairs: Sequence[Pair], maker: InputMaker, count: int) -> list[Rows]:
    stream = Stream(pairs, seed=7)
    examples = sorted((stream.example(i) for i in range(count)), key=lambda e: len(" ".join(e.sentences)))
    laid = [[Laid(example, *lay_out(example, maker))] for example in examples]
    return [to_rows(laid[k : k + 32]) for k in range(0, count, 32)]
