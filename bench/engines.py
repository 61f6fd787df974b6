"""Compare engines for vectors, for terms and for rows, side by side on the same passages.

    python bench/engines.py vectors [--passages 100000] [--vectors FILE.npy]
    python bench/engines.py terms   [--passages 100000]
    python bench/engines.py rows    [--passages 100000]

Each prints a table. One thread. `vectors` are drawn by `bench.perturbed`, or real ones from a file; recall@10 counts what is
among the ten best after the nearest so many (in the name) have been compared exactly. `terms`: bm25s and tantivy come with
`pip install 'stemqa[scale]'`; an update replaces one passage and makes it searchable. `rows`: a passage read by its number.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from time import perf_counter
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import faiss
import numpy as np

from bench.glosses import glosses, passages
from bench.perturbed import Perturbed
from embeddings.postings import Bm25Index, Postings
from embeddings.rowfile import BytesFile
from embeddings.terms import Stems

QUESTIONS = 200
Search = Callable[[Any], Sequence[int]]
IP = faiss.METRIC_INNER_PRODUCT


def vectors(number: int, file: Path | None, place: Path) -> None:
    """Print build time, size, search time and recall of kinds of index."""
    embedder = Perturbed(place / "real.npy")
    rows = np.load(file)[:number] if file else embedder.embed_passages([str(n) for n in range(number)])
    asked = np.stack([embedder.near(rows[n * len(rows) // QUESTIONS], n) for n in range(QUESTIONS)])
    _, exact = faiss.knn(asked, rows, 10, IP)
    faiss.omp_set_num_threads(1)
    print(f"{len(rows):,} vectors\n\n| index | build s | bytes a vector | p50 ms | p95 ms | recall@10 |")
    print("|---|---:|---:|---:|---:|---:|")
    for name, (make, settings) in _kinds(rows.shape[1]).items():
        started = perf_counter()
        index = make()
        index.train(rows)
        index.add(rows)
        built = perf_counter() - started
        size = len(faiss.serialize_index(index)) / len(rows)
        for setting, compared in settings:
            if setting:
                faiss.ParameterSpace().set_index_parameters(index, setting)
            times, found = [], []
            for one in asked:
                started = perf_counter()
                near = index.search(one[None], compared)[1][0]
                best = near[np.argsort(-(rows[near] @ one), kind="stable")[:10]]
                times.append((perf_counter() - started) * 1000)
                found.append(len({*best} & {*exact[len(found)]}) / 10)
            p50, p95 = np.percentile(times, [50, 95])
            label = ", ".join(filter(None, (name, setting, f"{compared} compared")))
            print(f"| {label} | {built:.1f} | {size:.0f} | {p50:.2f} | {p95:.2f} | {np.mean(found):.4f} |", flush=True)


def _kinds(d: int) -> dict[str, tuple[Callable[[], Any], list[tuple[str, int]]]]:
    """Return for each kind how an index of it is made, and with which settings and how many compared it is searched."""
    few = [("", n) for n in (10, 100, 400, 1000)]
    return {
        "exact": (lambda: faiss.IndexFlatIP(d), [("", 10)]),
        "8-bit numbers": (lambda: faiss.IndexScalarQuantizer(d, faiss.ScalarQuantizer.QT_8bit, IP), [("", 20)]),
        "codes of 1 bit (RaBitQ)": (lambda: faiss.IndexRaBitQFastScan(d, IP), few),
        "product codes, 192 x 4 bits": (lambda: faiss.IndexPQFastScan(d, 192, 4, IP), few),
        "1024 lists of 8-bit numbers": (
            lambda: faiss.index_factory(d, "IVF1024,SQ8", IP),
            [(f"nprobe={n}", 20) for n in (8, 32, 128)],
        ),
        "graph of 8-bit numbers (HNSW32)": (
            lambda: faiss.index_factory(d, "HNSW32_SQ8", IP),
            [(f"efSearch={n}", 20) for n in (32, 128, 512)],
        ),
    }


def terms(number: int, place: Path) -> None:
    """Print build time, size, opening, search and update time of lexical engines, and what they have in common with BM25."""
    rows = [f"{head}\n{text}" for head, text in islice(passages(glosses()), number)]
    draw = random.Random(2)
    asked = [
        " ".join(draw.sample(words, min(8, len(words)))) for words in (draw.choice(rows).split() for _ in range(QUESTIONS))
    ]
    print(f"{len(rows):,} passages\n\n| engine | build s | disk MB | open s | p50 ms | p95 ms | update s | same ten |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    exact: list[set[int]] = []
    for name, engine in {"postings (ours)": _ours, "bm25s, mapped": _bm25s, "tantivy": _tantivy, "SQLite FTS5": _fts5}.items():
        folder = place / name.split()[0]
        folder.mkdir()
        try:
            built, opened, search, updated = engine(folder, rows)
        except ImportError as error:
            print(f"| {name} | not installed: {error.name} |")
            continue
        times, found = [], []
        for question in asked:
            started = perf_counter()
            found.append(set(map(int, search(question)[:10])))
            times.append((perf_counter() - started) * 1000)
        exact = exact or found
        same = np.mean([len(a & b) / len(b) if b else not a for a, b in zip(found, exact, strict=True)])
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
        p50, p95 = np.percentile(times, [50, 95])
        print(
            f"| {name} | {built:.1f} | {size:.0f} | {opened:.2f} | {p50:.2f} | {p95:.2f} | {updated():.2f} | {same:.2f} |",
            flush=True,
        )


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = perf_counter()
    result = work()
    return perf_counter() - started, result


Engine = tuple[float, float, Search, Callable[[], float]]


def _ours(folder: Path, rows: Sequence[str]) -> Engine:
    stems, part = Stems(), 12_000
    starts = range(0, len(rows), part)

    def write(start: int) -> None:
        Postings.of(map(stems.terms, rows[start : start + part])).save(folder / str(start))

    def opened() -> Bm25Index:
        return Bm25Index([Postings.load(folder / str(start)) for start in starts])

    def update() -> None:
        old = Postings.load(folder / "0")
        new = Postings.of([stems.terms(rows[1])])
        Postings.joined([old.taken(np.arange(500)), new, old.taken(np.arange(501, len(old)))]).save(folder / "new")
        Bm25Index([Postings.load(folder / str(start or "new")) for start in starts])

    built, _ = _timed(lambda: [write(start) for start in starts])
    seconds, index = _timed(opened)
    return built, seconds, lambda question: index.search(question, 100)[0], lambda: _timed(update)[0]


def _bm25s(folder: Path, rows: Sequence[str]) -> Engine:
    import bm25s  # noqa: PLC0415 -- it may be absent

    stems = Stems()

    def build() -> None:
        tokens = [stems.terms(row) or [""] for row in rows]
        number = {term: i for i, term in enumerate(sorted({term for row in tokens for term in row}))}
        engine = bm25s.BM25(method="lucene", k1=0.9, b=0.4)
        engine.index(([[number[term] for term in row] for row in tokens], number), show_progress=False)
        engine.save(str(folder), show_progress=False)

    def search(question: str) -> Sequence[int]:
        known = [term for term in stems.terms(question) if term in engine.vocab_dict]
        scores = engine.get_scores(known) if known else np.zeros(len(rows), np.float32)
        numbers = np.flatnonzero(scores >= max(np.partition(scores, -100)[-100], 1e-9))
        return numbers[np.lexsort((numbers, -scores[numbers]))]

    built, _ = _timed(build)
    seconds, engine = _timed(lambda: bm25s.BM25.load(str(folder), mmap=True, load_corpus=False))
    return built, seconds, search, lambda: _timed(build)[0]  # scores are of all passages: nothing can be replaced alone


def _tantivy(folder: Path, rows: Sequence[str]) -> Engine:
    import tantivy  # noqa: PLC0415 -- it may be absent

    schema = tantivy.SchemaBuilder()
    schema.add_integer_field("number", stored=True, indexed=True, fast=True)
    schema.add_text_field("text", tokenizer_name="en_stem")
    index = tantivy.Index(schema.build(), path=str(folder))

    def write(numbers: Sequence[int]) -> None:
        writer = index.writer(heap_size=128_000_000, num_threads=1)
        for number in numbers:
            if len(numbers) == 1:
                writer.delete_documents_by_term("number", number)
            writer.add_document(tantivy.Document(number=number, text=rows[number]))
        writer.commit()
        writer.wait_merging_threads()
        index.reload()

    def search(question: str) -> Sequence[int]:
        query = index.parse_query(" ".join(re.findall(r"\w+", question.lower())), ["text"])
        searcher = index.searcher()
        return [searcher.doc(address)["number"][0] for _, address in searcher.search(query, 100).hits]

    built, _ = _timed(lambda: write(range(len(rows))))
    seconds, _ = _timed(lambda: tantivy.Index.open(str(folder)).searcher())
    return built, seconds, search, lambda: _timed(lambda: write([500]))[0]


def _fts5(folder: Path, rows: Sequence[str]) -> Engine:
    base = sqlite3.connect(folder / "terms.sqlite")

    def build() -> None:
        base.execute("CREATE VIRTUAL TABLE terms USING fts5(text, content='', tokenize='porter unicode61')")
        base.executemany("INSERT INTO terms(rowid, text) VALUES (?, ?)", enumerate(rows))
        base.commit()

    def search(question: str) -> Sequence[int]:
        words = " OR ".join(f'"{word}"' for word in re.findall(r"\w+", question.lower()))
        found = base.execute("SELECT rowid FROM terms WHERE terms MATCH ? ORDER BY rank LIMIT 100", (words,))
        return [row[0] for row in found]

    def update() -> None:
        base.execute("INSERT INTO terms(terms, rowid, text) VALUES ('delete', 500, ?)", (rows[500],))
        base.execute("INSERT INTO terms(rowid, text) VALUES (500, ?)", (rows[1],))
        base.commit()

    built, _ = _timed(build)
    seconds, _ = _timed(
        lambda: sqlite3.connect(folder / "terms.sqlite").execute("SELECT count(*) FROM terms_docsize").fetchone()
    )
    return built, seconds, search, lambda: _timed(update)[0]


def stored(number: int, place: Path) -> None:
    """Print build time, size and reading time of passages as lines with their places, and in SQLite."""
    rows = [json.dumps({"head": head, "text": text}) for head, text in islice(passages(glosses()), number)]
    draw = random.Random(3)
    asked = [draw.randrange(len(rows)) for _ in range(2000)]
    print(f"{len(rows):,} passages\n\n| store | build s | disk MB | us a passage |\n|---|---:|---:|---:|")
    lines, base = place / "rows.jsonl", sqlite3.connect(place / "rows.sqlite")

    def write_lines() -> None:
        lines.write_text("\n".join(rows), encoding="utf-8")
        np.save(place / "places.npy", np.cumsum([0, *(len(row) + 1 for row in rows)]))

    def write_base() -> None:
        base.execute("CREATE TABLE rows (number INTEGER PRIMARY KEY, row TEXT)")
        base.executemany("INSERT INTO rows VALUES (?, ?)", enumerate(rows))
        base.commit()

    built = _timed(write_lines)[0]
    places, file = np.load(place / "places.npy"), BytesFile(lines)
    read, _ = _timed(lambda: [json.loads(file.between(int(places[n]), int(places[n + 1]))) for n in asked])
    print(f"| lines and their places | {built:.1f} | {lines.stat().st_size / 1e6:.0f} | {read / len(asked) * 1e6:.0f} |")
    built = _timed(write_base)[0]
    one = "SELECT row FROM rows WHERE number = ?"
    read, _ = _timed(lambda: [json.loads(base.execute(one, (n,)).fetchone()[0]) for n in asked])
    size = (place / "rows.sqlite").stat().st_size / 1e6
    print(f"| SQLite | {built:.1f} | {size:.0f} | {read / len(asked) * 1e6:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["vectors", "terms", "rows"])
    parser.add_argument("--passages", type=int, default=100_000)
    parser.add_argument("--vectors", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        if options.what == "vectors":
            vectors(options.passages, options.vectors, Path(place))
        elif options.what == "terms":
            terms(options.passages, Path(place))
        else:
            stored(options.passages, Path(place))


if __name__ == "__main__":
    main()
