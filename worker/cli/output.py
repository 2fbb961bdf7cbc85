"""How things are printed: one console, one JSON writer, tables and facts, and complaints.

Nothing here reads markup: what is outside text is made a :class:`rich.text.Text` by
:func:`outside`, escaped, so that a title can neither colour a line nor move the cursor.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from worker.errors import NewsdropError, StoreUnavailable
from worker.escape import printable, safe_json

_PIPE_WIDTH = 160
"""Columns where nobody looks on: wide enough that `| grep` finds what a terminal would cut."""


@cache
def console() -> Console:
    """Standard output."""
    return _console(stderr=False)


@cache
def notes() -> Console:
    """Standard error: progress, advice, complaints."""
    return _console(stderr=True)


def outside(text: str | bytes, style: str = "", limit: int = 300) -> Text:
    """Text from outside, safe to print on one line."""
    return Text(printable(text, limit), style=style)


def noted(text: str, style: str = "", limit: int = 300) -> Text:
    """Text that was escaped when it was noted (paths, reasons): its backslashes are no new ones.

    What could still hide in it, because the note was tampered with, is escaped all the same.
    """
    return Text(printable(text, limit).replace("\\\\", "\\"), style=style)


def number(value: int | None) -> str:
    """`12,345`; an unknown number is a dash."""
    return "–" if value is None else f"{value:,}"


def counted(count: int, what: str) -> str:
    """`1 file`, `12,345 files`; `what` takes an s."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def facts(pairs: Iterable[tuple[str, Text | str | None]]) -> None:
    """Names and values, aligned; a value of None leaves its line out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        if value is not None:
            grid.add_row(name, value)
    console().print(grid)


def table(*columns: str, right: Iterable[str] = (), flexible: Iterable[str] = ()) -> Table:
    """A table without lines; `right` columns hold numbers, `flexible` ones wrap if it is narrow."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        made.add_column(
            name,
            justify="right" if name in right else "left",
            no_wrap=name not in flexible,
            overflow="fold",
        )
    return made


def refused(path: str, reason: str, message: str, where: str) -> None:
    """One refusal in three lines: what, what to do about it, and `where` it is (its id)."""
    console().print(Text.assemble(noted(path, "bold"), "  ", (printable(reason), "red")))
    for line, style in ((message, ""), (where, "dim")):
        if line:
            console().print(Padding(noted(line, style, 2000), (0, 0, 0, 4)))


def as_json(value: Any) -> str:
    """`value` (a dataclass or what JSON has) as one line of JSON, safe on a terminal too.

    What could hide or move text is written `\\uXXXX`: the same value to every JSON reader.
    """
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    return safe_json(json.dumps(plain, ensure_ascii=False, default=str))


def print_json(value: Any) -> None:
    """One JSON document on one line of standard output, at once (`--follow` is read live)."""
    print_line(as_json(value))


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_pretty(value: Mapping[str, Any] | Any) -> None:
    """A JSON document for people: indented, coloured on a terminal."""
    plain = asdict(value) if is_dataclass(value) and not isinstance(value, type) else value
    text = safe_json(json.dumps(plain, ensure_ascii=False, indent=2, default=str))
    if not console().is_terminal:
        print_line(text)
        return
    from rich.syntax import Syntax

    shown = Syntax(text, "json", theme="ansi_dark", background_color="default", word_wrap=True)
    console().print(shown)


def complain(error: NewsdropError) -> None:
    """`error` on standard error; its message is written for the person who has to act."""
    say(str(error), "red", "newsdrop: ")
    if isinstance(error, StoreUnavailable):
        say("`newsdrop up` starts the service; `newsdrop doctor` looks closer", prefix="  ")


def say(text: str, style: str = "", prefix: str = "") -> None:
    """A note on standard error, one line for each line of `text`."""
    first, *rest = text.splitlines() or [""]
    notes().print(Text.assemble((prefix, style), first), soft_wrap=True)
    for line in rest:
        notes().print(Text("  " + line), soft_wrap=True)


@contextmanager
def quiet_interrupt() -> Iterator[None]:
    """Ctrl-C ends what follows without an error: looking on is ended that way."""
    try:
        yield
    except KeyboardInterrupt:
        return


def _console(stderr: bool) -> Console:
    made = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if made.is_terminal:
        return made
    file: Any = _Trimmed(stderr)
    return Console(file=file, markup=False, highlight=False, emoji=False, width=_PIPE_WIDTH)


class _Trimmed:
    """Where nobody looks on: lines without the blanks that fill a table's last column.

    They are 160 columns wide, so that `| tail` on a terminal would show a blank line after each.
    """

    encoding = "utf-8"

    def __init__(self, stderr: bool) -> None:
        self._stderr = stderr

    def write(self, text: str) -> None:
        (sys.stderr if self._stderr else sys.stdout).write(re.sub(" +$", "", text, flags=re.M))

    def flush(self) -> None:
        (sys.stderr if self._stderr else sys.stdout).flush()

    def isatty(self) -> bool:
        return False
