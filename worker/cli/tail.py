"""`tail`, `show`, `retract`, `forget` and `trim`: the records in the stream."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated

import typer
from rich.cells import set_cell_size
from rich.text import Text

from worker.cli.filters import with_filters
from worker.cli.formatting import format_size
from worker.cli.options import Json, argument, flag, option, settings_of
from worker.cli.output import (
    console,
    print_json,
    print_line,
    print_note,
    print_pretty,
    print_result,
    quiet_interrupt,
    safe_text,
)
from worker.errors import NewsdropError, NotThere
from worker.escape import printable, safe_json
from worker.translation import count_noun, gettext
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.readmodel.filters import Filters
    from worker.store.articles import ArticleStore
    from worker.store.stream import StreamEntry

_DEFAULT_COUNT = 10
_MAX_NEWEST = 10_000
_PAGE = 200
_FILTERS = (
    *("q", "source", "feed", "job", "tag", "ticker", "language", "publisher", "date"),
    *("warning", "story", "outcome"),
)

ArticleId = Annotated[str, argument("ID", "The ID, as `tail` shows it.")]


@with_filters(*_FILTERS)
def tail(
    context: typer.Context,
    *,
    start: Annotated[
        str | None,
        option(
            "0|$|ID",
            "Start at the oldest (0), after the newest ($) or after an entry. Default: last 10.",
            "--from",
        ),
    ] = None,
    count: Annotated[
        int | None,
        option(
            "N", "Print the newest N records; with --from, the first N.", "--count", "-n", min=1
        ),
    ] = None,
    follow: Annotated[bool, flag("--follow -f", "Wait for new records; Ctrl-C stops.")] = False,
    first_of_story: Annotated[
        bool, flag("--first-of-story", "Leave out near-duplicates of an article of the same story.")
    ] = False,
    json: Annotated[bool, flag("--json", "Print whole records, one JSON object per line.")] = False,
    filters: "Filters",
) -> None:
    """Print the records of the stream, oldest first."""
    from worker.store.factory import article_store, retention_store

    filters = replace(filters, first_of_story="true" if first_of_story else None)
    if filters.outcome in ("duplicate", "rejected"):
        print_note(
            "The stream has no such records. `newsdrop quarantine list` has the refused inputs, "
            "`newsdrop explain` tells what a duplicate matched."
        )
        return
    is_empty = True
    with quiet_interrupt():
        settings = settings_of(context)
        store = article_store(settings)
        if start not in (None, "$") and not json and retention_store(settings).read().trimmed:
            print_note("Older entries were trimmed; they are in the archive.")
        newest_count = min(count or _DEFAULT_COUNT, _MAX_NEWEST)
        entries = _read_entries(store, start, newest_count, follow=follow, filters=filters)
        for entry in islice(entries, count):
            is_empty = False
            print_line(_record_json(entry)) if json else _print_entry(entry)
    if is_empty and not json and not follow:
        print_note("The stream has no such records. Add files with `newsdrop enqueue PATH`.")


def show(context: typer.Context, article_id: ArticleId, json: Json = False) -> None:
    """Print the newest revision of one record: from the archive where the stream was trimmed."""
    from worker.store.factory import article_store

    settings = settings_of(context)
    store = article_store(settings)
    mark = store.find(article_id)
    entry = store.find_entry(mark) if mark else None
    if entry is None:
        from worker.queries.article import get_article

        try:
            article = get_article(settings, article_id)
        except NotThere:
            article = None
        if article is None or article.record is None:
            raise NewsdropError(
                f"no record {printable(article_id, 80)} was found in the stream or the archive; "
                "its history may be: newsdrop explain PATH, or --title and --date"
            )
        print_note(
            "forgotten by the index; its entry is still in the stream"
            if article.record_from == "stream"
            else "trimmed, in the archive: read again by the present rules"
        )
        print_json(article.record) if json else print_pretty(article.record)
        return
    import orjson

    print_line(_record_json(entry)) if json else print_pretty(orjson.loads(entry.data))


def retract(
    context: typer.Context,
    article_id: ArticleId,
    reason: Annotated[str, option("TEXT", "Why, for those who read the records.")],
    json: Json = False,
) -> None:
    """Withdraw an article: consumers receive an entry `article.withdrawn`.

    The entries that they may have read stay. The article is a duplicate when it comes again.
    """
    from worker.actions import retract as action

    batch = action.retract(settings_of(context), article_id, reason)
    text = "Accepted. A worker adds the entry `article.withdrawn` to the stream."
    print_result({"id": article_id, "batch": batch}, text, json=json)


def forget(context: typer.Context, article_id: ArticleId, json: Json = False) -> None:
    """Remove an article from the index, so that it is published again when it comes again.

    The stream is not changed: entries that consumers may have read stay.
    """
    from worker.store.factory import article_store

    store = article_store(settings_of(context))
    mark = store.find(article_id)
    entry = store.find_entry(mark) if mark else None
    is_forgotten = store.forget(article_id)
    if is_forgotten or json:
        rest = f"its entry {entry.stream_id} stays" if entry else "it had no entry of it any more"
        text = (
            f"Forgotten. The stream was not changed: {rest}. "
            "When the article comes again, a new entry is added."
        )
        result = {
            "id": article_id,
            "forgotten": is_forgotten,
            "stream_changed": False,
            "stream_id": entry.stream_id if entry else None,
        }
        print_result(result, text, json=json)
    if not is_forgotten:
        raise NewsdropError(
            f"the index has no article {printable(article_id, 80)}; `newsdrop tail` lists the IDs"
        )


def _read_entries(
    store: "ArticleStore", start: str | None, newest_count: int, *, follow: bool, filters: "Filters"
) -> Iterator["StreamEntry"]:
    """Entries oldest first: the newest ones (`start` None), or all after `start`; those that pass
    `filters`.

    With `follow` it waits for more. Raises UsageError where `start` is not a stream ID,
    StoreUnavailable.
    """
    if start is None:
        entries, last = _newest(store, newest_count, filters)
        after = last or store.get_info().last_id
        yield from entries
    else:
        from worker.store.stream import parse_stream_id

        after = store.get_info().last_id if start == "$" else parse_stream_id(start)
    while follow or start is not None:
        entries = store.read(f"({after}", _PAGE)
        if not entries and not follow:
            return
        entries = entries or store.follow(after, count=_PAGE)
        yield from (entry for entry in entries if _passes(entry, filters))
        after = entries[-1].stream_id if entries else after


def _newest(
    store: "ArticleStore", count: int, filters: "Filters"
) -> tuple[Sequence["StreamEntry"], str | None]:
    """The last `count` entries, of those that pass `filters`, and the ID of the
    last entry of all. At most _MAX_NEWEST entries are searched."""
    entries: list[StreamEntry] = []
    last, before = None, None
    for _ in range(_MAX_NEWEST // _PAGE):
        page = store.read_before(before, _PAGE if filters else min(_PAGE, count))
        if not page:
            break
        last, before = last or page[0].stream_id, page[-1].stream_id
        entries += (entry for entry in page if _passes(entry, filters))
        if len(entries) >= count:
            break
    return entries[:count][::-1], last


def _passes(entry: "StreamEntry", filters: "Filters") -> bool:
    if not filters:
        return True
    from worker.queries.articles import read_data
    from worker.readmodel.decision import entry_facets, searched_texts

    data = read_data(entry)
    return filters.accept(entry_facets(entry, data), *searched_texts(entry.title, data))


def _record_json(entry: "StreamEntry") -> str:
    return safe_json(entry.data.decode("utf-8", "replace"))


def _print_entry(entry: "StreamEntry") -> None:
    """Two lines, because one would not fit into 80 columns."""
    milliseconds = int(entry.stream_id.partition("-")[0])
    published = datetime.fromtimestamp(milliseconds / 1000).astimezone()
    first = Text.assemble(
        (f"{published:%m-%d %H:%M:%S}", "dim"),
        "  ",
        (printable(entry.date or set_cell_size(gettext("no date"), 10)), "cyan"),
        "  ",
        safe_text(entry.title, "bold"),
    )
    second = Text.assemble((f"{'':4}{printable(entry.id)}", "dim"), "  ")
    second.append_text(safe_text(entry.source, "dim"))
    if entry.type == "article.withdrawn":
        second.append(f"  {gettext('withdrawn')}", "red")
    elif entry.revision > 1:
        second.append(f"  {translate(f'revision {entry.revision}')}", "yellow")
    if entry.story and entry.story.near_duplicate_of:
        original = printable(entry.story.near_duplicate_of, 80)
        second.append(f"  {translate(f'near-duplicate of {original}')}", "yellow")
    if tickers := _tickers(entry):
        second.append(f"  {tickers}", "green")
    console().print(first, soft_wrap=True)
    console().print(second, soft_wrap=True)


def _tickers(entry: "StreamEntry") -> str:
    import orjson

    try:
        tickers = orjson.loads(entry.data).get("tickers", [])
        return printable(" ".join(ticker["symbol"] for ticker in tickers[:3]))
    except (orjson.JSONDecodeError, AttributeError, KeyError, TypeError):
        return ""  # an entry that another program wrote


def trim(
    context: typer.Context,
    *,
    dry_run: Annotated[bool, flag("--dry-run", "Only show what would be removed.")] = False,
    json: Json = False,
) -> None:
    """Remove from the stream what is beyond stream.max_length, keep_days and max_mb.

    The service does this by itself. What a consumer group has not finished stays, unless the stream
    takes too many bytes. The archive keeps all records.
    """
    from worker.settings.clock import utc_now
    from worker.store.factory import retention_store, stream_bounds

    settings = settings_of(context)
    store, bounds = retention_store(settings), stream_bounds(settings, utc_now())
    done = store.preview(bounds) if dry_run else store.trim(bounds, max_calls=1_000_000)
    size, entries = format_size(done.bytes), count_noun(done.removed, "entry")
    text = f"removed: {entries}; the stream takes {size}"
    if dry_run:
        text = f"would be removed: {entries}; the stream takes {size}"
    print_result({"dry_run": dry_run, **asdict(done)}, text, json=json)
    if done.unread and not json:
        print_note(f"a consumer group has not finished {count_noun(done.unread, 'entry')} of them")
    if done.holder and not json:
        print_note(f"the group {printable(done.holder)} holds what follows {done.bound}")
