"""The chat page: Gradio components and events, the page's own style and script, mounted at / of the application.

Nothing of a conversation is kept on the server. The transcript lives in the reader's browser tab, so it cannot be seen by
anybody else; every question is answered by itself.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from html import escape

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

import gradio as gr
from fastapi import FastAPI
from starlette.datastructures import MutableHeaders
from starlette.routing import Match, Mount
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rag.messages import NOTICE
from rag.settings import Settings
from stemqa import StemqaError
from ui.opening import Opening, OpenLibrary
from ui.problems import Problem
from ui.turns import chips, reply_html, trouble_html, turn
from ui.viewer import document_link

_log = logging.getLogger("stemqa")

EXAMPLES = {
    "what-stem-cells-are": "From which sources can stem cells be obtained?",
    "autoimmune-disease-and-immune-reset": "How can stem cells reset the immune system?",
    "stem-cell-transplantation": "What is the difference between an autologous and an allogeneic transplant?",
    "risks-eligibility-and-monitoring": "What are the risks of a stem cell transplant?",
    "whom-to-ask": "Should I get a stem cell transplant?",
}
"""Example questions by the shipped document that they are about; the last one shows how a personal question is met."""

SHOWN_DOCUMENTS = 30

_PAGES = frozenset({"/", "/config", "/theme.css", *(f"/gradio_api/{name}" for name in ("info", "app_id", "startup-events"))})
_FOLDERS = ("/assets/", "/static/", "/gradio_api/queue/", "/gradio_api/run/", "/gradio_api/heartbeat/")

_MASTHEAD = """<header class="masthead"><a class="brand" href="/">stemqa</a>
<nav aria-label="Page"><a href="/documents" target="_blank">Documents</a>
<button type="button" data-do="new">New chat</button>
<button type="button" data-do="theme" aria-label="Change between light and dark" title="Light or dark">
<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="M12 4a8 8 0 1 0 0 16z" fill="currentColor"/>
<circle cx="12" cy="12" r="8"/></svg></button></nav></header>"""
_TRANSCRIPT = '<div id="transcript" role="log" aria-live="polite" aria-label="Conversation"></div>'
_SOURCE = """<div class="source-view" hidden><header><div class="source-top"><p class="eyebrow" id="source-number"></p>
<button type="button" class="quiet" data-do="close" aria-label="Close the source and go back to the answer">Close</button></div>
<h2 id="source-title"></h2><p id="source-section"></p>
<p class="source-links"><a id="source-full" target="_blank">Open the full source</a></p>
<p id="source-also"></p></header>
<div id="source-body" class="source-text" tabindex="0" role="region" aria-labelledby="source-title"></div></div>"""

_HEAD = """<meta name="color-scheme" content="light dark">
<meta name="description" content="Answers from a library of documents, sentence by verbatim sentence.">
<link rel="icon" href="/ui/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/ui/base.css"><link rel="stylesheet" href="/ui/source.css">
<link rel="stylesheet" href="/ui/chat.css">
<script src="/ui/theme.js"></script><script src="/ui/chat.js"></script>
</head>"""
_NOSCRIPT = """<noscript><main class="noscript"><h1>stemqa</h1><p>The chat needs JavaScript. Without it you can read the
<a href="/documents">documents</a>, or ask in the terminal: <code>stemqa ask "What are stem cells?"</code></p></main>
</noscript></body>"""
_FOREIGN_META = re.compile(r'\s*<meta\s+(?:property="og|name="twitter):[^>]*>|\s*<link rel="manifest"[^>]*>')


def mount_page(app: FastAPI, opening: Opening, settings: Settings) -> None:
    """Mount the chat page at the root of `app`: what of Gradio the page calls, and nothing else."""

    async def mount() -> None:
        _mount_gradio(app, opening, settings)

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(mount())  # without a running event loop Gradio makes loops of its own, and never closes them
    else:
        _mount_gradio(app, opening, settings)
    mounted = app.router.routes.pop()
    assert isinstance(mounted, Mount)
    app.router.routes.append(PageMount("/", app=mounted.app))
    app.add_middleware(OwnIndex)


def _mount_gradio(app: FastAPI, opening: Opening, settings: Settings) -> None:
    gr.mount_gradio_app(
        app,
        _blocks(opening, settings),
        path="/",
        server_name=settings.host,
        server_port=settings.port,
        footer_links=[],
        run_history=False,
        show_error=False,
        max_file_size=0,
        ssr_mode=False,
        enable_monitoring=False,
        pwa=False,
        mcp_server=False,
        theme=gr.themes.Base(font=["Source Sans", "system-ui", "sans-serif"], font_mono=["ui-monospace", "monospace"]),
    )


def _blocks(opening: Opening, settings: Settings) -> gr.Blocks:
    def answer(question: str, turn_id: str) -> str:
        return answer_html(opening, question, turn_id=turn_id)

    page = gr.Blocks(title="stemqa", analytics_enabled=False, fill_width=True)
    with page:
        gr.HTML(_MASTHEAD, elem_id="masthead", apply_default_css=False)
        with gr.Row(elem_id="desk"):
            with gr.Column(elem_id="chat"):
                with gr.Column(elem_id="conversation"):
                    welcome = gr.HTML(elem_id="welcome", apply_default_css=False)
                    gr.HTML(_TRANSCRIPT, elem_id="turns", apply_default_css=False)
                with gr.Column(elem_id="composer"):
                    with gr.Row(elem_id="ask-row"):
                        question = gr.Textbox(
                            label="Your question",
                            placeholder="Ask the library",
                            max_lines=8,
                            max_length=settings.max_question_chars * 10,
                            elem_id="question",
                            autofocus=True,
                        )
                        ask = gr.Button("Ask", variant="primary", elem_id="ask")
                    gr.HTML(f'<p class="notice">{escape(NOTICE)}</p>', elem_id="notice", apply_default_css=False)
            with gr.Column(elem_id="panel"):
                gr.HTML(_SOURCE, elem_id="source", apply_default_css=False)
                shelf = gr.HTML(elem_id="shelf", apply_default_css=False)
        page.load(
            lambda: desk_html(opening),
            outputs=[welcome, shelf],
            queue=False,
            show_progress="hidden",
            api_visibility="private",
        )
        turn_id = gr.Textbox(visible=False)
        latest = gr.HTML(visible=False)
        asked = gr.on(
            [ask.click, question.submit],
            answer,
            inputs=[question, turn_id],
            outputs=[latest],
            js="(question) => stemqa.begin(question)",
            queue=False,
            show_progress="hidden",
            trigger_mode="multiple",
            api_visibility="private",
        )
        asked.success(None, inputs=[latest], js="(html) => stemqa.settle(html)", api_visibility="private")
        asked.failure(None, js="() => stemqa.fail()", api_visibility="private")
    return page


def answer_html(opening: Opening, question: str, *, turn_id: str) -> str:
    """Return the turn of one question. A failure is shown in its place; an unexpected one is logged, and shows no internals."""
    try:
        body = reply_html(opening.ready().ask(question))
    except (Problem, StemqaError) as error:
        _log.error("asking failed: %s", error)
        body = trouble_html(str(error))
    except Exception:  # noqa: BLE001 -- the last resort of a page: whatever breaks is told in place, and logged
        _log.exception("asking failed")
        body = trouble_html("Something broke inside; the server's log says what.")
    return turn(question, body, id=turn_id)


def desk_html(opening: Opening) -> tuple[str, str]:
    """Return what stands where there is no conversation and no source yet: a welcome, and the shelf. Both of one library."""
    try:
        library = opening.ready().library
    except Problem as problem:
        state = "failed" if problem.details.type.endswith("not-opened") else "opening"
        words = f"<h1>{escape(problem.details.title)}</h1><p>{escape(problem.details.detail)}</p>"
        return f'<div class="welcome" data-state="{state}">{words}</div>', ""
    return _welcome(library), _shelf(library)


def _welcome(library: OpenLibrary) -> str:
    count = len(library.documents)
    return f"""<div class="welcome"><h1>Ask the library.</h1>
<p>Every answer is quoted word for word from {count:,} document{"" if count == 1 else "s"}, with the place it comes from.
Where they hold no answer, you are told so.</p>
<ul class="chips" aria-label="Example questions">{chips(_examples(library))}</ul></div>"""


def _shelf(library: OpenLibrary) -> str:
    documents = [d for _, d in sorted(library.documents.items())]
    rows = "".join(f"<li>{document_link(d)}</li>" for d in documents[:SHOWN_DOCUMENTS])
    more = f'<p><a href="/documents">All {len(documents):,} documents</a></p>' if len(documents) > SHOWN_DOCUMENTS else ""
    return f"""<div class="shelf"><p class="eyebrow">Sources</p>
<p>Choose a number in an answer to read its sentence where it stands.</p><h2>In this library</h2><ul>{rows}</ul>{more}</div>"""


def _examples(library: OpenLibrary) -> list[str]:
    """Return the shipped questions whose document is there; of another library, the titles of its first documents."""
    shipped = [question for document_id, question in EXAMPLES.items() if document_id in library.documents]
    titles = (d.title for _, d in sorted(library.documents.items()) if d.title)
    return shipped or [title for title, _ in zip(titles, range(4), strict=False)]


class PageMount(Mount):
    """Gradio's application. Of its many routes (uploads, files, proxying, monitoring ...) only the page's own are served."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match the paths that the page calls."""
        path = scope.get("path", "")
        return super().matches(scope) if path in _PAGES or path.startswith(_FOLDERS) else (Match.NONE, {})


class OwnIndex:
    """ASGI middleware: takes Gradio's promotional tags out of the index page and puts the page's own style and script in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        start: Message = {}
        body = bytearray()

        async def whole(message: Message) -> None:
            nonlocal start
            if message["type"] == "http.response.start":
                start = message
                return
            if message["type"] != "http.response.body":
                return
            body.extend(message.get("body", b""))
            if not message.get("more_body"):
                page = own_index(body.decode()).encode()
                MutableHeaders(scope=start)["content-length"] = str(len(page))
                await send(start)
                await send({"type": "http.response.body", "body": page})

        await self._app(scope, receive, whole)


def own_index(html: str) -> str:
    """Return Gradio's index page with this page's head in place of the promotional tags."""
    html = _FOREIGN_META.sub("", html)
    return html.replace("</head>", _HEAD, 1).replace("</body>", _NOSCRIPT, 1)
