"""Ranges of charts: the one in an address, and the charts of each, read once for all readers."""

from datetime import datetime

from starlette.requests import Request

from worker.errors import Retryable
from worker.queries.charts import DEFAULT_RANGE, RANGES, Charts, read_charts
from worker.settings import Settings

_SECONDS = 10
"""Charts are that old at most; samples come once a minute."""


class ChartReader:
    """The charts of each range, read at most once in _SECONDS."""

    def __init__(self) -> None:
        self._read: dict[str, tuple[int, Charts]] = {}

    def read(self, settings: Settings, name: str, now: datetime) -> Charts | None:
        """None where Redis does not answer."""
        turn = int(now.timestamp()) // _SECONDS
        if name not in self._read or self._read[name][0] != turn:
            try:
                self._read[name] = turn, read_charts(settings, name, now)
            except Retryable:
                return None
        return self._read[name][1]


def read_range(request: Request) -> str:
    """The range of the charts in a request."""
    name = request.query_params.get("range", "")
    return name if name in RANGES else DEFAULT_RANGE
