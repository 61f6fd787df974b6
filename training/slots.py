"""Unanswerable because the thing asked for is not said: answers made vague, and questions turned to another thing.

"Who built the tower?" beside "The tower was built by others in 1889": near in every word, and no answer. Every function takes
its own `random.Random` and returns None where its change does not apply.
"""

import random
import re
from dataclasses import replace

from training.pairs import Pair, holds, words

_YEAR = re.compile(r"(?:1\d{3}|20\d{2})s?")
_MONTH = "january|february|march|april|may|june|july|august|september|october|november|december"
_DATE = re.compile(rf"\b(?:{_MONTH})\b|\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b|\bcentury\b|\b(?:bc|ad)\b", re.IGNORECASE)
_UNITS = "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|forty|fifty"
_COUNT = rf"{_UNITS}|half|dozen|third|quarter|once|twice"
_FIGURE = re.compile(rf"\d|\b(?:{_COUNT}|hundreds?|thousands?|millions?|billions?|single)\b", re.IGNORECASE)
_TIME = re.compile(
    rf"\b(?:1\d{{3}}|20\d{{2}})s?\b|\b(?:{_MONTH}|century|centuries|years?|months?|weeks?|days?|hours?|minutes?|seconds?|decades?|"
    r"before|after|during|since|until|once|then|while|when|early|late|later|ago|today|now)\b",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|due|caus\w+|leads?|led|result\w*|since|so|order|reasons?|therefore|thus|for|to)\b", re.IGNORECASE
)
_LEAD = re.compile(
    r"(?:\b(in|on|at|by|from|since|until|during|around|about|to|of|for|with)\s+)?(?:\b(?:the|an?|its|their|his|her)\s+)?$"
)
_VAGUE = {
    "time": ("later", "at some point", "at that time", "in the end", "some time before", "soon afterwards"),
    "figure": ("several", "many", "some", "a number of", "a few", "most of the"),
    "who": ("someone", "others", "a man", "a woman", "researchers", "one of them", "a colleague", "people of the time"),
    "where": ("elsewhere", "there", "in another place", "nearby", "in the same region"),
    "other": ("something", "other things", "one of these", "various things", "something else", "certain means"),
}
_TO_COUNT = re.compile(
    r"(?:what|which)\s+((?:\w+\s+)?\w{3,}s)\b(?=\s+(?:is|are|was|were|do|does|did|can|could|has|have|will|would|may)\b)",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(when|where|why|how)\s+(?=(?:is|are|was|were|do|does|did|can|could|has|have|had|will|would)\b)", re.IGNORECASE
)


def blur(sentence: str, start: int, end: int, *, question: str, rng: random.Random) -> str | None:
    """Return `sentence` with the short answer at [start, end) made vague, in the kind that the question asks for."""
    answer, before = sentence[start:end], sentence[:start]
    lead = _LEAD.search(before)
    preposition = lead.group(1) if lead else None
    kind = _kind(answer, question)
    if kind in {"time", "where"} and preposition in {"in", "on", "at", "from", "since", "until", "during", "around", "about"}:
        assert lead is not None
        start = lead.start(1)
    elif kind in {"who", "where", "other"} and lead is not None:
        start = lead.end(1) + 1 if preposition else lead.start()
    if kind == "figure":
        return _uncounted(sentence, start, end, rng)
    vague = rng.choice(_VAGUE[kind])
    if start == 0 or not sentence[:start].strip():
        vague = vague[0].upper() + vague[1:]
    return sentence[:start] + vague + sentence[end:]


def _kind(answer: str, question: str) -> str:
    if _YEAR.search(answer) or _DATE.search(answer):
        return "time"
    if _FIGURE.search(answer):
        return "figure"
    asked = question.lower()
    if re.search(r"\bwho(?:m|se)?\b", asked):
        return "who"
    return "where" if re.search(r"\bwhere\b|\b(?:city|country|state|region|place)\b", asked) else "other"


def _uncounted(sentence: str, start: int, end: int, rng: random.Random) -> str | None:
    """Replace the figures of the answer, and leave the thing counted: "20 percent of them" becomes "some of them"."""
    answer = sentence[start:end]
    found = list(
        re.finditer(
            rf"[$€£]?\d[\d,.]*(?:\s?(?:%|percent\b|million\b|billion\b|thousand\b))*|\b(?:{_COUNT})\b", answer, re.IGNORECASE
        )
    )
    if not found:
        return None
    a, b = start + found[0].start(), start + found[-1].end()
    vague = rng.choice(_VAGUE["figure"])
    after = sentence[b:].lstrip()
    if not after[:1].isalpha() or after.startswith(("of ", "and ", "in ", "to ", "at ")):
        vague = rng.choice(("some", "many", "a few", "a good part", "a certain amount"))
    return sentence[:a] + (vague[0].upper() + vague[1:] if a == 0 else vague) + sentence[b:]


def turn(question: str, passage: str, rng: random.Random) -> str | None:
    """Return `question` asking for a count, a time or a reason, where `passage` holds none at all."""
    counted = _TO_COUNT.match(question)
    if counted and not _FIGURE.search(passage):
        return f"How many {counted.group(1)}{question[counted.end() :]}"
    asks = _ASKS.match(question)
    if asks is None:
        return None
    free = {"When": _TIME, "Why": _CAUSE}
    fit = [word for word, held in free.items() if word.lower() != asks.group(1).lower() and not held.search(passage)]
    if asks.group(1).lower() != "how" and not _FIGURE.search(passage):
        fit.append("How often")
    return f"{rng.choice(fit)} {question[asks.end() :]}" if fit else None


def blurred_beside(pair: Pair, rng: random.Random) -> Pair:
    """Make something vague that is not asked for: vague words alone must not mean "no answer"."""
    asked = set(words(pair.question))
    fit = [
        (k, match.start(), match.end())
        for k, sentence in enumerate(pair.sentences)
        for match in re.finditer(r"\b(?:1\d{3}|20\d{2}|\d[\d,.]*\d|\d)\b|(?<=[a-z,] )[A-Z]\w+(?: [A-Z]\w+)*", sentence)
        if not asked & set(words(match.group()))
        and not (pair.answer and k == pair.answer[0] and match.start() < pair.answer[2] and pair.answer[1] < match.end())
        and not holds([match.group()], pair.answer_text)
    ]
    if not fit:
        return pair
    near = [place for place in fit if place[0] in pair.gold]
    place, start, end = rng.choice(near if near and rng.random() < 0.7 else fit)
    blurred = blur(pair.sentences[place], start, end, question=rng.choice(("who", "where", "what")), rng=rng)
    if blurred is None or (pair.answer and pair.answer_text not in blurred and place == pair.answer[0]):
        return pair
    answer = pair.answer
    if answer is not None and answer[0] == place and start < answer[1]:
        shift = len(blurred) - len(pair.sentences[place])
        answer = (place, answer[1] + shift, answer[2] + shift)
    return replace(pair, sentences=(*pair.sentences[:place], blurred, *pair.sentences[place + 1 :]), answer=answer)
