"""How long a batch's stages take: a clock beside the store, and one beside the whole."""

from collections.abc import Callable, Sequence

from worker.model import Decision, Identity, IndexEntry, PublishRequest, Stage
from worker.pipeline.ports import Stream


class TimedStream:
    """A store that adds up the seconds of its calls; two readings of the clock a call."""

    def __init__(self, stream: Stream, clock: Callable[[], float]) -> None:
        self._stream = stream
        self._clock = clock
        self.seconds = 0.0

    def known(self, raws: Sequence[bytes]) -> list[IndexEntry | None]:
        began = self._clock()
        found = self._stream.known(raws)
        self.seconds += self._clock() - began
        return found

    def unchanged(self, raws: Sequence[bytes]) -> list[bool]:
        began = self._clock()
        found = self._stream.unchanged(raws)
        self.seconds += self._clock() - began
        return found

    def find(self, article_id: str) -> IndexEntry | None:
        return self._stream.find(article_id)

    def marked(self, identities: Sequence[Identity]) -> list[bool]:
        began = self._clock()
        found = self._stream.marked(identities)
        self.seconds += self._clock() - began
        return found

    def publish(self, batch: str, offers: Sequence[PublishRequest]) -> list[Decision | None]:
        began = self._clock()
        decisions = self._stream.publish(batch, offers)
        self.seconds += self._clock() - began
        return decisions


class Stopwatch:
    """The stages of one batch. `clock` is monotonic, in seconds."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._since = clock()
        self.seconds: dict[Stage, float] = {}

    def lap(self, stage: Stage, less: float = 0.0) -> None:
        """What passed since the last lap was `stage`, but for `less` seconds of it."""
        now = self._clock()
        self.seconds[stage] = max(0.0, now - self._since - less)
        self._since = now
