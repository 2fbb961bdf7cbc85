"""`reindex`: build the search index again from the archive."""

import typer

from worker.cli.formatting import pluralize
from worker.cli.options import Json, settings_of
from worker.cli.output import print_result
from worker.cli.progress import FileProgress, show_progress


def reindex(context: typer.Context, json: Json = False) -> None:
    """Build the search index again from the archive. The present one is used until that is done.

    Safe at any time, beside a running service: the index holds nothing that the archive lacks.
    """
    from worker.pipeline.context import open_context
    from worker.pipeline.feed_search import rebuild_search

    progress = FileProgress(noun="batch")
    with show_progress(progress, "indexing") as update:
        for progress.count, progress.total in rebuild_search(open_context(settings_of(context))):
            update()
    count = progress.count
    text = f"search index built: {pluralize(count, 'archived batch')}"
    print_result({"segments": count}, text, json=json)
