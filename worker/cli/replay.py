"""`replay`, `reindex`, `stories rebuild`: restore Redis and the search index from the archive."""

from datetime import datetime

import typer

from worker.cli.options import FAILED, Json, Since, parse_since, settings_of
from worker.cli.output import print_note, print_result
from worker.cli.progress import FileProgress, show_batches, show_progress
from worker.errors import SpoolUnavailable
from worker.translation import count_noun, mark

stories = typer.Typer(no_args_is_help=True, help="Near-duplicates: fill the window of stories.")


def replay(context: typer.Context, since: Since = None, json: Json = False) -> None:
    """Publish the archived articles that Redis has lost, under the same IDs.

    Safe at any time: articles that Redis still has are not published again.
    """
    from worker.pipeline.context import open_context
    from worker.pipeline.replay import replay as replay_segment
    from worker.spool.redis_record import clear_loss

    begin = parse_since(since)
    deps = open_context(settings_of(context)).deps
    segments = lost = damaged = 0
    unreadable: list[int] = []
    for segment in deps.archive.segments():
        try:
            # The segment's name has the time of the claim: it may have waited before archiving.
            if begin is None or datetime.fromisoformat(segment.head().archived_at) >= begin:
                lost += replay_segment(segment, deps, unreadable.append)
                segments += 1
        except FileNotFoundError:
            continue  # it has just expired
        except SpoolUnavailable as error:
            print_note(str(error))
            damaged += 1
    clear_loss(deps.settings.state_dir, begin)
    counts = f"{count_noun(lost, 'article')}, {count_noun(segments, 'archived batch')} checked"
    document = {
        "segments": segments, "lost": lost, "unreadable": sum(unreadable), "damaged": damaged
    }  # fmt: skip
    print_result(document, f"published again: {counts}", json=json)
    if document["unreadable"] and not json:
        count = count_noun(document["unreadable"], "lost article")
        print_note(f"{count} not published: the raw files have expired, or cannot be read")
    if damaged:
        raise typer.Exit(FAILED)


@stories.command("rebuild")
def rebuild(context: typer.Context, json: Json = False) -> None:
    """Let new articles join the stories of those in the archive, of the last dedupe.near_days.

    For use after near was set for a source, or near_days was changed. What is published stays as it
    is. A run that was interrupted continues where it stopped. It has the lowest priority.
    """
    import os
    from dataclasses import asdict

    from worker.pipeline.context import open_context
    from worker.pipeline.stories import rebuild_stories

    os.nice(19)
    with show_batches(mark("reading")) as on_progress:
        result = rebuild_stories(open_context(settings_of(context)), on_progress=on_progress)
    articles = count_noun(result.articles, "article")
    text = f"window of stories filled: {articles}, {result.firsts:,} of them the first of a story"
    print_result(asdict(result), text, json=json)


def reindex(context: typer.Context, json: Json = False) -> None:
    """Build the search index again from the archive. The present one is used until that is done.

    Safe at any time, beside a running service: the index holds nothing that the archive lacks.
    """
    from worker.pipeline.context import open_context
    from worker.pipeline.search import rebuild_search

    progress = FileProgress(noun="batch")
    with show_progress(progress, mark("indexing")) as update:
        for progress.count, progress.total in rebuild_search(open_context(settings_of(context))):
            update()
    count = progress.count
    text = f"search index built: {count_noun(count, 'archived batch')}"
    print_result({"segments": count}, text, json=json)
