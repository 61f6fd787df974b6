"""Ask labelled questions of small libraries: what `training.fuse` fits to.

Three kinds. (1) Articles of public sets that training held out: each becomes small libraries that hold a random half of its
passages, so a question whose passage was left out is on the subject and cannot be answered. (2) Works written for training, of
those that it held out: four essays on one subject, or articles on several, with questions that no sentence answers; and what is
none of their subject. (3) The shipped documents and questions. Nothing of the evaluation sets is used.
"""

from __future__ import annotations

import gzip
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from corpus.decode import normalise
from corpus.document import Document, Span
from corpus.markdown import markdown_document
from embeddings.encoder import SentenceEmbedder
from embeddings.terms import STOP_WORDS
from rag.build import build_library
from rag.calibration import Calibration
from rag.evidence import Candidate, candidates
from rag.library import Library
from rag.protocols import EvidenceModel, FloatArray
from rag.query import Query, queries
from rag.retrieve import collapse, retrieve
from training.pairs import WRITTEN, Pair, is_held_out
from training.written import CLUSTERS, FOLDER, Article, read_articles, written_files

SETS = ("shift_wiki", "squad2_part")
EVERYDAY, FROM_OTHERS = 24, 8  # questions asked of a library that are none of its subject
TOGETHER = 5  # articles in a library of several


@dataclass(frozen=True)
class Row:
    """A question asked of a library: its candidate sentences, which of them answer, and whether any does.

    A `strange` one is none of the library's subject.
    """

    article: str
    query: Query
    answerable: bool
    found: list[Candidate]
    gold: list[bool]
    weight: float = 1.0
    strange: bool = False

    @property
    def group(self) -> str:
        """What is left out together, to report on what was not fitted: the article or fold, without the library's number."""
        return self.article.split()[0]


class Remembering:
    """An embedder that embeds the questions of an article in one batch and remembers them."""

    def __init__(self, embedder: SentenceEmbedder, questions: Sequence[str]) -> None:
        self.name, self.sha256, self.dimension = embedder.name, embedder.sha256, embedder.dimension
        self.embed_passages = embedder.embed_passages
        self._vectors = dict(zip(questions, embedder.embed_passages(questions), strict=True))
        self._embed_query = embedder.embed_query

    def embed_query(self, text: str) -> FloatArray:
        """Return the question's vector."""
        return self._vectors[text] if text in self._vectors else self._embed_query(text)


def articles(folder: Path) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Yield each article that training held out with its question rows."""
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for name in SETS:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as stream:
            for line in stream:
                row = json.loads(line)
                if is_held_out(Pair(row["question"], "", (row["passage"],), frozenset(), None, row["doc"], row["src"])):
                    groups[row["doc"]].append(row)
    yield from sorted(groups.items())


def keyword_form(question: str) -> str:
    """Return the question's content words, as people type them into a search box."""
    kept = [w for w in question.rstrip("?").split() if w.lower() not in STOP_WORDS]
    return " ".join(kept) if len(kept) >= 2 else question


@dataclass(frozen=True)
class Asker:
    """What is needed to ask: models, and the calibration that libraries are built with."""

    embedder: SentenceEmbedder
    reader: EvidenceModel | None
    base: dict[str, Calibration]

    def article(self, name: str, rows: Sequence[dict[str, Any]], *, split: int, limit: int) -> Iterator[Row]:
        """Ask up to `limit` questions of an article of a library that holds half of its passages, at most 40."""
        draw = random.Random(f"{name} {split}")
        passages = sorted({row["passage"] for row in rows if normalise(row["passage"]) == row["passage"]})
        draw.shuffle(passages)
        kept = {p: f"p{i}" for i, p in enumerate(passages[: min(len(passages) // 2, 40)])}
        documents = [Document.create(p, title=name.replace("_", " "), source=name, id=i) for p, i in kept.items()]
        picked = draw.sample(list(rows), min(limit, len(rows)))
        typed = [keyword_form(row["question"]) if draw.random() < 0.25 else row["question"] for row in picked]
        with self.library(documents, typed) as library:
            for row, question in zip(picked, typed, strict=True):
                home = kept.get(row["passage"]) if row["spans"] else None
                gold = [(home, Span(a, b)) for a, b in row["spans"]] if home else []
                yield from self.ask(library, f"{name} {split}", question, gold=gold, answerable=home is not None)

    def works(self, articles: Sequence[Article], name: str) -> Iterator[Row]:
        """Ask the questions of works in one library; those whose gold cannot be found in it are left out."""
        documents = documents_of(articles)
        asked = [(article, asked) for article in articles for asked in article.asked]
        with self.library(documents, [a.question for _, a in asked]) as library:
            for article, question in asked:
                gold = gold_of(article, question.sentences, documents)
                if len(gold) == len(question.sentences):
                    yield from self.ask(library, name, question.question, gold=gold, answerable=bool(gold))

    def strangers(self, documents: Sequence[Document], questions: Sequence[str], name: str) -> Iterator[Row]:
        """Ask a library what is none of its subject."""
        with self.library(documents, questions) as library:
            for question in questions:
                yield from self.ask(library, name, question, gold=[], answerable=False)

    def shipped(self, questions: Path, documents: Sequence[Document]) -> Iterator[Row]:
        """Ask the answerable and the unanswerable questions of a set in the shipped form."""
        rows = [json.loads(line) for line in questions.read_text(encoding="utf-8").splitlines()]
        rows = [row for row in rows if row["kind"] in {"answerable", "unanswerable"}]
        texts = {d.id: d.text for d in documents}
        with self.library(documents, [row["question"] for row in rows]) as library:
            for row in rows:
                places = [(g["document_id"], texts[g["document_id"]].find(g["quote"]), len(g["quote"])) for g in row["gold"]]
                gold = [(i, Span(start, start + length)) for i, start, length in places]
                yield from self.ask(library, row["id"], row["question"], gold=gold, answerable=row["kind"] == "answerable")

    def ask(self, library: Library, name: str, question: str, *, gold: Any, answerable: bool) -> Iterator[Row]:  # noqa: ANN401
        """Yield a row for each part of the question."""
        for query in queries(library, question):
            hits = [g[0] for g in collapse(library, retrieve(library, query.text, query.vector, 24))]
            model = self.base["similarity"].sentence
            found = candidates(library, query, hits, model=model, reader=self.reader)
            right = [any(c.chunk.document_id == i and overlap(c.span, span) for i, span in gold) for c in found]
            yield Row(name, query, answerable, found, right)

    def library(self, documents: Sequence[Document], typed: Sequence[str]) -> Any:  # noqa: ANN401
        """Return a context that opens a library of `documents` and removes it afterwards."""
        return _TemporaryLibrary(documents, Remembering(self.embedder, typed), self.base)


class _TemporaryLibrary:
    def __init__(self, documents: Sequence[Document], embedder: Any, base: dict[str, Calibration]) -> None:  # noqa: ANN401
        self._folder = tempfile.TemporaryDirectory()
        self._parts = (documents, embedder, base)

    def __enter__(self) -> Library:
        documents, embedder, base = self._parts
        folder = Path(self._folder.name)
        build_library(folder, documents, embedder=embedder, calibrations=base, progress=lambda *_: None)
        return Library.open(folder, embedder)

    def __exit__(self, *_: object) -> None:
        self._folder.cleanup()


def overlap(one: Span, other: Span) -> bool:
    """Whether two spans share at least half of the shorter."""
    return min(one.end, other.end) - max(one.start, other.start) >= 0.5 * min(len(one), len(other))


def works(folder: Path = FOLDER) -> Iterator[list[Article]]:
    """Yield the held-out works written for training: each cluster alone, articles in shuffled groups of a library each."""
    singles: list[Article] = []
    for path in written_files(folder):
        for article in read_articles(path):
            if not is_held_out(Pair("", "", ("",), frozenset(), None, article.name, WRITTEN)):
                continue
            if path.parent.name == CLUSTERS:
                yield [article]
            else:
                singles.append(article)
    random.Random(3).shuffle(singles)
    yield from (singles[k : k + TOGETHER] for k in range(0, len(singles), TOGETHER))


def strange_questions(library: Sequence[Article], others: Sequence[Article], draw: random.Random) -> list[str]:
    """Draw questions that are none of a library's subject: everyday ones, and some of other works."""
    asked = [a.question for work in others for a in work.asked if work not in library]
    return draw.sample(everyday(), EVERYDAY) + draw.sample(asked, FROM_OTHERS)


def everyday() -> list[str]:
    """Return what people type that no library is about."""
    return (FOLDER / "everyday.md").read_text("utf-8").splitlines()[2:]


def documents_of(articles: Sequence[Article]) -> list[Document]:
    """Return the documents of a library: one for each title, with its headings; its id is its title."""
    found = []
    for article in articles:
        for title, numbers in groupby(range(len(article.sentences)), key=lambda n: article.places[n][0]):
            sections = groupby(numbers, key=lambda n: article.places[n][1])
            parts = [(f"## {h}\n\n" if h else "") + " ".join(article.sentences[n] for n in ns) for h, ns in sections]
            text = f"---\nid: {json.dumps(title)}\ntitle: {json.dumps(title)}\n---\n" + "\n\n".join(parts)
            found.append(markdown_document(normalise(text), stem=title, source=title))
    return found


def gold_of(article: Article, numbers: Sequence[int], documents: Sequence[Document]) -> list[tuple[str, Span]]:
    """Return where in the documents the numbered sentences stand; none for one that Markdown renders otherwise."""
    texts = {d.title: (d.id, d.text) for d in documents}
    found = []
    for n in numbers:
        name, text = texts[article.places[n][0]]
        start = text.find(article.sentences[n])
        if start >= 0:
            found.append((name, Span(start, start + len(article.sentences[n]))))
    return found
