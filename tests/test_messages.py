"""Messages to people: one style, and each has advice."""

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pytest

from worker.errors import Reason

PACKAGE = Path(__file__).parent.parent / "worker"
REFUSALS = {"Rejected", "Refusal", "Exhausted"}
ERRORS = REFUSALS | {
    "ConfigError", "UsageError", "SpoolUnavailable",
    "Retryable", "StoreUnavailable", "StoreFull",
}  # fmt: skip


def text_of(node: ast.expr) -> str | None:
    """A literal message, `{}` for each value in it; None for anything else."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.Constant) else "{}" for part in node.values)
        return "".join(map(str, parts))
    return None


def messages(kinds: Collection[str] = ERRORS) -> Iterator[tuple[str, str]]:
    """(where, text) of every message in the constructor of an error of these kinds."""
    for kind, where, text in _all_messages():
        if kind in kinds:
            yield where, text


@cache
def _all_messages() -> list[tuple[str, str, str]]:
    """(name of what is called, where, text) of every literal argument with a space."""
    return [
        (node.func.id, f"{path.relative_to(PACKAGE)}:{argument.lineno}", text)
        for path in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        for argument in node.args
        if (text := text_of(argument)) and " " in text
    ]


def test_messages_are_of_one_style() -> None:
    """Small first letter, no full stop: they follow `newsdrop:`, a path or a reason."""
    found = list(messages())
    assert len(found) > 80
    names = ("Redis", "RabbitMQ", "JSON", "TOML", "YAML", "HTML")
    odd = [
        (where, text)
        for where, text in found
        if (text[0].isupper() and not text.startswith(names)) or text.rstrip().endswith(".")
    ]
    assert odd == []


@pytest.mark.parametrize("part", ["formats", "normalize", "pipeline", "spool"])
def test_refusals_say_what_to_do(part: str) -> None:
    """After a colon or semicolon each refusal says how to correct the input."""
    found = [(where, text) for where, text in messages(REFUSALS) if where.startswith(f"{part}/")]
    assert found, f"no refusal in {part}/"
    for where, text in found:
        if not text.endswith("{}"):  # a message of another error, which says it
            assert ":" in text or ";" in text, f"{where}: {text}"


def test_errors_say_what_to_do() -> None:
    """After a colon or semicolon, or from its first word on."""
    kinds = ERRORS - REFUSALS | {"StoreRefused", "NotThere", "AlreadyThere", "Busy", "FetchFailed"}
    found = list(messages(kinds))
    assert len(found) > 90
    silent = [
        (where, text)
        for where, text in found
        if not any(mark in text for mark in (": ", "; "))
        and not text.startswith(("name ", "give "))
        and not text.endswith("{}")  # a message of another error, which says it
    ]
    assert silent == []


def test_every_reason_is_given_somewhere() -> None:
    """Every reason is used by some refusal."""
    code = "\n".join(path.read_text("utf-8") for path in PACKAGE.rglob("*.py"))
    assert [reason for reason in Reason if f"Reason.{reason.name}" not in code] == []
