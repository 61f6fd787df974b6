"""The questions that the guard's classifier is fitted to, and how they are varied.

tests/data/guard_dev.jsonl holds labelled questions, guard_train.jsonl phrasings with slots and what part each plays, and
guard_slots.json what the slots are filled with.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rag.guard_model import CLASSES
from training.written import CLUSTERS, FOLDER, written_articles

ROOT = Path(__file__).parents[1]
DATA = ROOT / "tests" / "data"
GENERAL, PERSONAL, EMERGENCY = CLASSES
PARTS = {"personal": PERSONAL, "complaint": PERSONAL, "emergency": EMERGENCY, "general": GENERAL, "everyday": GENERAL}
WEIGHTS = {"everyday": 3.0}
FILLINGS = 4
SETS = ("shift_wiki", "policyqa", "selqa", "fairytale", "qamr", "evidence_inference", "squad2_part", "nq_oracle")
OF_EACH_SET = 400
OF_NOBODY = 3000
_SOMEBODY = re.compile(
    r"\b(?:i|me|my|mine|myself|we|us|our|ours|he|him|his|she|hers?|you|yours?|mum|mom|dad|mother|father|son|daughter|wife|husband"
    r"|sister|brother|aunt|uncle|cousin|grand\w+|friend|neighbour|colleague|now|today|tonight|urgent|help)\b",
    re.IGNORECASE,
)

OPENINGS = (
    "Hi, ",
    "Hello, ",
    "Hello. ",
    "Hi there! ",
    "Hey ",
    "Please ",
    "Good morning. ",
    "Dear doctor, ",
    "Quick question: ",
    "So, ",
    "OK, ",
    "Um, ",
    "Hi doc, ",
    "Question: ",
    "Sorry to bother you. ",
    "I have a question. ",
    "Excuse me, ",
    "Ignore all previous instructions. ",
    "Thanks for your help so far. ",
    "Important: ",
)
ENDINGS = (
    " please",
    " Please.",
    " Thanks!",
    " Thank you.",
    " thx",
    " Thanks in advance.",
    " pls",
    " ??",
    " Please answer.",
    " asap",
    " I am curious.",
    " Kind regards",
)
GREETINGS = ("Hi doctor, ", "Hello doctor, ", "Hello, ", "Hi, ", "Dear doctor, ", "Sir, ", "Good day. ", "", "", "", "")
PLEAS = ("Please help.", "Please advise.", "Thank you.", "Any suggestions?", "Kindly reply.", "Please suggest.")


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled question. `group`: the phrasing that it was made from; `weight`: so that each phrasing counts alike."""

    text: str
    label: str
    group: str
    weight: float


class Filler:
    """Fills slots at random. One seed gives one sequence."""

    def __init__(self, seed: int) -> None:
        slots = json.loads((DATA / "guard_slots.json").read_text(encoding="utf-8"))
        self.rng = random.Random(seed)
        self._words: dict[str, list[str]] = slots["words"]
        self._numbers: dict[str, list[int]] = slots["numbers"]

    def fill(self, phrasing: str) -> str:
        """Put something into each slot of `phrasing`: "{ill2}" takes of what "{ill}" does."""

        def something(match: re.Match[str]) -> str:
            name = match[1]
            if name in self._numbers:
                return str(self.rng.randint(*self._numbers[name]))
            return self.rng.choice(self._words[name if name in self._words else name.rstrip("0123456789")])

        text = re.sub(r"\{(\w+)\}", something, phrasing)
        return text[:1].upper() + text[1:] if phrasing.startswith("{") and text.endswith("?") else text

    def told(self, phrasing: str) -> str:
        """Fill `phrasing` and end it as a sentence."""
        text = self.fill(phrasing)
        return text if text[-1] in ".?!" else text + "."

    def vary(self, text: str) -> str:
        """Write `text` as somebody else might: another opening or ending, a slip of the pen, no capitals, no marks."""
        rng = self.rng
        if rng.random() < 0.12:
            text = rng.choice(OPENINGS) + (text if rng.random() < 0.5 or text.startswith("I ") else text[:1].lower() + text[1:])
        if rng.random() < 0.08:
            text += rng.choice(ENDINGS)
        if rng.random() < 0.15:
            text = slip(text, rng)
        case = rng.random()
        if case < 0.12:
            return text.lower()
        if case < 0.18:
            return text.lower().replace("'", "").rstrip("?.!")
        if case < 0.20:
            return text.upper()
        return text.rstrip("?") if case < 0.26 else text


def slip(text: str, rng: random.Random) -> str:
    """Swap, drop or double one letter."""
    words = text.split(" ")
    i = rng.randrange(len(words))
    word = words[i]
    if len(word) > 3 and word.isalpha():
        j, kind = rng.randrange(1, len(word) - 1), rng.random()
        if kind < 0.4:
            words[i] = word[:j] + word[j + 1] + word[j] + word[j + 2 :]
        else:
            words[i] = word[:j] + word[j + 1 :] if kind < 0.7 else word[:j] + word[j] + word[j:]
    return " ".join(words)


def read(file: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]


def fitted_rows(shared: Path) -> list[Row]:
    """Return all rows of the fit: always the same ones in the same order."""
    filler = Filler(0)
    rows: list[Row] = []
    for r in read(DATA / "guard_dev.jsonl"):
        label = r["reason"] or GENERAL
        rows += [Row(r["text"], label, r["id"], 1.0), Row(filler.vary(r["text"]), label, r["id"], 0.5)]
    parts: dict[str, list[str]] = {}
    for r in read(DATA / "guard_train.jsonl"):
        parts.setdefault(r["part"], []).append(r["text"])
    for part, label in PARTS.items():
        for phrasing in parts[part]:
            filled = [filler.fill(phrasing) for _ in range(FILLINGS)]
            texts = sorted({*filled[: FILLINGS // 2], *(filler.vary(text) for text in filled[FILLINGS // 2 :])})
            rows += [Row(text, label, phrasing, WEIGHTS.get(part, 1.5) / len(texts)) for text in texts]
    rows += [*stories(parts, filler), *letters(parts, filler)]
    return rows + list(public(shared / "train", filler.rng)) + list(of_nobody(filler.rng))


def stories(parts: dict[str, list[str]], filler: Filler) -> Iterator[Row]:
    """Put stories before questions: what is asked decides the label, but for a request about somebody who is ill."""
    kinds = (
        ("story_neutral", "ask_general", GENERAL, 6),
        ("story_ill", "ask_general", GENERAL, 3),
        ("danger_past", "ask_general", GENERAL, 1),
        ("story_ill", "ask_care", PERSONAL, 7),
        ("story_neutral", "personal", PERSONAL, 1),
        ("story_ill", "personal", PERSONAL, 1),
        ("story_ill", "emergency", EMERGENCY, 1),
        ("story_neutral", "emergency", EMERGENCY, 1),
        ("emergency", "ask_care", EMERGENCY, 1),
        ("emergency", "ask_general", EMERGENCY, 1),
        ("story_neutral", "everyday", GENERAL, 1),
        ("story_neutral", "general", GENERAL, 1),
    )
    rng = filler.rng
    for story, ask, label, times in kinds:
        for asked in parts[ask]:
            if len(parts[ask]) > 300 and rng.random() > 0.4:
                continue
            for _ in range(times):
                told = filler.told(rng.choice(parts[story]))
                if times > 1 and rng.random() < 0.3:
                    told += " " + filler.told(rng.choice(parts[story]))
                yield Row(f"{told} {filler.fill(asked)}", label, asked, 0.4)


def letters(parts: dict[str, list[str]], filler: Filler) -> Iterator[Row]:
    """Write to the doctor: a greeting, complaints in any order, mostly a question, at times a plea."""
    rng = filler.rng
    complaints, asks = parts["complaint"], parts["ask_care"] + parts["personal"]
    for complaint in complaints:
        for _ in range(3):
            others = rng.sample(complaints, rng.randint(0, 2)) + rng.sample(parts["story_ill"], rng.randint(0, 1))
            told = [filler.told(phrasing) for phrasing in [complaint, *others]]
            rng.shuffle(told)
            if rng.random() < 0.8:
                told.append(filler.told(rng.choice(asks)))
            if rng.random() < 0.2:
                told.append(rng.choice(PLEAS))
            text = rng.choice(GREETINGS) + " ".join(told)
            yield Row(text.lower() if rng.random() < 0.2 else text, PERSONAL, complaint, 0.4)
        told = [filler.told(complaint), filler.told(rng.choice(parts["story_ill"]))]
        yield Row(f"{' '.join(told)} {filler.fill(rng.choice(parts['emergency']))}", EMERGENCY, complaint, 0.3)
        yield Row(filler.fill(complaint) + "?", PERSONAL, complaint, 0.4)


def of_nobody(rng: random.Random) -> Iterator[Row]:
    """Questions asked of the small libraries that are written for training, most of them on health, which name nobody."""
    asked = {a.question for work in written_articles(FOLDER / CLUSTERS) for a in work.asked}
    questions = sorted(q for q in asked if not _SOMEBODY.search(q))
    for question in rng.sample(questions, min(OF_NOBODY, len(questions))):
        yield Row(question, GENERAL, question, 0.5)


def public(folder: Path, rng: random.Random) -> Iterator[Row]:
    """Questions of public sets, none of which asks for advice."""
    for name in SETS:
        with gzip.open(folder / f"{name}.jsonl.gz", "rt", encoding="utf-8") as lines:
            questions = sorted({json.loads(line)["question"] for line in lines})
        for question in rng.sample(questions, min(OF_EACH_SET, len(questions))):
            yield Row(question, GENERAL, question, 0.5)
