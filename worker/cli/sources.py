"""`pause`, `resume`, `adopt`: hold a source, continue it, take over what a lost service left."""

from pathlib import Path
from typing import Annotated

import typer

from worker.cli import completion
from worker.cli.options import Json, argument, settings_of
from worker.cli.output import print_result
from worker.escape import printable
from worker.translation import count_noun

_SOURCE = "A drop folder, a bucket or a feed, or `feeds` for all polling."
Source = Annotated[str, argument("SOURCE", _SOURCE, autocompletion=completion.sources)]
PausedSource = Annotated[str, argument("SOURCE", _SOURCE, autocompletion=completion.paused)]
Folder = Annotated[Path, argument("DIR", "The drop folder.", exists=True, file_okay=False)]


def pause(context: typer.Context, source: Source, json: Json = False) -> None:
    """Stop taking articles from a source; articles accepted before are still processed.

    `newsdrop pause feeds` stops all polling and the fetching of pages.
    """
    from worker.actions.pause import pause as pause_source

    pause_source(settings_of(context), source)
    text = f"{source}: paused. Continue with `newsdrop resume {source}`."
    print_result({"source": source, "paused": True}, text, json=json)


def resume(context: typer.Context, source: PausedSource, json: Json = False) -> None:
    """Take articles from a paused source again."""
    from worker.actions.pause import resume as resume_source

    settings = settings_of(context)
    resume_source(settings, source)
    is_folder = settings.source(source)
    text = f"{source}: watched again." if is_folder else f"{source}: polled again."
    print_result({"source": source, "paused": False}, text, json=json)


def adopt(context: typer.Context, folder: Folder, json: Json = False) -> None:
    """Take over the accepted batches that a lost state directory left in a drop folder.

    Refused while the service of that state directory runs. The audit of both balances.
    """
    from worker.actions.nodes import adopt as adopt_folder

    done = adopt_folder(settings_of(context), folder)
    count = count_noun(len(done.batches), "batch")
    when = "processed" if done.is_watched else "processed after the next start of the service"
    text = f"{printable(folder)}: {count} adopted" + (f"; {when}." if done.batches else ".")
    print_result(done, text, json=json)
