"""The HTTP API under /api/v1, the source pages, and the chat page, as one application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, FastAPI, Query
from fastapi import Path as InPath
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel, Field

from corpus.document import Document, Span
from rag.reply import section_name
from rag.settings import Settings
from stemqa import __version__
from ui.extraction import WireExtraction, extraction_id
from ui.extraction import to_wire as extraction_to_wire
from ui.gate import Gate
from ui.opening import Assistant, Opening
from ui.page import mount_page
from ui.problems import Problem, ProblemDetails, documented, handle_problems
from ui.reload import POLL_SECONDS, Reload
from ui.requests import MAX_PASSAGE_CHARS, MAX_PASSAGES, AskRequest, ExtractRequest, SearchRequest
from ui.viewer import CHANGED, GONE, document_page, documents_page, excerpt
from ui.wire import WireHits, WireReply, document_path, hits_to_wire, reply_id, to_wire

STATIC = Path(__file__).parent / "static"

DocumentId = Annotated[str, InPath(description="Identifier of a document of the library.")]
Offset = Annotated[int | None, Query(ge=0, description="Code points of the document's normalised text, counted from 0.")]

TextDigits = Annotated[str | None, Query(pattern="^[0-9a-f]{1,64}$", description="First digits of the text's SHA-256.")]


class DocumentSummary(BaseModel):
    """One document of the library."""

    id: str
    title: str
    source: str
    sha256: str
    characters: int
    url: str


class DocumentList(BaseModel):
    """The library's documents, by id."""

    library: str
    documents: list[DocumentSummary]


class WireSection(BaseModel):
    """A stretch of prose that can be quoted."""

    start: int
    end: int
    section: str
    page: int | None


class DocumentText(DocumentSummary):
    """One document with the normalised text that all offsets count in."""

    text: str
    meta: dict[str, str | list[str]]
    sections: list[WireSection]


class Alive(BaseModel):
    """The server answers."""

    status: str = "alive"
    version: str = __version__


class Ready(BaseModel):
    """The library is open and its model is loaded."""

    status: str = "ready"
    library: str
    documents: int
    stale: str | None = Field(
        default=None, description="Why the library in the folder, which has changed, is not the one that is served."
    )


def create_app(
    open_assistant: Callable[[], Assistant] | Opening, settings: Settings, *, poll_seconds: float = POLL_SECONDS
) -> FastAPI:
    """Make the application. The assistant is opened in the background once the application starts, and follows its library."""
    opening = open_assistant if isinstance(open_assistant, Opening) else Opening(open_assistant)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        reload = Reload(opening, settings, poll_seconds=poll_seconds)
        reload.start()
        opening.start()
        yield
        reload.stop()

    # The interactive pages that FastAPI offers load their scripts from the internet, so they are off.
    app = FastAPI(
        title="stemqa",
        version=__version__,
        summary="Answers from a library of documents, sentence by verbatim sentence, or an honest refusal.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
    )
    handle_problems(app)
    app.include_router(_health(opening))
    app.include_router(_api(opening, settings))
    app.include_router(_pages(opening))
    app.mount("/ui", StaticFiles(directory=STATIC))
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    mount_page(app, opening, settings)
    app.add_middleware(Gate, host=settings.host)
    return app


def _health(opening: Opening) -> APIRouter:
    router = APIRouter(tags=["health"])

    @router.get("/healthz")
    async def healthz() -> Alive:
        """Whether the server is alive."""
        return Alive()

    @router.get("/readyz", responses=documented(503))
    async def readyz() -> Ready:
        """Whether questions can be answered: a library is open and its model is loaded, if not the newest, as `stale` says."""
        serving = opening.serving()
        library = serving.assistant.library
        return Ready(library=library.fingerprint, documents=len(library.documents), stale=serving.stale)

    return router


def _api(opening: Opening, settings: Settings) -> APIRouter:
    router = APIRouter(prefix="/api/v1", tags=["library"])

    @router.post("/ask", responses=documented(413, 422, 500, 503))
    def ask(request: AskRequest) -> WireReply:
        """Answer a question with cited sentences, or refuse. A refusal is a normal result: status 200."""
        return to_wire(opening.ready().ask(request.question), id=request.id)

    @router.post("/search", responses=documented(413, 422, 500, 503))
    def search(request: SearchRequest) -> WireHits:
        """Find the passages nearest to a question, best first."""
        assistant = opening.ready()
        _check_length(request.question, settings)
        library = assistant.library
        hits = assistant.search(request.question, request.k)
        name = request.id or reply_id(request.question, library=library.fingerprint)
        return hits_to_wire(hits, id=name, documents=library.documents)

    @router.post("/extract", responses=documented(413, 422, 500, 503))
    def extract(request: ExtractRequest) -> WireExtraction:
        """Find what answers a question in passages that are sent along; the library is not looked at."""
        extractor = opening.ready().extractor
        _check_length(request.question, settings)
        _check_passages(request.passages)
        found = extractor.extract(request.question, request.passages)
        return extraction_to_wire(found, id=request.id or extraction_id(request.question, request.passages))

    @router.get("/documents", responses=documented(503))
    def documents() -> DocumentList:
        """List the library's documents."""
        library = opening.ready().library
        rows = [DocumentSummary(**_summary(d)) for _, d in sorted(library.documents.items())]
        return DocumentList(library=library.fingerprint, documents=rows)

    @router.get("/documents/{id:path}", responses=documented(404, 422, 503))
    def document(id: DocumentId) -> DocumentText:
        """Return one document with its normalised text: every citation is a slice of it."""
        found = _find(opening, id)
        sections = [
            WireSection(start=s.span.start, end=s.span.end, section=section_name(s.headings), page=s.page)
            for s in found.sections
        ]
        meta = {name: value if isinstance(value, str) else list(value) for name, value in found.meta.items()}
        return DocumentText(**_summary(found), text=found.text, meta=meta, sections=sections)

    return router


def _pages(opening: Opening) -> APIRouter:
    router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

    @router.get("/documents")
    def all_documents() -> str:
        return documents_page(d for _, d in sorted(opening.ready().library.documents.items()))

    @router.get("/documents/{id:path}")
    def one_document(id: DocumentId, start: Offset = None, end: Offset = None, text: TextDigits = None) -> str:
        document = _find(opening, id)
        if text and not document.sha256.startswith(text):
            return document_page(document, note=CHANGED)
        return document_page(document, cited=_span(document, start, end))

    @router.get("/sources/{id:path}")
    def source(id: DocumentId, start: Offset = None, end: Offset = None, text: TextDigits = None) -> str:
        document = _find(opening, id)
        if text and not document.sha256.startswith(text):
            raise Problem(404, "changed-document", "Not in this form", detail=CHANGED)
        return excerpt(document, cited=_span(document, start, end))

    return router


def _check_length(question: str, settings: Settings) -> None:
    if len(question) > settings.max_question_chars:
        limit = f"It has {len(question):,} characters; the limit is {settings.max_question_chars:,}."
        raise Problem(422, "question-too-long", "The question is too long", detail=limit)


def _check_passages(passages: Sequence[str]) -> None:
    characters = sum(map(len, passages))
    if len(passages) > MAX_PASSAGES or characters > MAX_PASSAGE_CHARS:
        limits = f"the limits are {MAX_PASSAGES:,} and {MAX_PASSAGE_CHARS:,}."
        detail = f"They are {len(passages):,}, of {characters:,} characters; {limits}"
        raise Problem(422, "passages-too-large", "The passages are too many or too long", detail=detail)


def _find(opening: Opening, id: str) -> Document:
    document = opening.ready().library.documents.get(id)
    if document is None:
        raise Problem(404, "unknown-document", "Not in this library", detail=GONE.format(id=id))
    return document


def _span(document: Document, start: int | None, end: int | None) -> Span | None:
    if start is None and end is None:
        return None
    if start is None or end is None or not start < end <= len(document.text):
        detail = f"A span needs 0 <= start < end <= {len(document.text)}, got start={start}, end={end}."
        raise Problem(400, "span-out-of-range", "No such passage", detail=detail)
    return Span(start, end)


def _summary(document: Document) -> dict[str, Any]:
    return {
        "id": document.id,
        "title": document.title,
        "source": document.source,
        "sha256": document.sha256,
        "characters": len(document.text),
        "url": document_path(document.id),
    }


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        template = "#/components/schemas/{model}"
        problem = ProblemDetails.model_json_schema(ref_template=template)
        parts = problem.pop("$defs", {})
        for unused in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(unused, None)
        schema["components"]["schemas"] |= {"ProblemDetails": problem, **parts}
        app.openapi_schema = schema
    return app.openapi_schema
