"""What a question demands, and what a sentence leaves unmet of it."""

from __future__ import annotations

import pytest

from embeddings.terms import Stems
from rag.demands import Demands

TERMS = Stems().terms


def demands(question: str) -> Demands:
    return Demands.of(question, TERMS)


def unmet(question: str, sentence: str) -> dict[str, float]:
    own = set(TERMS(sentence))
    return demands(question).unmet(sentence, terms=own, passage_terms=own)


@pytest.mark.parametrize(
    ("question", "sentence", "kind", "lacks"),
    [
        ("When was it found?", "It was found in 1998.", "time", 0),
        ("When was it found?", "It was found by chance.", "time", 1),
        ("How many cells are there?", "There are three kinds.", "figure", 0),
        ("How many cells are there?", "There are cells.", "figure", 1),
        ("What is the survival rate?", "Most patients survive.", "figure", 1),
        ("Where is it?", "It is in Berlin.", "proper_name", 0),
        ("Why does it hurt?", "It hurts because of swelling.", "cause", 0),
        ("Why does it hurt?", "It hurts.", "cause", 1),
        ("Is one better than the other?", "One is used more.", "comparison", 0),
        ("Is one better than the other?", "One is used.", "comparison", 1),
        ("What is it?", "It is a cell.", "figure", 0),
    ],
)
def test_the_kind_of_thing_that_is_asked_for(question: str, sentence: str, kind: str, lacks: int) -> None:
    """A question for a time, a figure, a name, a cause or a comparison wants a sentence that holds one."""
    assert unmet(question, sentence)[f"no_{kind}"] == lacks


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("Can psoriasis be treated in London?", {"psoriasis", "london"}),
        ("Does HSCT help with CD34 cells?", {"hsct", "cd34"}),
        ("Stem cells do what?", set()),
        ("What is lupus?", set()),
    ],
)
def test_names_are_capitals_figures_and_diseases(question: str, names: set[str]) -> None:
    """Words with a capital inside the question, with a digit, or with the ending of a disease are names."""
    assert demands(question).names == {TERMS(name)[0] for name in names}


def test_a_missing_name_is_a_signal() -> None:
    """A sentence on another disease leaves the name unmet; one on the same disease does not."""
    assert unmet("Do stem cells help in psoriasis?", "Stem cells help in arthritis.")["name_missing"] == 1
    assert unmet("Do stem cells help in psoriasis?", "In psoriasis stem cells help.")["name_missing"] == 0


@pytest.mark.parametrize(
    ("question", "focus"), [("Which genes are faulty?", "gene"), ("What tool do they use?", "tool"), ("Why is it so?", "")]
)
def test_the_focus_is_the_thing_asked_for(question: str, focus: str) -> None:
    """The word after "which" or "what", where a verb follows, is what is asked for."""
    assert demands(question).focus == focus


def test_rare_words_weigh_more() -> None:
    """A word that English hardly uses is rarer than a common one, and an unknown one is the rarest."""
    rarity = demands("Does the psoriasis treatment zzyzx?").rarity
    assert 0 <= rarity[TERMS("treatment")[0]] < rarity[TERMS("psoriasis")[0]] < rarity["zzyzx"] == 1


def test_own_signals_tell_what_the_library_does_not_know() -> None:
    """The share of the question's terms that the library holds nowhere is told, and whether a name is among them."""
    signals = demands("Do stem cells help in psoriasis?").own_signals({"stem", "cell", "help"}.__contains__)
    assert (signals["share_unknown"], signals["name_unknown"], signals["yes_no"]) == (0.25, 1.0, 1.0)


@pytest.mark.parametrize(
    ("question", "sentence", "lacks"),
    [
        ("What are stem cells?", "Stem cells are unique cells.", 0),
        ("What are stem cells?", "A stem cell transplant is a procedure.", 1),
        ("What is HSCT?", "The HSCT is a transplant.", 0),
        ("What is an allogeneic transplant?", "An allogeneic transplant (allo) is one from a donor.", 0),
        ("What are the risks of a transplant?", "Infections happen.", 0),
    ],
)
def test_what_is_asks_for_a_definition(question: str, sentence: str, lacks: int) -> None:
    """A question of the form "What is ...?" wants a sentence that says of just that thing what it is."""
    assert unmet(question, sentence)["no_definition"] == lacks
