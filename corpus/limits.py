"""Limits: what reading one file may cost before it is given up."""

from __future__ import annotations

from dataclasses import dataclass

_MB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """What reading one file, or one file in a ZIP archive, may cost. `ValueError` for a limit that is not positive."""

    seconds: float = 60.0
    """Processor time to parse it; of the clock, four times as much, so that a busy machine reads what an idle one does."""
    memory_bytes: int = 2048 * _MB
    """Address space of the process that parses it."""
    file_bytes: int = 200 * _MB
    """Size of the file. JSON Lines, which are read line by line, may be larger."""
    unpacked_bytes: int = 1024 * _MB
    """Size of all that is packed in a file: an archive, office file or book."""

    def __post_init__(self) -> None:
        if min(self.seconds, self.memory_bytes, self.file_bytes, self.unpacked_bytes) <= 0:
            raise ValueError(f"limits must be positive, got {self}")
