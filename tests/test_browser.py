"""The chat page in a real browser: asking, citations, refusals, and that nothing leaves the machine."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import uvicorn
from conftest import NOTES, make_assistant
from fake_assistant import CELLS, EVIL, HOSTILE, MARROW, fake_assistant

from corpus.document import Document
from rag.settings import Settings
from ui.api import create_app
from ui.opening import Assistant, Opening
from ui.server import address, bind

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed: pip install -e .[browser]")

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}: apt install chromium"),
]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Serve a real assistant over a small library, and a fake one over hostile documents; yield their addresses."""
    real = make_assistant(tmp_path_factory.mktemp("browser") / "library", [*NOTES, LONG])
    served = {"real": real, "fake": fake_assistant(CELLS, MARROW, EVIL)}
    servers = {name: _Served(assistant) for name, assistant in served.items()}
    yield {name: server.url for name, server in servers.items()}
    for server in servers.values():
        server.stop()


class _Served:
    def __init__(self, assistant: Assistant) -> None:
        self._listener = bind("127.0.0.1", 0)
        self.url = address("127.0.0.1", self._listener)
        app = create_app(Opening(lambda: assistant), Settings())
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error", timeout_graceful_shutdown=1))
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [self._listener]}, daemon=True)
        self._thread.start()
        while not self._server.started:
            time.sleep(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._listener.close()


@pytest.fixture(scope="module")
def browser(sites: dict[str, str]) -> Iterator[playwright.Browser]:
    """Start Chromium, after the servers: an event loop of its own runs in this thread from then on."""
    del sites
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: playwright.Browser, request: pytest.FixtureRequest) -> Iterator[playwright.Page]:
    """Open a page that fails the test on a request to another host, a console error or an uncaught exception."""
    context = browser.new_context(**getattr(request, "param", {"viewport": {"width": 1440, "height": 900}}))
    context.set_default_timeout(15_000)
    page = context.new_page()
    wrong: list[str] = []
    page.on("request", lambda r: _is_local(r.url) or wrong.append(f"request to {r.url}"))
    page.on("console", lambda m: m.type == "error" and wrong.append(f"console: {m.text}"))
    page.on("pageerror", lambda error: wrong.append(f"exception: {error}"))
    yield page
    hacked = page.evaluate("window.hacked")
    context.close()
    assert not wrong
    assert hacked is None


def _is_local(url: str) -> bool:
    return urlsplit(url).scheme in {"data", "blob"} or urlsplit(url).hostname == "127.0.0.1"


def _open(page: playwright.Page, url: str) -> None:
    page.goto(url)
    page.locator(".welcome h1").wait_for()


def _ask(page: playwright.Page, question: str) -> playwright.Locator:
    """Ask with the keyboard, wait for the reply, and return its turn."""
    turns = page.locator(".turn:has(.reply)").count()
    page.get_by_label("Your question").fill(question)
    page.keyboard.press("Enter")
    turn = page.locator(".turn:has(.reply)").nth(turns)
    turn.wait_for()
    return turn


def _is_in_view(page: playwright.Page, selector: str) -> bool:
    """Whether the whole element lies inside its panel and the window, after scrolling has come to rest."""
    return bool(
        page.locator(selector).first.evaluate(
            """element => {
                const inner = element.getBoundingClientRect();
                const outer = document.getElementById("source-body").getBoundingClientRect();
                return inner.height > 0 && inner.top >= outer.top && inner.bottom <= Math.min(outer.bottom, innerHeight);
            }"""
        )
    )


FILLER = "\n\n".join(f"This is paragraph number {n}, and it tells nothing about the matter at hand." for n in range(60))
LONG = Document.create(
    f"{FILLER}\n\nMelanin pigment colours the skin of a salamander.\n\n{FILLER}",
    title="Salamanders",
    source="s.txt",
    id="salamanders",
)


def test_a_citation_opens_its_source_at_the_cited_sentence(page: playwright.Page, sites: dict[str, str]) -> None:
    """A click on a mark shows the source with exactly the quoted sentence marked, and scrolled into view."""
    _open(page, sites["real"])
    turn = _ask(page, "What does melanin pigment colour in a salamander?")
    sentence = turn.locator(".sentence").first.text_content()
    assert sentence == "Melanin pigment colours the skin of a salamander."
    turn.locator(".cite").first.click()
    page.locator("#cited").wait_for()
    assert page.locator("#source-body mark").all_text_contents() == [sentence]
    assert page.locator("#source-title").text_content() == "Salamanders"
    assert _is_in_view(page, "#cited")
    assert page.locator("#source-body").evaluate("e => e.scrollTop") > 500
    decoration = page.locator("#cited").evaluate("e => getComputedStyle(e).textDecorationLine")
    assert decoration == "underline"


def test_the_full_source_shows_the_same_sentence_without_script(
    browser: playwright.Browser, page: playwright.Page, sites: dict[str, str]
) -> None:
    """The link to the full source leads to a page with the same sentence marked and in view, also without JavaScript."""
    _open(page, sites["real"])
    turn = _ask(page, "What does melanin pigment colour in a salamander?")
    turn.locator(".cite").first.click()
    address = page.locator("#source-full").evaluate("e => e.href")
    plain = browser.new_context(java_script_enabled=False, viewport={"width": 390, "height": 844})
    source = plain.new_page()
    source.goto(address)
    assert source.locator("mark").all_text_contents() == ["Melanin pigment colours the skin of a salamander."]
    box = source.locator("mark").bounding_box()
    assert box is not None
    assert 0 < box["y"] < 844
    plain.close()


def test_also_in_leads_to_the_other_source(page: playwright.Page, sites: dict[str, str]) -> None:
    """A sentence that stands in two documents has two marks, and the panel of one leads to the other."""
    _open(page, sites["fake"])
    turn = _ask(page, "mesenchymal?")
    assert turn.locator(".cite").all_text_contents() == ["1", "2"]
    turn.locator(".cite").first.click()
    page.locator("#source-also a").click()
    page.wait_for_function("document.getElementById('source-title').textContent === 'Marrow'")
    page.locator("#source-body mark", has_text="Mesenchymal cells also live in marrow.").wait_for()
    assert page.locator("#source-number").text_content() == "Source 2"


def test_refusals_say_why_and_what_to_read(page: playwright.Page, sites: dict[str, str]) -> None:
    """A personal question gets a refusal with a heading, a message and reading whose marks open the source."""
    _open(page, sites["fake"])
    turn = _ask(page, "Should I have mesenchymal cells?")
    card = turn.locator(".refusal.personal_advice")
    assert card.locator("h3").text_content() == "A question for your own doctor"
    assert card.locator("q").first.text_content() == "Mesenchymal cells live in fat."
    card.locator(".cite").first.click()
    page.locator("#cited", has_text="Mesenchymal cells live in fat.").wait_for()
    assert _ask(page, "kill").locator(".emergency[role=alert]").count() == 1


def test_the_keyboard_is_enough(page: playwright.Page, sites: dict[str, str]) -> None:
    """Enter asks and opens a citation, Escape goes back to its mark, and replies appear in a live region."""
    _open(page, sites["fake"])
    turn = _ask(page, "mesenchymal?")
    assert page.locator("[role=log][aria-live=polite] .reply").count() == 1
    mark = turn.locator(".cite").first
    mark.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement?.id === 'cited'")
    page.keyboard.press("Escape")
    assert mark.evaluate("e => e === document.activeElement")
    assert not page.locator(".source-view").is_visible()
    assert "Source 1: What stem cells are" in str(mark.get_attribute("aria-label"))


def test_markup_never_runs(page: playwright.Page, sites: dict[str, str]) -> None:
    """Script and image in question, title and document are seen as text, in the chat and in the panel."""
    _open(page, sites["fake"])
    assert _ask(page, HOSTILE).locator(".question").text_content() == HOSTILE
    turn = _ask(page, "quotable?")
    turn.locator(".cite").first.click()
    page.locator("#cited").wait_for()
    assert page.locator("#source-title").text_content() == HOSTILE
    assert page.locator("#transcript img, #transcript script, #source img, #source script").count() == 0


def test_the_conversation_survives_a_reload_and_ends_with_new_chat(page: playwright.Page, sites: dict[str, str]) -> None:
    """A reload keeps this tab's conversation, New chat clears it, and another visitor never sees it."""
    _open(page, sites["fake"])
    _ask(page, "mesenchymal?")
    page.reload()
    page.locator(".turn .reply").wait_for()
    assert page.context.browser is not None
    other = page.context.browser.new_context()
    stranger = other.new_page()
    _open(stranger, sites["fake"])
    assert stranger.locator(".turn").count() == 0
    other.close()
    page.get_by_role("button", name="New chat").click()
    assert page.locator(".turn").count() == 0
    assert page.locator(".welcome").is_visible()


def test_an_example_asks_itself(page: playwright.Page, sites: dict[str, str]) -> None:
    """A click on an example question asks it."""
    _open(page, sites["fake"])
    page.get_by_role("button", name="Marrow", exact=True).click()
    page.locator(".turn .answer").wait_for()
    assert page.locator(".question").text_content() == "Marrow"


def test_copy_gives_answer_and_citations(page: playwright.Page, sites: dict[str, str]) -> None:
    """Copy puts the question, the sentences with their marks, and each source with its address on the clipboard."""
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    _open(page, sites["fake"])
    turn = _ask(page, "mesenchymal?")
    turn.get_by_role("button", name="Copy answer").click()
    turn.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert (
        "mesenchymal?\n\nMesenchymal cells live in fat. [1][2]\n\n[1] What stem cells are, Places. http://127.0.0.1" in copied
    )
    assert re.search(r"\[2\] Marrow\. http://\S+#cited", copied)


def test_a_failure_is_shown_in_place(page: playwright.Page, sites: dict[str, str]) -> None:
    """When answering breaks, the turn says so and offers to ask again."""
    _open(page, sites["fake"])
    turn = _ask(page, "explode")
    assert turn.locator(".trouble[role=alert]").count() == 1
    assert turn.get_by_role("button", name="Ask again").is_visible()


def test_a_slow_answer_is_not_called_an_unreachable_server(page: playwright.Page, sites: dict[str, str]) -> None:
    """After a minute without an answer from a server that is alive, the turn says just that and offers to ask again."""
    page.clock.install()
    _open(page, sites["fake"])
    page.route(re.compile("/gradio_api/(queue|run|call)/"), lambda _: None)  # the question does not arrive, so no answer comes
    page.get_by_label("Your question").fill("mesenchymal?")
    page.keyboard.press("Enter")
    page.locator(".turn .busy").wait_for()
    page.clock.fast_forward("01:05")
    turn = page.locator(".turn:has(.trouble)")
    turn.wait_for()
    assert turn.get_by_role("heading", name="The answer took longer than a minute").is_visible()
    assert turn.get_by_role("button", name="Ask again").is_visible()


@pytest.mark.parametrize(
    "page",
    [{"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True, "color_scheme": "dark"}],
    indirect=True,
)
def test_on_a_phone_the_source_opens_under_the_answer(page: playwright.Page, sites: dict[str, str]) -> None:
    """On a narrow dark screen nothing overflows sideways, and the source opens below with its sentence in view."""
    _open(page, sites["real"])
    turn = _ask(page, "What does melanin pigment colour in a salamander?")
    turn.locator(".cite").first.click()
    page.locator("#cited").wait_for()
    assert _is_in_view(page, "#cited")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 22)"
    page.get_by_role("button", name="Close the source").click()
    assert page.get_by_label("Your question").is_visible()


def test_light_and_dark_can_be_chosen(page: playwright.Page, sites: dict[str, str]) -> None:
    """The toggle changes light to dark, and the choice holds on the source page too."""
    _open(page, sites["fake"])
    page.get_by_role("button", name="Change between light and dark").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 22)"
    page.goto(f"{sites['fake']}/documents/cells")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(21, 23, 22)"
