"""Short answers in bold: on the page as elements, in a terminal as escape sequences, and text stays text."""

from __future__ import annotations

import re

import pytest

from corpus.document import Span
from rag.reply import Answer, AnswerSentence, Citation, Trace
from ui.terminal import reply_text
from ui.turns import reply_html

BOLD, PLAIN = "\x1b[1m", "\x1b[22m"


def answer(*sentences: tuple[str, str]) -> Answer:
    """Make an answer of sentences, each with its short answer, or ""."""
    citations = tuple(
        Citation(n, "d", "Title", "t.txt", "", None, Span(0, len(text)), text, "0" * 64)
        for n, (text, _) in enumerate(sentences, 1)
    )
    shown = tuple(
        AnswerSentence(text, (n,), 0.9, Span(text.index(bold), text.index(bold) + len(bold)) if bold else None)
        for n, (text, bold) in enumerate(sentences, 1)
    )
    return Answer("?", shown, citations, 0.9, Trace(""))


def test_the_page_shows_a_short_answer_in_bold() -> None:
    """The short answer is a b element inside its sentence; a sentence without one has none."""
    html = reply_html(answer(("They live for ten days.", "ten days"), ("Bone is hard.", "")))
    assert '<span class="sentence">They live for <b>ten days</b>.</span>' in html
    assert '<span class="sentence">Bone is hard.</span>' in html


@pytest.mark.parametrize("bold", ["<script>x</script>", "<b>", "**in**", "&lt;", '"<', "b>x<"])
def test_text_around_and_inside_the_bold_stays_text(bold: str) -> None:
    """Markup of a document is escaped before, inside and after the bold, wherever its borders fall; Markdown is not read."""
    text = f'<i>a</i> **c** {bold} </b></span><img src=x onerror="y">'
    html = reply_html(answer((text, bold)))
    sentence = re.search(r'<span class="sentence">(.*?)</span>\N{NO-BREAK SPACE}', html)
    assert sentence is not None
    assert re.findall(r"</?\w+[^>]*>", sentence[1]) == ["<b>", "</b>"]
    assert "**c**" in sentence[1]


def test_a_terminal_shows_a_short_answer_in_bold_across_lines() -> None:
    """Without its escape sequences the text is the one without bold, and between them stands the short answer."""
    long = "word " * 14 + "the bold answer of them, which is wrapped."
    reply = answer((long, "the bold answer"), ("They\nlive\tfor ten days.", "ten days"))
    bold = reply_text(reply, bold=True)
    assert bold.replace(BOLD, "").replace(PLAIN, "") == reply_text(reply)
    found = re.findall(rf"{re.escape(BOLD)}(.*?){re.escape(PLAIN)}", bold, re.DOTALL)
    assert [" ".join(text.split()) for text in found] == ["the bold answer", "ten days"]
    assert "\n" in found[0]


def test_a_file_gets_no_escape_sequences() -> None:
    """What is not written to a terminal is plain; and a document's own escape sequences never get through."""
    reply = answer(("They \x1b[5mlive for ten days.", "ten days"))
    assert "\x1b" not in reply_text(reply)
    assert reply_text(reply, bold=True).count("\x1b") == 2


def test_white_space_that_wrapping_drops_moves_no_bold() -> None:
    """Spaces of every kind, at line ends too, are not counted."""
    reply = answer(("word " * 15 + "a \N{NO-BREAK SPACE} b \u2003 \x1c \x85 ten days.", "ten days"))
    assert f"{BOLD}ten days{PLAIN}" in reply_text(reply, bold=True)
