"""`trim`: remove from the stream what is beyond its bounds, or show what would be removed."""

from dataclasses import asdict
from typing import Annotated

import typer

from worker.cli.formatting import format_size
from worker.cli.options import Json, flag, settings_of
from worker.cli.output import print_note, print_result
from worker.escape import printable
from worker.translation import count_noun


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
