"""`feeds show|set|rename`: the keys of one feed, and changing them."""

from typing import Annotated

import typer

from worker.cli import completion
from worker.cli.options import Json, argument, settings_of
from worker.cli.output import print_fields, print_json, print_result, stored_text
from worker.translation import gettext, mark
from worker.translation import message as translate

Name = Annotated[str, argument("NAME", "Its name or label.", autocompletion=completion.feeds)]


def show(context: typer.Context, name: Name, json: Json = False) -> None:
    """Show the keys of a feed that are set, and its state."""
    from dataclasses import asdict

    from worker.actions.feed_edit import key_text, visible_keys
    from worker.feeds.catalog import load_catalog
    from worker.queries.feeds import list_feeds
    from worker.settings.clock import utc_now
    from worker.sources.registry import require_feed

    settings = settings_of(context)
    catalog = load_catalog(settings)
    key = require_feed(catalog, name)
    keys = visible_keys(catalog.feeds[key])
    state = list_feeds(settings, utc_now()).named(key)
    if json:
        print_json({"keys": keys, "state": asdict(state)})
        return
    counts = gettext("{waiting} waiting, {done} done, {dropped} dropped")
    rechecks = counts.format(**asdict(state.rechecks)) if state.rechecks else None
    fields = [(field, stored_text(key_text(value))) for field, value in keys.items()]
    for field, value in (
        (mark("state"), state.status),
        (mark("title"), state.title),
        (mark("last poll"), state.last_poll),
        (mark("next poll"), state.next_poll),
        (mark("host pauses until"), state.host_pause),
        (mark("moved to"), state.moved_to),
        (mark("rechecks"), rechecks),
        (mark("error"), state.error),
    ):
        if value:
            fields.append((field, stored_text(translate(str(value)))))
    print_fields(fields)


def set_(
    context: typer.Context,
    name: Name,
    changes: Annotated[
        list[str], argument("KEY=VALUE…", "tags=a,b full_text=true schedule= headers.X-Key=…")
    ],
    json: Json = False,
) -> None:
    """Change keys of a feed; an empty value sets the default. Its state and its records stay.

    The keys are those of config/feeds.toml, except the name. A feed of the config file is changed
    in the config file.
    """
    from worker.actions.feed_edit import edit, parse_changes, visible_keys

    feed = edit(settings_of(context), name, parse_changes(changes))
    keys = visible_keys(feed)
    print_result(keys, f"{feed.label or feed.name} changed", json=json)


def rename(
    context: typer.Context,
    name: Name,
    label: Annotated[str, argument("LABEL", "Any text on one line.")],
    json: Json = False,
) -> None:
    """Change the label of a feed. Its name stays, because records and statistics have it."""
    from worker.actions.feed_edit import edit, visible_keys

    feed = edit(settings_of(context), name, {"label": label or None})
    text = f"{feed.name} is now shown as {feed.label or feed.name}"
    print_result(visible_keys(feed), text, json=json)
