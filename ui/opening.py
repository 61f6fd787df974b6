"""The assistant as the web surfaces see it: opened in the background, not there until that is done, and replaced while served.

A request takes the assistant once, with `ready`, and uses it to its end: so it is served from one generation of the library.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from threading import Thread
from typing import Protocol

from corpus.document import Document
from rag.extract import Extraction
from rag.reply import Hit, Reply
from rag.settings import Settings
from stemqa import StemqaError
from ui.problems import Problem

WARM_UP = "What is known about the subject of these documents?"
"""Asked once before the library counts as ready: the first question pays for what loads late, and that is no reader's."""


class OpenLibrary(Protocol):
    """What the surfaces need to know of a library."""

    @property
    def fingerprint(self) -> str: ...
    @property
    def documents(self) -> Mapping[str, Document]: ...


class Extractor(Protocol):
    """What the surfaces need of `rag.extract.Extractor`; safe to use from several threads."""

    def extract(self, question: str, passages: Sequence[str]) -> Extraction: ...


class Assistant(Protocol):
    """What the surfaces need of `rag.assistant.Assistant`; safe to use from several threads."""

    @property
    def library(self) -> OpenLibrary: ...
    @property
    def extractor(self) -> Extractor: ...

    def ask(self, question: str) -> Reply: ...

    def search(self, question: str, k: int = 10) -> Sequence[Hit]: ...

    def reopened(self, settings: Settings) -> Assistant:
        """Open the library that is in the folder now, with the models that are loaded already."""
        ...


@dataclass(frozen=True, slots=True)
class Serving:
    """What is served now. `stale` says why it is not the library that the folder holds; None where it is."""

    assistant: Assistant
    stale: str | None = None


class Opening:
    """Opens an assistant once, in a thread of its own, so that the server answers while models load."""

    def __init__(self, open_assistant: Callable[[], Assistant]) -> None:
        self._open = open_assistant
        self._started = False
        self._opened: Future[None] = Future()
        self._serving: Serving | None = None

    def start(self) -> None:
        """Begin to open. Later calls do nothing."""
        if not self._started:
            self._started = True
            Thread(target=self._run, name="open-library", daemon=True).start()

    def _run(self) -> None:
        try:
            assistant = self._open()
            assistant.ask(WARM_UP)
            self._serving = Serving(assistant)
            self._opened.set_result(None)
        except BaseException as error:  # noqa: BLE001 -- it belongs to whoever asks for the assistant
            self._opened.set_exception(error)

    def when_done(self, callback: Callable[[BaseException | None], None]) -> None:
        """Call back with None once the assistant is there, or with the error that opening it ended in."""
        self._opened.add_done_callback(lambda future: callback(future.exception()))

    def serve(self, serving: Serving) -> None:
        """Serve this from now on. A request that has begun keeps what it took."""
        self._serving = serving

    def serving(self) -> Serving:
        """Return what is served. `Problem` 503 while it is being opened, or when it could not be."""
        if not self._opened.done():
            raise Problem(503, "opening", "The library is being opened", detail="Try again in a few seconds.", retry_after=2)
        error = self._opened.exception()
        if self._serving is not None:
            return self._serving
        detail = str(error) if isinstance(error, StemqaError) else "The server's log says why."
        raise Problem(503, "not-opened", "The library could not be opened", detail=detail)

    def ready(self) -> Assistant:
        """Return the assistant that is served; for the length of one request. `Problem` 503 as `serving`."""
        return self.serving().assistant
