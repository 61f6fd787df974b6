"""The files of a library: the manifest, the generation that it names, and how one takes another's place.

    DIR/manifest.json     what the library is made of, and the SHA-256 of each of its files and of itself
    DIR/<generation>/     files.jsonl, words.json, and the segments (see rag.segment), each in a folder of its own
    DIR/.lock             held by the one that writes
    DIR/.new-*            what is being written; DIR/.journal: vectors of a build that was cut off

A generation is written whole under a temporary name, forced to the disk, then renamed; the manifest is replaced last,
atomically. So a reader sees the old library or the new one, never a mixture, and a writer that dies leaves either whole.
Segments that have not changed are the same files in both generations (hard links), where the file system has these.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from re import compile as pattern
from typing import Any

from corpus.document import text_sha256
from rag.hashes import Manifest, check_files
from rag.lock import LOCK, only_writer
from rag.protocols import Embedder
from stemqa import LibraryError

FORMAT = 4
MANIFEST, JOURNAL, WORDS = "manifest.json", ".journal", "words.json"
CONTENTS = ("format", "model", "chunking", "corpus", "passages", "calibrations", "evidence")
"""The parts of a manifest that the fingerprint is made of."""
_OTHERS = ("fingerprint", "generation", "counts", "segments", "files", "roots", "excluded", "stamps", "sha256")
_GENERATION = pattern(r"g-[0-9a-f]{16}")
_NEW = ".new-"
_AT_A_TIME = 16


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read what the library in `folder` says of itself. `LibraryError` when there is none, or none that can be read."""
    file = folder / MANIFEST
    mend = f"build one with: stemqa index PATH... --library {folder}"
    try:
        text = file.read_bytes().decode("utf-8")
        manifest: dict[str, Any] = json.loads(text)
        found = manifest["format"]
    except FileNotFoundError:
        raise LibraryError(f"there is no library in {folder}; {mend}") from None
    except (OSError, ValueError, KeyError, TypeError):
        raise LibraryError(f"the library's {file} cannot be read as a manifest; remove the folder and {mend}") from None
    if found != FORMAT:
        raise LibraryError(f"the library in {folder} has format {found}, this version reads {FORMAT}; {mend}")
    if manifest.keys() != {*CONTENTS, *_OTHERS} or text != _manifest_text(manifest):
        raise LibraryError(f"the library's {file} is damaged: it is not as it was written; {mend}")
    return manifest


def fingerprint(contents: Manifest) -> str:
    """Return the SHA-256 of all that decides what the library's answers are: the values of `CONTENTS`."""
    return text_sha256(json.dumps({name: contents[name] for name in CONTENTS}, sort_keys=True))


def check_model(folder: Path, manifest: Manifest, embedder: Embedder) -> None:
    """`LibraryError` unless the library was built with this model."""
    model = manifest["model"]
    if (model["sha256"], model["dimension"]) != (embedder.sha256, embedder.dimension):
        raise LibraryError(
            f"the library {folder} was built with the model {model['name']} ({model['sha256'][:12]}), "
            f"not with {embedder.name} ({embedder.sha256[:12]}); set STEMQA_MODEL to the former, "
            f"or build it again with: stemqa index --library {folder}"
        )


def has_manifest(folder: Path) -> bool:
    """Whether there is a library in `folder`, be it damaged."""
    return (folder / MANIFEST).exists()


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Make `folder` where it is missing, be its only writer, and tidy up what killed writers left.

    `LibraryError` when another one writes, when the folder holds files that are no library's, or when writing fails.
    """
    made = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(folder)
        with only_writer(folder):
            try:
                _tidy(folder)
                yield
            finally:
                _leave_nothing(folder, made=made)
    except OSError as error:
        raise LibraryError(
            f"the library in {folder} cannot be written: {error.strerror or error}; "
            "make room or choose another folder with --library"
        ) from error


def _leave_nothing(folder: Path, *, made: bool) -> None:
    """Where no library has come of it, remove the lock, and the folder if it was `made` for it."""
    with suppress(OSError):
        if [path.name for path in folder.iterdir()] == [LOCK]:
            (folder / LOCK).unlink()
            if made:
                folder.rmdir()


@contextmanager
def new_generation(folder: Path) -> Iterator[Path]:
    """Yield an empty folder to write a generation into. What `install` has not put in place is removed."""
    with tempfile.TemporaryDirectory(prefix=_NEW, dir=folder, ignore_cleanup_errors=True) as name:
        new = Path(name) / "generation"
        new.mkdir()
        yield new


def link(old: Path, new: Path) -> None:
    """Make `new` a folder of the very files of `old`; of copies, where the file system has no hard links."""
    for path in (path for path in sorted(old.rglob("*")) if path.is_file()):
        place = new / path.relative_to(old)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(path, place)
        except OSError:
            shutil.copyfile(path, place)


def install(folder: Path, new: Path, facts: Manifest) -> bool:
    """Put the generation `new` and its manifest of `facts` in place of the old ones. False when that changes nothing."""
    # Named by its very bytes: two generations of one name are the same.
    name = f"g-{text_sha256(json.dumps(facts['files'], sort_keys=True))[:16]}"
    manifest = {"fingerprint": fingerprint(facts), "generation": name, **facts}
    manifest["sha256"] = _manifest_sha256(manifest)
    text = _manifest_text(manifest)
    if not _is_whole(folder, manifest):
        _sync_tree(new)
        shutil.rmtree(folder / name, ignore_errors=True)
        new.rename(folder / name)
        _sync(folder)
    changes = _text_of(folder / MANIFEST) != text
    if changes:
        _replace(folder / MANIFEST, text)
    discard_journal(folder)
    _tidy(folder)
    return changes


def clear(folder: Path) -> None:
    """Remove the library in `folder`, which the caller holds with `writing`: first what names it, then the rest."""
    (folder / MANIFEST).unlink()
    _sync(folder)
    discard_journal(folder)
    for path in folder.iterdir():
        if _GENERATION.fullmatch(path.name):
            shutil.rmtree(path)


def discard_journal(folder: Path) -> None:
    """Remove the vectors that a build which was cut off has left."""
    (folder / JOURNAL).unlink(missing_ok=True)


def _tidy(folder: Path) -> None:
    """Remove what no manifest names. Where the manifest cannot be read, nothing is known to be of no use."""
    try:
        current = read_manifest(folder)["generation"]
    except LibraryError:
        current = None
    for path in folder.iterdir():
        if path.name.startswith(_NEW) or (current and _GENERATION.fullmatch(path.name) and path.name != current):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _refuse_foreign(folder: Path) -> None:
    own = {MANIFEST, LOCK, JOURNAL}
    names = [path.name for path in folder.iterdir()]
    foreign = [n for n in names if n not in own and not n.startswith(_NEW) and not _GENERATION.fullmatch(n)]
    if foreign:
        raise LibraryError(
            f"{folder} holds other files ({min(foreign)!r}), so no library is written there; name an empty or new folder"
        )


def _is_whole(folder: Path, manifest: Manifest) -> bool:
    try:
        check_files(folder, manifest)
    except LibraryError:
        return False
    return True


def _manifest_sha256(manifest: Manifest) -> str:
    return text_sha256(json.dumps({name: value for name, value in manifest.items() if name != "sha256"}, sort_keys=True))


def _manifest_text(manifest: Manifest) -> str:
    """Return the one text that a manifest of these values has; none of its bytes can change without a trace."""
    return json.dumps({**manifest, "sha256": _manifest_sha256(manifest)}, indent=1, ensure_ascii=False) + "\n"


def _text_of(file: Path) -> str | None:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return None


def _replace(file: Path, text: str) -> None:
    """Put `text` in the place of `file`, whole or not at all."""
    temporary = file.with_name(f"{_NEW}{file.name}")
    with temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)
    _sync(file.parent)


def _sync_tree(folder: Path) -> None:
    """Force the folder and all that it holds to the disk, but for files that have been there before.

    Several at a time: each waits for the disk, and a large library has hundreds of folders.
    """
    new = [path for path in folder.rglob("*") if path.is_dir() or path.stat().st_nlink == 1]
    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        list(pool.map(_sync, [*new, folder]))


def _sync(path: Path) -> None:
    if path.is_dir() and os.name == "nt":
        return  # folders cannot be opened there
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
