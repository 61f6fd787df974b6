"""All pairs to train and to calibrate with: those of the public sets, and those of the articles written for it."""

from pathlib import Path

from training.pairs import WRITTEN, Pair, read_judges, read_pairs
from training.written import FOLDER, article_pairs, written_articles

Counts = dict[str, dict[str, int]]


def read_collection(data: Path, judges: Path, written: Path = FOLDER) -> tuple[list[Pair], Counts]:
    """Return all pairs that no evaluation set under `judges` knows, with counts per source of those kept and dropped."""
    known = read_judges(judges)
    pairs, counts = read_pairs(data, known)
    own = [pair for article in written_articles(written) for pair in article_pairs(article)]
    kept = [pair for pair in own if not known.know(pair)]
    return [*pairs, *kept], {**counts, WRITTEN: {"kept": len(kept), "leaked": len(own) - len(kept)}}
