"""Settings: read once from a mapping; what is unknown or impossible is named."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import pytest

from corpus.limits import Limits
from rag.settings import Settings
from stemqa import SettingsError


def test_names_of_others_are_passed_over() -> None:
    """A mapping without `STEMQA_` names gives the defaults."""
    assert Settings.from_mapping({"HOME": "/root", "PORT": "1", "stemqa_port": "1"}) == Settings()


def test_every_field_can_be_set() -> None:
    """Each field is read from its variable, as the type that it has."""
    values = {"LIBRARY": "a/b", "MODEL": "m", "EVIDENCE": "on", "HOST": "::1", "PORT": "0", "THREADS": "3"}
    values |= {
        "MAX_QUESTION_CHARS": "9",
        "PARSE_SECONDS": "5",
        "PARSE_MEMORY_MB": "6",
        "MAX_FILE_MB": "7",
        "MAX_UNPACKED_MB": "8",
    }
    settings = Settings.from_mapping({f"STEMQA_{name}": value for name, value in values.items()})
    given = Settings(library=Path("a/b"), model="m", evidence="on", host="::1", port=0, threads=3, max_question_chars=9)
    assert settings == replace(given, parse_seconds=5, parse_memory_mb=6, max_file_mb=7, max_unpacked_mb=8)
    assert {name.lower() for name in values} == {field.name for field in fields(Settings)}


def test_an_unknown_name_is_an_error() -> None:
    """A misspelt variable is named, with those that there are."""
    with pytest.raises(SettingsError, match=r"unknown setting STEMQA_LIBARY; known are .*STEMQA_LIBRARY"):
        Settings.from_mapping({"STEMQA_LIBARY": "x"})


@pytest.mark.parametrize("value", ["", "x", "1.5", "0x10", "1e3"])
@pytest.mark.parametrize("name", ["PORT", "THREADS", "MAX_QUESTION_CHARS"])
def test_what_is_no_number_is_an_error(name: str, value: str) -> None:
    """A number that is none is shown with its variable and the remedy."""
    with pytest.raises(SettingsError) as error:
        Settings.from_mapping({f"STEMQA_{name}": value})
    assert str(error.value) == f"STEMQA_{name}={value!r} is not a whole number; set it to one or unset it"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("EVIDENCE", "yes", "STEMQA_EVIDENCE='yes' is neither on nor off"),
        ("PORT", "-1", "STEMQA_PORT=-1 is not between 0 and 65535"),
        ("PORT", "65536", "STEMQA_PORT=65536 is not between 0 and 65535"),
        ("THREADS", "0", "STEMQA_THREADS=0 is not at least 1; set it higher or unset it"),
        ("MAX_QUESTION_CHARS", "0", "STEMQA_MAX_QUESTION_CHARS=0 is not at least 1"),
        ("PARSE_SECONDS", "0", "STEMQA_PARSE_SECONDS=0 is not at least 1"),
        ("MAX_FILE_MB", "-1", "STEMQA_MAX_FILE_MB=-1 is not at least 1"),
    ],
)
def test_a_number_out_of_range_is_an_error(name: str, value: str, message: str) -> None:
    """The evidence model is on or off, ports lie between 0 and 65535, and what is counted is at least 1."""
    with pytest.raises(SettingsError, match=message):
        Settings.from_mapping({f"STEMQA_{name}": value})


def test_limits_are_in_bytes() -> None:
    """What reading a file may cost is set in megabytes and kept in bytes; the defaults are those of reading."""
    assert Settings().limits == Limits()
    assert Settings(parse_memory_mb=3, max_file_mb=2, max_unpacked_mb=4, parse_seconds=5).limits == Limits(
        seconds=5, memory_bytes=3 * 1024**2, file_bytes=2 * 1024**2, unpacked_bytes=4 * 1024**2
    )
