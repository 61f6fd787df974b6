"""Questions as users type them, and questions made unanswerable by one change.

Every function takes its own `random.Random` and returns the question unchanged, or None, where its change does not apply.
"""

import random
import re
from collections.abc import Sequence

_ENTITY = re.compile(r"\b[A-Z][\w'’.-]*(?:\s+(?:of|the|and|de|von|van)?\s*[A-Z][\w'’.-]*)*")
_NUMBER = re.compile(r"\b\d[\d,.]*\b")
_ASKING = frozenset(
    re.findall(
        r"\w+",
        """
        What Which Who Whom Whose When Where Why How In On At The A An Is Are Was Were Do Does Did Can Could Has Have Had
        For From By To Of With During After Before If Name According Will Would Should Along Besides Other Under Between
        """,
    )
)
STOP = frozenset(
    re.findall(
        r"\w+",
        """
        a about after all also an and any are as at be been before being both but by can could did do does during for from
        had has have he her his how i if in into is it its may me might more most much many my no not of on one only or
        other our out over per she should so some such than that the their them then there these they this those to under
        up was we were what when where which while who whom whose why will with would you your name kind type
        """,
    )
)
_OPPOSITES = """
increase decrease|increased decreased|increases decreases|increasing decreasing|higher lower|high low|highest lowest
more less|most least|larger smaller|large small|largest smallest|before after|first last|early late|earlier later
earliest latest|north south|northern southern|east west|eastern western|inside outside|above below|begin end|began ended
start stop
started stopped|win lose|won lost|accept reject|accepted rejected|agree disagree|agreed disagreed|support oppose
supported opposed|allow forbid|allowed banned|create destroy|created destroyed|built demolished|open close|opened closed
rise fall|rose fell|born dead|positive negative|strong weak|stronger weaker|easy difficult|fast slow|faster slower|old new
older younger|oldest youngest|long short|longest shortest|longer shorter|male female|men women|father mother|brother sister
king queen|husband wife|son daughter|public private|internal external|major minor|majority minority|maximum minimum
best worst|better worse|good bad|rich poor|hot cold|warm cool|summer winter|day night|import export|attack defend
include exclude|included excluded|gain loss|gained lost|buy sell|bought sold|love hate|liked disliked|success failure
successful unsuccessful|popular unpopular|common rare|same different|similar different|known unknown|cause prevent
causes prevents|caused prevented|improve worsen|improved worsened|active inactive|natural artificial|adult child
heavy light|expensive cheap|famous unknown|ancient modern|urban rural|upper lower|left right|top bottom|with without
enter leave|entered left|arrive depart|arrived departed|join quit|joined left|remember forget|alive dead|true false
always never|often rarely|usually rarely|acute chronic|primary secondary|mild severe|benign malignant|absorb release
dense sparse|deep shallow|thick thin|wet dry|young old|hard soft|legal illegal|safe dangerous|praise criticism
praised criticized|friend enemy|peace war|victory defeat|retain discard|share withhold|collect delete
"""
OPPOSITES: dict[str, str] = {}
for _couple in _OPPOSITES.replace("\n", "|").split("|"):
    if _couple:
        _left, _right = _couple.split()
        OPPOSITES.setdefault(_left, _right)
        OPPOSITES.setdefault(_right, _left)
_AUXILIARY = re.compile(r"\b(is|are|was|were|did|does|do|can|could|has|have|had|will|would|should)\b", re.IGNORECASE)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_OPENINGS = (
    "please tell me ",
    "I would like to know ",
    "can you tell me ",
    "hi, ",
    "question: ",
    "do you know ",
    "quick question - ",
)


def entities(text: str) -> list[str]:
    """Names in `text` as written: capitalised runs that are more than a sentence's first word."""
    found = []
    for match in _ENTITY.finditer(text):
        name = re.sub(r"['’]s$", "", match.group().strip(" .,'’-"))
        parts = name.split()
        while parts and parts[0] in _ASKING:
            parts = parts[1:]
        opens = match.start() == 0 or text[max(0, match.start() - 2) : match.start()].strip() in {".", "!", "?"}
        if parts and not (opens and len(parts) == 1 and len(name.split()) == 1) and len(" ".join(parts)) > 2:
            found.append(" ".join(parts))
    return found


def numbers(text: str) -> list[str]:
    return [number.rstrip(".,") for number in _NUMBER.findall(text)]


def content_words(text: str) -> list[str]:
    return [word for word in re.findall(r"[A-Za-z][A-Za-z'’-]+", text) if word.lower() not in STOP]


def replace_word(text: str, old: str, new: str) -> str:
    return re.sub(rf"(?<!\w){re.escape(old)}(?!\w)", lambda _: new, text)


def swap_entity(question: str, others: Sequence[str], rng: random.Random) -> tuple[str, str, str] | None:
    """Return (new question, old name, new name): one of its names replaced by one of `others` that shares no word with it."""
    names = entities(question)
    if not names:
        return None
    old = rng.choice(names)
    taken = {word.lower() for word in question.split()}
    fit = [name for name in others if not taken & {word.lower() for word in name.split()}]
    if not fit:
        return None
    new = rng.choice(fit)
    return replace_word(question, old, new), old, new


def swap_number(question: str, others: Sequence[str], rng: random.Random) -> str | None:
    found = numbers(question)
    if not found:
        return None
    old = rng.choice(found)
    fit = [number for number in others if number != old and len(number) == len(old)]
    if fit and rng.random() < 0.6:
        return replace_word(question, old, rng.choice(fit))
    plain = old.replace(",", "")
    if not plain.isdigit():
        return None
    shift = rng.choice([-30, -12, -7, -3, -1, 1, 2, 5, 10, 25])
    return replace_word(question, old, str(abs(int(plain) + shift) or 4))


def swap_opposite(question: str, rng: random.Random) -> str | None:
    """Replace a word by its opposite."""
    fit = [word for word in re.findall(r"[A-Za-z]+", question) if word.lower() in OPPOSITES]
    if not fit:
        return None
    old = rng.choice(fit)
    new = OPPOSITES[old.lower()]
    return replace_word(question, old, new.capitalize() if old[0].isupper() else new)


def negate(question: str, rng: random.Random) -> str | None:
    """Negate the question's auxiliary: "did" becomes "didn't" or "did never"."""
    match = _AUXILIARY.search(question)
    if match is None or re.search(r"n't|\bnot\b|\bno\b|\bnever\b", question):
        return None
    short = {"can": "can't", "will": "won't"}.get(match.group().lower(), match.group() + "n't")
    if rng.random() < 0.35:
        short = {"won't": "will never"}.get(short, match.group() + " never")
    return question[: match.start()] + short + question[match.end() :]


def swap_word(question: str, passage: str, others: Sequence[str], rng: random.Random) -> str | None:
    """Return the question with a content word that the passage holds replaced by one of like ending that it does not."""
    held = passage.lower()
    fit = [word for word in content_words(question) if word.islower() and len(word) > 4 and word[:5] in held]
    if not fit:
        return None
    old = rng.choice(fit)
    alike = [w for w in others if w.islower() and w[-2:] == old[-2:] and w[:4] != old[:4] and w[:5] not in held]
    return replace_word(question, old, rng.choice(alike)) if alike else None


def keywords(question: str, rng: random.Random) -> str:
    """Return the question as typed into a search box: content words only, mostly lower case."""
    kept = [word for word in re.findall(r"[\w'’.%-]+", question) if word.lower() not in STOP]
    if len(kept) < 2:
        return question
    if rng.random() < 0.2:
        rng.shuffle(kept)
    text = " ".join(kept).rstrip(".?")
    return text.lower() if rng.random() < 0.7 else text


def misspell(question: str, rng: random.Random) -> str:
    """One to three words with a slip of the keys: swapped, dropped, doubled or neighbouring letters."""
    parts = question.split(" ")
    fit = [i for i, word in enumerate(parts) if len(re.sub(r"\W", "", word)) > 3 and word.isascii()]
    for i in rng.sample(fit, min(len(fit), rng.choice((1, 1, 2, 2, 3)))):
        parts[i] = _slip(parts[i], rng)
    return " ".join(parts)


def _slip(word: str, rng: random.Random) -> str:
    places = [i for i in range(len(word) - 1) if word[i].isalpha() and word[i + 1].isalpha()]
    if not places:
        return word
    i = rng.choice(places)
    kind = rng.random()
    if kind < 0.3:
        return word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    if kind < 0.55:
        return word[: i + 1] + word[i + 2 :]
    if kind < 0.7:
        return word[: i + 1] + word[i] + word[i + 1 :]
    if kind < 0.85:
        return word[: i + 1] + rng.choice("aeiou") + word[i + 2 :]
    return word[:i] + _neighbour(word[i], rng) + word[i + 1 :]


def _neighbour(letter: str, rng: random.Random) -> str:
    for row in _ROWS:
        at = row.find(letter.lower())
        if at >= 0:
            return rng.choice([row[j] for j in (at - 1, at + 1) if 0 <= j < len(row)])
    return letter


def as_typed(question: str, rng: random.Random) -> str:
    """Return the question, six times in ten as it is, else as people type: keywords, slips, small letters, an opening."""
    draw = rng.random()
    if draw < 0.61:
        return question
    if draw < 0.76:
        return misspell(question, rng)
    if draw < 0.85:
        return keywords(question, rng)
    if draw < 0.89:
        return misspell(keywords(question, rng), rng)
    if draw < 0.96:
        return question.lower().rstrip(" ?")
    return rng.choice(_OPENINGS) + question[:1].lower() + question[1:]
