"""The shipped corpus: what it holds, pinned; whole front matter; nothing copied from a seed; sentences that stand alone.

After a deliberate change of an article run `python tests/test_shipped_corpus.py > tests/data/shipped_corpus.json`, and read
the difference.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from corpus.chunks import chunk_document
from corpus.document import Document, Span, text_sha256
from corpus.load import load_documents
from corpus.sentences import split_sentences
from corpus.shipped import shipped_documents_path

ROOT = Path(__file__).resolve().parents[1]
PINNED = ROOT / "tests" / "data" / "shipped_corpus.json"
SHARED = ROOT.parent / "shared"
NOTICE = "This article is general information and no medical advice."
SEEDS = {"000_d510849b1dbd1bf1.txt", "001_7460addb66b98631.txt", "002_00706c70d224a670.txt", "003_cff453bcc098e0fc.txt"}
TWICE = {  # needed by two articles each, so that "also in ..." has something to show
    "An autoimmune disease arises when the immune system attacks healthy cells of the body by mistake.",
    "Clinical trials are essential for finding out whether stem cell therapies are safe and effective.",
    (
        "In aplastic anemia and in certain types of leukemia, the bone marrow does not make enough healthy blood cells, "
        "and the immune response is weakened."
    ),
    (
        "More extensive clinical trials are needed before the potential risks and the long-term outcomes of stem cell "
        "therapies for autoimmune diseases are fully understood."
    ),
}


def articles() -> list[Document]:
    troubles: list[str] = []
    loaded = list(load_documents([shipped_documents_path()], report=troubles.append))
    assert not troubles
    return loaded


def sentence_spans(document: Document) -> list[Span]:
    return [span for section in document.sections for span in split_sentences(document.text, section.span)]


def record(document: Document) -> dict[str, Any]:
    """Everything of an article that an answer depends on."""
    spans = sentence_spans(document)
    return {
        "id": document.id,
        "title": document.title,
        "sha256": document.sha256,
        "sections": [section.headings[-1] for section in document.sections],
        "sentences": [[span.start, span.end] for span in spans],
        "first": spans[0].of(document.text),
        "last": spans[-1].of(document.text),
    }


@pytest.fixture(scope="module")
def documents() -> list[Document]:
    return articles()


@pytest.fixture(scope="module")
def sentences(documents: list[Document]) -> list[str]:
    return [span.of(document.text) for document in documents for span in sentence_spans(document)]


def test_every_article_is_pinned_to_its_hash_sections_and_sentence_spans(documents: list[Document]) -> None:
    """Each article loads as the record that is pinned for it, in the order of the file names."""
    pinned = json.loads(PINNED.read_text(encoding="utf-8"))
    assert [record(document) for document in documents] == pinned
    assert all(document.sha256 == text_sha256(document.text) for document in documents)


def test_the_counts_are_those_of_the_shipped_corpus(documents: list[Document], sentences: list[str]) -> None:
    """Twelve files make twelve documents, 40 sections, 107 sentences and as many sentences in chunks."""
    files = sorted(shipped_documents_path().glob("*.md"))
    assert len(files) == len(documents) == 12
    assert sum(len(document.sections) for document in documents) == 40
    assert len(sentences) == 107
    chunks = [chunk for document in documents for chunk in chunk_document(document)]
    assert sum(len(chunk.sentences) for chunk in chunks) == 107
    assert len({chunk.id for chunk in chunks}) == len(chunks)


@pytest.mark.parametrize(
    ("number", "id", "title", "sentence"),
    [
        (
            0,
            "autoimmune-disease-and-immune-reset",
            "Autoimmune diseases and the reset of the immune system",
            "An autoimmune disease arises when the immune system attacks healthy cells of the body by mistake.",
        ),
        (
            6,
            "mesenchymal-stem-cells",
            "Mesenchymal stem cells and the balance of the immune system",
            (
                "According to studies, mesenchymal stem cells (MSCs) can suppress an abnormal immune response and, "
                "at the same time, promote healing and the repair of tissue."
            ),
        ),
        (
            11,
            "whom-to-ask",
            "Whom to ask about stem cell treatment",
            (
                "Patients who are interested in stem cell treatment should consult healthcare providers to explore their "
                "options and to take part in ongoing clinical trials."
            ),
        ),
    ],
)
def test_the_first_middle_and_last_article_are_pinned(
    documents: list[Document], number: int, id: str, title: str, sentence: str
) -> None:
    """The article at this place has this id, title and first sentence."""
    document = documents[number]
    assert (document.id, document.title) == (id, title)
    assert sentence_spans(document)[0].of(document.text) == sentence


def test_the_front_matter_of_every_article_is_complete(documents: list[Document]) -> None:
    """Id (as the file is named), title, topics, seeds, date and the notice stand in every article."""
    for document, file in zip(documents, sorted(shipped_documents_path().glob("*.md")), strict=True):
        assert document.id == file.stem
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", document.id)
        assert document.title
        assert set(document.meta) == {"topics", "seeds", "date", "notice"}
        topics, seeds = document.meta["topics"], document.meta["seeds"]
        assert isinstance(topics, tuple)
        assert len(topics) >= 2
        assert isinstance(seeds, tuple)
        assert SEEDS.issuperset(seeds)
        assert list(seeds) == sorted(set(seeds))
        assert (document.meta["date"], document.meta["notice"]) == ("2026-11-22", NOTICE)


def test_no_front_matter_is_quotable(sentences: list[str]) -> None:
    """The notice, the date and the seeds' names are metadata and no sentence of any article."""
    assert not [sentence for sentence in sentences if NOTICE in sentence or "2026" in sentence or ".txt" in sentence]


def test_sentences_cover_all_prose(documents: list[Document]) -> None:
    """What lies in a section but in no sentence is white space, so every word of every article can be quoted."""
    for document in documents:
        for section in document.sections:
            rest = list(section.span.of(document.text))
            for span in split_sentences(document.text, section.span):
                rest[span.start - section.span.start : span.end - section.span.start] = " " * len(span)
            assert not "".join(rest).strip()


def test_every_sentence_can_be_quoted_alone(sentences: list[str]) -> None:
    """A sentence is whole, on one line, of 12 to 30 words, and opens with no word that points back."""
    pointing = re.compile(r"(This|That|These|Those|It|Its|They|Their|He|She|Such|In (this|that|these|such)|Here|There)\b")
    for sentence in sentences:
        assert re.fullmatch(r"[A-Z][^\n]*[^.\n]\.", sentence), sentence
        assert 12 <= len(sentence.split()) <= 30, sentence
        assert not pointing.match(sentence), sentence


def test_only_the_sentences_meant_to_stand_twice_do(sentences: list[str]) -> None:
    """Four sentences stand in two articles each; no other sentence is repeated."""
    assert {sentence: count for sentence, count in Counter(sentences).items() if count > 1} == dict.fromkeys(TWICE, 2)


def test_the_fact_table_names_every_article_and_no_other(documents: list[Document]) -> None:
    """docs/corpus.md gives each article's facts, and the seeds that it gives for an article are those of its front matter."""
    rows = re.findall(
        r"^\| ([0-3 ]+) \| .+ \| ([a-z, -]+) \|$", (ROOT / "docs" / "corpus.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert len(rows) == 55
    named = {article.strip() for _, names in rows for article in names.split(",")}
    assert named == {document.id for document in documents}
    by_article = {document.id: {seed[2] for seed in document.meta["seeds"]} for document in documents}
    for numbers, names in rows:
        given: set[str] = set().union(*(by_article[article.strip()] for article in names.split(",")))
        assert given >= set(numbers.split()), (numbers, names)


@pytest.mark.shared
@pytest.mark.skipif(not (SHARED / "tools" / "overlap.py").is_file(), reason="needs ../shared/tools and ../shared/seeds")
def test_no_article_shares_a_run_of_words_with_a_seed() -> None:
    """Facts carry over, sentences do not: no run of more than seven words stands in an article and in a seed."""
    command = [sys.executable, str(SHARED / "tools" / "overlap.py"), str(shipped_documents_path()), str(SHARED / "seeds")]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("0 shared runs")


if __name__ == "__main__":
    lines = (json.dumps(record(document), ensure_ascii=False) for document in articles())
    sys.stdout.write("[\n" + ",\n".join(lines) + "\n]\n")
