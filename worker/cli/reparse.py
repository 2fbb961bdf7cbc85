"""`reparse`: the archive read again with the present code and rules, and what would differ."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from worker.cli.formatting import format_count
from worker.cli.options import Json, Since, flag, option, parse_since, settings_of
from worker.cli.output import console, print_note, print_result, safe_text
from worker.cli.progress import show_batches
from worker.errors import UsageError
from worker.translation import count_noun, gettext, mark

if TYPE_CHECKING:
    from worker.pipeline.reparse.state import Example, ReparseResult

_SHOWN_EXAMPLES = 5


def reparse(
    context: typer.Context,
    *,
    source: Annotated[str | None, option("NAME", "Only articles of this source.")] = None,
    since: Since = None,
    rule: Annotated[
        Path | None, option("FILE", "Try this site rule, which is not installed yet.")
    ] = None,
    diff: Annotated[bool, flag("--diff", "Only show what differs (the default).")] = False,
    publish: Annotated[bool, flag("--publish", "Publish what differs as revisions.")] = False,
    json: Json = False,
) -> None:
    """Read the archived raw files again with the present code and rules; show what differs.

    An article keeps its ID, whatever its title and date are now. A run that was interrupted
    continues where it stopped. It has the lowest priority.
    """
    import os

    from worker.pipeline.context import open_context
    from worker.pipeline.reparse.run import reparse as run
    from worker.pipeline.reparse.state import ReparseOrder
    from worker.sites.load import load_sites, rule_folders
    from worker.taskqueue.client import notify_ingest

    if publish and (diff or rule):
        other = "--rule tries a rule that the workers do not have: install it in sites_dir first"
        raise UsageError("give either --diff or --publish" if diff else other)
    settings = settings_of(context)
    order = ReparseOrder(source, parse_since(since), publish, since or "")
    sites = load_sites(rule_folders(settings), [rule] if rule else [])
    os.nice(19)
    with show_batches(mark("reading")) as on_progress:
        result = run(
            open_context(settings),
            order,
            sites,
            on_progress=on_progress,
            on_claimed=lambda: notify_ingest(settings),
        )
    if json:
        print_result(asdict(result), "", json=True)
        return
    _print(result, is_published=publish)


def _print(result: "ReparseResult", *, is_published: bool) -> None:
    if result.resumed:
        print_note(f"{count_noun(result.resumed, 'batch')} of them read by an earlier run")
    form = gettext("{articles} in {batches}: {changed} would differ, {same} stay the same")
    if is_published:
        form = gettext(
            "{articles} in {batches}: {changed} are published as revisions, {same} stay the same"
        )
    counts = {"changed": format_count(result.changed), "same": format_count(result.unchanged)}
    articles, batches = count_noun(result.articles, "article"), count_noun(result.segments, "batch")
    console().print(form.format(articles=articles, batches=batches, **counts))
    others = (
        (result.expired, mark("raw file has expired, or cannot be read")),
        (result.trimmed, mark("record was trimmed: only another text is noticed")),
        (result.other, mark("withdrawn or forgotten")),
        (result.failed, mark("not read any more: nothing changes")),
    )
    for count, why in others:
        if count:
            console().print(f"  {count:,}  {gettext(why)}")
    for name, count in sorted(result.fields.items(), key=lambda pair: -pair[1]):
        console().print(f"  {count:>9,}  {name}")
    for example in result.examples[:_SHOWN_EXAMPLES]:
        _print_example(example)


def _print_example(example: "Example") -> None:
    head = Text.assemble((example.id, "dim"), "  ", safe_text(example.title, "bold"))
    console().print(head, soft_wrap=True)
    if not example.changes:
        console().print(Text(f"  {', '.join(example.fields)}"), soft_wrap=True)
    for change in example.changes:
        for text, sign, colour in ((change.old, "-", "red"), (change.new, "+", "green")):
            if text is not None:
                line = Text(f"  {sign} {change.field}: ", colour).append_text(safe_text(text))
                console().print(line, soft_wrap=True)
