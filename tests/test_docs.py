"""The documents agree with the code."""

import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from worker.cli.root import app
from worker.errors import Reason
from worker.settings import Bucket, Folder, Settings

ROOT = Path(__file__).parent.parent
PAGES = [
    *(path for folder in ("", "docs", "docs/zh") for path in (ROOT / folder).glob("*.md")),
    ROOT / "config" / "sites" / "README.md",
]


GENERATOR = runpy.run_path(str(ROOT / "docs" / "generate.py"))


@pytest.mark.parametrize("name", GENERATOR["PAGES"])
def test_what_is_made_of_the_models_is_new(name: str) -> None:
    """Record and settings are described as their models are; `make docs` writes the tables."""
    page = (ROOT / "docs" / name).read_text("utf-8")
    assert GENERATOR["page"](name, page) == page


def test_every_setting_is_described() -> None:
    """docs/configuration.md has a row for each key, and its variable where it has one."""
    page = (ROOT / "docs" / "configuration.md").read_text("utf-8")
    for table, field in Settings.model_fields.items():
        model = {"folders": Folder, "buckets": Bucket}.get(table, field.annotation)
        keys = getattr(model, "model_fields", None)
        is_list = table in ("folders", "buckets")
        title = (f"`[[{table}]]`" if is_list else f"`[{table}]`") if keys else "At the top"
        section = page.split(f"### {title}\n", 1)[1].split("\n###", 1)[0]
        for key in keys or [table]:
            (row,) = re.findall(rf"^\| `{key}` \|.*$", section, re.MULTILINE)
            variable = f"NEWSDROP_{table}_{key}" if keys else f"NEWSDROP_{table}"
            assert is_list or f"`{variable.upper()}`" in row


def test_every_reason_is_explained() -> None:
    """docs/refusals.md has a row for each reason, and none for another."""
    page = (ROOT / "docs" / "refusals.md").read_text("utf-8")
    assert re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE) == [reason.value for reason in Reason]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_have_targets(page: Path) -> None:
    """Relative links to files and headings, and paths in worker/."""
    text = page.read_text("utf-8")
    for link, anchor in re.findall(r"\]\(([^)#:]*)(?:#([^)]+))?\)", text):
        target = page.parent / link if link else page
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text("utf-8")), f"{link}#{anchor}"
    for path in re.findall(r"`(worker/[\w/.]+)`", text):
        assert (ROOT / path).exists(), path


def _anchors(text: str) -> set[str]:
    """The headings as addresses, as they are made where the documents are shown."""
    text = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_page_is_found_from_the_readme() -> None:
    """The README links to each document, or to one that does."""
    found, left = set(), [ROOT / "README.md"]
    while left:
        page = left.pop()
        if page in found or page.suffix != ".md":
            continue
        found.add(page)
        links = re.findall(r"\]\(([^)#:]+)", page.read_text("utf-8"))
        left += [(page.parent / link).resolve() for link in links]
    assert set(PAGES) <= found


def test_the_readme_has_every_command() -> None:
    """The table of commands names each command and its options as they are, and no other."""
    rows = re.findall(r"^\| (`.+) \|.+\|$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    documented = {call.split()[0]: call for row in rows for call in re.findall(r"`([^`]+)`", row)}
    commands = dict(_commands())
    assert set(documented) == {name.split()[0] for name in commands}
    for name, call in documented.items():
        known = {option for key in commands if key.split()[0] == name for option in commands[key]}
        unknown = set(re.findall(r"--[a-z]+", call)) - known
        assert not unknown, f"{name}: {unknown}"


def _commands() -> Iterator[tuple[str, set[str]]]:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        for inner, one in getattr(command, "commands", {"": command}).items():
            yield (
                f"{name} {inner}",
                {opt for p in one.params for opt in (*p.opts, *p.secondary_opts)},
            )


def test_the_glossary_names_owners_that_exist() -> None:
    """Each word has one sentence and an existing module, and no word is there twice."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| `([^`]+)` \|$",
        (ROOT / "docs/glossary.md").read_text("utf-8"),
        re.M,
    )
    assert len(rows) > 40
    words = [word for word, _, _ in rows]
    assert len(set(words)) == len(words)
    assert [owner for _, _, owner in rows if not (ROOT / owner).is_file()] == []
