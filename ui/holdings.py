"""What a library holds: `index` and `remove` say what they changed, `list`, `show` and `info` what there is."""
# ruff: noqa: PLC0415 -- what is heavy is imported by the command that needs it

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.settings import Settings
from stemqa import LibraryError, __version__

if TYPE_CHECKING:
    from rag.build import Progress
    from rag.roots import Changes

Tell = Callable[[str], None]


def index(paths: Sequence[Path], settings: Settings, *, tell: Tell, progress: Progress) -> str:
    """Bring the library up to date and say what changed. Where there is neither a path nor a library: the shipped articles."""
    from corpus.shipped import shipped_documents_path
    from rag.index import index as bring_up_to_date
    from rag.store import has_manifest

    if not paths and not has_manifest(settings.library):
        paths = [shipped_documents_path()]
    changes = bring_up_to_date(paths, settings, report=tell, progress=progress)
    return _outcome(settings.library, changes)


def remove(names: Sequence[str], settings: Settings, *, tell: Tell, progress: Progress) -> str:
    """Take documents, files and folders out of the library and say what changed."""
    from rag.index import remove as take_out

    return _outcome(settings.library, take_out(names, settings, report=tell, progress=progress))


def _outcome(folder: Path, changes: Changes) -> str:
    from rag.store import has_manifest, read_manifest

    if not has_manifest(folder):
        return f"library {folder}: removed"
    counts = read_manifest(folder)["counts"]
    contents = ", ".join(f"{count} {name}" for name, count in counts.items())
    kinds = ("added", "changed", *(["renamed"] if changes.renamed else []), "removed", "unchanged")
    files = ", ".join(f"{getattr(changes, kind)} {kind}" for kind in kinds)
    return f"library {folder}: {contents}; {'built' if changes else 'up to date'}; files: {files}"


def listing(folder: Path) -> list[dict[str, Any]]:
    """Return of each document of the library: id, title, source, number of characters and of passages."""
    from rag.segment import open_segments
    from rag.store import read_manifest

    found: list[dict[str, Any]] = []
    for segment in open_segments(folder, read_manifest(folder)):
        for row in range(segment.documents):
            document = segment.document(row)
            facts = {"id": document.id, "title": document.title, "source": document.source}
            found.append({**facts, "characters": len(document.text), "passages": len(segment.chunks_of(row))})
    return found


def listing_text(rows: Sequence[dict[str, Any]]) -> str:
    """Return the listing as a table."""
    from ui.terminal import table_text

    return table_text(tuple(map(str, row.values())) for row in rows)


def text_of(document_id: str, folder: Path) -> str:
    """Return the text of a document of the library. `LibraryError` when there is none of that id."""
    from rag.contents import Documents
    from rag.segment import open_segments
    from rag.store import read_manifest

    found = Documents(open_segments(folder, read_manifest(folder))).get(document_id)
    if found is None:
        raise LibraryError(
            f"the library {folder} holds no document {document_id!r}; see what it holds: stemqa list --library {folder}"
        )
    return found.text


def facts(folder: Path) -> dict[str, Any]:
    """Return what the library is made of."""
    from rag.store import read_manifest

    manifest = read_manifest(folder)
    model = manifest["model"]
    return {
        "stemqa": __version__,
        "library": str(folder),
        "fingerprint": manifest["fingerprint"],
        **manifest["counts"],
        "model": model["name"],
        "model_sha256": model["sha256"],
        "dimension": model["dimension"],
        "corpus_sha256": manifest["corpus"]["sha256"],
        "roots": manifest["roots"],
        "excluded": manifest["excluded"],
    }


def facts_text(facts: dict[str, Any]) -> str:
    """Return the facts as a table, each root and each exclusion in a row of its own."""
    from ui.terminal import table_text

    rows = [(name, str(value)) for name, value in facts.items() if name not in {"roots", "excluded"}]
    rows += [("root", f"{root['path']} ({root['files']} files)") for root in facts["roots"]]
    rows += [("taken out", " ".join(filter(None, (row["document"], row["path"])))) for row in facts["excluded"]]
    return table_text(rows)
