"""`backup` and `restore`: state directory and Redis as one file, and the way back."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli.formatting import format_size
from worker.cli.options import FAILED, Json, argument, settings_of
from worker.cli.output import print_note, print_result
from worker.escape import printable
from worker.translation import count_noun


def backup(
    context: typer.Context,
    file: Annotated[Path, argument("FILE", "The file to write; it must not exist.")],
    json: Json = False,
) -> None:
    """Write the state directory and newsdrop's keys in Redis to one file.

    The service may run: what it accepts meanwhile is in the file or stays where it is. Writes to
    Redis are held for as long as the index is read. The file holds passwords of feeds.
    """
    from worker.service.backup import create_backup
    from worker.settings.clock import utc_now

    summary = create_backup(settings_of(context), file, utc_now())
    counts = f"{count_noun(summary.files, 'file')}, {count_noun(summary.keys, 'key')} of Redis"
    size = format_size(summary.bytes)
    print_result(summary, f"backup written: {printable(file)}, {size}: {counts}", json=json)


def restore(
    context: typer.Context,
    file: Annotated[Path, argument("FILE", "A file that `newsdrop backup` wrote.")],
    json: Json = False,
) -> None:
    """Restore a backup into an empty state directory, while the service is stopped.

    Then the audit compares every accepted file with its outcome. Exits 1 if one is missing.
    """
    from worker.service.backup import restore_backup

    summary = restore_backup(settings_of(context), file)
    counts = f"{count_noun(summary.files, 'file')}, {count_noun(summary.keys, 'key')} of Redis"
    print_result(summary, f"restored as of {summary.at}: {counts}", json=json)
    if not json:
        print_note(f"{count_noun(summary.published, 'article')} published again from the archive")
        files = count_noun(summary.audit.unaccounted, "file")
        print_note(
            "every accepted file is accounted for"
            if summary.audit.balanced
            else f"{files} unaccounted for: run `newsdrop audit`"
        )
    if not summary.audit.balanced:
        raise typer.Exit(FAILED)
