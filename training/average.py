"""Average the weights of two checkpoints: what a later run learned, without losing what the earlier one knew.

    python -m training.average EARLIER.pt LATER.pt --out RUN/mean.pt [--share 0.5]

A straight line between a model and one trained on from it is often better than either end (Wortsman et al. 2022, "Robust
fine-tuning of zero-shot models").
"""

import argparse
from pathlib import Path

import torch


def average(earlier: dict[str, torch.Tensor], later: dict[str, torch.Tensor], share: float) -> dict[str, torch.Tensor]:
    """Return weights of which `share` is the later model's; `KeyError` where the models are not of one kind."""
    return {
        name: torch.lerp(earlier[name], values, share) if values.is_floating_point() else values
        for name, values in later.items()
    }


def main() -> None:
    """Write the mean as a checkpoint that training.export reads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("earlier", type=Path)
    parser.add_argument("later", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--share", type=float, default=0.5, help="of the later one, from 0 to 1")
    options = parser.parse_args()
    nets = [torch.load(path, weights_only=True, map_location="cpu")["net"] for path in (options.earlier, options.later)]
    torch.save({"net": average(*nets, options.share)}, options.out)


if __name__ == "__main__":
    main()
