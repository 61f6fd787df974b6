"""Set-up: dependencies, pins, import layers, the Makefile and what leans on it."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from ui.arguments import parser
from ui.cli import _COMMANDS

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("stemqa", "corpus", "embeddings", "rag", "ui")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/operating.md")
HEAVY = {
    "torch",
    "numpy",
    "faiss",
    "sentence_transformers",
    "transformers",
    "gradio",
    "fastapi",
    "pydantic",
    "uvicorn",
}


def _direct() -> set[str]:
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    return {canonicalize_name(Requirement(line).name) for group in groups for line in group}


def _pins() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.split("==") for line in lines if line and not line.startswith("#")]
    assert all(len(pin) == 2 for pin in pins)
    return {canonicalize_name(name): version for name, version in pins}


def _run(*command: str, cwd: Path = ROOT, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=120)


# ---------------------------------------------------------------- dependencies


def test_every_direct_dependency_is_pinned_to_one_public_version() -> None:
    """constraints.txt pins each direct dependency and the build backend, and names no local build of any."""
    pins = _pins()
    assert _direct() | {"setuptools"} <= pins.keys()
    assert not [pin for pin, version in pins.items() if Version(version).local]


def test_every_package_that_is_needed_in_the_end_is_pinned() -> None:
    """Following the requirements of all groups, each package that applies to this machine has a pin."""
    seen: set[str] = set()
    groups = [PROJECT["project"]["dependencies"], *PROJECT["project"]["optional-dependencies"].values()]
    waiting = [Requirement(line) for group in groups for line in group]
    while waiting:
        requirement = waiting.pop()
        extras = requirement.extras or {""}
        if (key := str(requirement).lower()) in seen:
            continue
        seen.add(key)
        try:
            needs = map(Requirement, distribution(requirement.name).requires or ())
        except PackageNotFoundError:  # the browser and training groups may be absent
            continue
        waiting += [n for n in needs if n.marker is None or any(n.marker.evaluate({"extra": extra}) for extra in extras)]
    needed = {canonicalize_name(Requirement(key).name) for key in seen}
    assert len(needed) > 50
    assert not needed - _pins().keys()


def test_every_direct_dependency_has_its_reason_in_the_decisions() -> None:
    """docs/decisions.md lists just the direct dependencies, each with a reason."""
    text = (ROOT / "docs/decisions.md").read_text(encoding="utf-8")
    section = text.split("Direct dependencies\n")[1].split("\n## ")[0]
    reasons = re.findall(r"^- `([\w.-]+)`: (.{15,})$", section, re.MULTILINE)
    assert sorted(canonicalize_name(name) for name, _ in reasons) == sorted(_direct())


def test_every_package_that_is_imported_is_a_direct_dependency() -> None:
    """No module imports a package that is there only because another one brings it."""
    known = packages_distributions()
    imported: set[str] = set()
    for file in (file for package in PACKAGES for file in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                imported.add(node.module.split(".")[0])
    foreign = imported - set(PACKAGES) - set(sys.stdlib_module_names)
    runtime = {canonicalize_name(Requirement(line).name) for line in PROJECT["project"]["dependencies"]}
    assert len(foreign) > 10
    assert not {name for name in foreign if not runtime & set(map(canonicalize_name, known.get(name, [name])))}


# ---------------------------------------------------------------- layers


def test_the_import_contracts_hold() -> None:
    """lint-imports finds the layers of the design kept."""
    result = _run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache")
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("corpus/planted.py", "import embeddings.terms"),
        ("rag/planted.py", "import ui.wire"),
        ("rag/planted.py", "import fastapi"),
    ],
)
def test_the_import_contracts_catch_a_breach(tmp_path: Path, file: str, line: str) -> None:
    """A copy of the packages with one forbidden import in it fails."""
    for package in PACKAGES:
        shutil.copytree(
            ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("*.md", "*.jsonl", "models", "static")
        )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / file).write_text(line + "\n", encoding="utf-8")
    result = _run(str(Path(sys.executable).with_name("lint-imports")), "--no-cache", cwd=tmp_path)
    assert result.returncode == 1, result.stdout
    assert "planted" in result.stdout


@pytest.mark.parametrize("arguments", [["--help"], ["ask", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments: list[str]) -> None:
    """`stemqa --help` loads no model library, no array library and no web framework."""
    code = (
        "import sys\nfrom ui.cli import main\n"
        f"try: main({arguments})\nexcept SystemExit as end: assert not end.code\n"
        "print(*sorted({m.split('.')[0] for m in sys.modules}), file=sys.stderr)"
    )
    result = _run(sys.executable, "-c", code)
    assert result.returncode == 0, result.stderr
    assert "stemqa" in result.stdout
    assert not HEAVY & set(result.stderr.split())


def test_help_answers_in_under_a_second() -> None:
    """The best of three runs of `stemqa --help`, as a person would start it, takes less than a second."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        assert _run(str(Path(sys.executable).with_name("stemqa")), "--help").returncode == 0
        seconds.append(time.perf_counter() - start)
    assert min(seconds) < 1


# ---------------------------------------------------------------- Makefile, container, continuous integration


def _targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


def test_make_alone_lists_every_target() -> None:
    """`make` prints each phony target with what it does, and does nothing."""
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", _run("make", "--no-print-directory").stdout, re.MULTILINE))
    phony = set(re.findall(r"^\.PHONY: ([a-z-]+)$", MAKEFILE, re.MULTILINE))
    assert {"serve", "test", "install", "library"} <= phony
    assert listed.keys() == phony == _targets()


@pytest.mark.parametrize("name", ["Dockerfile", ".ci/run", *DOCUMENTS])
def test_every_make_command_that_is_named_exists(name: str) -> None:
    """The container, continuous integration and the documents call targets of the Makefile only."""
    text = (ROOT / name).read_text(encoding="utf-8")
    called = set(re.findall(r"(?:^|`|RUN |exec )make ([a-z-]+)", text, re.MULTILINE))
    assert called
    assert called <= _targets()


def test_make_says_what_to_install_where_there_is_no_python(tmp_path: Path) -> None:
    """Without a usable Python the install ends at once, with the package to install."""
    result = _run("make", "install", "PYTHON=", f"VENV={tmp_path / 'venv'}")
    assert result.returncode != 0
    assert "apt install python3-venv" in result.stderr
    assert not (tmp_path / "venv").exists()


def test_a_second_make_runs_no_pip(tmp_path: Path) -> None:
    """With the stamps in place, neither serving nor testing would install anything."""
    (tmp_path / "bin").mkdir()
    for name in ("bin/python", ".installed-runtime", ".installed-test"):
        (tmp_path / name).touch()
    result = _run("make", "--dry-run", "serve", "test", f"VENV={tmp_path}")
    assert result.returncode == 0
    assert "-m pip" not in result.stdout
    order = ["stemqa index", "stemqa serve", "ruff format --check", "ruff check", "mypy", "lint-imports", "pytest"]
    places = [result.stdout.index(f"{tmp_path}/bin/{step}") for step in order]
    assert places == sorted(places)


def test_a_changed_pin_makes_pip_run_again(tmp_path: Path) -> None:
    """A stamp older than constraints.txt is stale."""
    (tmp_path / "bin").mkdir()
    for name in ("bin/python", ".installed-runtime", ".installed-test"):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    assert "-m pip" in _run("make", "--dry-run", "test", f"VENV={tmp_path}").stdout


def test_the_container_runs_as_nobody_special_with_the_hub_off() -> None:
    """The last stage sets a user that is not root, the hub off, and a health check on readiness."""
    last = DOCKERFILE.split("\nFROM ")[-1]
    assert re.search(r"^USER [1-9]\d*$", last, re.MULTILINE)
    assert last.index("USER ") < last.index("\nCMD ")
    assert "HF_HUB_OFFLINE=1" in last
    assert re.search(r"HEALTHCHECK .*\\\n.*CMD .*/readyz", last)
    assert "https://download.pytorch.org/whl/cpu" in DOCKERFILE


@pytest.mark.parametrize("port", ["7860", "8080"])
def test_the_health_check_asks_the_port_that_is_set(port: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """STEMQA_PORT moves the health check with the server; without it both use 7860."""
    asked: list[str] = []
    monkeypatch.setattr("urllib.request.urlopen", lambda url, **_: asked.append(url))
    monkeypatch.delenv("STEMQA_PORT", raising=False)
    if port != "7860":
        monkeypatch.setenv("STEMQA_PORT", port)
    command = json.loads(DOCKERFILE.split("HEALTHCHECK", 1)[1].split("CMD ", 1)[1].splitlines()[0])
    exec(command[-1])
    assert asked == [f"http://127.0.0.1:{port}/readyz"]


def test_the_container_is_built_from_what_the_install_needs() -> None:
    """Every package and file that the install reads is copied into the image and let through .dockerignore."""
    copied = {
        name.strip("./") for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    }
    needed = {*PACKAGES, "Makefile", "pyproject.toml", "constraints.txt", PROJECT["project"]["readme"], "LICENSE"}
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE))
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == set(PACKAGES)
    assert copied == allowed == needed
    assert all((ROOT / name).exists() for name in copied)


def test_continuous_integration_runs_what_make_test_runs() -> None:
    """.ci/run is a sound shell script that stops at the first failure and ends in `make test`."""
    text = (ROOT / ".ci/run").read_text(encoding="utf-8")
    assert _run("bash", "-n", ".ci/run").returncode == 0
    assert "set -euo pipefail" in text
    assert text.rstrip().endswith("exec make test")


# ---------------------------------------------------------------- documents


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_command_in_the_documents_is_one_that_parses(name: str) -> None:
    """Each `stemqa ...` line of a code block has a known command and known options."""
    text = (ROOT / name).read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```(?:sh|console)?\n(.*?)```", text, re.DOTALL))
    lines = re.findall(r"^(?:\$ )?stemqa ([^|>#\n]+)", blocks, re.MULTILINE)
    assert lines or name == "CONTRIBUTING.md"
    commands = parser(_COMMANDS)
    for line in lines:
        assert commands.parse_args(shlex.split(line)).run


@pytest.mark.parametrize("name", [*DOCUMENTS, "CHANGELOG.md", "docs/decisions.md"])
def test_every_local_link_in_the_documents_leads_somewhere(name: str) -> None:
    """A link or picture that names a file of the project names one that is there."""
    file = ROOT / name
    targets = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", file.read_text(encoding="utf-8"))
    assert not [target for target in targets if not (file.parent / target).exists()]
