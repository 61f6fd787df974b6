"""Replies on the page and in a terminal: short answers in bold, refusals in the same words, and text stays text."""

from __future__ import annotations

import re

import pytest

from corpus.document import Span
from rag.messages import MESSAGES, NEAREST, TITLES
from rag.reply import Answer, AnswerSentence, Citation, Reason, Refusal, Trace
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


@pytest.mark.parametrize("reason", list(Reason))
def test_a_refusal_has_the_same_title_on_the_page_and_in_a_terminal(reason: Reason) -> None:
    """Without passages to read, there is no heading over any."""
    refusal = Refusal("?", reason, MESSAGES[reason], (), Trace(""))
    assert f"{TITLES[reason]}</h3>" in reply_html(refusal)
    assert "<h4>" not in reply_html(refusal)
    assert reply_text(refusal).startswith(f"{TITLES[reason]}\n\n")
    assert len(reply_text(refusal).split("\n\n")) == 2


@pytest.mark.parametrize("reason", list(NEAREST))
def test_the_passages_to_read_have_the_same_heading_on_the_page_and_in_a_terminal(reason: Reason) -> None:
    """It stands over the first of them."""
    refusal = Refusal("?", reason, MESSAGES[reason], answer(("Bone is hard.", "")).citations, Trace(""))
    assert f'<h4>{NEAREST[reason]}</h4><ul class="reading"><li><q>Bone is hard.' in reply_html(refusal)
    assert f"\n\n{NEAREST[reason]}\n\n[1] Title" in reply_text(refusal)
