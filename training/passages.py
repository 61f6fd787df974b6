"""Questions written for training on passages of the public sets: files in training/written/passages -> Pairs.

The files hold no passage, only its key and questions; the README there tells the form.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from training.pairs import Pair
from training.written import FOLDER, Asked, read_question, short_answer

PASSAGES = FOLDER / "passages"


def key(pair: Pair) -> str:
    """Return what names the passage: the first 12 hexadecimal digits of the SHA-256 of its sentences, joined by spaces."""
    return hashlib.sha256(" ".join(pair.sentences).encode()).hexdigest()[:12]


def passage_pairs(pairs: Sequence[Pair], folder: Path = PASSAGES) -> Iterator[Pair]:
    """Yield a pair for each question that `folder` asks of a passage of `pairs`, of its document and source.

    Questions on passages that `pairs` does not hold are left out; `ValueError` names the line that is not in the form.
    """
    passages: dict[str, Pair] = {}
    for pair in pairs:  # some are cut in several ways, as their answers lie: the first is the one that was numbered
        passages.setdefault(key(pair), pair)
    for path in sorted(folder.glob("*.txt")):
        yield from _read(path, passages)


def _read(path: Path, passages: Mapping[str, Pair]) -> Iterator[Pair]:
    passage: Pair | None = None
    for number, line in enumerate(map(str.strip, path.read_text("utf-8").splitlines()), start=1):
        if line.startswith("@ "):
            passage = passages.get(line.split()[1])
        elif line and passage is not None:
            try:
                yield _pair(passage, read_question(line, passage.sentences))
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: {error}: {line}") from error


def _pair(passage: Pair, asked: Asked) -> Pair:
    gold = sorted(asked.sentences)
    answer = short_answer(asked, passage.sentences, gold)
    return replace(passage, question=asked.question, gold=frozenset(gold), answer=answer)
