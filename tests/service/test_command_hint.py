"""Hints can be pasted: the program by a path that works, and the variables of this call."""

import sys
from pathlib import Path

import pytest

from worker.service.command_hint import command_hint


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation's `newsdrop` that started this process, while PATH has none."""
    script = tmp_path / "venv" / "bin" / "newsdrop"
    script.parent.mkdir(parents=True)
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    for name in ("NEWSDROP_STATE_DIR", "NEWSDROP_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(sys, "argv", [str(script), "up"])
    monkeypatch.setenv("PATH", str(tmp_path))
    return script


def test_not_on_path(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `make up` the hint is the script's whole path."""
    monkeypatch.chdir(script.parents[1])
    monkeypatch.setattr(sys, "argv", ["bin/newsdrop", "up"])
    assert command_hint("status --watch") == f"{script} status --watch"


def test_on_path(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The name is enough if PATH has this installation, not if it has another."""
    monkeypatch.setenv("PATH", str(script.parent))
    assert command_hint("down") == "newsdrop down"
    other = script.parents[2] / "newsdrop"
    other.write_text("#!/bin/sh\n")
    other.chmod(0o755)
    monkeypatch.setenv("PATH", f"{other.parent}:{script.parent}")
    assert command_hint("down") == f"{script} down"


def test_what_was_set_for_this_call(script: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state directory out of the environment and a config file go along, quoted."""
    monkeypatch.setenv("PATH", str(script.parent))
    monkeypatch.setenv("NEWSDROP_STATE_DIR", "/srv/my state")
    line = command_hint("tail", config=Path("/etc/newsdrop.toml"))
    assert line == "NEWSDROP_STATE_DIR='/srv/my state' newsdrop --config /etc/newsdrop.toml tail"
