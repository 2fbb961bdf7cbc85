"""Everything one process works with, opened once and handed down."""

from collections.abc import Sequence
from dataclasses import dataclass

import redis

from worker.ingest import Desk
from worker.model import Outcome, Status, Tally
from worker.settings import Settings, shipped_config
from worker.sites import Sites, load_sites
from worker.spool.accepted import Accepted
from worker.spool.archive import Archive, Segment
from worker.spool.layout import Root, roots
from worker.spool.quarantine import Quarantine
from worker.store.articles import ArticleStore
from worker.store.bells import Bells
from worker.store.connection import connect, redis_url
from worker.store.jobs import JobStore
from worker.store.tally import Refused, Tallies
from worker.times import utc_now


@dataclass(frozen=True, slots=True)
class Context:
    """One process's settings, spool and stores. Nothing is connected before it is used."""

    settings: Settings
    redis: redis.Redis
    roots: tuple[Root, ...]
    accepted: Accepted
    jobs: JobStore
    tallies: Tallies
    articles: ArticleStore
    bells: Bells
    desk: Desk

    def root(self, source: str) -> Root:
        """The spool of a drop folder."""
        return next(root for root in self.roots if root.source == source)


def open_sites(settings: Settings) -> Sites:
    """The shipped site rules, and the operator's own over them. Raises ConfigError."""
    own = [settings.sites_dir] if settings.sites_dir else []
    return load_sites([shipped_config() / "sites", *own])


def open_context(settings: Settings) -> Context:
    """Raises ConfigError where the settings or a site rule cannot be used."""
    client = connect(redis_url(settings))
    stream = settings.stream.name
    tallies = Tallies(client, stream=stream, max_refused=settings.jobs.max_refused)
    articles = ArticleStore(
        client,
        stream=stream,
        max_length=settings.stream.max_length,
        keep_days=settings.dedupe.keep_days,
    )

    def settle(segment: Segment, tally: Tally, outcomes: Sequence[Outcome]) -> None:
        head = segment.head().batch
        refused = [_refused(one) for one in outcomes if one.status is Status.REJECTED]
        tallies.settle(
            segment.batch, source=head.source, job=head.job, tally=tally, refused=refused
        )

    return Context(
        settings=settings,
        redis=client,
        roots=roots(settings),
        accepted=Accepted(settings.state_dir),
        jobs=JobStore(client, stream=stream, keep_days=settings.jobs.keep_days),
        tallies=tallies,
        articles=articles,
        bells=Bells(client),
        desk=Desk(
            settings=settings,
            sites=open_sites(settings),
            stream=articles,
            settle=settle,
            archive=Archive(settings.state_dir),
            quarantine=Quarantine(settings.state_dir),
            now=utc_now,
        ),
    )


def _refused(outcome: Outcome) -> Refused:
    assert outcome.reason is not None
    return Refused(
        path=outcome.path,
        reason=outcome.reason,
        message=outcome.message or "",
        quarantine=outcome.quarantine,
    )
