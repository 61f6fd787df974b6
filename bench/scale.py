"""Measure a library of 10 thousand to a million passages of real text: building, opening, searching, updating.

    python bench/scale.py [--sizes 10000 100000 400000 1000000] [--place FOLDER] [--output docs/scale.json]

`bench.glosses` says where the texts come from, `bench.perturbed` how their vectors are made. Each step runs in a process of
its own, through the functions that the commands call. Recall is that of the ten best passages, against the same search with
every vector compared. Resident memory: `anonymous` is the process's own, `mapped` are pages of files, which the system may
drop. Each row is appended to `--output`; `python bench/scale.py --table docs/scale.json` prints the table.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any
from unittest.mock import patch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import numpy as np

from bench.glosses import documents
from bench.perturbed import Perturbed
from embeddings.vectors import CodedIndex
from rag import index as indexing
from rag.library import Library
from rag.protocols import FloatArray, IntArray
from rag.retrieve import retrieve
from rag.settings import Settings

SIZES = (10_000, 100_000, 400_000, 1_000_000)
SECTIONS = (0.78, 0.97)
"""Sections of dictionary text that make one passage, up to 100,000 of these and beyond, where they are shorter."""
QUESTIONS = 300
CHECKED = 100
"""Questions that are asked, and of these, such as are asked again with every vector compared."""
UPDATES = 5
COLUMNS = {
    "passages": "passages",
    "build_s": "build s",
    "build_mb": "peak MB",
    "disk_mb": "disk MB",
    "open_s": "open s",
    "anonymous_mb": "resident MB",
    "mapped_mb": "mapped MB",
    "p50_ms": "search p50 ms",
    "p95_ms": "p95 ms",
    "recall": "recall@10",
    "update_s": "update s",
    "update_most_s": "most s",
    "same_s": "no change s",
}


def write_files(place: Path, passages: int) -> None:
    """Write the documents as Markdown files, a hundred sections each."""
    for n, document in enumerate(documents(int(passages * SECTIONS[passages > 100_000]))):
        folder = place / f"{n // 500:03}"
        folder.mkdir(parents=True, exist_ok=True)
        parts = [f"## {s.headings[0]}\n\n{s.span.of(document.text)}\n" for s in document.sections]
        (folder / f"{document.id}.md").write_text(f"# Part {n}\n\n" + "\n".join(parts), encoding="utf-8")


def build(place: Path) -> dict[str, Any]:
    """Build the library of all files."""
    with _indexing(place) as index:
        seconds = index(place / "files")
    os.sync()  # what follows is measured of a library that lies on the disk
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"build_s": seconds, "build_mb": peak, "disk_mb": _bytes(place / "library") / 1e6}


def search(place: Path) -> dict[str, Any]:
    """Open the library and ask it."""
    embedder = Perturbed(place.parent / "real.npy")
    before = _memory()
    started = perf_counter()
    library = Library.open(place / "library", embedder)
    opened = perf_counter() - started
    draw = random.Random(1)
    times, found, asked = [], [], []
    for n in range(QUESTIONS + 20):
        chunk = library.chunks[draw.randrange(len(library.chunks))]
        text = chunk.span.of(library.documents[chunk.document_id].text)
        words = text.split()
        question = " ".join(draw.sample(words, min(8, len(words))))
        vector = embedder.near(embedder.embed_query(text), n)
        started = perf_counter()
        hits = retrieve(library, question, vector, 36)
        times.append((perf_counter() - started) * 1000)
        found.append([hit.chunk.id for hit in hits[:10]])
        asked.append((question, vector))
    memory = {name: value - before[name] for name, value in _memory().items()}
    with _exact(library):
        best = [[hit.chunk.id for hit in retrieve(library, *one, 36)[:10]] for one in asked[:CHECKED]]
    recall = np.mean([len({*a} & {*b}) / len(b) for a, b in zip(found, best, strict=False) if b])
    p50, p95 = np.percentile(times[20:], [50, 95])
    counts = {"passages": len(library.chunks)}
    return {**counts, "open_s": opened, "p50_ms": p50, "p95_ms": p95, "recall": float(recall), **memory}


def update(place: Path) -> dict[str, Any]:
    """Change one sentence of one file and bring the library up to date, `UPDATES` times, and once where nothing has changed."""
    files = sorted((place / "files").rglob("*.md"))
    file = files[len(files) // 2]
    times = []
    with _indexing(place) as index:
        for _ in range(UPDATES):
            text = file.read_text(encoding="utf-8")
            file.write_text(text + f"\nOne more sentence, the {len(text)}th of its kind.\n", encoding="utf-8")
            times.append(index())
            os.sync()
        return {"update_s": median(times), "update_most_s": max(times), "same_s": index()}


STEPS: dict[str, Callable[[Path], dict[str, Any]]] = {"build": build, "search": search, "update": update}


@contextmanager
def _indexing(place: Path) -> Iterator[Callable[..., float]]:
    """Yield a function that brings the library up to date and returns the seconds it took."""
    embedder = Perturbed(place.parent / "real.npy")
    settings = Settings(library=place / "library", evidence="off")

    def timed(*paths: Path) -> float:
        started = perf_counter()
        indexing.index(paths, settings, report=print, progress=lambda *_: None)
        return perf_counter() - started

    with patch.object(indexing, "open_embedder", lambda _model, *, threads: embedder):  # noqa: ARG005
        yield timed


@contextmanager
def _exact(library: Library) -> Iterator[None]:
    """Search by comparing with every vector."""
    rows = [np.load(segment.folder / "passages.npy", mmap_mode="r") for segment in library.segments]

    def search(_: object, vector: FloatArray, k: int) -> tuple[IntArray, FloatArray]:
        cosines = np.concatenate([part @ vector for part in rows])
        numbers = np.argpartition(-cosines, k)[:k]
        order = np.lexsort((numbers, -cosines[numbers]))
        return numbers[order], cosines[numbers][order]

    if isinstance(library.vectors, CodedIndex):
        with patch.object(CodedIndex, "search", search):
            yield
    else:
        yield


def _memory() -> dict[str, float]:
    status = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    values = {line.split(":")[0]: line.split()[1] for line in status if line.startswith("Rss")}
    return {"anonymous_mb": int(values["RssAnon"]) / 1024, "mapped_mb": int(values["RssFile"]) / 1024}


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows as a Markdown table."""

    def cell(name: str, value: float | None) -> str:
        if value is None:
            return ""
        return f"{value:.3f}" if name == "recall" else f"{value:,.0f}" if value >= 100 else f"{value:.2f}"

    head = "| " + " | ".join(COLUMNS.values()) + " |\n|" + "---:|" * len(COLUMNS)
    return "\n".join([head, *("| " + " | ".join(cell(n, row.get(n)) for n in COLUMNS) + " |" for row in rows)])


def run(sizes: Sequence[int], place: Path, output: Path) -> None:
    """Measure each size, and append it to `output`."""
    for size in sizes:
        folder = place / str(size)
        if not (folder / "files").exists():
            write_files(folder / "files", size)
        row: dict[str, Any] = {"size": size, "text_mb": _bytes(folder / "files") / 1e6}
        for step in STEPS:
            command = [sys.executable, __file__, "--step", step, "--place", str(folder)]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                print(done.stderr[-2000:], file=sys.stderr)
                row[f"{step}_failed"] = done.returncode
                continue
            row |= json.loads(done.stdout.splitlines()[-1])
            print(json.dumps(row), flush=True)
        with output.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(row) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--place", type=Path)
    parser.add_argument("--output", type=Path, default=Path("scale.jsonl"))
    parser.add_argument("--step", choices=STEPS)
    parser.add_argument("--table", type=Path)
    options = parser.parse_args()
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    if options.table:
        print(table([json.loads(line) for line in options.table.read_text(encoding="utf-8").splitlines()]))
    elif options.step:
        print(json.dumps(STEPS[options.step](options.place)))
    else:
        with tempfile.TemporaryDirectory() as temporary:
            run(options.sizes, options.place or Path(temporary), options.output)


if __name__ == "__main__":
    main()
