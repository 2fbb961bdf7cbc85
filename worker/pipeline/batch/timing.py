"""The durations of the stages of a batch."""

from collections.abc import Callable
from typing import Any

from worker.model import Stage
from worker.pipeline.ports import ArticlePort


class TimedArticles:
    """An :class:`ArticlePort` that passes each call on, and adds up the `seconds` of all calls."""

    def __init__(self, articles: ArticlePort, clock: Callable[[], float]) -> None:
        self._articles = articles
        self._clock = clock
        self.seconds = 0.0

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._articles, name)

        def timed(*args: Any) -> Any:
            start = self._clock()
            result = call(*args)
            self.seconds += self._clock() - start
            return result

        return timed


class Stopwatch:
    """The stages of one batch. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lap_start = clock()
        self.seconds: dict[Stage, float] = {}

    def lap(self, stage: Stage, less: float = 0.0) -> None:
        """Record the time since the last lap as `stage`, except for `less` seconds of it."""
        now = self._clock()
        self.seconds[stage] = max(0.0, now - self._lap_start - less)
        self._lap_start = now
