"""Read the weights of a shipped 8-bit model back, so that a further run can start from them.

embeddings/models/evidence.int8.onnx -> EvidenceNet, each weight within half a step of its 8-bit scale
"""

from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import numpy_helper

from training.model import EvidenceNet

_LAYER = (
    "attention.self.query",
    "attention.self.key",
    "attention.self.value",
    "attention.output.dense",
    "intermediate.dense",
    "output.dense",
)
_PRODUCTS = ("MatMul", "MatMulInteger")


def restore(net: EvidenceNet, path: Path) -> None:
    """Load into `net` what `path` holds. ValueError where the file is not this network's export."""
    graph = onnx.load(path).graph
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}

    def weight(name: str) -> np.ndarray:
        plain = name.removesuffix("_quantized")
        if plain == name:
            return arrays[name]
        zero = arrays[plain + "_zero_point"].astype(np.float32)
        return (arrays[name].astype(np.float32) - zero) * arrays[plain + "_scale"]

    own = net.state_dict()
    products = [n.input[1] for n in graph.node if n.op_type in _PRODUCTS and n.input[1] in arrays]
    layers = [f"encoder.encoder.layer.{k}.{part}" for k in range(len(net.encoder.encoder.layer)) for part in _LAYER]
    names = [f"{part}.weight" for part in (*layers, "look", "token_head", "passage_head.0", "passage_head.2")]
    if len(products) != len(names):
        raise ValueError(f"{path} holds {len(products)} products where the network has {len(names)}: export it again")
    found = {name: weight(source).T for name, source in zip(names, products, strict=True)}
    for name in own:
        if name not in found:
            found[name] = weight(name if name in arrays else name + "_quantized")
    net.load_state_dict({name: torch.tensor(np.ascontiguousarray(found[name])).view_as(own[name]) for name in own})
