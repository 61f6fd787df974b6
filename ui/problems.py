"""Typed errors over HTTP: problem details after RFC 9457, media type application/problem+json."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from stemqa import StemqaError
from ui.viewer import problem_page

MEDIA_TYPE = "application/problem+json"
_PREFIX = "urn:stemqa:problem:"
_log = logging.getLogger("stemqa")


class InvalidField(BaseModel):
    """One part of a request that cannot be used."""

    field: str
    detail: str


class ProblemDetails(BaseModel):
    """Why a request failed (RFC 9457). `type` names the kind of problem and stays the same between versions."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[InvalidField] | None = Field(default=None, description="Of an invalid request: what is wrong, field by field.")


class Problem(Exception):  # noqa: N818 -- the RFC's word
    """A request that cannot be served; becomes a problem details response."""

    def __init__(self, status: int, name: str, title: str, *, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{title}. {detail}")
        self.details = ProblemDetails(type=_PREFIX + name, title=title, status=status, detail=detail)
        self.headers = {"Retry-After": str(retry_after)} if retry_after else {}

    def response(self) -> JSONResponse:
        """Return the response that says so."""
        return problem_response(self.details, headers=self.headers)


def problem_response(details: ProblemDetails, *, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return `details` as a response."""
    body = details.model_dump(exclude_none=True)
    return JSONResponse(body, status_code=details.status, headers=headers, media_type=MEDIA_TYPE)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI entries of an endpoint that can fail with these statuses."""
    schema = {"$ref": "#/components/schemas/ProblemDetails"}
    return {s: {"description": HTTPStatus(s).phrase, "content": {MEDIA_TYPE: {"schema": schema}}} for s in statuses}


def handle_problems(app: FastAPI) -> None:
    """Make every error of `app` a problem details response; a reader's browser gets a page instead."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(StemqaError, _on_broken)
    app.add_exception_handler(Exception, _on_unexpected)


def _respond(request: Request, problem: Problem) -> Response:
    if request.url.path.startswith("/documents") and "text/html" in request.headers.get("accept", ""):
        details = problem.details
        return HTMLResponse(problem_page(details.title, details.detail), status_code=details.status, headers=problem.headers)
    return problem.response()


def _on_problem(request: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)
    return _respond(request, error)


def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problem = Problem(422, "invalid-request", "The request cannot be used", detail="See errors for what is wrong, by field.")
    # What was sent is not echoed: it may be huge, or not be text at all.
    found = [InvalidField(field=".".join(map(str, e["loc"])), detail=str(e["msg"])) for e in error.errors()]
    if request.url.path.startswith("/api/"):
        return problem_response(problem.details.model_copy(update={"errors": found}))
    problem.details.detail = "; ".join(f"{e.field}: {e.detail}" for e in found)
    return _respond(request, problem)


def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    where = f"{request.method} {request.url.path}"
    problem = Problem(error.status_code, phrase.lower().replace(" ", "-"), phrase, detail=f"{where} is not served here.")
    problem.headers = dict(error.headers or {})
    return _respond(request, problem)


def _on_broken(request: Request, error: Exception) -> Response:
    _log.error("%s %s: %s", request.method, request.url.path, error)
    return _respond(request, Problem(500, "broken", "The library or its model is broken", detail=str(error)))


def _on_unexpected(request: Request, error: Exception) -> Response:
    del error  # the server logs it with its traceback; the reader gets no internals
    return _respond(request, Problem(500, "internal", "Something broke inside", detail="The server's log says what."))
