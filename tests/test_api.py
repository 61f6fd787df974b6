"""The HTTP API, its errors, and the pages beside it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import pytest
from fake_assistant import CELLS, EVIL, HOSTILE, FakeAssistant, fake_assistant
from fastapi.testclient import TestClient

from rag.settings import Settings
from stemqa import LibraryError, SettingsError
from ui.api import create_app
from ui.extraction import WireExtraction
from ui.gate import MAX_BODY_BYTES, is_loopback
from ui.opening import Opening
from ui.page import answer_html, desk_html, own_index
from ui.requests import MAX_PASSAGE_CHARS, MAX_PASSAGES
from ui.server import address, bind
from ui.turns import reply_html
from ui.wire import to_wire

PROBLEM = "application/problem+json"


def _client(opening: Opening, settings: Settings | None = None, *, host: str = "127.0.0.1:7860") -> TestClient:
    app = create_app(opening, settings or Settings())
    return TestClient(app, base_url=f"http://{host}", raise_server_exceptions=False)


def _opened(assistant: FakeAssistant) -> Opening:
    opening, done = Opening(lambda: assistant), threading.Event()
    opening.when_done(lambda _: done.set())
    opening.start()
    assert done.wait(5)
    return opening


@pytest.fixture(scope="module")
def opening() -> Opening:
    return _opened(fake_assistant())


@pytest.fixture(scope="module")
def client(opening: Opening) -> Iterator[TestClient]:
    with _client(opening) as client:
        yield client


# ---- the four endpoints


def test_ask_returns_the_one_form(client: TestClient) -> None:
    """POST /ask returns just what to_wire makes of the reply."""
    response = client.post("/api/v1/ask", json={"question": "Where are mesenchymal cells?"})
    assert response.status_code == 200
    assert response.json() == to_wire(fake_assistant().ask("Where are mesenchymal cells?")).model_dump(mode="json")


@pytest.mark.parametrize(
    ("question", "reason"),
    [
        ("Should I?", "personal_advice"),
        ("pizza", "out_of_scope"),
        ("xyz", "no_evidence"),
        ("", "invalid_question"),
        ("x" * 200_000, "invalid_question"),
    ],
)
def test_refusal_is_a_normal_result(client: TestClient, question: str, reason: str) -> None:
    """A refusal has status 200, also of an empty question and of one of 200,000 characters."""
    response = client.post("/api/v1/ask", json={"question": question})
    assert (response.status_code, response.json()["reason"]) == (200, reason)


def test_ask_keeps_the_id_that_was_sent(client: TestClient) -> None:
    """A request's id comes back with its reply."""
    assert client.post("/api/v1/ask", json={"question": "marrow", "id": "q1"}).json()["id"] == "q1"


def test_search_returns_hits(client: TestClient) -> None:
    """POST /search returns at most k passages, each with its place."""
    body = client.post("/api/v1/search", json={"question": "mesenchymal", "k": 1}).json()
    assert [hit["document_id"] for hit in body["hits"]] == ["cells"]
    assert {"document_id", "chunk_id", "start", "end", "score"} <= body["hits"][0].keys()


@pytest.mark.parametrize("k", [0, -1, 101, 10**9, "ten"])
def test_search_bounds_k(client: TestClient, k: object) -> None:
    """A k that is no number from 1 to 100 is a problem that names the field."""
    response = client.post("/api/v1/search", json={"question": "mesenchymal", "k": k})
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    assert response.json()["errors"][0]["field"] == "body.k"


def test_search_refuses_a_question_over_the_limit(client: TestClient) -> None:
    """A search over the limit of characters is a problem that says both numbers."""
    response = client.post("/api/v1/search", json={"question": "x" * 2001})
    assert response.status_code == 422
    assert "2,001" in response.json()["detail"]
    assert "2,000" in response.json()["detail"]


def test_extract_reads_what_is_sent_along(client: TestClient) -> None:
    """POST /extract returns the probability, and spans that fit the passages as they were sent, astral characters and all."""
    passages = ["no", "\U0001d6fc cafe\u0301\r\nplatelets"]
    body = client.post("/api/v1/extract", json={"question": "platelets?", "passages": passages}).json()
    assert list(body) == ["id", "answerable", "spans"]
    assert body["answerable"] == 0.75
    (span,) = body["spans"]
    assert list(span) == ["passage", "start", "end", "score"]
    assert passages[span["passage"]][span["start"] : span["end"]] == "platelets"
    assert client.post("/api/v1/extract", json={"question": "x", "passages": [], "id": "q1"}).json() == {
        "id": "q1",
        "answerable": 0.0,
        "spans": [],
    }


@pytest.mark.parametrize(
    ("body", "name", "told"),
    [
        ({"question": "a"}, "invalid-request", "body.passages"),
        ({"question": "a", "passages": "text"}, "invalid-request", "body.passages"),
        ({"question": "a", "passages": ["text", 7]}, "invalid-request", "body.passages.1"),
        ({"question": "a", "passages": [], "k": 3}, "invalid-request", "body.k"),
        ({"question": "x" * 2001, "passages": []}, "question-too-long", "2,001"),
        ({"question": "a", "passages": ["b"] * (MAX_PASSAGES + 1)}, "passages-too-large", "101, of 101 characters"),
        ({"question": "a", "passages": ["b" * MAX_PASSAGE_CHARS, "c"]}, "passages-too-large", "200,001 characters"),
    ],
)
def test_what_cannot_be_extracted_from_is_a_problem(client: TestClient, body: object, name: str, told: str) -> None:
    """Missing, wrong, too many and too long passages are typed problems that name the field or the numbers."""
    response = client.post("/api/v1/extract", json=body)
    assert (response.status_code, response.headers["content-type"]) == (422, PROBLEM)
    assert response.json()["type"] == f"urn:stemqa:problem:{name}"
    assert told in response.text


def test_passages_at_the_limit_fit_however_they_are_escaped(client: TestClient) -> None:
    """Each of the most characters may take twelve bytes of JSON; the body is not too large for that."""
    body = json.dumps({"question": "platelets?", "passages": ["\U0001d6fc" * MAX_PASSAGE_CHARS]})
    assert len(body) > 12 * MAX_PASSAGE_CHARS
    response = client.post("/api/v1/extract", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["spans"]) == (200, [])


def test_half_a_character_in_a_passage_is_a_problem(client: TestClient) -> None:
    """A lone surrogate, which offsets could not count, is refused with its place."""
    body = b'{"question": "a", "passages": ["\\ud800"]}'
    response = client.post("/api/v1/extract", content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.json()["errors"][0]["field"]) == (422, "body.passages.0")


def test_documents_are_listed_and_read(client: TestClient) -> None:
    """GET /documents lists the library, and each row's document has the text that citations are slices of."""
    listed = client.get("/api/v1/documents").json()
    assert [d["id"] for d in listed["documents"]] == sorted(["cells", "notes/marrow & co.txt", "<b>evil</b>"])
    for row in listed["documents"]:
        read = client.get(f"/api/v1{row['url']}").json()
        assert read["sha256"] == row["sha256"]
        assert len(read["text"]) == row["characters"]
    read = client.get("/api/v1/documents/cells").json()
    assert (read["text"], [s["section"] for s in read["sections"]]) == (CELLS.text, ["Kinds", "Places"])


# ---- errors


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "name"),
    [
        ("GET", "/api/v1/documents/nix", None, 404, "unknown-document"),
        ("GET", "/api/v1/nix", None, 404, "not-found"),
        ("GET", "/api/v1/ask", None, 405, "method-not-allowed"),
        ("POST", "/api/v1/ask", b"{not json", 422, "invalid-request"),
        ("POST", "/api/v1/ask", b"[]", 422, "invalid-request"),
        ("POST", "/api/v1/ask", b'{"question": "a", "temperature": 1}', 422, "invalid-request"),
        ("POST", "/api/v1/ask", b'{"question": "\\ud800"}', 422, "invalid-request"),
        ("POST", "/api/v1/ask", b'{"question": "explode"}', 500, "internal"),
        ("POST", "/api/v1/ask", b"\xff\xfe", 422, "invalid-request"),
        ("GET", "/documents/nix", None, 404, "unknown-document"),
        ("GET", "/documents/cells?start=5&end=99999", None, 400, "span-out-of-range"),
        ("GET", "/documents/cells?start=5&end=5", None, 400, "span-out-of-range"),
        ("GET", "/documents/cells?start=5", None, 400, "span-out-of-range"),
        ("GET", "/documents/cells?start=-1&end=5", None, 422, "invalid-request"),
        ("GET", "/documents/cells?start=a&end=5", None, 422, "invalid-request"),
        ("GET", "/sources/cells?start=5&end=99999", None, 400, "span-out-of-range"),
        ("GET", "/nix", None, 404, "not-found"),
        ("POST", "/gradio_api/upload", b"", 404, "not-found"),
        ("GET", "/gradio_api/file=/etc/passwd", None, 404, "not-found"),
        ("GET", "/gradio_api/proxy=http://example.org", None, 404, "not-found"),
        ("GET", "/monitoring", None, 404, "not-found"),
    ],
)
def test_errors_are_problem_details(
    client: TestClient, method: str, path: str, body: bytes | None, status: int, name: str
) -> None:
    """What cannot be served is a typed problem with its status, and shows no internals."""
    response = client.request(method, path, content=body, headers={"content-type": "application/json"})
    assert (response.status_code, response.headers["content-type"]) == (status, PROBLEM)
    problem = response.json()
    assert problem["type"] == f"urn:stemqa:problem:{name}"
    assert problem["status"] == status
    assert problem["title"]
    assert problem["detail"]
    assert "secret" not in response.text


def test_a_browser_gets_a_page_for_an_unknown_document(client: TestClient) -> None:
    """A reader who follows a dead link sees a page with the same status, not JSON."""
    response = client.get("/documents/<script>", headers={"accept": "text/html"})
    assert response.status_code == 404
    assert response.headers["content-type"].startswith("text/html")
    assert "&lt;script&gt;" in response.text


def test_body_over_the_limit_is_refused(client: TestClient) -> None:
    """A body over the limit is a 413, announced or not, and one just under it is read."""
    assert client.post("/api/v1/ask", content=b" " * (MAX_BODY_BYTES + 1)).status_code == 413
    parts = (b" " * 100_000 for _ in range(31))
    response = client.post("/api/v1/ask", content=parts)
    assert (response.status_code, response.headers["content-type"]) == (413, PROBLEM)
    padded = b'{"question": "marrow"' + b" " * (MAX_BODY_BYTES - 30) + b"}"
    assert client.post("/api/v1/ask", content=padded, headers={"content-type": "application/json"}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", ""])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    """Bound to this machine alone, the server does not answer to a name that a web page made up for it."""
    response = client.get("/healthz", headers={"host": host})
    assert (response.status_code, response.json()["type"]) == (421, "urn:stemqa:problem:wrong-host")


@pytest.mark.parametrize("host", ["localhost:7860", "127.0.0.1", "[::1]:7860", "stemqa.localhost"])
def test_names_of_this_machine_are_served(client: TestClient, host: str) -> None:
    """Every name of this machine is served, with any port."""
    assert client.get("/healthz", headers={"host": host}).status_code == 200


def test_opened_to_others_every_name_is_served(opening: Opening) -> None:
    """Bound to all addresses, the server answers by whatever name it is called."""
    client = _client(opening, Settings(host="0.0.0.0"), host="library.example")
    assert client.get("/healthz").status_code == 200
    assert not is_loopback("0.0.0.0")


# ---- health


def test_ready_only_when_open() -> None:
    """While the library is being opened the server is alive but not ready, and a question is a 503 that may be asked again."""
    gate = threading.Event()

    def slow() -> FakeAssistant:
        gate.wait(5)
        return fake_assistant()

    opening, done = Opening(slow), threading.Event()
    opening.when_done(lambda _: done.set())
    with _client(opening) as client:
        assert client.get("/healthz").json()["status"] == "alive"
        response = client.get("/readyz")
        assert (response.status_code, response.json()["type"]) == (503, "urn:stemqa:problem:opening")
        assert int(response.headers["retry-after"]) > 0
        assert client.post("/api/v1/ask", json={"question": "marrow"}).status_code == 503
        assert 'data-state="opening"' in desk_html(opening)[0]
        assert "being opened" in answer_html(opening, "marrow", turn_id="1")
        gate.set()
        assert done.wait(5)
        assert client.get("/readyz").json() == {
            "status": "ready", "library": "fake-library", "documents": 3, "stale": None,
        }  # fmt: skip


def test_a_library_that_cannot_be_opened_is_told() -> None:
    """When opening fails, readiness says why, and does not ask to wait."""

    def broken() -> FakeAssistant:
        raise LibraryError("there is no library in x; build one with: stemqa index")

    opening, done = Opening(broken), threading.Event()
    opening.when_done(lambda _: done.set())
    with _client(opening) as client:
        assert done.wait(5)
        response = client.get("/readyz")
        assert response.status_code == 503
        assert response.json()["detail"] == "there is no library in x; build one with: stemqa index"
        assert "retry-after" not in response.headers


# ---- description and headers


def test_openapi_describes_examples_and_problems(client: TestClient) -> None:
    """The description names every endpoint, an example question, and problem details for the errors."""
    schema = client.get("/api/v1/openapi.json").json()
    assert set(schema["paths"]) == {
        "/healthz", "/readyz", "/api/v1/ask", "/api/v1/search", "/api/v1/extract", "/api/v1/documents",
        "/api/v1/documents/{id}",
    }  # fmt: skip
    ask = schema["paths"]["/api/v1/ask"]["post"]["responses"]
    assert list(ask["422"]["content"]) == [PROBLEM]
    assert "ProblemDetails" in schema["components"]["schemas"]
    assert "HTTPValidationError" not in schema["components"]["schemas"]
    assert schema["components"]["schemas"]["AskRequest"]["examples"][0]["question"]
    example = schema["components"]["schemas"]["WireReply"]["examples"][0]
    assert example["citations"][0]["quote"] == example["sentences"][0]["text"]
    bold = example["sentences"][0]["emphasis"]
    assert example["sentences"][0]["text"][bold["start"] : bold["end"]].startswith("adult tissues")
    extraction = schema["components"]["schemas"]["WireExtraction"]["examples"][0]
    sent = schema["components"]["schemas"]["ExtractRequest"]["examples"][0]
    span = WireExtraction.model_validate(extraction).spans[0]
    assert sent["passages"][span.passage][span.start : span.end] == "Platelets live for eight to ten days."


def test_interactive_pages_that_load_from_elsewhere_are_off(client: TestClient) -> None:
    """FastAPI's own pages, which load scripts from the internet, are not served."""
    assert {client.get(path).status_code for path in ("/docs", "/redoc", "/openapi.json")} == {404}


def test_every_response_carries_security_headers(client: TestClient) -> None:
    """Pages, API and errors forbid framing, sniffing and anything from another host; source pages allow no inline script."""
    for path in ("/", "/documents/cells", "/api/v1/documents", "/nix"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert "http" not in headers["content-security-policy"]
        assert "access-control-allow-origin" not in headers
    assert "unsafe" not in client.get("/documents/cells").headers["content-security-policy"]


# ---- the chat page, as far as it can be seen without a browser


def test_index_names_no_other_host(client: TestClient) -> None:
    """The chat page's HTML holds no address of another host, and Gradio's promotional tags are gone."""
    page = client.get("/").text
    for word in ("googleapis", "cdnjs", "jsdelivr", "unpkg", "raw.githubusercontent", "og:image", "twitter:", "gradio.app"):
        assert word not in page
    assert '<link rel="stylesheet" href="/ui/chat.css">' in page
    assert "<noscript>" in page


def test_index_is_cleaned_of_each_tag() -> None:
    """Each promotional tag goes, and nothing else."""
    html = '<head><meta\n property="og:x"\n content="y" /><meta charset="utf-8" /></head><body>b</body>'
    cleaned = own_index(html)
    assert "og:x" not in cleaned
    assert '<meta charset="utf-8" />' in cleaned
    assert "<body>b" in cleaned


def test_static_files_are_served(client: TestClient) -> None:
    """The page's own style, script and fonts come from this server, and nothing outside their folder does."""
    for name in ("base.css", "chat.css", "source.css", "chat.js", "theme.js", "icon.svg", "fonts/source-serif-4-latin.woff2"):
        assert client.get(f"/ui/{name}").status_code == 200
    assert client.get("/ui/../wire.py").status_code == 404
    assert client.get("/ui/%2e%2e/wire.py").status_code == 404


def test_markup_is_shown_as_text_everywhere(opening: Opening) -> None:
    """Script, image, Markdown and formula in question, document and title never reach the page as markup."""
    assistant = fake_assistant(EVIL)
    evil = _opened(assistant)
    shown = [
        answer_html(evil, f"quotable {HOSTILE}", turn_id='"><script>'),
        reply_html(assistant.ask("quotable")),
        reply_html(assistant.ask("Should I quotable")),
        *desk_html(evil),
    ]
    for html in shown:
        assert "<script" not in html
        assert "<img" not in html
        assert "window.hacked" in html
    del opening


def test_a_failure_is_shown_in_place(opening: Opening) -> None:
    """When answering breaks, the turn says so under its question and shows no internals."""
    html = answer_html(opening, "explode", turn_id="7")
    assert 'data-turn="7"' in html
    assert 'role="alert"' in html
    assert "secret" not in html


def test_a_small_library_is_greeted_with_its_own_titles(opening: Opening) -> None:
    """Without the shipped documents, the example questions are the titles of the library's own."""
    welcome, shelf = desk_html(opening)
    assert "What stem cells are" in welcome
    assert "What stem cells are" in shelf
    assert "autologous" not in welcome


# ---- the server


def test_a_port_in_use_is_a_line_with_the_remedy() -> None:
    """A taken port is a settings error that names it and how to choose another."""
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=rf"port {port} on 127.0.0.1 is in use.*--port {port + 1}"):
            bind("127.0.0.1", port)


def test_an_address_of_another_machine_is_a_line_with_the_remedy() -> None:
    """An address that this machine does not have is a settings error that names it."""
    with pytest.raises(SettingsError, match=r"cannot listen on '192\.0\.2\.1'.*--host 127\.0\.0\.1"):
        bind("192.0.2.1", 0)
    with pytest.raises(SettingsError, match="cannot listen on"):
        bind("no such host", 0)


def test_the_printed_address_is_one_to_open() -> None:
    """The address names the port that was taken, and a machine that a browser can reach."""
    with bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert address("127.0.0.1", listener) == address("0.0.0.0", listener) == f"http://127.0.0.1:{port}"
        assert address("localhost", listener) == f"http://localhost:{port}"
