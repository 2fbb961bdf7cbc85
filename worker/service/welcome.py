"""What `up` says when all is ready: one record, where to drop files, how to look."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

from rich.console import Console
from rich.text import Text

from worker.errors import NewsdropError
from worker.escape import printable
from worker.service import examples
from worker.service.command_hint import command_hint
from worker.settings import Settings
from worker.settings.paths import log_dir
from worker.store.connection import connect, shown_url
from worker.store.stream import Stream, StreamEntry

_SHOWN = (
    "id", "title", "date_published", "publisher", "editor", "language", "tags", "tickers",
    "images", "highlights", "word_count", "content_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Reached:
    """Where the running service is found. `socket` is None where the server is not ours, `page`
    (the status page's address) where there is none."""

    settings: Settings
    url: str
    socket: Path | None
    port: int | None
    config: Path | None = None
    page: str | None = None


def welcome(
    reached: Reached,
    console: Console,
    with_examples: bool,
    wait: Callable[[float], None],
    stop: str,
) -> None:
    """Say that it runs, and how to `stop` it; with examples first ingest them and show a record.

    `wait` sleeps so many seconds, and raises where the service is to stop.
    """
    if with_examples:
        _show_examples(reached, console, wait)
    console.print(Text("newsdrop is ready.", "bold green"))
    for label, value in _facts(reached):  # lines of their own, whole: they are there to be copied
        console.print(Text(f"  {label:18}", "dim") + Text(value), soft_wrap=True)
    console.print(Text(stop), soft_wrap=True)


def _facts(reached: Reached) -> Iterator[tuple[str, str]]:
    folders = reached.settings.all_folders()
    for folder in folders:
        about = "" if len(folders) == 1 else f"  ({folder.name})"
        what = "read in place" if folder.in_place else "drop files into"
        yield what, printable(folder.path) + about
    if reached.page:
        yield "status page", reached.page
    yield "look at the work", command_hint("status --watch", config=reached.config)
    yield "see records come", command_hint("tail --follow", config=reached.config)
    yield "read the stream", _reading(reached)
    yield "logs", printable(log_dir(reached.settings.state_dir))


def _reading(reached: Reached) -> str:
    """A command that reads the stream from its beginning."""
    read = f"XREAD COUNT 10 STREAMS {printable(reached.settings.stream.name)} 0"
    if reached.port is not None:
        return f"redis-cli -p {reached.port} {read}"
    if reached.socket is not None:
        return f"redis-cli -s {quote(printable(reached.socket))} {read}"
    return f"{read}  (at {shown_url(reached.url)})"


def _show_examples(reached: Reached, console: Console, wait: Callable[[float], None]) -> None:
    client = connect(reached.url)
    try:
        shown = examples.ingest(
            reached.settings, Stream(client, reached.settings.stream.name), wait
        )
    except NewsdropError as error:
        console.print(Text(f"The examples were not ingested: {error}", "yellow"))
        return
    finally:
        client.close()
    if not shown.entries:
        console.print(
            Text(
                "The examples gave no record yet; `newsdrop status` says where they are.", "yellow"
            )
        )
        return
    entry = shown.entries[-1]
    if shown.fresh:
        console.print(Text(f"Ingested {shown.fresh} example articles. One of the records:", "dim"))
    else:
        console.print(
            Text(
                "The examples were ingested before: duplicates, so no new entry. One record:", "dim"
            )
        )
    _show(entry, console)
    whole = command_hint(f"show {entry.id}", config=reached.config)
    console.print(Text(f"  {'all of it':16}", "dim") + Text(whole), soft_wrap=True)


def _show(entry: StreamEntry, console: Console) -> None:
    record = json.loads(entry.data)
    for name in _SHOWN:
        value = record.get(name)
        if value not in (None, [], ""):
            line = Text(f"  {name:16}", "cyan") + Text(_short(value))
            line.truncate(console.width, overflow="ellipsis")
            console.print(line)


def _short(value: Any) -> str:
    """A field of a record on one line."""
    if isinstance(value, list):
        return printable(" · ".join(_short(item) for item in value), 160)
    if isinstance(value, dict):
        best = next((value[k] for k in ("symbol", "name", "url") if value.get(k)), value)
        return str(best)
    return printable(str(value).replace("\n", " "), 160)
