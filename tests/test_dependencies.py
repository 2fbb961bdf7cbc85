"""The package declares what it imports."""

import ast
import re
import sys
import tomllib
from pathlib import Path

from worker import __version__

ROOT = Path(__file__).parent.parent
NAMES = {
    "beautifulsoup4": "bs4",
    "charset-normalizer": "charset_normalizer",
    "markdown-it-py": "markdown_it",
    "prometheus-client": "prometheus_client",
    "python-multipart": "python_multipart",
    "pyyaml": "yaml",
    "readability-lxml": "readability",
    "pydantic-core": "pydantic_core",
    "sse-starlette": "sse_starlette",
}
NOT_IMPORTED = {
    "packaging": "kombu's Redis transport needs it",
    "opencc-python-reimplemented": "its table of characters is read as a file",
    "tzdata": "read by zoneinfo where the system has none",
}


def declared() -> set[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {re.split(r"[^A-Za-z0-9_-]", line)[0] for line in project["dependencies"]}


def imported() -> set[str]:
    found: set[str] = set()
    for path in (ROOT / "worker").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                found.update(alias.name.split(".")[0] for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - {"worker", "_typeshed"}


def test_every_import_is_declared() -> None:
    """Nothing is imported that comes only because something else happens to need it."""
    assert imported() <= {NAMES.get(name, name) for name in declared()}


def test_every_dependency_is_used() -> None:
    """Nothing is installed that no module imports, but for a reason written down here."""
    found = imported()
    unused = {name for name in declared() if NAMES.get(name, name) not in found}
    assert unused == set(NOT_IMPORTED)


def test_the_version_is_defined_once() -> None:
    """The package's metadata is built with the version that `newsdrop --version` prints."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert "version" not in project["project"]
    assert project["tool"]["hatch"]["version"]["path"] == "worker/__init__.py"
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)


def test_the_lock_holds_every_dependency() -> None:
    """Each has a locked version, and no line of the lock names where it comes from."""
    lock = (ROOT / "requirements.txt").read_text("utf-8")
    for name in declared():
        assert re.search(rf"^{re.escape(name)}==", lock, re.MULTILINE), name
    assert "://" not in lock
