"""The articles written for training: their form, and what is made of them."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.pairs import WRITTEN, is_held_out
from training.written import Article, Asked, article_pairs, read_articles, written_articles

KETTLE = """
# Kettle
## Use
Fill it to the lower mark.
It boils a litre in three minutes.
## Care
Chalk is taken off with vinegar.

= 2 plain | How long does a kettle take for a litre? | three minutes
= 1 3 two-part | How full must a kettle be, and what takes off chalk?
- detail | How much vinegar takes off the chalk?
"""
ESSAYS = """
# Tea
Tea grows on hills.
Leaves are picked by hand.
# More tea
Tea is picked by hand twice a year.
# ?
= 2 3 plain | How is tea picked? | by hand
- detail | Who picks tea?
"""


def write(folder: Path, text: str, name: str = "own.txt") -> Path:
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_an_article_is_read(tmp_path: Path) -> None:
    """Sentences are counted through the article; a question names those that answer, its wording and its short answer."""
    (article,) = read_articles(write(tmp_path, KETTLE))
    assert article.sections == [[0, 1], [2]]
    assert article.places[2] == ("Kettle", "Care")
    assert article.asked[0] == Asked("How long does a kettle take for a litre?", "plain", (1,), "three minutes")
    assert article.asked[2] == Asked("How much vinegar takes off the chalk?", "detail")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("= 4 plain | How?", "there are 3 sentences"),
        ("= 1 loud | How?", "'loud' is none of plain"),
        ("= 1 plain | How? | four minutes", "does not stand in the sentence"),
        ("= plain | How?", "neither"),
        ("- unclear | How?", "'unclear' is none of detail"),
    ],
)
def test_what_is_not_in_the_form_is_told(tmp_path: Path, line: str, complaint: str) -> None:
    """The error names file, line and what is wrong."""
    path = write(tmp_path, KETTLE + line)
    with pytest.raises(ValueError, match=rf"own.txt, line {KETTLE.count(chr(10)) + 1}: .*{re.escape(complaint)}"):
        list(read_articles(path))


def test_pairs_of_an_article(tmp_path: Path) -> None:
    """A question stands beside each section that answers it, or beside the one that shares most words with it."""
    (article,) = read_articles(write(tmp_path, KETTLE))
    plain, first, second, none = article_pairs(article)
    assert (plain.context, plain.gold, plain.answer_text) == ("Kettle > Use", {1}, "three minutes")
    assert (first.gold, second.gold, none.gold) == ({0}, {0}, set())
    assert (second.sentences, none.sentences) == (article.sentences[2:], article.sentences[2:]) or none.sentences == (
        article.sentences[2],
    )
    assert plain.document == plain.work == first.work == "Kettle"
    assert first.document != second.document


def test_a_cluster_answers_from_several_essays_and_not_from_the_others(tmp_path: Path) -> None:
    """Essays of one file are one library: a question is paired with every essay, those without an answer included."""
    (cluster,) = read_articles(write(tmp_path, ESSAYS, "clusters/tea.txt"))
    made = [(p.context, sorted(p.gold)) for p in article_pairs(cluster)]
    assert made == [("Tea", [1]), ("More tea", [0]), ("Tea", []), ("More tea", [])]
    assert {p.work for p in article_pairs(cluster)} == {"tea"}


def test_the_collection() -> None:
    """All files are in the form; works are held out whole; no question stands in a work twice."""
    works = list(written_articles())
    asked = [a for work in works for a in work.asked]
    assert (len(works), sum(len(w.sentences) for w in works)) == (391, 9826)
    assert (sum(bool(a.sentences) for a in asked), sum(not a.sentences for a in asked)) == (24053, 9804)
    apart = [w for w in works if is_held_out(next(article_pairs(w)))]
    assert all(is_held_out(pair) and pair.source == WRITTEN for work in apart for pair in article_pairs(work))
    assert (works[0].name, works[-1].name, len(apart)) == ("Mitochondrion", "Enigma machine", 76)


def test_nothing_is_about_what_judges() -> None:
    """No work is about what the shipped documents are about."""
    told = re.compile(r"stem cell|autoimmun|gene therap|gene edit|graft-versus|ha?ematopoie", re.IGNORECASE)
    assert not [w.name for w in written_articles() if len(told.findall(" ".join((*w.sentences, *_questions(w))))) > 2]


def _questions(article: Article) -> list[str]:
    return [a.question for a in article.asked]
