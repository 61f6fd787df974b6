"""One turn of the conversation as HTML: the question, and an answer, a refusal or a failure under it.

Everything that comes from a reader or a document is escaped. The links work without a script; with one they open the
source beside the conversation.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from itertools import groupby
from typing import assert_never

from rag.messages import NEAREST, TITLES
from rag.reply import Answer, AnswerSentence, Citation, Reason, Refusal, Reply
from ui.wire import document_path

_ICON = '<svg class="icon" viewBox="0 0 24 24" aria-hidden="true"><path d="{}"/></svg>'
_BOOK = "M4 5.5c2.7-1 5.3-.8 8 .8 2.7-1.6 5.3-1.8 8-.8v13c-2.7-1-5.3-.8-8 .8-2.7-1.6-5.3-1.8-8-.8zM12 6.3v13"
_PERSON = "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20c.6-3.6 3.6-5.5 7.5-5.5s6.9 1.9 7.5 5.5"
_PHONE = "M6 3.5h3l1.5 4-2 1.5a12 12 0 0 0 6.5 6.5l1.5-2 4 1.5v3c0 1-.9 1.9-2 1.8C10.5 19.2 4.8 13.5 4.2 5.5c-.1-1.1.8-2 1.8-2z"
_PEN = "M4 20l1-4.5L15.5 5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5"
_COMPASS = "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM15.5 8.5l-2 5-5 2 2-5z"
_WARNING = "M12 4l9 16H3zM12 10v4.5M12 17.2v.3"

_ICONS = {
    Reason.NO_EVIDENCE: _BOOK,
    Reason.OUT_OF_SCOPE: _COMPASS,
    Reason.PERSONAL_ADVICE: _PERSON,
    Reason.EMERGENCY: _PHONE,
    Reason.INVALID_QUESTION: _PEN,
}
_CONFIDENCE = "The calibrated probability that these sentences answer the question"


def turn(question: str, body: str, *, id: str) -> str:
    """Return one turn around `body`, which is HTML."""
    return f'<section class="turn" data-turn="{escape(id)}"><h2 class="question">{escape(question)}</h2>{body}</section>'


def reply_html(reply: Reply) -> str:
    """Return an answer or a refusal as HTML."""
    match reply:
        case Answer():
            return _answer(reply)
        case Refusal():
            return _refusal(reply)
        case _:
            assert_never(reply)


def trouble_html(message: str) -> str:
    """Return what stands in place of a reply when something is broken."""
    return f"""<div class="reply card trouble" role="alert"><h3>{_ICON.format(_WARNING)}Something went wrong</h3>
<p>{escape(message)}</p><p class="actions"><button type="button" class="quiet" data-do="retry">Ask again</button></p></div>"""


def _answer(answer: Answer) -> str:
    cited = {citation.number: citation for citation in answer.citations}
    paragraphs = "".join(
        f"<p>{' '.join(_sentence(s, cited) for s in group)}</p>"
        for _, group in groupby(answer.sentences, key=lambda s: cited[s.citations[0]].document_id)
    )
    note = f'<p class="note">{escape(answer.note)}</p>' if answer.note else ""
    leading = {sentence.citations[0] for sentence in answer.sentences}
    rows = groupby(answer.citations, key=lambda c: ("" if c.number in leading else "also in ", c.document_id, _place(c)))
    sources = "".join(_sources(list(group), label=key[0]) for key, group in rows)
    return f"""<div class="reply answer"><div class="answer-text">{paragraphs}</div>{note}
<h3 class="small">Sources</h3><ol class="sources">{sources}</ol>
<p class="actions"><button type="button" class="quiet" data-do="copy">Copy answer</button>
<span class="confidence" title="{_CONFIDENCE}">Confidence {_percent(answer.confidence)}</span></p></div>"""


def _percent(confidence: float) -> str:
    return "over 99%" if confidence > 0.99 else f"{confidence:.0%}"  # no model is certain, so 100 % is never claimed


def _refusal(refusal: Refusal) -> str:
    heading, icon = TITLES[refusal.reason], _ICONS[refusal.reason]
    urgent = ' role="alert"' if refusal.reason is Reason.EMERGENCY else ""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in refusal.message.split("\n\n"))
    return f"""<div class="reply card refusal {refusal.reason.value}"{urgent}><h3>{_ICON.format(icon)}{escape(heading)}</h3>
{paragraphs}{_reading(refusal)}{_next(refusal.reason)}</div>"""


def _next(reason: Reason) -> str:
    if reason is Reason.EMERGENCY:
        return ""
    return """<p class="actions"><button type="button" class="quiet" data-do="edit">Change the question</button>
<a class="quiet" href="/documents" target="_blank">See the documents</a></p>"""


def _reading(refusal: Refusal) -> str:
    if not refusal.nearest:
        return ""
    items = "".join(
        f"<li><q>{escape(c.quote)}</q> {_mark(c, group=str(c.number))}<cite>{escape(_place(c))}</cite></li>"
        for c in refusal.nearest
    )
    return f'<h4>{escape(NEAREST[refusal.reason])}</h4><ul class="reading">{items}</ul>'


def _sentence(sentence: AnswerSentence, cited: dict[int, Citation]) -> str:
    group = " ".join(map(str, sentence.citations))
    marks = "".join(_mark(cited[number], group=group) for number in sentence.citations)
    return f'<span class="sentence">{_emphasised(sentence)}</span>\N{NO-BREAK SPACE}<span class="marks">{marks}</span>'


def _emphasised(sentence: AnswerSentence) -> str:
    """Return the sentence with its short answer in bold. The parts are escaped one by one: the text stays text."""
    text, bold = sentence.text, sentence.emphasis
    if bold is None:
        return escape(text)
    return f"{escape(text[: bold.start])}<b>{escape(bold.of(text))}</b>{escape(text[bold.end :])}"


def _sources(citations: list[Citation], *, label: str) -> str:
    """Return one row: the numbers of citations of the same place, and the place."""
    numbers = "".join(f'<a class="source-link" aria-label="{escape(_label(c))}" {_target(c)}>{c.number}</a>' for c in citations)
    also = f'<span class="also">{label}</span>' if label else ""
    place = f'<a class="place" tabindex="-1" {_target(citations[0])}>{also}{_place_html(citations[0])}</a>'
    return f'<li><span class="numbers">{numbers}</span>{place}</li>'


def _mark(citation: Citation, *, group: str) -> str:
    """Return the mark of a citation; `group` are the numbers of all citations of the same sentence."""
    facts = f'data-group="{group}" aria-label="{escape(_label(citation))}" {_target(citation)}'
    return f'<a class="cite" {facts}>{citation.number}</a>'


def _target(citation: Citation) -> str:
    path = document_path(citation.document_id, citation.span, sha256=citation.document_sha256)
    facts = {
        "href": path,
        "data-source": path.replace("/documents/", "/sources/", 1).partition("#")[0],
        "data-number": str(citation.number),
        "data-title": citation.title,
        "data-section": _section(citation),
    }
    return " ".join(f'{name}="{escape(value)}"' for name, value in facts.items())


def _label(citation: Citation) -> str:
    return f"Source {citation.number}: {_place(citation)}"


def _section(citation: Citation) -> str:
    page = f"page {citation.page}" if citation.page is not None else ""
    return ", ".join(filter(None, [citation.section, page]))


def _place(citation: Citation) -> str:
    return ", ".join(filter(None, [citation.title or citation.document_id, _section(citation)]))


def _place_html(citation: Citation) -> str:
    section = _section(citation)
    tail = f'<span class="section">{escape(section)}</span>' if section else ""
    return f'<span class="title">{escape(citation.title or citation.document_id)}</span>{tail}'


def chips(questions: Iterable[str]) -> str:
    """Return questions as buttons that ask them."""
    return "".join(f'<li><button type="button" class="chip" data-do="example">{escape(q)}</button></li>' for q in questions)
