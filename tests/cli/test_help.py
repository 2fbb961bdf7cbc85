"""The commands as a newcomer finds them."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer

from tests.home import Home
from worker import __version__
from worker.cli.options import EXIT_TABLE
from worker.cli.root import app


def _commands(group: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _commands(command, (*path, name))
        else:
            yield (*path, name), command


COMMANDS = dict(_commands(typer.main.get_command(app)))


def test_the_commands_are_those_promised() -> None:
    """Nothing of the documented command line is missing."""
    words = (
        "up down worker beat listen parse enqueue status jobs tail show forget explain audit "
        "retract reparse replay reindex adopt pause resume schema doctor healthcheck web backup "
        "restore trim"
    )
    nested = {("config", "check"), ("config", "show"), ("stories", "rebuild")}
    nested |= {("archive", "export"), ("archive", "fetch"), ("nodes", "list"), ("nodes", "forget")}
    words_of_quarantine = "list show retry discard restore"
    nested |= {("quarantine", name) for name in words_of_quarantine.split()}
    words_of_feeds = "list add show set rename remove refresh reset-errors import export"
    nested |= {("feeds", name) for name in words_of_feeds.split()}
    nested |= {("groups", name) for name in ("list", "create", "reset", "delete", "pending")}
    nested |= {("dead-letters", name) for name in ("list", "show", "retry", "discard")}
    assert set(COMMANDS) == {(name,) for name in words.split()} | nested


@pytest.mark.parametrize("path", COMMANDS, ids=" ".join)
def test_every_command_has_help_and_json(path: tuple[str, ...]) -> None:
    """Each command and each of its options is described, and each command has `--json`."""
    command = COMMANDS[path]
    assert command.help
    assert len(command.help.splitlines()[0]) < 100
    options = {name: parameter for parameter in command.params for name in parameter.opts}
    assert "--json" in options
    shown = (one for one in command.params if not getattr(one, "hidden", False))
    assert all(parameter.help for parameter in shown)


@pytest.mark.parametrize("command", ["", "feeds", "feeds add", "quarantine retry", "audit"])
def test_help_is_a_flag(home: Home, command: str) -> None:
    """`--help` has no value, and shows none; arguments have their names without Python's types."""
    shown = home.run(*command.split(), "--help").output
    assert "--help" in shown
    assert not {"<bool>", "<str>", "<list[str]>"} & set(shown.split())


def test_help_and_version_load_nothing_heavy() -> None:
    """`newsdrop --help` answers at once, because only the terminal's libraries are imported."""
    script = (
        "import sys; from worker.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = {'celery', 'redis', 'pydantic', 'lxml', 'bs4', 'orjson', 'worker.settings'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    for option in ("--help", "--version"):
        run = [sys.executable, "-c", script, option]
        result = subprocess.run(run, capture_output=True, text=True, check=True)
        assert result.stdout.splitlines()[-1] == "[]"


def test_version(home: Home) -> None:
    """`--version` prints the package's version and nothing else."""
    assert home.run("--version").stdout == f"newsdrop {__version__}\n"


def test_exit_codes_are_in_the_help(home: Home) -> None:
    """The table of exit codes is what `newsdrop --help` ends with."""
    output = " ".join(home.run("--help").stdout.split())
    assert EXIT_TABLE in output


def test_wrong_calls_exit_2(home: Home) -> None:
    """An unknown command, an unknown option and a missing argument are called wrongly."""
    for args in (["up", "--config", "x.toml"], ["feeds", "list", "--config=x.toml"]):
        wrong = home.run(*args)
        assert wrong.exit_code == 2
        advice = f"--config comes before the command: newsdrop --config FILE {args[0]}\n"
        assert advice in wrong.stderr
    assert "no file" in home.run("explain", "--", "--config").stderr
    for args in (["enqeue"], ["status", "--colour"], ["show"], ["jobs", "--count", "0"]):
        assert home.run(*args).exit_code == 2
