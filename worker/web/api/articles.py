"""`/api/v1/articles` and `/api/v1/explain`: the published articles, and what became of one."""

from typing import Literal

from starlette.exceptions import HTTPException
from starlette.responses import Response

from worker.errors import NotThere
from worker.escape import printable
from worker.queries import articles as queries
from worker.queries.article import get_article
from worker.queries.comparison import Comparison, compare_articles
from worker.queries.explain import (
    ExplainResult,
    explain_address,
    explain_recorded_path,
    explain_title,
)
from worker.readmodel.filters import Filters
from worker.settings.clock import utc_now
from worker.web.api.endpoint import ApiRequest, PageQuery, Parameters, Text, get
from worker.web.responses import raw_file_response


class ArticlesQuery(PageQuery):
    before: Text | None = None
    q: Text | None = None
    source: Text | None = None
    feed: Text | None = None
    job: Text | None = None
    tag: Text | None = None
    ticker: Text | None = None
    language: Text | None = None
    publisher: Text | None = None
    date: Text | None = None
    warning: Text | None = None
    story: Text | None = None
    first_of_story: Literal["true"] | None = None
    outcome: Text | None = None


class ExplainQuery(Parameters):
    title: Text | None = None
    date: Text | None = None
    source: Text | None = None
    path: Text | None = None
    url: Text | None = None


def list_articles(request: ApiRequest[ArticlesQuery]) -> object:
    settings, query = request.settings, request.parameters
    filters = Filters(**query.model_dump(exclude={"count", "before"}))
    if not filters:
        return queries.list_articles(settings, query.count, query.before)
    return queries.search_articles(settings, filters, query.count, query.before, utc_now())


def download_raw(request: ApiRequest[Parameters]) -> Response:
    path = request.path
    return raw_file_response(request.settings, path["id"], path["batch"], path["entry"])


def compare(request: ApiRequest[Parameters]) -> Comparison:
    return compare_articles(request.settings, request.path["id"], request.path["other"])


def explain(request: ApiRequest[ExplainQuery]) -> ExplainResult:
    settings, query = request.settings, request.parameters
    if sum(map(bool, (query.title, query.path, query.url))) != 1:
        raise HTTPException(400, "Give one of `title` (with `date`), `path` and `url`.")
    if query.title is None and (query.date is not None or query.source is not None):
        raise HTTPException(400, "`date` and `source` need `title`.")
    if query.title:
        return explain_title(settings, query.title, query.date, query.source)
    if query.url:
        return explain_address(settings, query.url)
    explanation = explain_recorded_path(settings, query.path or "")
    if not explanation.articles:
        raise NotThere(
            f"no accepted file has the path {printable(query.path or '', 200)}, as far back as the "
            "archive reaches: ask by `title` and `date`"
        )
    return explanation


routes = [
    get("/articles", list_articles, ArticlesQuery),
    get("/articles/{id}", lambda r: get_article(r.settings, r.path["id"]), Parameters),
    get("/articles/{id}/compare/{other}", compare, Parameters),
    get("/articles/{id}/raw/{batch}/{entry}", download_raw, Parameters),
    get("/explain", explain, ExplainQuery),
]
