"""What every request passes: by which names the server may be called, how large a body may be, which headers go back."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ui.problems import Problem

MAX_BODY_BYTES = 3_000_000
"""The 200,000 characters that passages may have are up to 2.4 MB of JSON: two escapes, of twelve bytes, may stand for one."""

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
            await self._app(scope, await _bounded(receive), send)
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


def _too_large() -> Problem:
    return Problem(413, "too-large", "The request is too large", detail=f"A body may have {MAX_BODY_BYTES:,} bytes.")


async def _bounded(receive: Receive) -> Receive:
    """Read the body, counting it as it comes for clients that do not announce its length, and hand it on."""
    messages: list[Message] = []
    received = 0
    while not messages or messages[-1].get("more_body"):
        messages.append(await receive())
        received += len(messages[-1].get("body", b""))
        if received > MAX_BODY_BYTES:
            raise _too_large()
    kept = iter(messages)

    async def replay() -> Message:
        message = next(kept, None)
        return message if message is not None else await receive()

    return replay


def _with_headers(path: str, send: Send) -> Send:
    policy = _CHAT if path == "/" else _STRICT

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in {**_HEADERS, "Content-Security-Policy": policy}.items():
                headers[name] = value
        await send(message)

    return with_headers
