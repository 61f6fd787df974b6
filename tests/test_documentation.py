"""What the documents and the help say of settings and routes is so."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from fake_assistant import fake_assistant
from fastapi.testclient import TestClient

from rag.settings import PREFIX, Settings
from ui.api import create_app
from ui.arguments import parser
from ui.cli import _COMMANDS
from ui.gate import MAX_BODY_BYTES
from ui.opening import Opening

ROOT = Path(__file__).resolve().parents[1]
OPERATING = (ROOT / "docs/operating.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    opening, done = Opening(fake_assistant), threading.Event()
    opening.when_done(lambda _: done.set())
    opening.start()
    assert done.wait(5)
    with TestClient(create_app(opening, Settings()), base_url="http://127.0.0.1:7860") as client:
        yield client


def test_every_setting_stands_in_the_table_and_in_the_help() -> None:
    """docs/operating.md and `stemqa --help` name just the settings that there are."""
    names = {PREFIX + field.name.upper() for field in fields(Settings)}
    assert set(re.findall(r"^\| `(STEMQA_\w+)` \|", OPERATING, re.MULTILINE)) == names
    assert set(re.findall(r"STEMQA_\w+", parser(_COMMANDS).format_help())) == names


@pytest.mark.parametrize("name", ["MAX_QUESTION_CHARS", "PARSE_SECONDS", "PARSE_MEMORY_MB", "MAX_FILE_MB", "MAX_UNPACKED_MB"])
def test_a_limit_has_the_default_that_the_table_gives(name: str) -> None:
    """The table's default is that of the settings."""
    assert re.search(rf"^\| `STEMQA_{name}` \| \| `{getattr(Settings(), name.lower())}` \|", OPERATING, re.MULTILINE)


@pytest.mark.parametrize("name", ["README.md", "docs/operating.md"])
def test_every_route_in_the_documents_is_served(client: TestClient, name: str) -> None:
    """Each path in backticks, with its method or GET, is answered by the application."""
    text = (ROOT / name).read_text(encoding="utf-8")
    routes = set(re.findall(r"`(?:(GET|POST) )?(/[a-z0-9./{}]*)`", text))
    assert len(routes) >= 5
    for method, path in routes:
        status = client.request(method or "GET", path.replace("{id}", "cells")).status_code
        assert status not in {404, 405, 500}, (method, path)


def test_the_limit_of_a_body_is_the_one_that_is_told() -> None:
    """docs/operating.md gives the largest body."""
    assert f"more than {MAX_BODY_BYTES:,} bytes" in OPERATING
