"""The layers: imports go down only, and each foreign library has one home."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "worker"

LAYERS = (
    ("errors", "escape", "redact", "model", "times", "runtime", "report", "stored"),
    ("settings",),
    ("logs",),
    ("sites", "feeds"),
    ("parse", "normalize"),
    ("fetch", "spool", "sources", "store"),
    ("articles", "fetched"),
    ("desk", "timed", "decide", "offering"),
    ("ingest",),
    ("drain", "replay", "context", "observed"),
    ("look", "poll", "tidy", "restart"),
    ("promises", "beat", "presence"),
    ("app",),
    ("tasks", "view", "bell", "intake"),
    ("service", "api", "actions"),
    ("web",),
    ("cli",),
)
"""From the bottom up. Those of one row may import each other; a row imports only lower ones."""

LEVEL = {name: level for level, row in enumerate(LAYERS) for name in row}

HOMES = {
    "redis": {"store"},
    "celery": {"feeds", "app", "beat", "tasks", "presence", "bell", "service", "settings"},
    "kombu": {"app", "cli"},
    "typer": {"cli"},
    "rich": {"cli", "service"},
    "watchdog": {"service"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "jinja2": {"web"},
    "sse_starlette": {"web"},
    "python_multipart": {"web"},
    "prometheus_client": {"web"},
    "httpx": {"fetch"},
    "httpcore": {"fetch"},
    "protego": {"fetch"},
    "sqlite3": {"sources"},
    "yaml": {"parse"},
    "nh3": {"normalize"},
    "trafilatura": {"parse"},
}
"""Who may import what; the parts not named import none of these."""

PURE = ("parse", "normalize", "model", "sites", "feeds", "articles", "fetched", "decide")
PURE += ("timed", "offering", "ingest", "observed")
CLOCKS = {"time", "monotonic", "now", "utcnow", "today", "time_ns", "utc_now"}


def modules() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        if parts[0] not in ("__init__", "__main__"):
            yield parts[0], path


def imports(path: Path) -> Iterator[str]:
    """The modules that `path` imports, those within functions too."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            yield node.module
            if node.module == "worker":
                yield from (f"worker.{alias.name}" for alias in node.names)


def test_every_part_has_a_layer() -> None:
    """No module stands beside the layers."""
    assert {part for part, _ in modules()} == set(LEVEL)


@pytest.mark.parametrize("part", sorted(LEVEL))
def test_imports_only_go_down(part: str) -> None:
    """A part imports its own row or lower ones."""
    for owner, path in modules():
        if owner != part:
            continue
        for module in imports(path):
            if module.startswith("worker."):
                target = module.split(".")[1]
                if target.startswith("__"):
                    continue
                assert LEVEL[target] <= LEVEL[part], f"{path} imports {module} from above"


@pytest.mark.parametrize("library", sorted(HOMES))
def test_libraries_have_their_homes(library: str) -> None:
    """Redis is touched in one package, httpx in one module, Celery where the application is."""
    for part, path in modules():
        if any(module.split(".")[0] == library for module in imports(path)):
            assert part in HOMES[library], f"{path} imports {library}"


@pytest.mark.parametrize("part", PURE)
def test_the_pure_parts_ask_for_no_time(part: str) -> None:
    """What turns bytes into records gets the time as an argument."""
    for owner, path in modules():
        if owner != part:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                asked = node.func.attr in CLOCKS and isinstance(node.func.value, ast.Name)
                owner_name = node.func.value.id if isinstance(node.func.value, ast.Name) else ""
                clock = asked and owner_name in ("time", "datetime", "date")
                assert not clock, f"{path}:{node.lineno} reads the clock"
