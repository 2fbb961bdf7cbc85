"""How long the stages of a batch take."""

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from worker.model import Decision, Identity, IndexEntry, PublishRequest, Stage
from worker.pipeline.ports import ArticlePort
from worker.store.stream import StreamEntry

_P = ParamSpec("_P")
_R = TypeVar("_R")


class TimedArticles:
    """An article store that adds up how long its calls take."""

    def __init__(self, articles: ArticlePort, clock: Callable[[], float]) -> None:
        self._articles = articles
        self._clock = clock
        self.seconds = 0.0

    def lookup(self, raws: Sequence[bytes]) -> list[IndexEntry | None]:
        return self._timed(self._articles.lookup, raws)

    def have_marks(self, raws: Sequence[bytes]) -> list[bool]:
        return self._timed(self._articles.have_marks, raws)

    def exists(self, identities: Sequence[Identity]) -> list[bool]:
        return self._timed(self._articles.exists, identities)

    def find(self, article_id: str) -> IndexEntry | None:
        return self._timed(self._articles.find, article_id)

    def find_entry(self, article: IndexEntry) -> StreamEntry | None:
        return self._timed(self._articles.find_entry, article)

    def has_claims(self, batch: str) -> bool:
        return self._timed(self._articles.has_claims, batch)

    def publish(self, batch: str, requests: Sequence[PublishRequest]) -> list[Decision | None]:
        return self._timed(self._articles.publish, batch, requests)

    def get_run_id(self) -> str:
        return self._timed(self._articles.get_run_id)

    def _timed(self, call: Callable[_P, _R], *args: _P.args, **keywords: _P.kwargs) -> _R:
        start = self._clock()
        result = call(*args, **keywords)
        self.seconds += self._clock() - start
        return result


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
