"""`stemqa evaluate`: opens the right library, evaluates, compares, prints the table, writes the report.

A BEIR folder brings its own documents: its library is built for the occasion, or kept where `--library` says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from rag.assistant import Assistant
from rag.beir import is_beir
from rag.compare import compare, read_baseline
from rag.evaluate import Options, Progress, run_evaluation
from rag.index import index
from rag.settings import Settings
from stemqa import SettingsError
from ui.report import exit_code, table, write_report

Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Job:
    """What the command line asks for. `keep`: the library folder that was named, None when it was not."""

    questions: Path
    options: Options = field(default_factory=Options)
    output: Path | None = None
    baseline: Path | None = None
    keep: Path | None = None


def run(job: Job, settings: Settings, *, tell: Tell, progress: Progress) -> int:
    """Do the job: the table goes to stdout, one line per remark to `tell`. Return the exit code, 0 or 1.

    `QuestionSetError` for questions or a baseline that cannot be used, `SettingsError` for a folder that cannot be written
    to, and what opening a library raises.
    """
    # An unusable baseline or folder should be told before minutes of work, and not after.
    baseline = read_baseline(job.baseline) if job.baseline is not None else None
    if job.output is not None:
        _check_output(job.output)
    with opened(job, settings, tell=tell, progress=progress) as assistant:
        report = run_evaluation(assistant, job.questions, options=job.options, progress=progress)
    comparison = compare(report, baseline) if baseline is not None else None
    print(table(report, comparison))  # noqa: T201 -- the command's data
    if job.output is not None:
        for path in write_report(report, job.output, comparison=comparison):
            tell(f"wrote {path}")
    return exit_code(report, comparison)


def _check_output(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = "it is a file" if isinstance(error, FileExistsError) else error.strerror
        raise SettingsError(f"--output {folder} cannot be written to: {reason}; name a folder that can be") from None


@contextmanager
def opened(job: Job, settings: Settings, *, tell: Tell, progress: Progress) -> Iterator[Assistant]:
    """Yield an assistant with the library that the questions need.

    A library that stands at `job.keep` is used as it is; it is never built over with the documents of a folder.
    """
    if not is_beir(job.questions):
        yield Assistant.open(settings)
        return
    with tempfile.TemporaryDirectory(prefix="stemqa-") as folder:
        library = job.keep or Path(folder) / "library"
        settings = replace(settings, library=library)
        if not (library / "manifest.json").exists():
            index([job.questions / "corpus.jsonl"], settings, report=tell, progress=progress)
        yield Assistant.open(settings)
