"""What every request passes: which hosts and paths are served, how large a body may be, which headers go back.

Gradio brings many routes that this page has no use for (uploads, files, proxying, monitoring, code editing); only those
that the page calls are let through.
"""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.problems import Problem

MAX_BODY_BYTES = 1_000_000

_OWN = ("/api/", "/documents", "/sources/", "/ui/", "/healthz", "/readyz")
_GRADIO_PAGES = frozenset(
    {"/", "/config", "/theme.css", "/gradio_api/info", "/gradio_api/app_id", "/gradio_api/startup-events"}
)
_GRADIO_FOLDERS = ("/assets/", "/static/", "/gradio_api/queue/", "/gradio_api/run/", "/gradio_api/heartbeat/")

_STRICT = (
    "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; img-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# Gradio starts from inline scripts and compiles the handlers that are given as text; nothing may come from another host.
_CHAT = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; "
    "base-uri 'self'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


class Gate:
    """ASGI middleware. `host` is the address that the server is bound to."""

    def __init__(self, app: ASGIApp, *, host: str) -> None:
        self._app = app
        self._local = is_loopback(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self._app(scope, receive, send)
            return
        send = _with_headers(scope["path"], send)
        try:
            self._check(scope)
            await self._app(scope, _bounded(receive), send)
        except Problem as problem:
            await problem.response()(scope, receive, send)

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        name = _host_name(headers.get("host", ""))
        # A page on the internet can make its own name point to this machine; that name then stands in the Host header.
        if self._local and not is_loopback(name):
            detail = (
                f"This server answers on this machine only, not as {name!r}. To open it to others: stemqa serve --host 0.0.0.0"
            )
            raise Problem(421, "wrong-host", "Another host was asked for", detail=detail)
        if not _is_served(scope["path"]):
            raise Problem(404, "not-found", "Not Found", detail=f"{scope['method']} {scope['path']} is not served here.")
        length = headers.get("content-length", "0")
        if not length.isdecimal() or int(length) > MAX_BODY_BYTES:
            raise _too_large()


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address) means this machine and nothing else."""
    try:
        return host == "localhost" or host.endswith(".localhost") or ip_address(host).is_loopback
    except ValueError:
        return False


def _host_name(header: str) -> str:
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0].lower()


def _is_served(path: str) -> bool:
    return path.startswith(_OWN) or path in _GRADIO_PAGES or path.startswith(_GRADIO_FOLDERS)


def _too_large() -> Problem:
    return Problem(413, "too-large", "The request is too large", detail=f"A body may have {MAX_BODY_BYTES:,} bytes.")


def _bounded(receive: Receive) -> Receive:
    """Count the body as it comes, for clients that do not announce its length."""
    received = 0

    async def bounded() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return bounded


def _with_headers(path: str, send: Send) -> Send:
    policy = _CHAT if path == "/" else _STRICT

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
                headers[name] = value
        await send(message)

    return with_headers
