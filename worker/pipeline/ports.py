"""What ingesting works with: the store as protocols, the spool, the rules, the clock."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from worker.model import (
    Decision,
    Identity,
    IndexEntry,
    Outcome,
    Profile,
    PublishRequest,
    Stage,
    Tally,
)
from worker.settings import Settings
from worker.sites import Sites
from worker.spool.archive import Archive, Segment
from worker.spool.quarantine import Quarantine
from worker.spool.wanted import WantedPages


class Stream(Protocol):
    """The store, as ingesting needs it; `worker.store.ArticleStore` is one."""

    def known(self, raws: Sequence[bytes]) -> list[IndexEntry | None]: ...

    def unchanged(self, raws: Sequence[bytes]) -> list[bool]: ...

    def find(self, article_id: str) -> IndexEntry | None: ...

    def marked(self, identities: Sequence[Identity]) -> list[bool]: ...

    def publish(self, batch: str, offers: Sequence[PublishRequest]) -> list[Decision | None]: ...


class FeedPort(Protocol):
    """What is remembered of feeds, as ingesting needs it."""

    def refused_before(self, source: str) -> frozenset[str]: ...


class SettlePort(Protocol):
    """Counts a batch's outcomes, and how long they took, once, however often it is called."""

    def __call__(
        self,
        segment: Segment,
        tally: Tally,
        outcomes: Sequence[Outcome],
        seconds: Mapping[Stage, float],
    ) -> None: ...


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """Everything ingesting works with. `profile` tells how a source's articles are read; `now`
    gives aware datetimes, `clock` seconds that only grow."""

    settings: Settings
    sites: Sites
    profile: Callable[[str], Profile]
    stream: Stream
    feeds: FeedPort
    wanted: WantedPages
    settle: SettlePort
    archive: Archive
    quarantine: Quarantine
    now: Callable[[], datetime]
    clock: Callable[[], float]
