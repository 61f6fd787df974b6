"""Bold paragraphs that stand for headings, where an author made them with nothing but bold letters."""

from __future__ import annotations

from corpus.markup import element_text
from corpus.tree import Element, below, name_of

_LONGEST = 120  # characters
_FOLLOWED_BY = frozenset({"p", "ul", "ol", "blockquote", "table"})


def mark_bold_headings(root: Element, tag: str) -> None:
    """Give the name `tag` to each short paragraph all in bold, neither ended by a mark nor a date, that other text follows."""
    for paragraph in list(below(root, "p")):
        text = element_text(paragraph)
        bold = "".join(element_text(inner) for inner in paragraph if name_of(inner) in {"strong", "b"})
        following = paragraph.getnext()
        dated = 2 * sum(any(map(str.isdigit, word)) for word in text.split()) >= len(text.split())
        alone = not dated and name_of(paragraph.getparent()) not in {"td", "th", "li", "blockquote"}
        if text and bold == text and alone and len(text) <= _LONGEST and text[-1] not in ".,;:!" and following is not None:
            paragraph.tag = tag if name_of(following) in _FOLLOWED_BY else paragraph.tag
