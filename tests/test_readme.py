"""The README is true: its record is the example's, its files and commands are there."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from worker.cli.output import to_json
from worker.cli.root import app
from worker.queries.records import read_document
from worker.settings import load
from worker.settings.clock import utc_now
from worker.spool.claim import Incoming

PROJECT = Path(__file__).parents[1]
README = (PROJECT / "README.md").read_text("utf-8")
SHELL = "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))
STAMPED = {"first_seen_at", "ingested_at", "provenance"}
"""What is of one run only."""


def agrees(shown: Any, real: Any) -> bool:
    """Whether `shown` is `real`, where `…` stands for any text, member or rest of a list."""
    if isinstance(shown, str) and isinstance(real, str):
        return re.fullmatch(re.escape(shown).replace("…", ".*"), real, re.DOTALL) is not None
    if isinstance(shown, dict) and isinstance(real, dict):
        return all(agrees(shown[key], real.get(key)) for key in shown if key != "…")
    if isinstance(shown, list) and isinstance(real, list):
        listed = [item for item in shown if item != "…"]
        whole = len(listed) == len(shown)
        same = all(agrees(one, other) for one, other in zip(listed, real, strict=False))
        return same and (len(listed) == len(real) if whole else len(listed) < len(real))
    return bool(shown == real)


def test_the_record_shown_is_the_examples() -> None:
    """Each value of the README's record is what the first example article really gives."""
    found = re.search(r"```json\n(.*?)```", README, re.DOTALL)
    assert found is not None
    shown = json.loads(found[1])
    example = PROJECT / "examples" / "harbour.md"
    document = Incoming(example.read_bytes(), example.name)
    (item,) = read_document(document, load(), utc_now())
    real = json.loads(to_json(item.normalized.article))
    wrong = [key for key in shown.keys() - STAMPED - {"…"} if not agrees(shown[key], real.get(key))]
    assert wrong == []
    assert shown["provenance"]["path"] == example.name


def test_its_picture_exists() -> None:
    """Of the status page, light and dark, on the first screen."""
    shown = re.findall(r'(?:src|srcset)="([^"]+)"', README)
    assert [path for path in shown if not (PROJECT / path).exists()] == []
    assert {f"docs/images/overview-{mode}.png" for mode in ("light", "dark")} <= set(shown)
    assert README.index("<picture>") < README.index("\n## ")


@pytest.mark.parametrize("path", sorted(set(re.findall(r"\b(?:examples|config)/[\w./-]+", README))))
def test_the_files_named_are_there(path: str) -> None:
    """What the README copies or links to is in the clone."""
    assert (PROJECT / path).exists()


@pytest.mark.parametrize("name", sorted(set(re.findall(r"^newsdrop (\w+)", SHELL, re.MULTILINE))))
def test_the_commands_shown_are_there(name: str) -> None:
    """Each `newsdrop …` line begins with a command that exists."""
    assert name in get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_is_in_the_table() -> None:
    """No command is left out of the README's table."""
    table = "\n".join(line for line in README.splitlines() if line.startswith("| `"))
    for name in get_command(app).commands:  # type: ignore[attr-defined]
        assert re.search(rf"`{name}\b", table), name
