"""A running server and a library that is replaced: nothing is dropped, and no reply is made of two libraries."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest
import uvicorn
from conftest import CALIBRATION, HashEmbedder, make_assistant, make_library, no_progress

from corpus.document import Document
from rag.build import build_library
from rag.settings import Settings
from ui.api import create_app
from ui.opening import Opening
from ui.server import bind

GENERATIONS = 50
POLL = 0.005
QUESTIONS = ("Where do stem cells live?", "What shapes young T cells?", "What is a risk of a donor transplant?")

Json: TypeAlias = Any


def _documents(number: int) -> list[Document]:
    """Return the documents of one generation: every sentence names it, and each generation has one document of its own."""
    texts = {
        "where": f"In edition {number} stem cells live in the marrow. In edition {number} the thymus shapes young T cells.",
        "risks": f"In edition {number} graft-versus-host disease is a risk of a donor transplant.",
        f"only-{number}": f"{'Cells rest. ' * (number % 7)}In edition {number} doctors watch for infections.",
    }
    title = f"Edition {number}"
    return [Document.create(text, id=name, title=title, source=f"{name}.txt") for name, text in texts.items()]


class _OtherEmbedder(HashEmbedder):
    name = "other-model"
    sha256 = "1" * 64


@dataclass
class _Site:
    """A server over a library in `folder`; `editions` are the documents of every library that was ever there."""

    folder: Path
    port: int
    editions: dict[str, Mapping[str, Document]] = field(default_factory=dict)

    def replace(self, number: int) -> str:
        """Put the library of that number in the place of the one that is there; return its fingerprint."""
        library = make_library(self.folder, _documents(number))
        self.editions[library.fingerprint] = library.documents
        return library.fingerprint

    def send(self, method: str, path: str, body: object = None, *, accept: str = "*/*") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Content-Type": "application/json", "Accept": accept}
        connection.request(method, path.partition("#")[0], None if body is None else json.dumps(body), headers)
        response = connection.getresponse()
        text = response.read().decode()
        connection.close()
        return response.status, text

    def read(self, path: str) -> Json:
        return json.loads(self.send("GET", path)[1])

    def ready(self) -> Json:
        return self.read("/readyz")

    def awaits(self, expected: Callable[[Json], bool]) -> Json:
        """Return what /readyz says as soon as it is as expected."""
        deadline = time.monotonic() + 60
        while not expected(body := self.ready()):
            assert time.monotonic() < deadline, body
            time.sleep(POLL)
        return body


@pytest.fixture
def site(tmp_path: Path) -> Iterator[_Site]:
    with _served(tmp_path / "library") as site:
        yield site


@contextmanager
def _served(folder: Path) -> Iterator[_Site]:
    assistant = make_assistant(folder, _documents(0))
    with bind("127.0.0.1", 0) as listener:
        app = create_app(Opening(lambda: assistant), Settings(library=folder), poll_seconds=POLL)
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        site = _Site(folder, listener.getsockname()[1])
        site.editions[assistant.library.fingerprint] = assistant.library.documents
        site.awaits(lambda body: body["status"] == "ready")
        yield site
        server.should_exit = True
        thread.join(60)


def test_swap_under_load(site: _Site) -> None:
    """While 50 libraries follow each other, every question of four clients is answered, and from the library it names."""
    stop = threading.Event()
    replies: list[Json] = []
    failures: list[Any] = []

    def client(number: int) -> None:
        turn = number
        while not stop.is_set():
            turn += 1
            try:
                status, text = site.send("POST", "/api/v1/ask", {"question": QUESTIONS[turn % len(QUESTIONS)]})
                listing = site.read("/api/v1/documents")
            except (OSError, ValueError, http.client.HTTPException) as error:
                failures.append(error)
                continue
            if status != 200:
                failures.append((status, text))
            replies.append((json.loads(text), listing))

    clients = [threading.Thread(target=client, args=(number,)) for number in range(4)]
    for thread in clients:
        thread.start()
    try:
        for number in range(1, GENERATIONS + 1):
            fingerprint = site.replace(number)
        last = site.awaits(lambda body: body["library"] == fingerprint)
    finally:
        stop.set()
        for thread in clients:
            thread.join(10)
    assert failures == []
    assert last["stale"] is None
    for reply, listing in replies:
        _check_of_one_library(reply, site.editions)
        documents = site.editions[listing["library"]]
        assert {d["id"]: d["sha256"] for d in listing["documents"]} == {d.id: d.sha256 for d in documents.values()}
    assert len({reply["library"] for reply, _ in replies}) > GENERATIONS / 2, "too few libraries were seen under load"


def _check_of_one_library(reply: Json, editions: Mapping[str, Mapping[str, Document]]) -> None:
    documents = editions[reply["library"]]
    assert reply["kind"] == "answer"
    assert reply["citations"]
    for citation in reply["citations"]:
        document = documents[citation["document_id"]]
        assert citation["document_sha256"] == document.sha256
        assert citation["quote"] == document.text[citation["start"] : citation["end"]]
    titles = {d.title for d in documents.values()}
    assert {c["title"] for c in reply["citations"]} == titles
    edition = titles.pop().removeprefix("Edition ")
    assert all(f"In edition {edition} " in sentence["text"] for sentence in reply["sentences"])


def test_a_damaged_library_is_told_and_left_until_it_changes(site: _Site, capfd: pytest.CaptureFixture[str]) -> None:
    """A library that cannot be opened leaves the old one in service; readiness and one line say why, until a good one comes."""
    before = site.ready()
    whole = (site.folder / "manifest.json").read_bytes()
    capfd.readouterr()
    _put(site.folder / "manifest.json", b"{}")
    body = site.awaits(lambda body: body["stale"])
    assert {**body, "stale": None} == before
    assert "cannot be read as a manifest" in body["stale"]
    status, text = site.send("POST", "/api/v1/ask", {"question": QUESTIONS[0]})
    assert (status, json.loads(text)["library"]) == (200, before["library"])
    time.sleep(20 * POLL)
    lines = [line for line in capfd.readouterr().err.splitlines() if "goes on serving" in line]
    assert len(lines) == 1
    assert body["stale"] in lines[0]
    _put(site.folder / "manifest.json", whole)
    assert site.awaits(lambda body: body["stale"] is None) == before


def test_a_library_of_another_model_is_not_taken_up(site: _Site) -> None:
    """A library that was built with another model is not served, and the reason names both models."""
    before = site.ready()["library"]
    build_library(
        site.folder, _documents(1), embedder=_OtherEmbedder(), calibrations={"similarity": CALIBRATION}, progress=no_progress
    )
    body = site.awaits(lambda body: body["stale"])
    assert body["library"] == before
    assert "other-model" in body["stale"]
    assert "word-hash" in body["stale"]


def test_a_library_that_is_gone_goes_on_being_served(site: _Site) -> None:
    """With its folder's manifest removed the library is served from memory, and one that is built there is taken up."""
    manifest = site.folder / "manifest.json"
    manifest.unlink()
    assert "there is no library" in site.awaits(lambda body: body["stale"])["stale"]
    assert site.send("POST", "/api/v1/ask", {"question": QUESTIONS[0]})[0] == 200
    fingerprint = site.replace(1)
    assert site.awaits(lambda body: body["library"] == fingerprint)["stale"] is None


def test_links_of_an_earlier_answer_are_told_what_became_of_them(site: _Site) -> None:
    """After a swap, a document that is gone is a page that says so, and of one that has changed nothing wrong is marked."""
    _, text = site.send("POST", "/api/v1/ask", {"question": QUESTIONS[0]})
    (citation,) = json.loads(text)["citations"]
    status, page = site.send("GET", citation["url"], accept="text/html")
    assert (status, page.count("<mark")) == (200, 1)
    fingerprint = site.replace(11)
    site.awaits(lambda body: body["library"] == fingerprint)

    status, page = site.send("GET", citation["url"], accept="text/html")
    assert (status, page.count("<mark")) == (200, 0)
    assert "has changed since the answer" in page
    assert "In edition 11 stem cells" in page
    status, problem = site.send("GET", citation["url"].replace("/documents/", "/sources/"))
    assert (status, json.loads(problem)["type"]) == (404, "urn:stemqa:problem:changed-document")

    status, page = site.send("GET", "/documents/only-0?start=0&end=5#cited", accept="text/html")
    assert status == 404
    assert "has been taken out of the library" in page
    assert site.send("GET", "/sources/only-0?start=0&end=5")[0] == 404


def _put(file: Path, content: bytes) -> None:
    """Put `content` in the place of `file`, as whoever writes a library does."""
    temporary = file.with_name(".new-" + file.name)
    temporary.write_bytes(content)
    temporary.replace(file)
