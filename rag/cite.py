"""Spans -> Citations, and the check of every quote against its source just before a reply leaves."""

from __future__ import annotations

from corpus.document import Chunk, Span, text_sha256
from rag.library import Library
from rag.reply import Answer, Citation, Reply, section_name
from stemqa import IntegrityError


def cite(library: Library, chunk: Chunk, span: Span, *, number: int) -> Citation:
    """Return the citation of `span`, a sentence of `chunk`."""
    document = library.documents[chunk.document_id]
    return Citation(
        number=number,
        document_id=document.id,
        title=document.title,
        source=document.source,
        section=section_name(chunk.headings),
        page=chunk.page,
        span=span,
        quote=span.of(document.text),
        document_sha256=document.sha256,
    )


def check(library: Library, reply: Reply) -> None:
    """`IntegrityError` when a quote of `reply` is not its source's slice, or its source is not the text that was indexed."""
    for citation in reply.citations if isinstance(reply, Answer) else reply.nearest:
        document = library.documents.get(citation.document_id)
        if document is None:
            raise IntegrityError(
                f"citation {citation.number} names the document {citation.document_id!r}, which is not there; "
                "build the library again"
            )
        if not document.sha256 == citation.document_sha256 == text_sha256(document.text):
            raise IntegrityError(
                f"the text of {citation.document_id!r} is not the text that was indexed; build the library again"
            )
        if document.text[citation.span.start : citation.span.end] != citation.quote:
            raise IntegrityError(
                f"citation {citation.number} is not the text of {citation.document_id!r} at {citation.span}; "
                "build the library again"
            )
