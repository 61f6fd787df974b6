"""Asking without torch: what `stemqa ask` and `stemqa search` import, in a process of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SLOW = ("torch", "transformers", "sentence_transformers", "gradio", "fastapi")
PROGRAM = """
import sys
from ui.cli import main
code = main(sys.argv[1:])
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
raise SystemExit(code)
"""


def _imported(*arguments: str) -> set[str]:
    """Run one command in a new process and return the names of the packages that it imported."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("STEMQA_")}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return set(done.stderr.splitlines()[-1].split())


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, set[str]]:
    """Return a small library, and what was imported to build it."""
    folder = tmp_path_factory.mktemp("fast")
    note = folder / "note.txt"
    note.write_text("Stem cells live in the bone marrow. The thymus shapes young T cells.", encoding="utf-8")
    built = Path(folder / "library")
    return str(built), _imported("index", str(note), "--library", str(built))


def test_indexing_needs_no_torch(library: tuple[str, set[str]]) -> None:
    """Building a library with the default model imports onnxruntime, and nothing of the slow ones."""
    assert "onnxruntime" in library[1]
    assert library[1].isdisjoint(SLOW)


@pytest.mark.parametrize("command", ["ask", "search"])
def test_asking_needs_no_torch(library: tuple[str, set[str]], command: str) -> None:
    """Asking and searching import onnxruntime, and nothing of the slow ones."""
    imported = _imported(command, "Where do stem cells live?", "--library", library[0])
    assert "onnxruntime" in imported
    assert imported.isdisjoint(SLOW)
