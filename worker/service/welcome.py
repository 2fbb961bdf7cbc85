"""The message of `up` when all is ready: one record, where to drop files, and useful commands."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from shutil import which
from typing import Any

from rich.cells import set_cell_size
from rich.console import Console
from rich.text import Text

from worker.errors import NewsdropError
from worker.escape import printable
from worker.service import examples
from worker.service.command_hint import command_hint
from worker.settings import Settings
from worker.settings.paths import log_dir
from worker.store.connection import Client, connect, printable_url, redis_url
from worker.store.stream import Stream, StreamEntry
from worker.translation import gettext, mark
from worker.translation import message as translate

_SHOWN = (
    "id", "title", "date_published", "publisher", "editor", "language", "tags", "tickers",
    "images", "highlights", "word_count", "content_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class RunningService:
    """Addresses of the running service. `socket` and `port` are of the embedded server; `page` is
    the status page's address. Each may be None."""

    settings: Settings
    url: str
    socket: Path | None
    port: int | None
    config: Path | None = None
    page: str | None = None

    def connect(self) -> Client:
        """A client of the server, with the password of `redis.password_file`."""
        return connect(self.url if self.socket else redis_url(self.settings))


def welcome(
    running: RunningService,
    console: Console,
    with_examples: bool,
    wait: Callable[[float], None],
    stop: str,
    *,
    is_log: bool = False,
) -> None:
    """Print that the service runs and how to `stop` it; first ingest the examples, if asked.

    With `is_log` it is one line: a log would repeat the rest at every start. `wait` sleeps so many
    seconds, and raises when the service is to stop.
    """
    if with_examples:
        _show_examples(running, console, wait)
    console.print(Text(gettext("newsdrop is ready."), "bold green"))
    if is_log:
        return
    for label, value in _facts(running):  # not wrapped, so that they can be copied
        name = set_cell_size(gettext(label), 18)
        console.print(Text(f"  {name}", "dim") + Text(value), soft_wrap=True)
    console.print(Text(stop), soft_wrap=True)


def _facts(running: RunningService) -> Iterator[tuple[str, str]]:
    folders = running.settings.all_folders()
    for folder in folders:
        name = "" if len(folders) == 1 else f"  ({folder.name})"
        label = mark("read in place") if folder.in_place else mark("drop files into")
        yield label, printable(folder.path.absolute()) + name
    if running.page:
        yield mark("status page"), running.page
    yield mark("watch the work"), command_hint("status --watch", config=running.config)
    yield mark("follow records"), command_hint("tail --follow", config=running.config)
    yield mark("read the stream"), _stream_hint(running)
    yield mark("logs"), printable(log_dir(running.settings.state_dir))


def _stream_hint(running: RunningService) -> str:
    """A command that reads the stream from its beginning, if its program is installed; else the
    stream's name and address, for a client of the person's own."""
    name = printable(running.settings.stream.name)
    if client := which("redis-cli") or which("valkey-cli"):
        command, read = Path(client).name, f"XREAD COUNT 10 STREAMS {name} 0"
        if running.port is not None:
            return f"{command} -p {running.port} {read}"
        if running.socket is not None:
            return f"{command} -s {quote(printable(running.socket))} {read}"
    return f"{name}  {printable_url(running.url)}"


def _show_examples(
    running: RunningService, console: Console, wait: Callable[[float], None]
) -> None:
    try:
        with closing(running.connect()) as client:
            stream = Stream(client, running.settings.stream.name)
            entries, are_new = examples.ingest(running.settings, stream, wait)
    except NewsdropError as error:
        console.print(Text(translate(f"The examples were not ingested: {error}"), "yellow"))
        return
    if not entries:
        hint = "The examples gave no record yet; `newsdrop status` shows where they are."
        console.print(Text(translate(hint), "yellow"))
        return
    entry = entries[-1]
    title = "The examples were ingested before: duplicates, so no new entry. One record:"
    if are_new:
        new_count = len(entries)
        title = f"Ingested {new_count} example articles. One of the records:"
    console.print(Text(translate(title), "dim"))
    _show(entry, console)
    command = command_hint(f"show {entry.id}", config=running.config)
    name = set_cell_size(gettext("whole record"), 16)
    console.print(Text(f"  {name}", "dim") + Text(command), soft_wrap=True)


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
        return str(next((value[k] for k in ("symbol", "name", "url") if value.get(k)), value))
    return printable(str(value).replace("\n", " "), 160)
