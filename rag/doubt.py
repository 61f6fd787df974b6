"""The files of a large library that were not hashed when it was opened: they are hashed meanwhile, in a thread of their own."""

from __future__ import annotations

from pathlib import Path
from threading import Thread

from rag.hashes import Manifest, damage, is_sound, quick_files
from stemqa import LibraryError


class Doubt:
    """Whether a file that was not hashed has turned out to be damaged. `sound` are files, by their hashes, that are not."""

    def __init__(self, folder: Path, manifest: Manifest, *, sound: frozenset[str] = frozenset()) -> None:
        self._folder = folder
        self._manifest = manifest
        self._damage: str | None = None
        hashed = set(quick_files(manifest))
        files = manifest["files"]
        self.sound = frozenset(f["sha256"] for name, f in files.items() if name in hashed or f["sha256"] in sound)
        self._left = [name for name in sorted(files) if files[name]["sha256"] not in self.sound]
        self._thread = Thread(target=self._look, name="hash-library", daemon=True) if self._left else None
        if self._thread:
            self._thread.start()

    def check(self) -> None:
        """`LibraryError` that names a damaged file, if one has been found by now."""
        if self._damage is not None:
            raise LibraryError(self._damage)

    def settle(self) -> None:
        """Wait until every file has been hashed, then `check`."""
        if self._thread:
            self._thread.join()
        self.check()

    def _look(self) -> None:
        generation = self._folder / str(self._manifest["generation"])
        for name in self._left:
            facts = self._manifest["files"][name]
            if is_sound(generation / name, facts):
                self.sound |= {facts["sha256"]}
            elif generation.exists():  # otherwise another library has taken its place
                self._damage = damage(self._folder, self._manifest, name)
                return
