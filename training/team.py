"""Processes that train one network together: one rate, one mean gradient, all in step."""

from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier

import torch


@dataclass(frozen=True, slots=True)
class Meeting:
    """Where workers meet: shared memory for their gradients (workers, parameters) and for the share of time passed."""

    gradients: torch.Tensor
    share: torch.Tensor
    barrier: Barrier


@dataclass(frozen=True, slots=True)
class Team:
    """Workers of one thread each that learn together: they meet once a step, which costs little on a busy machine."""

    rank: int
    workers: int
    meeting: Meeting

    def agree(self, share: float) -> float:
        """Return the first worker's share of the time passed, so that all learn at one rate and stop together."""
        if self.rank == 0:
            self.meeting.share.fill_(share)
        self.meeting.barrier.wait()
        return float(self.meeting.share)

    def average(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace every gradient by its mean over the workers; all come away with the same numbers."""
        if self.workers == 1:
            return
        torch.cat([_gradient(p).view(-1) for p in parameters], out=self.meeting.gradients[self.rank])
        self.meeting.barrier.wait()
        mean, at = self.meeting.gradients.mean(0), 0
        self.meeting.barrier.wait()
        for parameter in parameters:
            parameter.grad = mean[at : at + parameter.numel()].view_as(parameter)
            at += parameter.numel()


def _gradient(parameter: torch.nn.Parameter) -> torch.Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
