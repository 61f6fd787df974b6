"""What a question demands of an answer: names, a kind of thing, a figure, a time, a comparison.

A passage may be near to a question and still not answer it: it names another disease, or holds no figure where one is asked
for. Each demand that a sentence leaves unmet is a signal against it; how much each weighs is fitted, not set here.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass

from embeddings.spelling import rarity
from embeddings.terms import STOP_WORDS, words

_WORD = re.compile(r"[^\W_]+(?:[-'’][^\W_]+)*")
# Endings that names of diseases have, and a few names that have none of them.
_DISEASE = re.compile(
    r"(?:itis|osis|omas?|a?emia|pathy|iasis|algia|betes|plegia|trophy|asthma|cancers?|tumou?rs?|stroke|allerg\w+|autism|"
    r"dementia|epilepsy|flu|fever|hiv|aids|covid\w*)$",
    re.IGNORECASE,
)
_AUXILIARY = "is|are|was|were|do|does|did|can|could|will|would|has|have|may|might|should"
_FOCUS = re.compile(
    rf"\b(?:which|what)\s+((?:\w+\s+){{0,2}}?\w{{3,}})(?=\s+(?:\w+\s+)?(?:{_AUXILIARY}|make|show|cause|help|treat|affect)\w*\b)",
    re.IGNORECASE,
)
_WHAT_IS = re.compile(
    r"\W*(?:what|who) (?:is|are|was|were) (?:an? |the )?((?:(?!\b(?:of|for|in|on|to|with|by|from)\b).){2,60}?)\W*",
    re.IGNORECASE,
)
_IS = re.compile(r"(.{2,80}?)\b(?:is|are|was|were|means?|refers?)\b", re.DOTALL)
_ACRONYM = re.compile(r"\([^)]*\)")
_YES_NO = re.compile(rf"\W*(?:{_AUXILIARY})\b", re.IGNORECASE)
_MONTHS = "january|february|march|april|june|july|august|september|october|november|december"
_KINDS: Mapping[str, tuple[re.Pattern[str], re.Pattern[str]]] = {
    "figure": (
        re.compile(
            r"\bhow (?:many|much|often|large|big|high|old|far|tall|soon|fast|quickly|likely|common|long|expensive|costly|wide|"
            r"deep|strong|early)\b|\b(?:percentages?|proportion|rates?|costs?|prices?|fees?|dos(?:e|es|age)|figures|amount|"
            r"milligrams?|number of|(?:which|what) (?:age|number)|dollars|euros)\b",
            re.IGNORECASE,
        ),
        re.compile(
            r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|half|third|dozen|hundreds?|thousands?|millions?|"
            r"billions?|percent|twice|once|single)\b",
            re.IGNORECASE,
        ),
    ),
    "time": (
        re.compile(
            r"\bwhen\b|\b(?:what|which) (?:year|date|century|month|day|decade|time)\b|\bhow (?:long|soon|early|late|quickly)\b",
            re.IGNORECASE,
        ),
        re.compile(
            rf"\b(?:1[0-9]{{3}}|20[0-9]{{2}})\b|\b(?:{_MONTHS}|century|years?|months?|weeks?|days?|hours?|minutes?|decades?|"
            r"before|after|during|since|until|annually|once|then|while|following)\b",
            re.IGNORECASE,
        ),
    ),
    "proper name": (
        re.compile(r"\b(?:who|whom|whose|where|which (?:country|city|person|company|hospital|university)\w*)\b", re.IGNORECASE),
        re.compile(r"(?<=[\w,;:)] )[A-Z]"),
    ),
    "cause": (
        re.compile(r"\bwhy\b|\breasons?\b|\bcauses?\b", re.IGNORECASE),
        re.compile(r"\b(?:because|due to|caus\w+|leads?|led|result\w*|since|so that|in order|reasons?)\b", re.IGNORECASE),
    ),
    "comparison": (
        re.compile(r"\b(?:better|worse|than|differ\w*|compared?|versus|vs)\b", re.IGNORECASE),
        re.compile(
            r"\b(?:than|whereas|while|unlike|in contrast|but|both|alternatively|differ\w*|compared|more|less|fewer|higher|"
            r"lower)\b",
            re.IGNORECASE,
        ),
    ),
}
"""For each kind: how a question asks for it, and what a sentence that gives it holds."""


@dataclass(frozen=True, slots=True)
class Demands:
    """What one question demands. All sets and keys are terms of the library's lexical index.

    `names`: names, figures and diseases of the question. `focus`: the thing asked for ("which *genes*"), or "". `kinds`: of
    `_KINDS`. `rarity`: how rare each term is in English, from 0 for the commonest to 1 for one that no list knows. `defined`:
    what a question of the form "What is ...?" wants defined. `make_terms` makes the terms of a text.
    """

    names: frozenset[str]
    focus: str
    kinds: frozenset[str]
    yes_no: bool
    rarity: Mapping[str, float]
    defined: frozenset[str]
    make_terms: Callable[[str], list[str]]

    @classmethod
    def of(cls, question: str, terms: Callable[[str], list[str]]) -> Demands:
        """Read the demands of `question`; `terms` makes terms of a text."""
        focus = _FOCUS.search(question)
        own = {word: found[0] for word in words(question) if word not in STOP_WORDS and (found := terms(word))}
        return cls(
            names=frozenset(own[word] for word in _names(question) if word in own),
            focus=(terms(focus.group(1)) or [""])[-1] if focus else "",
            kinds=frozenset(kind for kind, (asks, _) in _KINDS.items() if asks.search(question)),
            yes_no=bool(_YES_NO.match(question)),
            rarity={term: rarity(word) for word, term in own.items()},
            defined=frozenset(terms(what.group(1))) if (what := _WHAT_IS.fullmatch(question)) else frozenset(),
            make_terms=terms,
        )

    def own_signals(self, known: Callable[[str], bool]) -> dict[str, float]:
        """Return what the question alone tells; `known` says whether the library holds a term at all."""
        unknown = [term for term in self.rarity if not known(term)]
        return {
            "names": float(bool(self.names)),
            "name_unknown": float(any(not known(name) for name in self.names)),
            "rare_unknown": max((self.rarity[term] for term in unknown), default=0.0),
            "share_unknown": len(unknown) / max(1, len(self.rarity)),
            "focus_unknown": float(bool(self.focus) and not known(self.focus)),
            "comparison": float("comparison" in self.kinds),
            "yes_no": float(self.yes_no),
        }

    def unmet(self, sentence: str, *, terms: Collection[str], passage_terms: Collection[str]) -> dict[str, float]:
        """Return a signal for each kind of demand that `sentence`, with these terms, in a passage with those, leaves unmet."""
        missing = [value for term, value in self.rarity.items() if term not in passage_terms]
        return {
            "name_missing": float(any(name not in passage_terms for name in self.names)),
            "rare_missing": max(missing, default=0.0),
            "focus_missing": float(bool(self.focus) and self.focus not in terms),
            "no_definition": float(bool(self.defined) and not self._defines(sentence)),
        } | {f"no_{kind.replace(' ', '_')}": float(self._lacks(kind, sentence)) for kind in _KINDS}

    def _defines(self, sentence: str) -> bool:
        """Whether `sentence` says of just the thing asked for what it is."""
        opening = _IS.match(sentence)
        return bool(opening) and set(self.make_terms(_ACRONYM.sub(" ", opening.group(1) if opening else ""))) == self.defined

    def _lacks(self, kind: str, sentence: str) -> bool:
        return kind in self.kinds and not _KINDS[kind][1].search(sentence)


def _names(question: str) -> set[str]:
    """Return the words that name something: with a digit, a capital inside a sentence, or the ending of a disease."""
    found: set[str] = set()
    for match in _WORD.finditer(question):
        word = match.group()
        opens = question[: match.start()].rstrip()[-1:] in {"", ".", "?", "!", ":", '"', "“"}
        named = any(c.isdigit() for c in word) or (word[0].isupper() and not opens) or (len(word) > 1 and word.isupper())
        if named or _DISEASE.search(word):
            found.update(words(word))
    return found
