"""`stemqa index`, `remove`, `list` and `info`: what they print."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ui.cli import main

NOTES = {"cells.txt": "Stem cells live in the bone marrow.\n", "thymus.txt": "The thymus teaches young T cells.\n"}


@pytest.fixture
def docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of two notes, indexed into ./library."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("STEMQA_EVIDENCE", "off")
    folder = tmp_path / "docs"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    assert main(["index", "docs"]) == 0
    return folder


def test_index_says_what_has_changed(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Files are counted by what became of them, on stderr; that a file was renamed is said where one was."""
    assert main(["index", "docs", "--library", "other"]) == 0
    assert capsys.readouterr().err.endswith("built; files: 2 added, 0 changed, 0 removed, 0 unchanged\n")
    assert main(["index"]) == 0
    assert capsys.readouterr().err.endswith("up to date; files: 0 added, 0 changed, 0 removed, 2 unchanged\n")
    (docs / "cells.txt").rename(docs / "marrow.txt")
    assert main(["index"]) == 0
    assert capsys.readouterr().err.endswith("built; files: 0 added, 0 changed, 1 renamed, 0 removed, 1 unchanged\n")


def test_list_shows_each_document(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One line a document; with --json one object a line, with its length in characters and passages."""
    capsys.readouterr()
    assert main(["list"]) == 0
    assert [line.split()[1:] for line in capsys.readouterr().out.splitlines()] == [
        ["cells", "docs/cells.txt", "36", "1"],
        ["thymus", "docs/thymus.txt", "34", "1"],
    ]
    assert main(["list", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["source"], row["characters"], row["passages"]) for row in rows] == [
        ("docs/cells.txt", 36, 1),
        ("docs/thymus.txt", 34, 1),
    ]


def test_what_is_removed_is_told_by_info(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`remove` says how it comes back; `info` names each root with its files, and what was taken out."""
    assert main(["remove", "docs/thymus.txt"]) == 0
    err = capsys.readouterr().err
    assert f"back in with: stemqa index {docs / 'thymus.txt'}" in err
    assert err.endswith("built; files: 0 added, 0 changed, 1 removed, 1 unchanged\n")
    assert main(["info"]) == 0
    out = capsys.readouterr().out
    assert f"{docs} (1 files)" in out
    assert f"taken out      {docs / 'thymus.txt'}" in out
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["roots"] == [{"path": str(docs), "files": 1}]
    assert facts["excluded"] == [{"path": str(docs / "thymus.txt"), "document": ""}]


def test_removing_all_is_said(docs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """When nothing is left, the library is gone, and that is no error; then there is nothing to list."""
    assert main(["remove", "docs"]) == 0
    assert "nothing is left of the library library" in capsys.readouterr().err
    assert main(["list"]) == 1
    assert "there is no library in library" in capsys.readouterr().err
