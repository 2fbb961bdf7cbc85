"""Polling: register all that is to be fetched in the store, then fetch what is due."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.fetch import Fetcher
from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.pipeline.scan import hourly_job
from worker.settings import FETCH_TAKING_SECONDS, POLLED, Settings
from worker.sources.addresses import AddressSource
from worker.sources.feeds import FeedSource
from worker.sources.fetch_loop import FetchLimits, FetchSource, FetchTotals, fetch_due
from worker.sources.objects import ObjectSource
from worker.sources.page_fetch import PageFetcher
from worker.sources.pages import PageSource
from worker.sources.rechecks import RecheckSource
from worker.sources.registry import is_paused
from worker.spool.archive import Archive
from worker.spool.batch import batch_names
from worker.spool.claim import Incoming, Owner, claim_bytes
from worker.spool.claim import claim as claim_files
from worker.spool.filesystem import check_free
from worker.spool.layout import Root, manual_root
from worker.spool.lockfile import acquire_slot
from worker.spool.manifest import Head
from worker.spool.transfer import Candidate
from worker.store.jobs import log_store_errors

logger = get_logger(__name__)

_BATCHES_PER_LIMIT = 4
"""A feed is many articles in one file: in batches of a quarter of the usual size several processes
share the work of one poll, and no batch takes longer than a worker's time slice. With a half, feeds
with one new entry took an eighth less CPU and, in two processes, an eighth longer."""

LONGEST_WAIT_SECONDS = 10.0
"""Maximum time for which a fetch waits for the next feed or page."""


def poll(context: Context, *, notify: Callable[[], None]) -> None:
    """Register the feeds of the catalog and the wanted pages; `notify` if any is due.

    Raises Retryable.
    """
    context.deps.sites()  # a changed rule is read, or reported, without waiting for an article
    feeds, pages, rechecks, objects, _ = fetch_sources(context)
    with suppress(SpoolUnavailable):  # the catalog cannot be read: that was logged once
        if feeds.sync():
            logger.info("feeds registered", feeds=len(context.feeds.current()))
        if count := feeds.follow_clock():
            logger.warning("the clock was set back: feeds are polled sooner", feeds=count)
        rechecks.sync()
    pages.sync()
    objects.sync()
    backlogs = (context.object_backlog, context.address_backlog)
    queues = (context.page_store, context.recheck_store, *backlogs)
    for queue in queues:
        queue.follow_clock()
    soon = _soon_seconds(context.settings)
    if any(queue.count_due(soon) for queue in (context.feed_store, *queues)):
        notify()


def fetch(
    context: Context, *, notify: Callable[[], None], on_more: Callable[[], None] | None = None
) -> FetchTotals | None:
    """Fetch what is due; `notify` is called when something waits to be ingested, `on_more` once
    where more feeds are due than this process fetches at once. Where the totals have `has_more`,
    another call should follow at once.

    A limited number of processes fetch at once. A worker has them in addition to those that
    ingest, so that slow servers do not delay waiting batches. While no batch waits, the processes
    that ingest poll feeds, too. None if the limit is reached. Raises Retryable.
    """
    settings = context.settings
    if is_paused(settings.state_dir, POLLED):
        return None
    count = settings.fetching() if context.has_batches() else settings.processes()
    with acquire_slot(settings.state_dir, "fetch", max(count, settings.fetching())) as slot:
        if slot is None:
            return None
        all_sources = fetch_sources(context, on_more)
        feeds, pages, *_ = all_sources
        is_extra = slot.number >= settings.fetching()
        sources: Sequence[FetchSource] = [feeds] if is_extra else all_sources
        if not is_extra:
            pages.sync()
        totals = asyncio.run(fetch_from(context, sources, notify, slot.report, is_extra=is_extra))
    if is_extra:  # the others may have ended before it stopped for a batch
        totals.has_more = has_due_feeds(context)
    if totals.turns:
        counts = {"documents": totals.documents, "failed": totals.failed}
        logger.info("fetched", addresses=totals.turns, **counts)
    return totals


def has_due_feeds(context: Context) -> bool:
    """Whether a feed is due that no process fetches. Raises Retryable."""
    return context.feed_store.count_due() > 0


def fetch_sources(
    context: Context, on_more: Callable[[], None] | None = None
) -> tuple[FeedSource, PageSource, RecheckSource, ObjectSource, AddressSource]:
    """Feeds, the pages of their articles, pages that were published, and the backlogs of buckets
    and jobs."""
    settings, deps = context.settings, context.deps
    feeds = FeedSource(context.feed_store, context.feeds.current, settings, deps.now, on_more)
    fetcher = PageFetcher(context.robots, settings, deps.sites, deps.profile, deps.now)
    pages = PageSource(context.page_store, deps.wanted, fetcher, settings, deps.now)
    rechecks = RecheckSource(
        context.recheck_store,
        fetcher,
        context.feeds.current,
        Archive(settings.state_dir),  # this process waits for no copy
        context.articles,
        settings,
        deps.now,
    )
    objects = ObjectSource(context.object_backlog, context.jobs, settings, deps.now)
    addresses = AddressSource(context.address_backlog, context.jobs, fetcher, settings, deps.now)
    return feeds, pages, rechecks, objects, addresses


async def fetch_from(
    context: Context,
    sources: Sequence[FetchSource],
    notify: Callable[[], None],
    on_progress: Callable[[int], None] = lambda _: None,
    *,
    is_extra: bool = False,
) -> FetchTotals:
    """Fetch what is due of `sources`; `on_progress` receives the number of fetches in flight.
    An extra process (`is_extra`) does not wait, and starts no fetch once a batch waits."""
    settings, root = context.settings, manual_root(context.settings)

    def claim(documents: Sequence[Incoming]) -> None:
        _claim(context, root, documents)
        notify()

    def on_counted(answers: Mapping[tuple[str, str], int]) -> None:
        with log_store_errors("fetches are not counted", of="feeds and pages"):
            context.counter_store.count_fetches(answers)

    def may_take() -> bool:
        if is_extra:
            return not context.has_batches()
        return len(batch_names(root)) < settings.spool.max_waiting

    check_free(settings.state_dir, settings.spool.min_free_mb)
    limits = FetchLimits(
        settings.fetch.concurrency,
        FETCH_TAKING_SECONDS,
        settings.spool.batch_files,
        settings.spool.batch_bytes // _BATCHES_PER_LIMIT,
        0.0 if is_extra else _soon_seconds(settings),
    )
    async with Fetcher(settings.fetch) as fetcher:
        return await fetch_due(
            sources,
            fetcher,
            limits,
            claim=claim,
            may_take=may_take,
            on_counted=on_counted,
            on_progress=on_progress,
        )


def _claim(context: Context, root: Root, documents: Sequence[Incoming]) -> None:
    """Make fetched documents batches, one for each owner; a file is a batch of its own."""
    groups: dict[tuple[Owner | None, Path | None], list[Incoming]] = {}
    for document in documents:
        groups.setdefault((document.owner, document.file), []).append(document)
    now = context.deps.now()
    for (wanted_owner, file), own in groups.items():
        owner = wanted_owner or Owner(POLLED, "feed")
        job = hourly_job(owner.source, now) if owner.job is None else None
        name = job.id if job else owner.job
        head = Head.new(owner.source, owner.kind, now, name, force=owner.force, strict=owner.strict)
        if file:
            moved = [Candidate(str(file), own[0].path)]
            claimed = claim_files(root, head, moved, context.accepted)
        else:
            claimed = claim_bytes(root, head, own, context.accepted)
        count = claimed.files if claimed else 0
        if job:
            context.jobs.open(job, count)
        else:
            context.jobs.add_files(str(head.job), count)


def _soon_seconds(settings: Settings) -> float:
    """A fetch waits for what is due before the next tick, which would find it up to a whole tick
    late: at a host's pace of one second that is a third of the pace."""
    return min(settings.worker.tick_seconds, LONGEST_WAIT_SECONDS)
