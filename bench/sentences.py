"""Sentence splitters side by side on the labelled sample: exact spans and boundaries, and seconds per 10 MB.

    python bench/sentences.py            # what is installed of: pysbd, sentencex, blingfire, nupunkt, syntok, ...
    python bench/sentences.py --failures # and what corpus.sentences gets wrong

Every other splitter is given each paragraph and list item of the sample by itself, as `corpus.lines` finds them, for none
of them knows lists or lines broken on purpose; `(raw)` is the same splitter on the whole text. Their sentences are aligned
with the text where they return no offsets.
"""

from __future__ import annotations

import importlib
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from corpus.document import Span
from corpus.lines import trimmed, units
from corpus.sentences import split_sentences

Splitter = Callable[[str], Iterable[str]]
SAMPLE = Path(__file__).parent.parent / "tests" / "data" / "sentences.txt"


def read_sample(path: Path = SAMPLE) -> list[tuple[str, str, list[Span]]]:
    """Return kind, text and gold sentences of every sample; in the file each sentence stands in ⟦ ⟧."""
    samples = []
    for block in path.read_text(encoding="utf-8").split("#### ")[1:]:
        kind, _, marked = block.partition("\n")
        text, spans, start = "", [], 0
        for character in marked.rstrip("\n"):
            if character == "⟦":
                start = len(text)
            elif character == "⟧":
                spans.append(Span(start, len(text)))
            else:
                text += character
        samples.append((kind, text, spans))
    return samples


def aligned(text: str, within: Span, sentences: Iterable[str]) -> list[Span]:
    """Return the spans of `sentences` in `text`; a sentence that the splitter changed is found by its letters alone."""
    spans, at = [], within.start
    for sentence in sentences:
        start = None
        for character in (c for c in sentence if not c.isspace()):
            found = text.find(character, at, within.end)
            if found < 0:
                continue
            start = found if start is None else start
            at = found + 1
        if start is not None and (span := trimmed(text, start, at)):
            spans.append(span)
    return spans


def _splitters() -> dict[str, Splitter]:
    makers: dict[str, Callable[[], Splitter]] = {
        "pysbd": lambda: importlib.import_module("pysbd").Segmenter(language="en", clean=False).segment,
        "sentencex": lambda: lambda text: importlib.import_module("sentencex").segment("en", text),
        "blingfire": lambda: lambda text: importlib.import_module("blingfire").text_to_sentences(text).split("\n"),
        "nupunkt": lambda: importlib.import_module("nupunkt").sent_tokenize,
        "segtok": lambda: importlib.import_module("segtok.segmenter").split_single,
        "sentence-splitter": lambda: importlib.import_module("sentence_splitter").SentenceSplitter(language="en").split,
        "syntok": _syntok,
        "icu": _icu,
    }
    found = {}
    for name, make in makers.items():
        try:
            splitter = make()
            list(splitter("Try. It."))
            found[name] = splitter
        except (ImportError, OSError, AttributeError) as error:
            print(f"{name}: not measured ({error})", file=sys.stderr)
    return found


def _syntok() -> Splitter:
    segmenter = importlib.import_module("syntok.segmenter")

    def split(text: str) -> Iterable[str]:
        for paragraph in segmenter.process(text):
            for sentence in paragraph:
                yield "".join(token.spacing + token.value for token in sentence)

    return split


def _icu() -> Splitter:
    icu = importlib.import_module("icu")

    def split(text: str) -> Iterable[str]:
        breaks = icu.BreakIterator.createSentenceInstance(icu.Locale("en_US@ss=standard"))
        breaks.setText(text)
        start = 0
        for end in breaks:
            yield text[start:end]
            start = end

    return split


def _score(name: str, predict: Callable[[str], Iterable[Span]], samples: list[tuple[str, str, list[Span]]]) -> None:
    gold = found = right = ends = end_found = 0
    for _, text, spans in samples:
        predicted = list(predict(text))
        gold += len(spans)
        found += len(predicted)
        right += len(set(predicted) & set(spans))
        ends += len({span.end for span in predicted} & {span.end for span in spans})
        end_found += len({span.end for span in predicted})
    started = time.perf_counter()
    size = 0
    while time.perf_counter() - started < 1.0:
        for _, text, _ in samples:
            list(predict(text))
            size += len(text)
    seconds = (time.perf_counter() - started) / size * 10e6
    print(f"{name:28} {_f1(right, found, gold):.3f} {_f1(ends, end_found, gold):.3f} {found:5d} {seconds:9.1f}")


def _f1(right: int, found: int, gold: int) -> float:
    return 2 * right / (found + gold) if found + gold else 0.0


def main() -> None:
    samples = read_sample()
    print(f"{sum(len(spans) for *_, spans in samples)} sentences in {len(samples)} samples")
    print(f"{'splitter':28} spans  ends  found   s/10 MB")
    _score("corpus.sentences", lambda text: split_sentences(text, Span(0, len(text))), samples)
    for name, splitter in _splitters().items():

        def in_units(text: str, splitter: Splitter = splitter) -> Iterable[Span]:
            for unit in units(text, Span(0, len(text))):
                yield from aligned(text, unit, splitter(unit.of(text)))

        _score(name, in_units, samples)
        _score(name + " (raw)", lambda text, s=splitter: aligned(text, Span(0, len(text)), s(text)), samples)
    if "--failures" in sys.argv:
        for kind, text, spans in samples:
            predicted = set(split_sentences(text, Span(0, len(text))))
            for span in sorted(predicted ^ set(spans)):
                print("missed" if span in spans else "wrong ", kind, repr(span.of(text)))


if __name__ == "__main__":
    main()
