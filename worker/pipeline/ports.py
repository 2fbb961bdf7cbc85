"""Dependencies of the pipeline. The store appears only as protocols."""

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
from worker.pipeline.bounds import Bounds
from worker.settings import Settings
from worker.sites import Sites
from worker.spool.archive import Archive
from worker.spool.claim import Incoming
from worker.spool.layout import Root
from worker.spool.manifest import Head
from worker.spool.quarantine import Quarantine
from worker.spool.segment import SegmentHead
from worker.spool.wanted import WantedPages
from worker.store.stream import StreamEntry


class ArticlePort(Protocol):
    """The stream and its index; implemented by `worker.store.articles.ArticleStore`."""

    def look_up(self, raws: Sequence[bytes]) -> list[IndexEntry | None]: ...

    def find_guids(self, guids: Sequence[bytes]) -> list[IndexEntry | None]: ...

    def have_marks(self, raws: Sequence[bytes]) -> list[bool]: ...

    def exists(self, identities: Sequence[Identity]) -> list[bool]: ...

    def find(self, article_id: str) -> IndexEntry | None: ...

    def find_entry(self, article: IndexEntry) -> StreamEntry | None: ...

    def has_claims(self, batch: str) -> bool: ...

    def publish(self, batch: str, requests: Sequence[PublishRequest]) -> list[Decision | None]: ...

    def get_run_id(self) -> str: ...


Settle = Callable[[SegmentHead, Tally, Sequence[Outcome], Mapping[Stage, float]], None]
"""Adds a batch's outcomes and stage durations to the totals, once per batch."""

Claim = Callable[[Root, Head, Sequence[Incoming]], None]
"""Makes bytes a new batch of a job, durably. Raises SpoolUnavailable."""


@dataclass(frozen=True, slots=True)
class IngestDeps:
    """Everything that ingesting needs. `sites` returns the rules in force, `profile` a source's
    profile, `refused_fingerprints` those of a feed's entries that could not be read; `now` returns
    aware datetimes, `clock` monotonic seconds; `bounds` ends a process that takes too long."""

    settings: Settings
    sites: Callable[[], Sites]
    profile: Callable[[str], Profile]
    articles: ArticlePort
    refused_fingerprints: Callable[[str], frozenset[str]]
    wanted: WantedPages
    settle: Settle
    claim: Claim
    archive: Archive
    quarantine: Quarantine
    now: Callable[[], datetime]
    clock: Callable[[], float]
    bounds: Bounds
