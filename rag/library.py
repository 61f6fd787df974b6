"""A library on disk: documents, chunks, vectors, terms, and a manifest that binds them to a model.

    DIR/manifest.json        what the library is made of, and the SHA-256 of each of its files
    DIR/<generation>/        documents.jsonl, chunks.jsonl, passages.faiss, sentences.npy, terms/, words.json

A generation is written whole under a temporary name, then renamed; the manifest is replaced last, atomically. So a reader
sees the old library or the new one, never a mixture, and a write that is cut off leaves the old one in place.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.chunks import chunk_document, embedding_text
from corpus.document import Chunk, Document, Section, Span, text_sha256
from embeddings.spelling import Speller
from embeddings.terms import Bm25Index, count_words
from embeddings.vectors import FlatIndex
from rag.calibration import Calibrations, calibrations_from
from rag.protocols import Embedder, FloatArray, IntArray
from stemqa import LibraryError

FORMAT = 1
CHUNK_WORDS = 120
_BATCH = 256
_GENERATION = re.compile(r"g-[0-9a-f]{16}")
_CONTENTS = ("format", "model", "chunking", "corpus", "calibrations")

Progress = Callable[[str, int, int], None]
"""Told of long work: what is being done, how much is done, how much there is."""


@dataclass(frozen=True, slots=True)
class Library:
    """An opened library. `fingerprint` names its exact contents: documents, chunking, model, calibration.

    `number` maps a chunk's id to its place in `chunks`; chunk i has vector i and lexical number i. `sentence_vectors` has one
    unit row per sentence, in the order of the chunks; the rows of chunk i start at `first_sentence[i]`.
    """

    fingerprint: str
    manifest: Mapping[str, Any]
    documents: Mapping[str, Document]
    chunks: tuple[Chunk, ...]
    number: Mapping[str, int]
    vectors: FlatIndex
    lexical: Bm25Index
    sentence_vectors: npt.NDArray[np.float16]
    first_sentence: npt.NDArray[np.int64]
    speller: Speller
    calibrations: Calibrations
    embedder: Embedder

    def cosine_of(self, chunk: Chunk, vector: FloatArray) -> float:
        """Return the cosine of a question's vector with the chunk's."""
        return float(self.vectors.cosines(vector, np.array([self.number[chunk.id]]))[0])

    def best_sentence_cosines(self, vector: FloatArray, numbers: IntArray) -> FloatArray:
        """Return for each numbered chunk the cosine of the question's vector with its nearest sentence."""
        if not len(numbers):
            return np.zeros(0, np.float32)
        counts = self.first_sentence[numbers + 1] - self.first_sentence[numbers]
        starts = np.cumsum(counts) - counts
        rows = np.repeat(self.first_sentence[numbers] - starts, counts) + np.arange(counts.sum())
        best: FloatArray = np.maximum.reduceat(self.sentence_vectors[rows].astype(np.float32) @ vector, starts)
        return best

    def sentences_of(self, chunk: Chunk) -> FloatArray:
        """Return the vectors of the chunk's sentences: shape (len(chunk.sentences), dimension)."""
        first = self.first_sentence[self.number[chunk.id]]
        return self.sentence_vectors[first : first + len(chunk.sentences)].astype(np.float32)

    @classmethod
    def open(cls, folder: Path, embedder: Embedder) -> Library:
        """Open the library in `folder`. `LibraryError` when it is missing, damaged, or made with another model."""
        manifest = read_manifest(folder)
        model = manifest["model"]
        if (model["sha256"], model["dimension"]) != (embedder.sha256, embedder.dimension):
            raise LibraryError(
                f"the library {folder} was built with the model {model['name']} ({model['sha256'][:12]}), "
                f"not with {embedder.name} ({embedder.sha256[:12]}); set STEMQA_MODEL to the former, "
                f"or build it again with: stemqa index PATH... --library {folder}"
            )
        generation = folder / str(manifest["generation"])
        _check_files(folder, generation, manifest["files"])
        documents = {d.id: d for d in map(_document_from, _read_lines(generation / "documents.jsonl"))}
        chunks = tuple(map(_chunk_from, _read_lines(generation / "chunks.jsonl")))
        counts = [len(chunk.sentences) for chunk in chunks]
        return cls(
            fingerprint=str(manifest["fingerprint"]),
            manifest=MappingProxyType(manifest),
            documents=MappingProxyType(documents),
            chunks=chunks,
            number=MappingProxyType({chunk.id: i for i, chunk in enumerate(chunks)}),
            vectors=FlatIndex.load(generation / "passages.faiss"),
            lexical=Bm25Index.load(generation / "terms"),
            sentence_vectors=np.load(generation / "sentences.npy", mmap_mode="r"),
            first_sentence=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            speller=Speller(json.loads((generation / "words.json").read_text(encoding="utf-8"))),
            calibrations=calibrations_from(manifest["calibrations"]),
            embedder=embedder,
        )


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what the library in `folder` says of itself. `LibraryError` when there is none, or none that can be read."""
    file = folder / "manifest.json"
    mend = f"build one with: stemqa index PATH... --library {folder}"
    try:
        manifest: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        found = manifest["format"]
    except FileNotFoundError:
        raise LibraryError(f"there is no library in {folder}; {mend}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise LibraryError(f"the library's {file} cannot be read as a manifest; remove the folder and {mend}") from None
    if found != FORMAT:
        raise LibraryError(f"the library in {folder} has format {found}, this version reads {FORMAT}; {mend}")
    whole = manifest.keys() >= {"fingerprint", "generation", "counts", "files", *_CONTENTS}
    if not whole or manifest["fingerprint"] != _fingerprint({name: manifest[name] for name in _CONTENTS}):
        raise LibraryError(f"the library's {file} is damaged: its fingerprint is not that of its contents; {mend}")
    return manifest


def is_current(folder: Path, documents: Sequence[Document], embedder: Embedder, calibrations: Calibrations) -> bool:
    """Whether the library in `folder` is whole and is just what building it from these parts would give."""
    try:
        manifest = read_manifest(folder)
        _check_files(folder, folder / str(manifest["generation"]), manifest["files"])
    except LibraryError:
        return False
    return bool(manifest["fingerprint"] == _fingerprint(_contents(documents, embedder, calibrations)))


def build_library(
    folder: Path, documents: Sequence[Document], *, embedder: Embedder, calibrations: Calibrations, progress: Progress
) -> None:
    """Write a library of `documents` to `folder`, in place of one that is there. Deterministic for the same parts."""
    contents = _contents(documents, embedder, calibrations)
    fingerprint = _fingerprint(contents)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        with tempfile.TemporaryDirectory(prefix=".new-", dir=folder) as name:
            new = Path(name) / "generation"
            new.mkdir()
            counts = _write_generation(new, documents, embedder, progress)
            files = {p.relative_to(new).as_posix(): _file_facts(p) for p in sorted(new.rglob("*")) if p.is_file()}
            generation = f"g-{fingerprint[:16]}"
            shutil.rmtree(folder / generation, ignore_errors=True)
            new.rename(folder / generation)
        manifest = {"fingerprint": fingerprint, "generation": generation, **contents, "counts": counts, "files": files}
        _replace(folder / "manifest.json", json.dumps(manifest, indent=1, ensure_ascii=False) + "\n")
        for old in folder.iterdir():
            if _GENERATION.fullmatch(old.name) and old.name != generation:
                shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise LibraryError(
            f"the library in {folder} cannot be written: {error.strerror or error}; choose another folder with --library"
        ) from error


def _refuse_foreign(folder: Path) -> None:
    names = [path.name for path in folder.iterdir()]
    foreign = [n for n in names if n != "manifest.json" and not n.startswith(".new-") and not _GENERATION.fullmatch(n)]
    if foreign:
        raise LibraryError(
            f"{folder} holds other files ({min(foreign)!r}), so no library is written there; name an empty or new folder"
        )


def _write_generation(new: Path, documents: Sequence[Document], embedder: Embedder, progress: Progress) -> dict[str, int]:
    chunks: list[Chunk] = []
    texts: list[str] = []
    titles: list[str] = []
    for document in documents:
        for chunk in chunk_document(document, max_words=CHUNK_WORDS):
            chunks.append(chunk)
            texts.append(embedding_text(document, chunk))
            titles.append(document.title)
    if not chunks:
        raise LibraryError("the documents hold no sentence to index; give files with text")
    by_id = {document.id: document for document in documents}
    sentences = [span.of(by_id[chunk.document_id].text) for chunk in chunks for span in chunk.sentences]
    _write_lines(new / "documents.jsonl", map(_document_row, documents))
    _write_lines(new / "chunks.jsonl", map(_chunk_row, chunks))
    FlatIndex.build(_embed(embedder, texts, "passages", progress)).save(new / "passages.faiss")
    np.save(new / "sentences.npy", _embed(embedder, sentences, "sentences", progress).astype(np.float16))
    # A title says what a passage is about, so its words count twice.
    Bm25Index.build([f"{title}\n{text}" for title, text in zip(titles, texts, strict=True)]).save(new / "terms")
    vocabulary = dict(sorted(count_words(texts).items()))
    (new / "words.json").write_text(json.dumps(vocabulary, ensure_ascii=False), encoding="utf-8")
    return {"documents": len(documents), "chunks": len(chunks), "sentences": len(sentences)}


def _embed(embedder: Embedder, texts: Sequence[str], what: str, progress: Progress) -> npt.NDArray[np.float32]:
    rows = []
    for start in range(0, len(texts), _BATCH):
        progress(what, start, len(texts))
        rows.append(embedder.embed_passages(texts[start : start + _BATCH]))
    progress(what, len(texts), len(texts))
    return np.concatenate(rows)


def _contents(documents: Sequence[Document], embedder: Embedder, calibrations: Calibrations) -> dict[str, Any]:
    """Return all that decides what the library's answers will be."""
    rows = "".join(json.dumps({**_document_row(d), "text": None}, sort_keys=True) + "\n" for d in documents)
    return {
        "format": FORMAT,
        "model": {"name": embedder.name, "sha256": embedder.sha256, "dimension": embedder.dimension},
        "chunking": {"max_words": CHUNK_WORDS},
        "corpus": {"documents": len(documents), "sha256": text_sha256(rows)},
        "calibrations": {name: calibration.to_json() for name, calibration in calibrations.items()},
    }


def _fingerprint(contents: Mapping[str, Any]) -> str:
    return text_sha256(json.dumps(contents, sort_keys=True))


def _document_row(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "title": document.title,
        "source": document.source,
        "sha256": document.sha256,
        "meta": dict(document.meta),
        "sections": [[s.span.start, s.span.end, list(s.headings), s.page] for s in document.sections],
        "text": document.text,
    }


def _document_from(row: Mapping[str, Any]) -> Document:
    sections = tuple(Section(Span(start, end), tuple(headings), page) for start, end, headings, page in row["sections"])
    meta = {key: tuple(value) if isinstance(value, list) else value for key, value in row["meta"].items()}
    return Document(row["id"], row["title"], row["source"], row["text"], row["sha256"], MappingProxyType(meta), sections)


def _chunk_row(chunk: Chunk) -> dict[str, Any]:
    return {
        "id": chunk.id,
        "document_id": chunk.document_id,
        "span": [chunk.span.start, chunk.span.end],
        "sentences": [[s.start, s.end] for s in chunk.sentences],
        "headings": list(chunk.headings),
        "page": chunk.page,
    }


def _chunk_from(row: Mapping[str, Any]) -> Chunk:
    sentences = tuple(Span(start, end) for start, end in row["sentences"])
    return Chunk(row["id"], row["document_id"], Span(*row["span"]), sentences, tuple(row["headings"]), row["page"])


def _write_lines(file: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    with file.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _read_lines(file: Path) -> Iterable[dict[str, Any]]:
    with file.open(encoding="utf-8", newline="\n") as stream:
        yield from map(json.loads, stream)


def _file_facts(file: Path) -> dict[str, Any]:
    return {"bytes": file.stat().st_size, "sha256": _file_sha256(file)}


def _file_sha256(file: Path) -> str:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_files(folder: Path, generation: Path, files: Mapping[str, Mapping[str, Any]]) -> None:
    """`LibraryError` that names the first file of the library that is missing or is not what was written."""
    for name, facts in files.items():
        file = generation / name
        state = "missing" if not file.is_file() else "damaged"
        if state == "missing" or file.stat().st_size != facts["bytes"] or _file_sha256(file) != facts["sha256"]:
            raise LibraryError(
                f"the library in {folder} is {state}: {file.relative_to(folder)}; "
                f"build it again with: stemqa index PATH... --library {folder}"
            )


def _replace(file: Path, text: str) -> None:
    """Put `text` in the place of `file`, whole or not at all."""
    temporary = file.with_name(f".new-{file.name}")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
