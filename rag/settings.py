"""Settings: one flat frozen object, read once from a mapping that is passed in."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from corpus.limits import Limits
from stemqa import SettingsError

PREFIX = "STEMQA_"
_COUNTS = ("threads", "max_question_chars", "parse_seconds", "parse_memory_mb", "max_file_mb", "max_unpacked_mb")


@dataclass(frozen=True, slots=True)
class Settings:
    """What can be set from outside. The environment variable of a field is `STEMQA_` and its name in capitals."""

    library: Path = Path("library")
    """Folder of the library."""
    model: str = ""
    """A model as `embeddings.encoder.open_embedder` takes it: shipped, full weights, path or hub name; empty: shipped."""
    evidence: str = "on"
    """"on" ranks sentences with the trained evidence model, "off" by similarity and terms alone."""
    host: str = "127.0.0.1"
    port: int = 7860
    threads: int = os.cpu_count() or 1
    """Threads that one model call may use."""
    max_question_chars: int = 2000
    """Longer questions are refused as invalid."""
    parse_seconds: int = 60
    """A file that takes longer to read is left out."""
    parse_memory_mb: int = 2048
    """A file that needs more memory to read is left out."""
    max_file_mb: int = 200
    """A larger file is left out, unless it is JSON Lines."""
    max_unpacked_mb: int = 1024
    """A ZIP archive, office file or book that unpacks to more is left out."""

    @property
    def limits(self) -> Limits:
        """What reading one file may cost."""
        return Limits(
            seconds=self.parse_seconds,
            memory_bytes=self.parse_memory_mb * 1024**2,
            file_bytes=self.max_file_mb * 1024**2,
            unpacked_bytes=self.max_unpacked_mb * 1024**2,
        )

    @classmethod
    def from_mapping(cls, values: Mapping[str, str], /) -> Settings:
        """Read the `STEMQA_` names of `values`. `SettingsError` for an unknown name or a value of the wrong type."""
        known = {PREFIX + field.name.upper(): field for field in fields(cls)}
        given: dict[str, Any] = {}
        for name, value in values.items():
            if not name.startswith(PREFIX):
                continue
            if name not in known:
                raise SettingsError(f"unknown setting {name}; known are {', '.join(sorted(known))}")
            kind = {"int": int, "Path": Path, "str": str}[str(known[name].type)]
            try:
                given[known[name].name] = kind(value)
            except ValueError:
                raise SettingsError(f"{name}={value!r} is not a whole number; set it to one or unset it") from None
        settings = cls(**given)
        if not 0 <= settings.port <= 65535:
            raise SettingsError(f"STEMQA_PORT={settings.port} is not between 0 and 65535; choose another, here or with --port")
        if settings.evidence not in {"on", "off"}:
            raise SettingsError(f"STEMQA_EVIDENCE={settings.evidence!r} is neither on nor off; set it to one of them")
        for name in _COUNTS:
            if (count := getattr(settings, name)) < 1:
                raise SettingsError(f"{PREFIX}{name.upper()}={count} is not at least 1; set it higher or unset it")
        return settings
