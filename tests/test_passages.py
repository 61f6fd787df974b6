"""Questions written on passages of the public sets: their form, and which passage each is asked of."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from training.pairs import Pair
from training.passages import key, passage_pairs

KNOWN = Pair(
    "Where do geese go?", "Geese", ("Geese go south.", "They return in May."), frozenset({0}), (0, 9, 14), "geese", "nq_oracle"
)


def asked(folder: Path, text: str) -> list[Pair]:
    (folder / "a.txt").write_text(text, encoding="utf-8")
    return list(passage_pairs([KNOWN], folder))


def test_a_question_is_asked_of_the_passage_with_its_key(tmp_path: Path) -> None:
    """Document, context and source are the passage's, the rest is the line's; unknown passages are left out."""
    lines = ["= 2 plain | When are geese back? | May", "- detail | How far do geese go?", "", "@ 0", "- detail | Who?"]
    found = asked(tmp_path, "\n".join([f"@ {key(KNOWN)}", *lines]))
    assert [(p.question, sorted(p.gold), p.answer) for p in found] == [
        ("When are geese back?", [1], (1, 15, 18)),
        ("How far do geese go?", [], None),
    ]
    assert {(p.sentences, p.document, p.source, p.context) for p in found} == {(KNOWN.sentences, "geese", "nq_oracle", "Geese")}


def test_a_line_that_is_not_in_the_form_is_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"a.txt, line 2: there are 2 sentences: = 3 plain"):
        asked(tmp_path, f"@ {key(KNOWN)}\n= 3 plain | How?\n")
    with pytest.raises(ValueError, match="'odd' is none of detail"):
        asked(tmp_path, f"@ {key(KNOWN)}\n- odd | How?\n")
