"""A small assistant for the tests of the surfaces: it answers with sentences that share words with the question."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from corpus.document import Chunk, Document, Section, Span
from rag.extract import Extract, Extraction
from rag.reply import Answer, AnswerSentence, Citation, Hit, Reason, Refusal, Reply, Trace

HOSTILE = '<script>window.hacked=1</script> <img src=x onerror="window.hacked=1"> **bold** [link](javascript:hacked) $latex$'
"""What a document, a title or a question may hold, and what a page must show as just that."""


@dataclass(frozen=True, slots=True)
class FakeLibrary:
    """Documents under a fixed fingerprint."""

    documents: Mapping[str, Document]
    fingerprint: str = "fake-library"


@dataclass(frozen=True, slots=True)
class FakeExtractor:
    """Finds the question's longest word in passages: each place of it answers."""

    def extract(self, question: str, passages: Sequence[str]) -> Extraction:
        """Return the word's places."""
        word = max(re.findall(r"\w+", question), key=len, default="")
        found = [(n, m) for n, passage in enumerate(passages) for m in re.finditer(re.escape(word), passage) if word]
        return Extraction(0.75 if found else 0.0, tuple(Extract(n, Span(*m.span()), 0.5) for n, m in found))


@dataclass(frozen=True, slots=True)
class FakeAssistant:
    """Answers from sentences that share the question's longest word; refuses by words such as "should I"."""

    library: FakeLibrary
    limit: int = 2000
    asked: list[str] = field(default_factory=list)
    extractor: FakeExtractor = FakeExtractor()

    def ask(self, question: str) -> Reply:
        """Answer or refuse by rules that a person can follow."""
        self.asked.append(question)
        found = self._matches(question)
        match question.lower():
            case "" | _ if not question.strip() or len(question) > self.limit:
                return self._refuse(question, Reason.INVALID_QUESTION, [])
            case q if q.startswith("should i"):
                return self._refuse(question, Reason.PERSONAL_ADVICE, found[:2])
            case q if "kill" in q:
                return self._refuse(question, Reason.EMERGENCY, [])
            case q if "pizza" in q:
                return self._refuse(question, Reason.OUT_OF_SCOPE, [])
            case q if "explode" in q:
                raise RuntimeError("a secret of the inside")
        return self._answer(question, found) if found else self._refuse(question, Reason.NO_EVIDENCE, [])

    def search(self, question: str, k: int = 10) -> list[Hit]:
        """Return the matching sentences as chunks of one sentence."""
        hits = []
        for document, section, span in self._matches(question)[:k]:
            hits.append(Hit(Chunk.create(document, (span,), section), 0.5, 1, None))
        return hits

    def _answer(self, question: str, found: list[tuple[Document, Section, Span]]) -> Answer:
        cited = [_citation(n, *place) for n, place in enumerate(found[:4], start=1)]
        sentences = [AnswerSentence(cited[0].quote, (1, 2) if len(cited) > 1 else (1,), 0.9, self._bold(cited[0].quote))]
        sentences += [AnswerSentence(c.quote, (c.number,), 0.8) for c in cited[2:]]
        return Answer(question, tuple(sentences), tuple(cited), 0.87, self._trace())

    def _bold(self, quote: str) -> Span | None:
        """Return where the sentence says "in ..."."""
        found = re.search(r"in \w+", quote)
        return Span(*found.span()) if found else None

    def _refuse(self, question: str, reason: Reason, found: list[tuple[Document, Section, Span]]) -> Refusal:
        nearest = tuple(_citation(n, *place) for n, place in enumerate(found, start=1))
        message = f"This is the message for {reason.value.replace('_', ' ')}.\n\nIt says what to do next."
        return Refusal(question, reason, message, nearest, self._trace())

    def _trace(self) -> Trace:
        return Trace(self.library.fingerprint, {"retrieve": 1.5, "answer": 2.5, "total": 4.0})

    def _matches(self, question: str) -> list[tuple[Document, Section, Span]]:
        word = max(re.findall(r"\w+", question.lower()), key=len, default="")
        return [place for place in self._sentences() if word and word in place[2].of(place[0].text).lower()]

    def _sentences(self) -> Iterable[tuple[Document, Section, Span]]:
        for document in self.library.documents.values():
            for section in document.sections:
                for found in re.finditer(r"\S[^.]*\.", document.text[section.span.start : section.span.end]):
                    yield document, section, Span(found.start(), found.end()).shifted(section.span.start)


def fake_assistant(*documents: Document) -> FakeAssistant:
    """Return an assistant over `documents`, or over three of its own: prose with headings, plain text, and a hostile one."""
    return FakeAssistant(FakeLibrary({d.id: d for d in documents or (CELLS, MARROW, EVIL)}))


def sectioned(text: str, **facts: str) -> Document:
    """Return a document whose sections are what stands between lines that begin with #."""
    sections, headings = [], ()
    for part in re.finditer(r"^#+ (?P<heading>.*)$|(?P<body>(?:(?!^#).*(?:\n|$))+?)(?=^#|\Z)", text, re.MULTILINE):
        if part["heading"]:
            headings = (part["heading"],)
        elif part["body"] and part["body"].strip():
            stripped = part["body"].strip()
            start = part.start() + part["body"].index(stripped)
            sections.append(Section(Span(start, start + len(stripped)), headings))
    return Document.create(text, sections=tuple(sections), **facts)


def _citation(number: int, document: Document, section: Section, span: Span) -> Citation:
    return Citation(
        number,
        document.id,
        document.title,
        document.source,
        " › ".join(section.headings),
        section.page,
        span,
        span.of(document.text),
        document.sha256,
    )


_FILLER = "\n\n".join(f"Paragraph {n} says nothing that anybody asks about, and it says so at some length." for n in range(40))
CELLS = sectioned(
    f"# Kinds\n\nStem cells renew themselves. They are found in marrow,\nand elsewhere 𝛼𝛽.\n\n{_FILLER}\n\n"
    "# Places\n\nMesenchymal cells live in fat.\n\n- one place\n- another place",
    id="cells",
    title="What stem cells are",
    source="cells.md",
)
MARROW = sectioned(
    "Mesenchymal cells also live in marrow. The marrow makes blood.", id="notes/marrow & co.txt", title="Marrow", source="m.txt"
)
EVIL = sectioned(
    f"# {HOSTILE}\n\nThe quotable sentence {HOSTILE} ends here.", id="<b>evil</b>", title=HOSTILE, source="<i>evil.md</i>"
)
