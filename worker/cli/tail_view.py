"""The stream's entries as `tail` walks them, and how each is printed."""

import re
from collections.abc import Iterator

import orjson
from rich.text import Text

from worker.cli.output import console, outside, print_line
from worker.errors import UsageError
from worker.escape import printable, safe_json
from worker.settings import Settings
from worker.store.factory import article_store
from worker.store.stream import StreamEntry

_LAST = 10
_PAGE = 200


def entries(
    settings: Settings, start: str | None, count: int | None, *, follow: bool
) -> Iterator[StreamEntry]:
    """Entries oldest first: the last ones (`start` None), or those after `start`.

    With `follow` it does not end before `count` is reached. Raises UsageError for what is no
    stream id, StoreUnavailable.
    """
    store = article_store(settings)
    left = count
    if start is None:
        found = store.newest(min(count or _LAST, 10_000))
        after = found[-1].stream_id if found else store.info().last_id
        yield from found
        if not follow:
            return
        left = None if count is None else count - len(found)
    else:
        after = store.info().last_id if start == "$" else _stream_id(start)
    while left is None or left > 0:
        page = _PAGE if left is None else min(left, _PAGE)
        found = store.read(f"({after}", page)
        if not found and follow:
            found = store.follow(after, count=page)
        yield from found
        if found:
            after = found[-1].stream_id
            left = None if left is None else left - len(found)
        elif not follow:
            return


class Printer:
    """Prints entries: whole records as JSON lines, or two lines each for people."""

    def __init__(self, json: bool) -> None:
        self._json = json
        self.shown = 0

    def show(self, entry: StreamEntry) -> None:
        self.shown += 1
        if self._json:
            print_line(safe_json(entry.data.decode("utf-8", "replace")))
            return
        line = Text.assemble(
            (_arrived(entry), "dim"),
            "  ",
            (printable(entry.date or "no date   "), "cyan"),
            "  ",
            outside(entry.title, "bold"),
        )
        # What is short goes beneath: together they would not fit into 80 columns.
        beneath = Text.assemble((f"{'':4}{printable(entry.id)}", "dim"), "  ")
        beneath.append_text(outside(entry.source, "dim"))
        if entry.revision > 1:
            beneath.append(f"  revision {entry.revision}", "yellow")
        if tickers := _tickers(entry):
            beneath.append(f"  {tickers}", "green")
        console().print(line, soft_wrap=True)
        console().print(beneath, soft_wrap=True)


def _stream_id(text: str) -> str:
    if not re.fullmatch(r"\d+(-\d+)?", text):
        raise UsageError(
            f"{printable(text, 80)} is no place in the stream: "
            "give 0, $ or an entry's id such as 1637929564000-0"
        )
    return text if "-" in text else f"{text}-0"


def _arrived(entry: StreamEntry) -> str:
    """When it was published, in local time: who looks on sits at a clock."""
    from datetime import datetime

    at = datetime.fromtimestamp(int(entry.stream_id.partition("-")[0]) / 1000).astimezone()
    return at.strftime("%m-%d %H:%M:%S")


def _tickers(entry: StreamEntry) -> str:
    try:
        named = orjson.loads(entry.data).get("tickers", [])
        return printable(" ".join(ticker["symbol"] for ticker in named[:3]))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return ""  # another program's entry
