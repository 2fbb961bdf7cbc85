"""`GET /api/v1/status`: how everything stands, as the overview shows it."""

from starlette.responses import Response
from starlette.routing import Route

from worker.queries.overview import get_overview
from worker.settings.clock import utc_now
from worker.web.api.endpoint import reads
from worker.web.api.request import Asked
from worker.web.api.responses import answer


@reads()
def shown(asked: Asked) -> Response:
    return answer(get_overview(asked.settings, utc_now()))


routes = [Route("/api/v1/status", shown, methods=["GET"])]
