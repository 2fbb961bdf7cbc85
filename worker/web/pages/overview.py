"""`/`: whether it works, what came out, what is wrong."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from worker.queries.charts import ANSWERS, RANGES
from worker.queries.status.overview import get_overview
from worker.queries.status.sources import SourceStatus
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.web.chart import make_bars, make_chart
from worker.web.live import Regions, View, live_page
from worker.web.ranges import ChartReader, read_range
from worker.web.rendering import Pages

REGIONS = ("problems", "figures", "chart", "charts", "workers", "sources", "stream", "machine")
"""Each has a template of its own in `templates/overview/`."""

RATE_PERIOD = timedelta(minutes=5)
"""A rate is the mean over so long; over less when nobody has watched before."""

_BARS = {"15m": (1, 1), "3h": (1, 10), "24h": (15, 60)}
"""Minutes of a bar of articles, and of a row of the table, by range."""

_MIN_RATE_PERIOD = timedelta(seconds=5)
_MAX_SAMPLES = 400


class Rates:
    """Articles per minute by source, from the totals seen within RATE_PERIOD."""

    def __init__(self) -> None:
        self._samples: deque[tuple[datetime, Mapping[str, int]]] = deque(maxlen=_MAX_SAMPLES)

    def add(self, now: datetime, sources: Iterable[SourceStatus]) -> None:
        """Add the totals at `now`; none are known where Redis did not answer."""
        totals = {it.name: it.articles.decision_count for it in sources if it.articles is not None}
        if totals:
            self._samples.append((now, totals))
        while self._samples and now - self._samples[0][0] > RATE_PERIOD:
            self._samples.popleft()

    def get(self, source: str) -> float | None:
        """Articles per minute; None until two samples are some seconds apart."""
        if len(self._samples) < 2:
            return None
        (first, before), (last, after) = self._samples[0], self._samples[-1]
        if last - first < _MIN_RATE_PERIOD or source not in after:
            return None
        return max(0, after[source] - before.get(source, 0)) * 60 / (last - first).total_seconds()


def make_view() -> View:
    """The overview with rates of its own."""
    rates = Rates()
    charts = ChartReader()

    def render(settings: Settings, pages: Pages, range_name: str) -> Regions:
        now = utc_now()
        minutes, _ = RANGES[range_name]
        result = get_overview(settings, now, minutes)
        rates.add(now, result.status.sources)
        read = charts.read(settings, range_name, now) if result.minutes else None
        bar, row = _BARS[range_name]
        context = {
            "overview": result,
            "status": result.status,
            "chart": make_chart(result.minutes, bar, row) if result.minutes else None,
            "rates": rates,
            "charts": read,
            "fetches": make_bars(ANSWERS, [*zip(*read.fetches.values(), strict=True)])
            if read
            else None,
        }
        return {name: pages.render(f"overview/{name}.html", **context) for name in REGIONS}

    return View(render, lambda request: (read_range(request),))


async def show(request: Request) -> Response:
    return await live_page(
        request, "overview", "overview.html", ranges=RANGES, range=read_range(request)
    )


routes = [Route("/", show)]
