"""Settings, spool and stores of one process, opened once and passed down."""

import gc
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from worker.feeds.catalog import CatalogReader
from worker.model import Outcome, Stage, Status, Tally, measure
from worker.pipeline.bounds import Bounds
from worker.pipeline.extract import EntryReader, parse_entry
from worker.pipeline.feeds.stats import collect_observations, list_new_pages
from worker.pipeline.ports import IngestDeps
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.sites import SitesReader
from worker.sources.archive_bucket import open_archive
from worker.spool.batch import batch_names
from worker.spool.claim import AcceptedLog, Incoming, claim_bytes
from worker.spool.layout import Root, roots
from worker.spool.manifest import Entry, Head
from worker.spool.quarantine import Quarantine
from worker.spool.segment import SegmentHead
from worker.spool.wanted import WantedPages
from worker.store import factory
from worker.store.articles import ArticleStore
from worker.store.backlog import Backlog
from worker.store.broker import WakeupQueue, open_wakeups
from worker.store.connection import Client, connect, redis_url
from worker.store.counters import CounterStore, summarize_refusal
from worker.store.feeds import FeedStore
from worker.store.groups.past import PastStore
from worker.store.jobs import JobStore
from worker.store.pages import PageStore, RobotsStore
from worker.store.rechecks import RecheckStore
from worker.store.results import ResultQueue
from worker.store.retention import RetentionStore


@dataclass(frozen=True, slots=True)
class Context:
    """One process's settings, spool and stores. Nothing connects before it is used."""

    settings: Settings
    redis: Client
    roots: tuple[Root, ...]
    accepted: AcceptedLog
    jobs: JobStore
    counter_store: CounterStore
    articles: ArticleStore
    retention: RetentionStore
    past: PastStore
    feeds: CatalogReader
    feed_store: FeedStore
    page_store: PageStore
    recheck_store: RecheckStore
    object_backlog: Backlog
    address_backlog: Backlog
    robots: RobotsStore
    results: ResultQueue
    settled_jobs: set[str]
    """Jobs of batches that this process settled, and whose results it has not checked."""

    wakeups: WakeupQueue
    deps: IngestDeps

    def root(self, source: str) -> Root:
        """The spool of a drop folder."""
        return next(root for root in self.roots if root.source == source)

    def has_batches(self) -> bool:
        """Whether any batch waits or is being processed here."""
        return any(map(batch_names, self.roots))


def open_context(settings: Settings, *, is_bounded: bool = False) -> Context:
    """The context of this process; `is_bounded` if it may be ended by a document that takes longer
    than `limits.document_timeout_seconds`.

    Raises ConfigError if the settings cannot be used, or a site rule has an error and none are in
    force yet.
    """
    client = connect(redis_url(settings))
    counters = factory.counter_store(settings, client)
    articles = factory.article_store(settings, client)
    feeds = CatalogReader(settings)
    sites = SitesReader(settings, utc_now)
    sites.current()
    feed_store = factory.feed_store(settings, client)
    recheck_store = factory.recheck_store(settings, client)
    settled_jobs = set[str]()
    settler = _Settler(settings, feeds, feed_store, recheck_store, counters, settled_jobs)
    accepted, jobs = AcceptedLog(settings.state_dir), factory.job_store(settings, client)
    return Context(
        settings=settings,
        redis=client,
        roots=roots(settings),
        accepted=accepted,
        jobs=jobs,
        counter_store=counters,
        articles=articles,
        retention=factory.retention_store(settings, client),
        past=factory.past_store(settings, client),
        feeds=feeds,
        feed_store=feed_store,
        page_store=factory.page_store(settings, client),
        recheck_store=recheck_store,
        object_backlog=factory.object_backlog(settings, client),
        address_backlog=factory.address_backlog(settings, client),
        robots=RobotsStore(client, stream=settings.stream.name),
        results=factory.result_queue(settings, client),
        settled_jobs=settled_jobs,
        wakeups=open_wakeups(settings, client),
        deps=IngestDeps(
            settings=settings,
            sites=sites.current,
            profile=feeds.profile,
            articles=articles,
            refused_fingerprints=feed_store.get_refused_fingerprints,
            wanted=WantedPages(settings.state_dir),
            settle=settler.settle,
            claim=partial(_claim, accepted, jobs),
            archive=open_archive(settings),
            quarantine=Quarantine(settings.state_dir),
            now=utc_now,
            clock=time.monotonic,
            bounds=Bounds(
                settings.state_dir / "spool" / "alert",
                settings.limits.document_timeout_seconds if is_bounded else None,
            ),
        ),
    )


@dataclass(frozen=True, slots=True)
class _Settler:
    """Adds what a batch brought to the counts of its feeds, its source and its job."""

    settings: Settings
    feeds: CatalogReader
    feed_store: FeedStore
    recheck_store: RecheckStore
    counters: CounterStore
    settled_jobs: set[str]

    def settle(
        self,
        head: SegmentHead,
        tally: Tally,
        outcomes: Sequence[Outcome],
        seconds: Mapping[Stage, float],
    ) -> None:
        batch = head.batch
        if observed := collect_observations(head, outcomes, self.feeds.current, self.settings):
            self.feed_store.record_documents(batch.batch, observed)
        if pages := list_new_pages(head, outcomes, self.feeds.current, self.settings):
            self.recheck_store.add(pages)
        self.counters.settle(
            batch.batch,
            source=batch.source,
            job=batch.job,
            tally=tally,
            measured=measure(outcomes, seconds),
            refused=[summarize_refusal(one) for one in outcomes if one.status is Status.REJECTED],
        )
        if batch.job and batch.kind == "enqueue":
            self.settled_jobs.add(batch.job)


def _claim(
    accepted: AcceptedLog, jobs: JobStore, root: Root, head: Head, incoming: Sequence[Incoming]
) -> None:
    claimed = claim_bytes(root, head, incoming, accepted)
    if head.job:
        jobs.add_files(head.job, claimed.files)


def warm_up(deps: IngestDeps) -> None:
    """Parse a small article, so that imports and compiled expressions are ready for the first; then
    let the garbage collector pass over all that is there by now, and run less often.

    An article leaves few cycles, and by default it was searched for them about ten times: 9 % of
    all CPU time.
    """
    head = Head("", MANUAL, "enqueue", "2021-11-26T00:00:00Z")
    reader = EntryReader(deps.settings, deps.sites(), deps.profile, head)
    for _ in parse_entry(reader, Entry(0, "warm-up"), _SMALL):
        pass
    gc.collect()
    gc.freeze()
    gc.set_threshold(_GARBAGE)


_GARBAGE = 50_000
"""New containers between two collections; 700 is Python's. An article makes about 1,500."""

_SMALL = b"---\ntitle: A\ndate: 2021-11-26\n---\n<div><p>B <a href='/c'>C</a></p></div>\n"
