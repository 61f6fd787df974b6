"""Where the shipped articles and questions lie."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def shipped_documents_path() -> Path:
    """Return the folder of the shipped articles."""
    return Path(str(files("corpus"))) / "documents"


def shipped_questions_path() -> Path:
    """Return the shipped question set, a JSON Lines file."""
    return Path(str(files("corpus"))) / "questions.jsonl"
