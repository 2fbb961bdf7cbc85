"""Printing: the consoles of standard output and standard error, JSON, tables, notes and errors.

Nothing here parses rich's markup: text from outside becomes an escaped :class:`rich.text.Text`
through :func:`safe_text`, so that a title can neither colour a line nor move the cursor.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, is_dataclass
from functools import cache
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from worker.cli.formatting import format_count
from worker.errors import NewsdropError, StoreUnavailable
from worker.escape import printable, safe_json
from worker.translation import gettext
from worker.translation import message as translate

_PIPE_WIDTH = 160
"""Columns where the output is not a terminal: wide enough that `| grep` finds what would be cut."""

_BARS = "▁▂▃▄▅▆▇█"


@cache
def console() -> Console:
    """Standard output."""
    return _open_console(stderr=False)


@cache
def error_console() -> Console:
    """Standard error: progress, notes, errors."""
    return _open_console(stderr=True)


def safe_text(text: str | bytes, style: str = "", limit: int = 300) -> Text:
    """Text from outside, safe to print on one line."""
    return Text(printable(text, limit), style=style)


def stored_text(text: str, style: str = "", limit: int = 300) -> Text:
    """Text that was escaped when it was stored (paths, reasons): backslashes are not doubled.

    It is escaped again in case somebody changed the stored file.
    """
    return Text(printable(text, limit).replace("\\\\", "\\"), style=style)


def count_text(value: int | None, style: str = "") -> Text:
    """A number in its column; zero is dim."""
    return Text(format_count(value), style if value else "dim")


def draw_bars(values: Sequence[int], width: int, style: str) -> Text:
    """`values` as at most `width` bars; neighbours are added up, and empty bars are dim."""
    share = max(1, -(-len(values) // width))
    sums = [sum(values[at : at + share]) for at in range(0, len(values), share)]
    highest = max(sums, default=0)
    bars = Text()
    for each in sums:
        step = -(-each * (len(_BARS) - 1) // highest) if each else 0
        bars.append(_BARS[step], style if each else "dim")
    return bars


def print_fields(fields: Iterable[tuple[str, Text | str | None]]) -> None:
    """Names and values in two columns; a field whose value is None is left out."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in fields:
        if value is not None:
            grid.add_row(gettext(name), _translated(value))
    console().print(grid)


def make_table(*columns: str, right: Iterable[str] = (), flexible: Iterable[str] = ()) -> Table:
    """A table without lines; `right` columns hold numbers, `flexible` ones may wrap."""
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in columns:
        table.add_column(
            gettext(name),
            justify="right" if name in right else "left",
            no_wrap=name not in flexible,
            overflow="fold",
        )
    return table


def print_refusal(
    path: str, reason: str, message: str, quarantine_id: str | None, count: int = 1
) -> None:
    """In three lines: the file with the reason and the number, what to do, the quarantine ID."""
    times = f" × {format_count(count)}" if count > 1 else ""
    console().print(
        Text.assemble(stored_text(path, "bold"), "  ", (printable(reason) + times, "red"))
    )
    print_indented(translate(message))
    print_indented(quarantine_id or "", "dim")


def print_indented(line: str, style: str = "") -> None:
    """A line below that which it belongs to; nothing where it is empty."""
    if line:
        console().print(Padding(stored_text(line, style, 2000), (0, 0, 0, 4)))


def to_json(value: Any, indent: int | None = None) -> str:
    """`value` (a dataclass or plain JSON values) as JSON that is safe on a terminal too.

    What could hide or move text is written `\\uXXXX`: the same value to every JSON reader.
    """
    return safe_json(json.dumps(value, ensure_ascii=False, indent=indent, default=_to_plain))


def print_json(value: Any) -> None:
    """One JSON document on one line of standard output, flushed for readers of `--follow`."""
    print_line(to_json(value))


def print_json_lines(values: Iterable[Any]) -> None:
    for value in values:
        print_json(value)


def print_text(text: str | Text, style: str = "") -> None:
    """A message on standard output, in the user's language."""
    console().print(_translated(text), style=style)


def print_result(document: Any, text: str | Text, *, json: bool) -> None:
    """The result of a command: `document` with `--json`, else `text`."""
    print_json(document) if json else console().print(_translated(text))


def print_line(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_pretty(value: Any) -> None:
    """A JSON document for people: indented, coloured on a terminal."""
    text = to_json(value, indent=2)
    if not console().is_terminal:
        print_line(text)
        return
    from rich.syntax import Syntax

    console().print(
        Syntax(text, "json", theme="ansi_dark", background_color="default", word_wrap=True)
    )


def print_error(error: NewsdropError) -> None:
    """`error` on standard error; its message says what to do."""
    print_note(str(error), "red", "newsdrop: ")
    if isinstance(error, StoreUnavailable):
        print_note(
            "start the service with `newsdrop up`, or find the cause with `newsdrop doctor`",
            prefix="  ",
        )


def print_note(text: str, style: str = "", prefix: str = "") -> None:
    """A note on standard error, one line for each line of `text`."""
    first, *rest = translate(text).splitlines() or [""]
    error_console().print(Text.assemble((gettext(prefix), style), first), soft_wrap=True)
    for line in rest:
        error_console().print(Text("  " + line), soft_wrap=True)


@contextmanager
def quiet_interrupt() -> Iterator[None]:
    """Ctrl-C ends the block without an error: it is how a person stops a live view."""
    try:
        yield
    except KeyboardInterrupt:
        return


def _translated(value: Text | str) -> Text | str:
    """A whole message in the user's language. A single word is a name, and a Text is finished."""
    return translate(value) if isinstance(value, str) and " " in value else value


def _to_plain(value: Any) -> Any:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def _open_console(stderr: bool) -> Console:
    terminal = Console(stderr=stderr, markup=False, highlight=False, emoji=False)
    if terminal.is_terminal:
        return terminal
    file: Any = _TrimmedOutput(stderr)
    return Console(file=file, markup=False, highlight=False, emoji=False, width=_PIPE_WIDTH)


class _TrimmedOutput:
    """A pipe or file that gets lines without the blanks that fill a table's last column.

    Lines are 160 columns wide: filled, `| tail` on a terminal would show a blank line after each.
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
