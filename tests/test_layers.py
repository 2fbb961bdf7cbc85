"""The layers: imports go down only, each foreign library has one home, pure code reads no clock."""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "worker"

LAYERS = (
    ("cli",),
    ("web",),
    ("service", "api"),
    ("actions", "tasks", "app"),
    ("queries", "taskqueue"),
    ("pipeline", "health"),
    ("sources",),
    ("store", "readmodel"),
    ("formats", "normalize", "feeds"),
    ("spool", "fetch", "sites", "logs"),
    ("settings",),
    ("model",),
    ("errors", "escape", "redact", "translation"),
)
"""From the top down. A part imports those of its own row and of lower rows only."""

LEVEL = {name: -row for row, names in enumerate(LAYERS) for name in names}

HOMES = {
    "redis": {"store"},
    "celery": {"app", "feeds", "service", "settings", "taskqueue", "tasks"},
    "kombu": {"cli", "store", "taskqueue"},
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
    "h11": {"fetch", "web"},
    "protego": {"fetch"},
    "sqlite3": {"readmodel", "sources"},
    "yaml": {"formats"},
    "turbohtml": {"normalize", "sites"},
    "trafilatura": {"formats"},
    "readability": {"formats"},
    "htmldate": {"formats"},
}
"""Library -> the only parts that import it."""

PURE = (
    *("formats", "normalize", "model", "sites", "feeds"),
    *(f"pipeline.{name}" for name in ("extract", "feeds.documents", "feeds.stats")),
    *(
        f"pipeline.{name}"
        for name in ("batch.ingest", "batch.run", "batch.timing", "feeds.run", "publisher")
    ),
)
"""Packages and modules that get the time as an argument."""

CLOCKS = {
    "time": {
        "time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns",
        "localtime", "gmtime", "ctime",
    },
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}  # fmt: skip
OUR_CLOCK = "worker.settings.clock"


def modules(package: Path = PACKAGE) -> Iterator[tuple[str, Path]]:
    """(dotted name below `worker`, file)"""
    for path in sorted(package.rglob("*.py")):
        name = ".".join(path.relative_to(package).with_suffix("").parts)
        if not name.startswith("__"):
            yield name.removesuffix(".__init__"), path


def imports(tree: ast.AST) -> Iterator[str]:
    """Every imported module, those within functions and those by name included."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and _name(node.func) in ("import_module", "__import__"):
            yield _text(node.args[0]) if node.args else "?"


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _text(argument: ast.expr) -> str:
    constant = isinstance(argument, ast.Constant) and isinstance(argument.value, str)
    return str(argument.value) if constant and isinstance(argument, ast.Constant) else "?"


def upward_imports(name: str, tree: ast.AST) -> list[str]:
    """Modules above the one called `name` that `tree` imports; `?` for one computed at run time."""
    part = name.split(".", maxsplit=1)[0]
    found = []
    for module in imports(tree):
        target = module.split(".")[1] if module.startswith("worker.") else ""
        if module == "?" or LEVEL.get(target, -99) > LEVEL[part]:
            found.append(module)
    return found


def clock_reads(tree: ast.AST) -> list[int]:
    """Lines that read the clock, however it was imported."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            names = {alias.name for alias in node.names}
            ours = node.module == OUR_CLOCK or (
                node.module == "worker.settings" and "clock" in names
            )
            if ours or (node.module == "time" and names & CLOCKS["time"]):
                found.append(node.lineno)
        elif isinstance(node, ast.Import):
            found += [node.lineno for alias in node.names if alias.name == OUR_CLOCK]
        elif isinstance(node, ast.Attribute):
            owner = node.value
            holder = owner.attr if isinstance(owner, ast.Attribute) else _name(owner)
            if node.attr in CLOCKS.get(holder, ()):
                found.append(node.lineno)
        elif isinstance(node, ast.Name) and node.id == "utc_now":
            found.append(node.lineno)
    return found


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text("utf-8"))


@cache
def libraries(path: Path) -> frozenset[str]:
    """The top-level names of all that the file imports."""
    return frozenset(module.split(".")[0] for module in imports(parsed(path)))


def test_every_part_has_a_layer() -> None:
    """No module is outside the layers."""
    assert {name.split(".")[0] for name, _ in modules()} == set(LEVEL)


@pytest.mark.parametrize("part", sorted(LEVEL))
def test_imports_only_go_down(part: str) -> None:
    """A part imports its own row or lower ones."""
    for name, path in modules():
        if name.split(".")[0] == part:
            assert upward_imports(name, parsed(path)) == [], path


def top_imports(tree: ast.Module, names: set[str]) -> Iterator[str]:
    """The modules among `names` that are imported when the module is."""
    for node in tree.body:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in names)
        elif isinstance(node, ast.ImportFrom):
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from inner & names
            if node.module in names and inner - names:
                yield str(node.module)


def test_no_cycle_of_modules() -> None:
    """Top-level imports have no cycle."""
    names = {f"worker.{name}" for name, _ in modules()}
    graph = {f"worker.{name}": set(top_imports(parsed(path), names)) for name, path in modules()}
    finished: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, " -> ".join((*trail, module))
        if module not in finished:
            for target in graph[module]:
                visit(target, (*trail, module))
            finished.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("library", sorted(HOMES))
def test_libraries_have_their_homes(library: str) -> None:
    """Redis is touched in one package, httpx in one, Celery where the application is."""
    for name, path in modules():
        if library in libraries(path):
            assert name.split(".")[0] in HOMES[library], f"{path} imports {library}"


def test_what_consumers_copy_needs_redis_alone() -> None:
    """newsdrop/consumer.py, the one other file that imports redis, imports nothing else."""
    face = PACKAGE.parent / "newsdrop"
    found = {path.name: set(imports(parsed(path))) for path in face.glob("*.py")}
    homes = {name for name, modules in found.items() if "redis" in modules}
    assert homes == {"consumer.py"}
    roots = {module.split(".")[0] for module in found["consumer.py"]}
    assert roots - sys.stdlib_module_names == {"redis"}


@pytest.mark.parametrize("pure", PURE)
def test_pure_code_reads_no_clock(pure: str) -> None:
    """What turns bytes into records gets the time as an argument."""
    found = [path for name, path in modules() if name == pure or name.startswith(f"{pure}.")]
    assert found, f"nothing is called {pure}"
    for path in found:
        assert clock_reads(parsed(path)) == [], path


@pytest.mark.parametrize(
    "planted",
    [
        "from worker.settings.clock import utc_now",
        "from worker.settings import clock",
        "import worker.settings.clock",
        "now = utc_now()",
        "from time import monotonic",
        "from time import time as moment",
        "import time\ntime.monotonic()",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.now()",
        "from datetime import date\ndate.today()",
    ],
)
def test_every_way_to_read_the_clock_is_seen(planted: str) -> None:
    """Whatever a module does to learn the time, the test above is red."""
    assert clock_reads(ast.parse(planted))


@pytest.mark.parametrize(
    "planted",
    [
        "import worker.cli",
        "from worker import cli",
        "from worker.cli import main",
        "def f():\n    from worker.cli.root import app",
        "import_module('worker.cli')",
        "importlib.import_module('worker.cli.root')",
        "__import__('worker.cli')",
        "import_module(name)",
    ],
)
def test_every_way_to_import_is_seen(planted: str) -> None:
    """An import that goes up is seen, by name and in a function too; a computed one is refused."""
    assert upward_imports("normalize.body.fragment", ast.parse(planted))
    assert not upward_imports(
        "normalize.body.fragment", ast.parse("from worker.model import Article")
    )
