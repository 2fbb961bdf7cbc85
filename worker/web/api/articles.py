"""`/api/v1/articles` and `/api/v1/explain`: what came out, and why."""

from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from worker.errors import NotThere
from worker.escape import printable
from worker.queries import articles as view
from worker.queries.explain import explain_address, explain_recorded_path, explain_title
from worker.web.api.endpoint import reads
from worker.web.api.request import Asked
from worker.web.api.responses import answer


@reads("count", "before", "q")
def listed(asked: Asked) -> Response:
    count, before = asked.count(), asked.query.get("before")
    words = asked.query.get("q")
    if words is None:
        return answer(view.list_articles(asked.settings, count, before))
    return answer(view.search_articles(asked.settings, words, count, before))


@reads()
def one(asked: Asked) -> Response:
    return answer(view.get_article(asked.settings, asked.path["id"]))


@reads("title", "date", "source", "path", "url")
def explained(asked: Asked) -> Response:
    title, path, url = (asked.query.get(name) for name in ("title", "path", "url"))
    if sum(bool(given) for given in (title, path, url)) != 1:
        raise HTTPException(400, "Give one of `title` (with `date`), `path` and `url`.")
    if title is None and {"date", "source"} & asked.query.keys():
        raise HTTPException(400, "`date` and `source` go with `title` only.")
    if title:
        date, source = asked.query.get("date"), asked.query.get("source")
        return answer(explain_title(asked.settings, title, date, source))
    if url:
        return answer(explain_address(asked.settings, url))
    found = explain_recorded_path(asked.settings, path or "")
    if not found.articles:
        raise NotThere(
            f"no file of the path {printable(path or '', 200)} was ever taken, as far as the "
            "archive goes back: ask by `title` and `date`"
        )
    return answer(found)


routes = [
    Route("/api/v1/articles", listed, methods=["GET"]),
    Route("/api/v1/articles/{id}", one, methods=["GET"]),
    Route("/api/v1/explain", explained, methods=["GET"]),
]
