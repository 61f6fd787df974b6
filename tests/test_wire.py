"""The one JSON form of a reply."""

from __future__ import annotations

import json
import subprocess
import sys

from fake_assistant import CELLS, MARROW, fake_assistant

from corpus.document import Document, Span
from ui.wire import document_path, hits_to_wire, reply_id, to_wire

FIELDS = [
    "id", "kind", "question", "text", "sentences", "citations", "confidence", "reason", "message", "note", "nearest", "library",
    "timings_ms",
]  # fmt: skip
CITATION_FIELDS = [
    "number", "document_id", "document_sha256", "title", "source", "section", "page", "start", "end", "quote", "url",
]  # fmt: skip


def _asked(question: str) -> dict[str, object]:
    form: dict[str, object] = json.loads(to_wire(fake_assistant().ask(question)).model_dump_json())
    return form


def test_answer_has_every_field_of_the_form() -> None:
    """An answer's JSON has the fields of the form, in order, with its sentences and citations filled in."""
    form = _asked("Where are mesenchymal cells?")
    assert list(form) == FIELDS
    assert form["kind"] == "answer"
    assert form["text"] == "Mesenchymal cells live in fat. [1][2]"
    emphasis = {"start": 23, "end": 29}
    sentence = {"text": "Mesenchymal cells live in fat.", "citations": [1, 2], "score": 0.9, "emphasis": emphasis}
    assert form["sentences"] == [sentence]
    assert (form["reason"], form["message"], form["nearest"]) == (None, None, [])
    assert form["timings_ms"] == {"retrieve": 1.5, "answer": 2.5, "total": 4.0}


def test_a_sentence_without_a_sure_short_answer_says_null() -> None:
    """The field is always there, and null where nothing is marked."""
    assert _asked("renew")["sentences"][0]["emphasis"] is None  # type: ignore[index]


def test_citation_is_a_slice_of_its_document() -> None:
    """Each citation's quote is the slice of its document that start and end name, and its section is one line."""
    citations = to_wire(fake_assistant().ask("Where are mesenchymal cells?")).citations
    assert [list(c.model_dump()) for c in citations] == [CITATION_FIELDS] * 2
    for citation, document in zip(citations, (CELLS, MARROW), strict=True):
        assert document.text[citation.start : citation.end] == citation.quote
        assert citation.document_sha256 == document.sha256
    assert citations[0].section == "Places"


def test_refusal_shows_its_message_as_text() -> None:
    """A refusal's text is its message; it has a reason and reading, and neither sentences nor citations."""
    form = _asked("Should I have mesenchymal cells?")
    assert list(form) == FIELDS
    assert form["kind"] == "refusal"
    assert form["reason"] == "personal_advice"
    assert form["text"] == form["message"]
    assert (form["sentences"], form["citations"]) == ([], [])
    assert len(list(form["nearest"])) == 2  # type: ignore[call-overload]


def test_id_is_a_digest_of_library_and_question() -> None:
    """The same question to the same library has the same id, another question or library another."""
    assert _asked("marrow")["id"] == _asked("marrow")["id"] == reply_id("marrow", library="fake-library")
    assert len({reply_id(q, library=lib) for q in ("a", "b", "a\nb") for lib in ("a", "b", "a\nb")}) >= 8
    assert to_wire(fake_assistant().ask("marrow"), id="q7").id == "q7"


def test_hits_name_their_passage() -> None:
    """A hit's start and end give its text, and its address leads to the page with the passage marked."""
    assistant = fake_assistant()
    (hit,) = hits_to_wire(assistant.search("fat.", 5), id="x", documents=assistant.library.documents).hits
    assert CELLS.text[hit.start : hit.end] == hit.text == "Mesenchymal cells live in fat."
    assert hit.chunk_id == f"cells:{hit.start}-{hit.end}"
    assert hit.url == f"/documents/cells?start={hit.start}&end={hit.end}&text={CELLS.sha256[:12]}#cited"


def test_document_path_escapes_the_id() -> None:
    """An id with slashes, spaces and marks stays one part of the path."""
    document = Document.create("x", id="a/b c?#é", title="", source="")
    assert document_path(document.id, Span(0, 1)) == "/documents/a%2Fb%20c%3F%23%C3%A9?start=0&end=1#cited"


def test_wire_imports_no_server() -> None:
    """The terminal can print the form without loading a web framework, gradio or a model."""
    code = "import sys, ui.wire; print(sorted({'fastapi', 'gradio', 'starlette', 'torch', 'faiss'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
