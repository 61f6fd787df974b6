"""Articles with questions, written for training: files in training/written -> Articles -> Pairs.

The README there tells the form.

python -m training.written [FILE ...]      checks the files and counts what they hold
"""

import re
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path

from training.pairs import SEAM, WRITTEN, Pair, words
from training.perturb import STOP

FOLDER, CLUSTERS = Path(__file__).with_name("written"), "clusters"
WORDINGS = ("plain", "paraphrase", "keywords", "misspelt", "long", "yes-no", "indirect", "vague", "two-part")
FAILINGS = ("detail", "swapped", "opposite", "presumed", "beyond", "narrower")
_ANSWERED = re.compile(r"= ([\d ]+) ([a-z-]+) \| ([^|]+?)(?: \| ([^|]+))?")
_UNANSWERED = re.compile(r"- ([a-z-]+) \| ([^|]+)")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question of an article: the numbers (from 0) of the `sentences` that answer, and in `manner` its wording or failing."""

    question: str
    manner: str
    sentences: tuple[int, ...] = ()
    answer: str = ""


@dataclass(slots=True)
class Article:
    """An article's sentences, each with the title and the heading that it stands under, and its questions.

    A cluster is one article with several titles.
    """

    name: str
    places: list[tuple[str, str]] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)

    @property
    def sections(self) -> list[list[int]]:
        """The numbers of the sentences under each title and heading."""
        return [list(run) for _, run in groupby(range(len(self.sentences)), key=self.places.__getitem__)]


def read_articles(path: Path) -> Iterator[Article]:
    """Yield the articles of a file, or its one cluster; `ValueError` names the line that is not in the form."""
    cluster = path.parent.name == CLUSTERS
    article, title, heading = Article(path.stem), "", ""
    for number, line in enumerate(map(str.strip, path.read_text("utf-8").splitlines()), start=1):
        if line.startswith("# "):
            if not cluster and article.sentences:
                yield article
            title, heading = line[2:].strip(), ""
            article = article if cluster else Article(title)
        elif line.startswith("## "):
            heading = line[3:].strip()
        elif line.startswith(("= ", "- ")):
            try:
                article.asked.append(read_question(line, article.sentences))
            except ValueError as error:
                raise ValueError(f"{path.name}, line {number}: {error}: {line}") from error
        elif line:
            article.places.append((title, heading))
            article.sentences.append(line)
    yield article


def written_files(folder: Path = FOLDER) -> list[Path]:
    """Return the files of articles and of clusters, by name."""
    return sorted([*folder.glob("*.txt"), *(folder / CLUSTERS).glob("*.txt")])


def written_articles(folder: Path = FOLDER) -> Iterator[Article]:
    """Yield all articles, files by name."""
    for path in written_files(folder):
        yield from read_articles(path)


def read_question(line: str, sentences: Sequence[str]) -> Asked:
    """Read a line that begins with "=" or "-", asked of `sentences`; `ValueError` says what is not in the form."""
    if found := _UNANSWERED.fullmatch(line):
        return Asked(found[2].strip(), _one_of(found[1], FAILINGS))
    found = _ANSWERED.fullmatch(line)
    if found is None:
        raise ValueError("neither '= NUMBERS WORDING | QUESTION | ANSWER' nor '- FAILING | QUESTION'")
    numbers = tuple(int(n) - 1 for n in found[1].split())
    if not all(0 <= n < len(sentences) for n in numbers):
        raise ValueError(f"there are {len(sentences)} sentences")
    answer = (found[4] or "").strip()
    if answer and not any(answer in sentences[n] for n in numbers):
        raise ValueError("the short answer does not stand in the sentence")
    return Asked(found[3].strip(), _one_of(found[2], WORDINGS), numbers, answer)


def article_pairs(article: Article) -> Iterator[Pair]:
    """Yield a pair for each question of an article and section that answers it; where none does, for the most tempting section.

    Of a cluster, the most tempting section of each essay that does not answer is a pair as well.
    """
    for asked in article.asked:
        homes = [s for s in article.sections if set(s) & set(asked.sentences)]
        essays = [
            [s for s in article.sections if article.places[s[0]][0] == t] for t in dict.fromkeys(t for t, _ in article.places)
        ]
        if len(essays) > 1 or not homes:
            others = ([s for s in essay if s not in homes] for essay in essays)
            homes += [max(rest, key=lambda s: _shared(asked.question, article, s)) for rest in others if rest]
        for home in homes:
            yield _pair(article, asked, home, alone=len(homes) == 1)


def _pair(article: Article, asked: Asked, numbers: Sequence[int], *, alone: bool) -> Pair:
    """Return the pair of a question and a section. Where others answer too, none of its document's may pass for a negative."""
    sentences = tuple(article.sentences[n] for n in numbers)
    gold = [k for k, n in enumerate(numbers) if n in asked.sentences]
    context = " > ".join(filter(None, article.places[numbers[0]]))
    document = article.name if alone else f"{article.name}{SEAM}{context}"
    return Pair(asked.question, context, sentences, frozenset(gold), short_answer(asked, sentences, gold), document, WRITTEN)


def short_answer(asked: Asked, sentences: Sequence[str], gold: Sequence[int]) -> tuple[int, int, int] | None:
    """Return (sentence, start, end) of the question's short answer; None where it has none or several sentences answer."""
    if not asked.answer or len(gold) != 1 or asked.answer not in sentences[gold[0]]:
        return None
    start = sentences[gold[0]].index(asked.answer)
    return gold[0], start, start + len(asked.answer)


def _shared(question: str, article: Article, numbers: Sequence[int]) -> int:
    """Return the most content words that the question shares with one of the sentences."""
    asked = set(words(question)) - STOP
    return max(len(asked & set(words(article.sentences[n]))) for n in numbers)


def _one_of(name: str, names: tuple[str, ...]) -> str:
    if name not in names:
        raise ValueError(f"'{name}' is none of {', '.join(names)}")
    return name


def main(arguments: list[str]) -> None:
    """Check the named files, or all, and print counts."""
    counts: Counter[str] = Counter()
    for path in [Path(a) for a in arguments] or written_files():
        for article in read_articles(path):
            counts.update({"articles": 1, "sentences": len(article.sentences)})
            counts.update(("answered: " if a.sentences else "unanswered: ") + a.manner for a in article.asked)
    print("\n".join(f"{n:6} {name}" for name, n in sorted(counts.items())))


if __name__ == "__main__":
    main(sys.argv[1:])
