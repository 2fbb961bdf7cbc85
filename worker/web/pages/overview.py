"""`/`: is it working, what came out, what is wrong."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.queries.overview import get_overview
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.chart import chart_of
from worker.web.live import Regions, View
from worker.web.rates import Rates
from worker.web.rendering import Pages
from worker.web.responses import page

REGIONS = ("problems", "figures", "chart", "workers", "sources", "stream", "machine")
"""Each is a template of its own, in `templates/overview/`."""


def view(settings: Settings) -> View:
    """What is watched of it: one look for all who do."""
    rates = Rates()

    def made(pages: Pages) -> Regions:
        now = utc_now()
        found = get_overview(settings, now)
        rates.note(now, found.status.sources)
        context = {
            "overview": found,
            "status": found.status,
            "chart": chart_of(found.minutes) if found.minutes else None,
            "rates": rates,
        }
        return {name: pages.render(f"overview/{name}.html", **context) for name in REGIONS}

    return lambda _: ((), made)


async def shown(request: Request) -> Response:
    regions = await request.app.state.live.regions(request, "overview")
    return page(request, "overview.html", regions=regions)


routes = [Route("/", shown)]
