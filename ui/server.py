"""Serving: one process, one port, the page and the API."""

from __future__ import annotations

import errno
import socket
import sys
from collections.abc import Callable

import uvicorn

from rag.settings import Settings
from stemqa import SettingsError
from ui.api import create_app
from ui.opening import Assistant, Opening


def serve(open_assistant: Callable[[], Assistant], settings: Settings) -> None:
    """Serve until interrupted, and print the address. Whatever opening the assistant raises ends the server and is raised.

    `SettingsError` when the address cannot be had.
    """
    opening = Opening(open_assistant)
    with bind(settings.host, settings.port) as listener:
        server = uvicorn.Server(
            uvicorn.Config(create_app(opening, settings), log_level="warning", server_header=False, timeout_graceful_shutdown=2)
        )
        failed: list[BaseException] = []
        opening.when_done(lambda error: _tell(error, address(settings.host, listener), server=server, failed=failed))
        print(f"Opening the library {settings.library} ...", file=sys.stderr)  # noqa: T201 -- a message to the person
        server.run(sockets=[listener])
    if failed:
        raise failed[0]


def bind(host: str, port: int) -> socket.socket:
    """Return a socket that listens at host and port. `SettingsError` when that is taken or is no address of this machine."""
    try:
        return socket.create_server((host, port), family=_family(host), backlog=2048)
    except OSError as error:
        raise SettingsError(_reason(error, host, port)) from None


def address(host: str, listener: socket.socket) -> str:
    """Return where a browser finds the page."""
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 -- compared
    return f"http://{name}:{listener.getsockname()[1]}"


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _reason(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return f"port {port} on {host} is in use; stop the other program, or take another: stemqa serve --port {port + 1}"
        case errno.EACCES:
            return f"port {port} needs more rights than this program has; choose one above 1023: stemqa serve --port 7860"
        case _:
            return f"cannot listen on {host!r}: {error.strerror or error}; use --host 127.0.0.1 or an address of this machine"


def _tell(error: BaseException | None, url: str, *, server: uvicorn.Server, failed: list[BaseException]) -> None:
    if error is None:
        print(f"stemqa is ready: {url}", flush=True)  # noqa: T201 -- the address is what the command is for
    else:
        failed.append(error)
        server.should_exit = True
