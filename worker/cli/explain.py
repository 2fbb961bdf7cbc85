"""`explain`: an article's key, what it matched, and its history."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from worker.cli.options import FAILED, UNAVAILABLE, JsonLines, argument, option, settings_of
from worker.cli.output import (
    console,
    print_fields,
    print_indented,
    print_json,
    print_note,
    safe_text,
    stored_text,
)
from worker.cli.parse import Source
from worker.errors import NotThere, UsageError
from worker.translation import gettext, mark
from worker.translation import message as translate

if TYPE_CHECKING:
    from worker.queries.comparison import Comparison
    from worker.queries.explain import ExplainResult, Explanation
    from worker.queries.history import HistoryEntry
    from worker.settings import Settings

OUTCOMES = {
    "published": (mark("published"), "green"),
    "revised": (mark("revised"), "green"),
    "withdrawn": (mark("withdrawn"), "red"),
    "duplicate": (mark("duplicate"), "yellow"),
    "rejected": (mark("refused"), "red"),
    "deferred": (mark("waiting for its page"), "cyan"),
    "read": (mark("read"), ""),
}
"""Outcome -> the text shown for it, and its colour."""


def explain(
    context: typer.Context,
    *,
    path: Annotated[
        str | None,
        argument(
            "PATH|URL|ID|WORDS",
            "A file, the path or address of an input accepted earlier, an ID, or words of a title.",
        ),
    ] = None,
    title: Annotated[str | None, option("T", "Instead of a path: the article's title.")] = None,
    date: Annotated[str | None, option("D", "With --title: its date, YYYY-MM-DD.")] = None,
    source: Source = None,
    compared_with: Annotated[
        str | None,
        option("ID", "Say why they are one story or not; default: the story's first.", "--with"),
    ] = None,
    json: JsonLines = False,
) -> None:
    """Show an article's key, which article it matched, and when and from where that one came.

    Works for articles that the stream no longer has: the archive keeps their history. Words that
    are no whole title list the articles that have them, and the exit code is 1. Exits 3 if Redis
    does not answer; the contents of spool and archive are still shown.
    """
    settings = settings_of(context)
    if (path is None) == (title is None) or (title is None and date is not None):
        raise UsageError("give either a PATH or URL, or --title (and --date, if it has one)")
    try:
        result = _explain(settings, path, title, date, source)
    except NotThere:
        if path and not json and _print_similar(settings, path):
            raise typer.Exit(FAILED) from None
        raise
    if result.problem:
        print_note(result.problem, "yellow", "newsdrop: ")
    for index, article in enumerate(result.articles):
        print_json(article) if json else _print_article(article, is_first=index == 0)
        first = article.story.near_duplicate_of if article.story and not json else None
        if article.id and (other := compared_with or first):
            comparison = _compare(settings, article.id, other, is_sure=compared_with is not None)
            print_json(comparison) if json else _print_comparison(comparison)
    if title and not json and not any(it.known or it.past for it in result.articles):
        _print_similar(settings, title)
    if not result.complete:
        raise typer.Exit(UNAVAILABLE)
    if result.problem:
        raise typer.Exit(FAILED)


def _explain(
    settings: "Settings", path: str | None, title: str | None, date: str | None, source: str | None
) -> "ExplainResult":
    from worker.queries.explain import explain_address, explain_id, explain_path, explain_title
    from worker.sources.fetch_once import is_address
    from worker.store.layout import parse_article_id

    if title is not None:
        return explain_title(settings, title, date, source)
    assert path is not None
    if is_address(path):
        return explain_address(settings, path)
    if parse_article_id(path):
        return explain_id(settings, path)
    return explain_path(settings, Path(path), source)


def _print_similar(settings: "Settings", words: str) -> bool:
    """The articles and refusals that a person may mean who does not know the whole title; whether
    there are any."""
    from worker.queries.articles import find_similar

    rows = list(find_similar(settings, words))
    for index, row in enumerate(rows):
        if index == 0:
            print_note("These have the words in their title or text:")
        date = Text(row.date or "–", "cyan") if row.id else Text(gettext("refused"), "red")
        console().print(date, safe_text(row.title, "bold"), sep="  ")
        print_indented(row.id or f"newsdrop quarantine show {row.quarantine}", "dim")
    return bool(rows)


def _print_article(article: "Explanation", *, is_first: bool) -> None:
    if not is_first:
        console().print()
    print_fields(
        (
            ("file", stored_text(article.path) if article.path else None),
            ("title", safe_text(article.title) if article.title else None),
            ("date", article.date),
            ("id", article.id),
            ("key", _key(article)),
            ("state", _state(article)),
            ("in stream", _stream_entry(article)),
            ("first seen", _first_seen(article)),
            ("story", _story(article)),
        )
    )
    if article.past:
        console().print()
        _print_history(article.past)


def _compare(
    settings: "Settings", article_id: str, other: str, *, is_sure: bool
) -> "Comparison | None":
    """The comparison with another article; None where a default one is not there any more."""
    from worker.errors import NotThere
    from worker.queries.comparison import compare_articles

    try:
        return compare_articles(settings, article_id, other)
    except NotThere:
        if is_sure:
            raise
        return None


def _print_comparison(comparison: "Comparison | None") -> None:
    if comparison is None:
        return
    decided = {True: "one story", False: "two stories", None: "not marked"}
    share = comparison.common_share
    console().print()
    print_fields(
        (
            ("compared with", safe_text(comparison.other_title or comparison.other)),
            ("decided", translate(decided[comparison.is_same_story])),
            ("reason", translate(comparison.reason)),
            ("in both", None if share is None else translate(f"{share:.0%} of the shorter text")),
            *(("", safe_text(passage)) for passage in comparison.passages),
        )
    )


def _story(article: "Explanation") -> str | None:
    story = article.story
    if story is None:
        return None
    original = story.near_duplicate_of
    if original is None:
        return translate(f"the first of {story.id}")
    percent = "" if story.similarity is None else f" ({story.similarity:.0%})"
    return translate(f"near-duplicate of {original}") + percent


def _print_history(entries: "tuple[HistoryEntry, ...]") -> None:
    """Each decision in a line, its reason below: in a column of its own a terminal would cut it."""
    for entry in entries:
        outcome, style = OUTCOMES[entry.status]
        parts = (Text(gettext(outcome), style), stored_text(entry.source), stored_text(entry.path))
        console().print(Text("  ").join((Text(entry.at[:19].replace("T", " "), "dim"), *parts)))
        print_indented(translate(entry.message or ""))
        if entry.quarantine:
            print_indented(f"newsdrop quarantine show {entry.quarantine}", "dim")


def _key(article: "Explanation") -> Text | None:
    if article.folded_title is None:
        return None
    parts = [safe_text(article.folded_title)]
    parts.append(Text(article.date or translate(f"content {article.content_hash or '?'}")))
    if article.scope is not None and article.scope.value != "global":
        parts.append(Text(translate(f"scope {article.scope.value}")))
    return Text(" + ", "dim").join(parts)


def _state(article: "Explanation") -> Text | None:
    if article.waiting_in:
        return Text(translate(f"waiting in batch {article.waiting_in}"), "cyan")
    if article.reason:
        return stored_text(
            translate(f"refused, {article.reason.value}: {article.message}"), "red", 1000
        )
    return _index_state(article) if article.id else None


def _index_state(article: "Explanation") -> Text:
    """Whether the article would be published, by what the index has of it."""
    if article.known is None:
        return Text(translate("unknown: Redis does not answer"), "yellow")
    if not article.known:
        if article.past and article.past[-1].status == "deferred":
            return Text(translate("new: published once its page is fetched"), "cyan")
        again = "published earlier, but no longer in the index: new, would be published"
        return Text(translate(again if article.past else "new, would be published"), "green")
    state = f"published since {article.known_since}, revision {article.revision}"
    if article.is_withdrawn:
        return Text(translate(f"withdrawn by revision {article.revision}"), "red")
    if article.same_content is None:
        return Text(translate(state))
    content = "the same content" if article.same_content else "different content"
    return Text(translate(f"{state}; this file has {content}: it would be a duplicate"), "yellow")


def _stream_entry(article: "Explanation") -> str | None:
    entry = article.in_stream
    if entry is not None:
        return f"{entry.stream_id}, revision {entry.revision}, from {entry.source}"
    return "trimmed, in the archive" if article.known else None


def _first_seen(article: "Explanation") -> Text | None:
    first = article.first
    if first is None:
        return None
    at = first.first_seen_at or first.claimed_at
    text = translate(f"{at}, source {first.source}, file {first.path}")
    return stored_text(text, limit=1000)
