"""Fit the guard's classifier with torch: rows of labelled questions -> a `GuardModel`.

Trained with cross-entropy and AdamW. Against learning by heart: a run of words counts only where several
phrasings have it, runs and hidden units are left out at random (Srivastava et al. 2014), and so are the embeddings of some
questions, so that the words alone can decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import cross_entropy, dropout

from bench.guard_data import Row
from rag.guard_asking import split_asking
from rag.guard_model import CLASSES, GuardModel, Thresholds, dense, run_weight
from rag.guard_signs import SIGNS, runs
from rag.protocols import FloatArray

PHRASINGS = 3  # that a run of words must be in to count
NETWORKS, HIDDEN, EPOCHS, BATCH, RATE, DECAY = 4, 64, 8, 256, 0.01, 1e-4
NO_UNIT, NO_RUN, NO_EMBEDDING = 0.3, 0.2, 0.15  # shares left out at random
SMOOTHING = 0.02
UNFITTED: tuple[Thresholds, Thresholds] = ((0.5, 0.5), (0.5, 0.5))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What the classifier reads of each row: its runs of words, and its inputs of shape (rows, inputs)."""

    rows: Sequence[Row]
    runs: Sequence[Sequence[str]]
    dense: FloatArray

    def of(self, chosen: Sequence[int]) -> Inputs:
        return Inputs([self.rows[i] for i in chosen], [self.runs[i] for i in chosen], self.dense[chosen])


class Network(nn.Module):
    """The classifier of `guard_model` as torch trains it."""

    def __init__(self, known: int, inputs: int) -> None:
        super().__init__()
        self.wide = nn.EmbeddingBag(known, len(CLASSES), mode="sum")
        self.hidden = nn.Linear(inputs, HIDDEN)
        self.out = nn.Linear(HIDDEN, len(CLASSES), bias=False)
        self.linear = nn.Linear(inputs, len(CLASSES))
        nn.init.zeros_(self.wide.weight)
        nn.init.zeros_(self.linear.weight)

    def forward(self, bag: tuple[torch.Tensor, torch.Tensor, torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
        found, offsets, weights = bag
        wide: torch.Tensor = self.wide(found, offsets, per_sample_weights=weights)
        hidden = dropout(torch.relu(self.hidden(inputs)), NO_UNIT)
        logits: torch.Tensor = wide + self.out(hidden) + self.linear(inputs)
        return logits


class Bags:
    """The numbers of the known runs of all rows, one after the other, so that a batch is cut out quickly."""

    def __init__(self, rows: Sequence[Sequence[str]], numbers: Mapping[str, int]) -> None:
        known = [[numbers[run] for run in row if run in numbers] for row in rows]
        self._sizes = np.array([len(row) for row in known])
        self._starts = np.cumsum(self._sizes) - self._sizes
        self._all = np.array([number for row in known for number in row], np.int64)
        self._weights = np.array([run_weight(len(row)) for row in known], np.float32)

    def batch(self, chosen: npt.NDArray[np.intp], rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the runs of the rows `chosen`, where each row begins, and what each run weighs, some nothing."""
        sizes = self._sizes[chosen]
        offsets = np.cumsum(sizes) - sizes
        total = int(sizes.sum())
        found = self._all[np.repeat(self._starts[chosen] - offsets, sizes) + np.arange(total)]
        kept = (rng.random(total) >= NO_RUN).astype(np.float32) / (1 - NO_RUN)
        weights = np.repeat(self._weights[chosen], sizes) * kept
        return torch.from_numpy(found), torch.from_numpy(offsets), torch.from_numpy(weights)


def read_inputs(rows: Sequence[Row], vectors: Mapping[str, FloatArray]) -> Inputs:
    """Return what is read of `rows`; `vectors` holds the embedding of every text and of what each asks."""
    asking = [split_asking(row.text) for row in rows]
    inputs = [dense(row.text, asked, vectors.__getitem__) for row, asked in zip(rows, asking, strict=True)]
    return Inputs(rows, [sorted(runs(asked)) for asked in asking], np.stack(inputs))


def fit(inputs: Inputs, embedders: frozenset[str]) -> GuardModel:
    """Fit a model to `inputs`: always the same one to the same rows. Its thresholds are yet to be chosen.

    It is the mean of several networks (Hansen and Salamon 1990), which differ in how they began: one alone is a matter of luck
    where it is unsure. The mean of their logits is one wider network.
    """
    torch.set_num_threads(1)  # sums are the same every time
    numbers = _known_runs(inputs)
    bags = Bags(inputs.runs, numbers)
    return _model([_fitted(inputs, bags, len(numbers), seed) for seed in range(NETWORKS)], numbers, embedders)


def _fitted(inputs: Inputs, bags: Bags, known: int, seed: int) -> Network:
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network(known, inputs.dense.shape[1])
    labels = torch.tensor([CLASSES.index(row.label) for row in inputs.rows])
    weights = _balanced(inputs.rows)
    x = torch.from_numpy(inputs.dense)
    batches = EPOCHS * -(-len(inputs.rows) // BATCH)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=RATE, total_steps=batches)
    for _ in range(EPOCHS):
        for chosen in np.array_split(rng.permutation(len(inputs.rows)), batches // EPOCHS):
            embedded = torch.ones(len(chosen), x.shape[1])
            embedded[torch.from_numpy(rng.random(len(chosen)) < NO_EMBEDDING), : -len(SIGNS)] = 0
            logits = network(bags.batch(chosen, rng), x[chosen] * embedded)
            losses = cross_entropy(logits, labels[chosen], reduction="none", label_smoothing=SMOOTHING)
            optimizer.zero_grad()
            torch.autograd.backward((losses * weights[chosen]).mean())
            optimizer.step()
            schedule.step()
    return network


def _known_runs(inputs: Inputs) -> dict[str, int]:
    """Return the runs of words that several phrasings have, numbered in their order."""
    phrasings = defaultdict(set)
    for row, found in zip(inputs.rows, inputs.runs, strict=True):
        for run in found:
            phrasings[run].add(row.group)
    return {run: i for i, run in enumerate(sorted(run for run, groups in phrasings.items() if len(groups) >= PHRASINGS))}


def _balanced(rows: Sequence[Row]) -> torch.Tensor:
    """Return the rows' weights, those of a class multiplied by the root of how rare it is."""
    weights = np.array([row.weight for row in rows], np.float32)
    labels = np.array([CLASSES.index(row.label) for row in rows])
    of_class = np.array([weights[labels == i].sum() for i in range(len(CLASSES))])
    balanced = weights * np.sqrt(weights.sum() / of_class)[labels]
    return torch.from_numpy((balanced / balanced.mean()).astype(np.float32))


def _model(networks: Sequence[Network], numbers: dict[str, int], embedders: frozenset[str]) -> GuardModel:
    """Return the mean of `networks` as it will be read from the file: in half precision."""

    def rounded(values: torch.Tensor) -> FloatArray:
        return values.detach().numpy().astype(np.float16).astype(np.float32)

    def mean(part: Callable[[Network], torch.Tensor]) -> FloatArray:
        return rounded(torch.stack([part(network) for network in networks]).mean(0))

    return GuardModel(
        embedders,
        UNFITTED,
        numbers,
        wide=mean(lambda network: network.wide.weight),
        hidden=rounded(torch.cat([network.hidden.weight for network in networks])),
        hidden_bias=rounded(torch.cat([network.hidden.bias for network in networks])),
        out=rounded(torch.cat([network.out.weight for network in networks], dim=1) / len(networks)),
        linear=mean(lambda network: network.linear.weight),
        bias=mean(lambda network: network.linear.bias),
    )
