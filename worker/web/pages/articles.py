"""`/articles` and `/explain`: the newest articles, those that pass filters, one article."""

import re
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.errors import NotThere, UsageError
from worker.queries.article import get_article
from worker.queries.articles import list_articles, search_articles
from worker.queries.comparison import compare_articles
from worker.queries.explain import (
    ExplainResult,
    explain_address,
    explain_recorded_path,
    explain_title,
)
from worker.queries.records import is_record
from worker.readmodel.database import ReadModelUnavailable
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sources.fetch_once import is_address
from worker.web.filtering import filter_query, write_query
from worker.web.live import Regions, View, live_page
from worker.web.rendering import Pages
from worker.web.responses import page, raw_file_response, redirect

COUNT = 50

_MAX_TEXT, _MAX_LINES, _MAX_HIGHLIGHTS, _MAX_ITEMS = 200_000, 5_000, 200, 500
"""What a page shows of one article: characters and lines of its text, highlights, and items of each
list, such as pictures and links."""
_MAX_QUERY = 1_000
_MAX_JSON_BYTES = 1_000_000
"""The page only links to a longer record."""
_ID = re.compile(r"\w{4,12}-[0-9a-f]{24}")
"""The form of an article's id: its date, or a word where it has none, and its key."""


def _render_list(settings: Settings, pages: Pages, query: str, before: str) -> Regions:
    filters, result, error = dict(parse_qsl(query)), None, None
    try:
        if filters:
            chosen = Filters(**filters)
            result = search_articles(settings, chosen, COUNT, before or None, utc_now())
        else:
            result = list_articles(settings, COUNT, before or None)
    except (UsageError, ReadModelUnavailable) as failure:
        if not filters:
            raise
        error = str(failure)
    html = pages.render("articles/list.html", result=result, filters=filters, error=error)
    return {"articles": html}


async def show_list(request: Request) -> Response:
    """The newest articles, those that pass the filters, or the one whose ID was searched for."""
    if _ID.fullmatch(request.query_params.get("q", "").strip()):
        return redirect(f"/articles/{request.query_params['q'].strip()}")
    query, before = _list_parameters(request)
    address = write_query(dict(parse_qsl(query)), page="articles")
    live = f"/live?{address}" if not before else None
    return await live_page(
        request, "articles", "articles.html", live=live, filters=dict(parse_qsl(query))
    )


def _list_parameters(request: Request) -> tuple[str, str]:
    return filter_query(request), request.query_params.get("before", "")


def show_article(request: Request) -> Response:
    result = get_article(request.app.state.settings, request.path_params["id"])
    json = orjson.dumps(result.record, option=orjson.OPT_INDENT_2)
    record = result.record if result.record is not None and is_record(result.record) else None
    shortened = record and _shorten(record)
    return page(
        request,
        "article.html",
        article=result,
        record=shortened,
        is_shortened=shortened != record,
        json=json.decode() if len(json) <= _MAX_JSON_BYTES else None,
    )


def download(request: Request) -> Response:
    """The record as it is in the stream."""
    result = get_article(request.app.state.settings, request.path_params["id"])
    if result.record is None:
        raise NotThere("the record has expired; the index and the archive's journal still list it")
    return Response(orjson.dumps(result.record), media_type="application/json")


def show_comparison(request: Request) -> Response:
    """Why two articles are one story or not, with the passages that both have."""
    path = request.path_params
    comparison = compare_articles(request.app.state.settings, path["id"], path["other"])
    return page(request, "articles/comparison.html", comparison=comparison)


def download_raw(request: Request) -> Response:
    """A raw file of the article; `entry` is its number in its batch."""
    path = request.path_params
    settings = request.app.state.settings
    return raw_file_response(settings, path["id"], path["batch"], path["entry"])


def show_explanation(request: Request) -> Response:
    """An article's key, its match, and its origin. A path is only looked up in the archive: no file
    of this machine is opened."""
    parameters = request.query_params
    names = ("title", "date", "source", "place")
    query = {name: parameters.get(name, "").strip()[:_MAX_QUERY] for name in names}
    result: ExplainResult | None = None
    error: str | None = None
    try:
        result = _explain(request.app.state.settings, query)
        if result is not None and not result.articles:
            error = "No accepted file has this path, as far back as the archive reaches."
    except UsageError as failure:
        error = str(failure)
    return page(request, "explain.html", query=query, result=result, error=error)


def _explain(settings: Settings, query: dict[str, str]) -> ExplainResult | None:
    if place := query["place"]:
        return (explain_address if is_address(place) else explain_recorded_path)(settings, place)
    if query["title"]:
        return explain_title(
            settings, query["title"], query["date"] or None, query["source"] or None
        )
    return None


def _shorten(record: dict[str, Any]) -> dict[str, Any]:
    """The part of a record that a page shows: marking the 5,000 bold runs of one article took 25
    seconds, in which no other page was answered."""
    short = {
        name: value[:_MAX_ITEMS] if isinstance(value, list) else value
        for name, value in record.items()
    }
    lines = record["content_text"][:_MAX_TEXT].split("\n")[:_MAX_LINES]
    short["content_text"] = "\n".join(lines)
    short["highlights"] = record["highlights"][:_MAX_HIGHLIGHTS]
    return short


views = {"articles": View(_render_list, _list_parameters)}
routes = [
    Route("/articles", show_list),
    Route("/articles/{id}.json", download),
    Route("/articles/{id}", show_article),
    Route("/articles/{id}/compare/{other}", show_comparison),
    Route("/articles/{id}/raw/{batch}/{entry}", download_raw),
    Route("/explain", show_explanation),
]
