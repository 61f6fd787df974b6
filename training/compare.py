"""Compare the shipped 8-bit evidence model with the unquantised one: the same first sentence, and the time they take.

python -m training.compare embeddings/models RUN/evidence.fp32.onnx --judges ../shared/eval
"""

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from onnxruntime import InferenceSession, SessionOptions

from embeddings.evidence import TOKENIZER, EvidenceCalibration, OnnxEvidenceModel, open_evidence_model
from embeddings.evidence_input import InputMaker
from training.evaluate import Case, mean_of, squad_cases


def open_exact(models: Path, fp32: Path, threads: int) -> OnnxEvidenceModel:
    """Open the unquantised model with the shipped tokenizer; its probabilities are uncalibrated, its order is not."""
    session = InferenceSession(str(fp32), threads_of(threads), providers=["CPUExecutionProvider"])
    plain = EvidenceCalibration((1.0, 0.0), (1.0, 0.0, 0.0, 0.0, 0.0))
    return OnnxEvidenceModel(session, InputMaker(models / TOKENIZER), plain, sha256="")


def threads_of(count: int) -> SessionOptions:
    options = SessionOptions()
    options.intra_op_num_threads = count
    return options


def agreement(model: OnnxEvidenceModel, exact: OnnxEvidenceModel, cases: Sequence[Case]) -> dict[str, object]:
    """How often 8-bit and fp32 weights put the same sentence first, and how fast each reads 8 passages of 150 tokens."""
    same = []
    for case in cases:
        first = [int(np.argmax(m.score(case.question, [case.passage])[0].sentences)) for m in (model, exact)]
        same.append(float(first[0] == first[1]))
    return {"same first sentence": mean_of(same), "ms int8": latency(model), "ms fp32": latency(exact)}


def latency(model: OnnxEvidenceModel, rounds: int = 12) -> float:
    """Milliseconds to read 8 passages of about 150 tokens: the fastest of some rounds, as other work may share the machine."""
    sentence = "The marrow of the large bones makes red cells, white cells and platelets for the blood all through life."
    passages = [Case("", "Marrow", (sentence,) * 6, frozenset()).passage] * 8
    times = []
    for _ in range(rounds):
        began = time.perf_counter()
        model.score("Which cells does the marrow of the bones make?", passages)
        times.append(time.perf_counter() - began)
    return round(min(times) * 1000, 1)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Compare the 8-bit evidence model with the unquantised one.")
    parser.add_argument("models", type=Path)
    parser.add_argument("fp32", type=Path)
    parser.add_argument("--judges", type=Path, default=Path("../shared/eval"))
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(arguments)
    cases = squad_cases(options.judges / "squad2_dev", typo=False, sample=options.sample)
    exact = open_exact(options.models, options.fp32, options.threads)
    print(json.dumps(agreement(open_evidence_model(options.models, threads=options.threads), exact, cases)))


if __name__ == "__main__":
    main()
