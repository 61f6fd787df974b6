"""Question-passage pairs: read, kept apart from everything that judges, cut into sentences, split by document.

../shared/train/*.jsonl.gz -> Pair(question, context, sentences, gold, answer) -> training and held-out pairs
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCES = (
    "shift_wiki",
    "squad2_part",
    "policyqa",
    "selqa",
    "nq_oracle",
    "fairytale",
    "qamr",
    "evidence_inference",
)
WRITTEN, SEAM = "written", " | "
HELD_OUT_PER_MILLE = {WRITTEN: 200}  # elsewhere 70
LONGEST_SENTENCE = 90  # words; longer ones (tables read as prose) are cut, so that a window always fits the model
OVERLAP = 10  # words in a row shared with an evaluation paragraph that mark a passage as leaked

_BREAK = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]?[A-Z0-9])|\n+")
_ABBREVIATION = re.compile(
    r"(?:\b[A-Z]|\b(?:Dr|Mr|Mrs|Ms|St|Prof|vs|No|Fig|al|e\.g|i\.e|cf|ca|approx|Inc|Jr|Sr|Co|Ltd|U\.S))\.$"
)
_WORD = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Pair:
    """A question beside a passage cut into sentences; `gold` holds the indices of those that answer (empty: none does).

    `answer` is (sentence, start, end): the short answer's place in its sentence, where the source marks one. A part of a work
    whose other parts may answer as well has a document name of its own, after the work's and SEAM.
    """

    question: str
    context: str
    sentences: tuple[str, ...]
    gold: frozenset[int]
    answer: tuple[int, int, int] | None
    document: str
    source: str

    @property
    def work(self) -> str:
        """The name of the whole that the passage is from."""
        return self.document.partition(SEAM)[0]

    @property
    def answer_text(self) -> str:
        if self.answer is None:
            return ""
        sentence, start, end = self.answer
        return self.sentences[sentence][start:end]


def words(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def holds(sentences: Sequence[str], answer: str) -> bool:
    """Whether a short answer's words stand in the sentences (then a "negative" might answer after all)."""
    wanted = " ".join(words(answer))
    return bool(wanted) and f" {wanted} " in f" {' '.join(words(' '.join(sentences)))} "


def sentence_spans(text: str, keep_whole: Sequence[tuple[int, int]] = ()) -> list[tuple[int, int]]:
    """Half-open spans of the sentences of `text`; no break is made inside a span of `keep_whole`."""
    cuts = [0]
    for match in _BREAK.finditer(text):
        end, start = match.start(), match.end()
        inside = any(a < end and start < b for a, b in keep_whole)
        if not inside and not _ABBREVIATION.search(text[max(0, end - 12) : end]):
            cuts += [end + len(match.group().rstrip()), start]
    cuts.append(len(text))
    whole = [(a, b) for a, b in zip(cuts[::2], cuts[1::2], strict=True) if text[a:b].strip()]
    return [piece for a, b in whole for piece in _at_most(text, a, b)]


def _at_most(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Cut one sentence at word borders into pieces of at most LONGEST_SENTENCE words, without white space around."""
    found = [(m.start() + start, m.end() + start) for m in re.finditer(r"\S+", text[start:end])]
    for i in range(0, len(found), LONGEST_SENTENCE):
        piece = found[i : i + LONGEST_SENTENCE]
        yield piece[0][0], piece[-1][1]


def _read(path: Path) -> Iterator[dict]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _context(row: dict) -> str:
    """Return the title a reader would see above the passage; sources whose `doc` is a mere key have none."""
    name = row["doc"]
    if row["src"] in ("evidence_inference", "qamr"):
        return ""
    if row["src"] == "fairytale":
        name = Path(name).stem.removesuffix("-questions").replace("-", " ")
    return name.replace("_", " ").strip()


def _pair(row: dict) -> Pair | None:
    spans = [tuple(span) for span in row["spans"]]
    cuts = sentence_spans(row["passage"], spans)
    gold = frozenset(i for i, (a, b) in enumerate(cuts) if any(a < e and s < b for s, e in spans))
    short = [tuple(a) for a in row["ans"] or [] if _is_short(a, spans)]
    answer = None
    for start, end in short[:1]:
        home = [i for i, (a, b) in enumerate(cuts) if a <= start and end <= b]
        answer = (home[0], start - cuts[home[0]][0], end - cuts[home[0]][0]) if home else None
        if home and row["src"] != "policyqa":  # a sentence cut in two: only the half with the answer is gold
            gold = frozenset({i for i in gold if i == home[0] or len(spans) > 1} | {home[0]})
    if (row["spans"] and not gold) or not cuts:
        return None
    texts = tuple(re.sub(r"\s", " ", row["passage"][a:b]) for a, b in cuts)
    return Pair(row["question"].strip(), _context(row), texts, gold, answer, row["doc"], row["src"])


def _is_short(answer: Sequence[int], spans: Sequence[tuple[int, int]]) -> bool:
    return answer[1] - answer[0] < 0.6 * sum(e - s for s, e in spans) and answer[1] - answer[0] <= 90


def _runs(text: str) -> Iterator[int]:
    tokens = words(text)
    for i in range(len(tokens) - OVERLAP + 1):
        yield hash(tuple(tokens[i : i + OVERLAP]))


@cache
def _runs_of(passage: str) -> frozenset[int]:
    """Kept, because a passage comes back with each of its questions."""
    return frozenset(_runs(passage))


@dataclass(frozen=True, slots=True)
class Judges:
    """What must not be trained on: titles, runs of words and questions of the evaluation sets."""

    titles: frozenset[str]
    runs: frozenset[int]
    questions: frozenset[str]

    def know(self, pair: Pair) -> bool:
        if " ".join(words(pair.context)) in self.titles or " ".join(words(pair.question)) in self.questions:
            return True
        return not self.runs.isdisjoint(_runs_of(" ".join(pair.sentences)))


def read_judges(folder: Path) -> Judges:
    """Titles, word runs and questions of every evaluation set under `folder` (../shared/eval)."""
    titles, runs, questions = set(), set(), set()
    for name in ("squad2_dev", "medquad_immune"):
        for line in (folder / name / "corpus.jsonl").read_text("utf-8").splitlines():
            row = json.loads(line)
            titles.add(" ".join(words(row["title"])))
            runs.update(_runs(row["text"]))
        for path in sorted((folder / name).glob("queries*.jsonl")):
            questions.update(" ".join(words(json.loads(line)["text"])) for line in path.read_text("utf-8").splitlines())
    return Judges(frozenset(titles - {""}), frozenset(runs), frozenset(questions))


def read_pairs(folder: Path, judges: Judges) -> tuple[list[Pair], dict[str, dict[str, int]]]:
    """All pairs that no judge knows, in file order, with counts per source of those kept and dropped."""
    kept, counts = [], {}
    for source in SOURCES:
        count = {"kept": 0, "leaked": 0, "unusable": 0}
        for row in _read(folder / f"{source}.jsonl.gz"):
            pair = _pair(row)
            fate = "unusable" if pair is None else "leaked" if judges.know(pair) else "kept"
            count[fate] += 1
            if pair is not None and fate == "kept":
                kept.append(pair)
        counts[source] = count
    return kept, counts


def is_held_out(pair: Pair) -> bool:
    """Whole documents are held out, chosen by a hash of their name; where there are few documents, by name."""
    if pair.source in ("squad2_part", "policyqa"):
        return pair.document in ("To_Kill_a_Mockingbird", "gwdocs.com", "ticketmaster.com")
    digest = hashlib.sha256(pair.work.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 1000 < HELD_OUT_PER_MILLE.get(pair.source, 70)
