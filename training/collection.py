"""All pairs to train and to calibrate with: of the public sets, of questions written on their passages, of written articles."""

from pathlib import Path

from training.pairs import WRITTEN, Pair, read_judges, read_pairs
from training.passages import PASSAGES, passage_pairs
from training.written import FOLDER, article_pairs, written_articles

Counts = dict[str, dict[str, int]]


def read_collection(data: Path, judges: Path, written: Path = FOLDER) -> tuple[list[Pair], Counts]:
    """Return all pairs that no evaluation set under `judges` knows, with counts per source of those kept and dropped."""
    known = read_judges(judges)
    pairs, counts = read_pairs(data, known)
    own = [pair for article in written_articles(written) for pair in article_pairs(article)]
    asked = list(passage_pairs(pairs, folder=written / PASSAGES.name))
    kept = [pair for pair in (*asked, *own) if not known.know(pair)]
    return [*pairs, *kept], {**counts, WRITTEN: {"kept": len(kept), "leaked": len(own) + len(asked) - len(kept)}}
