"""A newcomer finds the right module: by CONTRIBUTING.md the part, by docs/modules.md the file."""

import ast
from pathlib import Path

ROOT = Path(__file__).parent.parent
MODULES = sorted((ROOT / "worker").rglob("*.py"))


def test_every_module_has_a_docstring() -> None:
    """docs/modules.md is made of their first sentences."""
    silent = [path for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))]
    assert silent == []


def test_packages_are_small() -> None:
    """No package has more than 25 modules, and few modules lie outside of packages."""
    folders = [path.parent for path in MODULES if path.name != "__init__.py"]
    crowded = {folder.name for folder in folders if folders.count(folder) > 25}
    assert crowded == set()
    assert len(list((ROOT / "worker").glob("*.py"))) <= 8


def test_contributing_names_every_part() -> None:
    """CONTRIBUTING.md's tree has every package and module at the top of worker/."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    for path in (ROOT / "worker").iterdir():
        if path.name.startswith("_") or path.name == "py.typed":
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        assert name in text, name
