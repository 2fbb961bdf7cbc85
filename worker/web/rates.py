"""How fast each source's articles are decided, told from one look to the next."""

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from worker.queries.status import SourceStatus

OVER = timedelta(minutes=5)
"""Of so long the rate is the mean; less while nobody looked before."""

_LEAST = timedelta(seconds=5)
_MOST = 400


class Rates:
    """Articles a minute by source, from the totals of the looks within OVER."""

    def __init__(self) -> None:
        self._looks: deque[tuple[datetime, Mapping[str, int]]] = deque(maxlen=_MOST)

    def note(self, now: datetime, sources: Iterable[SourceStatus]) -> None:
        """Take in a look's totals. Where Redis told none, nothing is known of that moment."""
        totals = {one.name: one.articles.decided for one in sources if one.articles is not None}
        if totals:
            self._looks.append((now, totals))
        while self._looks and now - self._looks[0][0] > OVER:
            self._looks.popleft()

    def of(self, source: str) -> float | None:
        """Articles a minute; None until two looks are some seconds apart."""
        if len(self._looks) < 2:
            return None
        (first, before), (last, after) = self._looks[0], self._looks[-1]
        if last - first < _LEAST or source not in after:
            return None
        return max(0, after[source] - before.get(source, 0)) * 60 / (last - first).total_seconds()
