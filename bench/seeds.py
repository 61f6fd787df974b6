"""Ask a library of four short texts in seven wordings, and questions on their subject that they do not answer.

    python bench/seeds.py [--seeds ../shared/seeds] [--output FOLDER]

The questions of bench/seed_questions.jsonl were written apart from everything that is trained or fitted; they are only measured
with. Gold are offsets into the texts, which are no part of the project. Prints what `stemqa evaluate` prints, and each wording.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from rag.assistant import Assistant
from rag.evaluate import run_evaluation
from rag.index import index
from rag.settings import Settings
from ui.report import table, write_report

QUESTIONS = Path(__file__).with_name("seed_questions.jsonl")


def in_shipped_form(seeds: Path, ids: dict[str, str]) -> str:
    """Return the questions as `stemqa evaluate` reads them: gold as a document's id and quoted words."""
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    for row in rows:
        row["gold"] = [
            {
                "document_id": ids[gold["document"]],
                "quote": (seeds / gold["document"]).read_text(encoding="utf-8")[gold["start"] : gold["end"]],
            }
            for gold in row.get("gold", ())
        ]
    return "\n".join(json.dumps(row) for row in rows)


def main() -> None:
    """Build the library, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=Path, default=Path("../shared/seeds"))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = replace(Settings.from_mapping({}), library=Path(folder) / "library")
        index([args.seeds], settings, report=print, progress=lambda *_: None)
        assistant = Assistant.open(settings)
        ids = {Path(d.source).name: d.id for d in assistant.library.documents.values()}
        questions = Path(folder) / "seeds.jsonl"
        questions.write_text(in_shipped_form(args.seeds, ids), encoding="utf-8")
        report = run_evaluation(assistant, questions)
    print(table(report, None))
    for wording, scores in report.wordings.items():
        print(wording, *(f"{s.measure.name} {s.estimate.value:.3f}" for s in scores), sep="  ", file=sys.stdout)
    if args.output:
        write_report(report, args.output, comparison=None)


if __name__ == "__main__":
    main()
