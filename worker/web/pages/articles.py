"""`/articles`: what came out, newest first; looking for one; one as a person reads it."""

import re
from collections.abc import Callable
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.errors import NotThere, UsageError
from worker.queries.articles import ArticleList, get_article, list_articles, search_articles
from worker.queries.explain import explain_title
from worker.queries.records import is_record
from worker.settings import Settings
from worker.web.live import Regions, View
from worker.web.rendering import Pages
from worker.web.responses import page, problem, see

COUNT = 50

_TEXT, _LINES, _MARKED, _PARTS = 200_000, 5_000, 200, 500
"""What is shown of one article: characters and lines of its text, its bold runs, and how many of
its pictures, links and so on."""
_JSON_BYTES = 1_000_000
"""A longer record is linked, and not shown in the page, too."""
_ID = re.compile(r"\w{4,12}-[0-9a-f]{24}")
"""What looks like an article's id: its date, or what stands for none, and its key."""


def view(settings: Settings) -> View:
    """A page of the newest, by the entry that it begins after."""

    def view_of(request: Request) -> tuple[tuple[str, ...], Callable[[Pages], Regions]]:
        before = request.query_params.get("before") or None  # as its key has it

        def made(pages: Pages) -> Regions:
            found = list_articles(settings, COUNT, before)
            return {"articles": pages.render("articles/list.html", found=found, more="before")}

        return (before or "",), made

    return view_of


async def shown_list(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "articles")
    first = "before" not in request.query_params
    return page(request, "articles.html", regions=regions, first=first)


def found(request: Request) -> Response:
    """What the search box asks for: an id, an exact title and date, or words."""
    settings: Settings = request.app.state.settings
    words = request.query_params.get("q", "").strip()[:300]
    title = request.query_params.get("title", "").strip()[:1000]
    date = request.query_params.get("date", "").strip()[:40]
    if _ID.fullmatch(words):
        return see(f"/articles/{words}")
    asked = {"q": words, "title": title, "date": date}
    listed: ArticleList | None = None
    why: str | None = None
    try:
        if title:
            answer = explain_title(settings, title, date or None)
            (one,) = answer.articles
            if one.id and (one.known or one.past):
                return see(f"/articles/{one.id}")
            why = answer.problem or "No article has that title and date."
        elif words:
            before = request.query_params.get("before") or None
            listed = search_articles(settings, words, COUNT, before)
        else:
            return see("/articles")
    except UsageError as error:
        why = str(error)
    return page(request, "found.html", found=listed, why=why, asked=asked)


def shown(request: Request) -> Response:
    settings: Settings = request.app.state.settings
    article_id = request.path_params["id"]
    try:
        told = get_article(settings, article_id)
    except NotThere as error:
        return problem(request, 404, str(error))
    written = orjson.dumps(told.record, option=orjson.OPT_INDENT_2)
    record = told.record if told.record is not None and is_record(told.record) else None
    short = record and _shortened(record)
    return page(
        request,
        "article.html",
        article=told,
        record=short,
        cut=short != record,
        json=written.decode() if len(written) <= _JSON_BYTES else None,
    )


def as_json(request: Request) -> Response:
    """The record, as it stands in the stream."""
    told = get_article(request.app.state.settings, request.path_params["id"])
    if told.record is None:
        raise NotThere("its record has expired; the index and the archive's journal know it still")
    return Response(orjson.dumps(told.record), media_type="application/json")


def _shortened(record: dict[str, Any]) -> dict[str, Any]:
    """As much of a record as a reader looks at and a browser bears: marking the 5,000 bold runs of
    one article took 25 seconds, in which no other page was answered."""
    short = {
        name: value[:_PARTS] if isinstance(value, list) else value for name, value in record.items()
    }
    lines = record["content_text"][:_TEXT].split("\n")[:_LINES]
    short |= {"content_text": "\n".join(lines), "highlights": record["highlights"][:_MARKED]}
    return short


routes = [
    Route("/articles", shown_list),
    Route("/articles/found", found),
    Route("/articles/{id}.json", as_json),
    Route("/articles/{id}", shown),
]
