"""`GET /api/v1/status`: how everything stands, as the overview shows it."""

from starlette.responses import Response
from starlette.routing import Route

from worker.times import utc_now
from worker.view.overview import overview
from worker.web.api.answers import answer
from worker.web.api.asked import Asked
from worker.web.api.endpoint import reads


@reads()
def shown(asked: Asked) -> Response:
    return answer(overview(asked.settings, utc_now()))


routes = [Route("/api/v1/status", shown, methods=["GET"])]
