"""Each package's docstring is a map of its modules, so that a newcomer knows where to look."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = sorted(path.parent for path in (ROOT / "worker").rglob("*/__init__.py"))


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_every_module_is_on_its_packages_map(package: Path) -> None:
    """No module is missing from the map, and none is on it that is gone."""
    told = ast.get_docstring(ast.parse((package / "__init__.py").read_text("utf-8"))) or ""
    named = set(re.findall(r"``([a-z_]+)``", told))
    modules = {path.stem for path in package.glob("*.py")} - {"__init__", "__main__"}
    modules |= {path.parent.name for path in package.glob("*/__init__.py")}
    assert modules <= named, f"not on the map: {sorted(modules - named)}"
    rows = re.findall(r"^(?:``[a-z_]+`` ?)+", told, re.MULTILINE)
    first = {name for row in rows for name in re.findall(r"``([a-z_]+)``", row)}
    assert first <= modules, f"on the map, but not there: {sorted(first - modules)}"


def test_contributing_names_every_part() -> None:
    """CONTRIBUTING.md's tree has every package and module at the top of worker/."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in (ROOT / "worker").iterdir():
        if path.name.startswith("_") or path.name == "py.typed":
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        assert name in text, name
