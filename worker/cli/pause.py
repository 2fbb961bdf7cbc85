"""`pause` and `resume`: stop taking articles from a source, and start again."""

from typing import Annotated

import typer

from worker.cli import completion
from worker.cli.options import Json, argument, settings_of
from worker.cli.output import print_result

_SOURCE = "A drop folder or a feed, or `feeds` for all polling."
Source = Annotated[str, argument("SOURCE", _SOURCE, autocompletion=completion.sources)]
PausedSource = Annotated[str, argument("SOURCE", _SOURCE, autocompletion=completion.paused)]


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
    text = f"{source}: {'watched' if settings.folder(source) else 'polled'} again."
    print_result({"source": source, "paused": False}, text, json=json)
