"""Polling: let the store have all that is to be fetched, then fetch what is due."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime

from worker.errors import SpoolUnavailable
from worker.fetch import Fetcher
from worker.logs import get_logger
from worker.pipeline.context import Context
from worker.settings import FETCH_TAKING_SECONDS, POLLED
from worker.sources.feeds import FeedSource
from worker.sources.fetch_loop import FetchLimits, FetchSource, FetchTotals, fetch_due
from worker.sources.pages import PageSource
from worker.sources.pause import is_paused
from worker.sources.semaphore import acquire_slot
from worker.spool.batch import names
from worker.spool.claim import Incoming, claim_bytes
from worker.spool.free_space import check_free
from worker.spool.layout import manual_root
from worker.store.jobs import Job, JobKind, log_store_errors

logger = get_logger(__name__)

_PARTS = 4
"""A feed is many articles in one file: in batches of a quarter of the size, several processes share
one poll's work to its end, and no batch takes more than a slice of time."""


def poll(context: Context, *, notify: Callable[[], None]) -> None:
    """Let the store know the feeds of the catalog and the wanted pages; ring if any is due.

    Raises Retryable.
    """
    feeds, pages = _sources(context)
    with suppress(SpoolUnavailable):  # which feeds there are cannot be read: it was said once
        if feeds.sync():
            logger.info("feeds are known", feeds=len(context.feeds.current()))
    pages.sync()
    if context.feed_store.due() or context.page_store.due():
        notify()


def fetch(context: Context, *, notify: Callable[[], None]) -> FetchTotals | None:
    """Fetch what is due; `ring` is called when something is there to be ingested.

    So many processes may be at it at once, and a worker has as many more than it needs to ingest:
    what waits for others' servers holds up nothing that is here. None where enough are at it
    already. Raises Retryable.
    """
    settings = context.settings
    if is_paused(settings.state_dir, POLLED):
        return None
    with acquire_slot(settings.state_dir, "fetch", settings.fetching()) as mine:
        if mine is None:
            return None
        feeds, pages = _sources(context)
        pages.sync()
        fetched = asyncio.run(_fetch(context, (feeds, pages), notify, mine.at))
    if fetched.turns:
        logger.info(
            "fetched",
            addresses=fetched.turns,
            documents=fetched.documents,
            failed=fetched.failed,
        )
    return fetched


async def _fetch(
    context: Context,
    sources: Sequence[FetchSource],
    notify: Callable[[], None],
    told: Callable[[int], None] = lambda _: None,
) -> FetchTotals:
    settings = context.settings
    root = manual_root(settings)

    def claim(documents: Sequence[Incoming]) -> None:
        now = context.deps.now()
        job = poll_job(now)
        claimed = claim_bytes(
            root, documents, context.accepted, source=POLLED, kind="feed", now=now, job=job.id
        )
        with log_store_errors("a job is not noted", job=job.id):
            context.jobs.open(job)
            context.jobs.add_files(job.id, claimed.files)
        notify()

    def count(answers: Mapping[tuple[str, str], int]) -> None:
        with log_store_errors("fetches are not counted", of="feeds and pages"):
            context.measures.fetched(answers)

    def may_take() -> bool:
        return len(names(root)) < settings.spool.max_waiting

    check_free(settings.state_dir, settings.spool.min_free_mb)
    bounds = FetchLimits(
        settings.fetch.concurrency,
        FETCH_TAKING_SECONDS,
        settings.spool.batch_files,
        settings.spool.batch_bytes // _PARTS,
    )
    async with Fetcher(settings.fetch) as fetcher:
        return await fetch_due(
            sources, fetcher, bounds, claim=claim, may_take=may_take, count=count, told=told
        )


def poll_job(now: datetime) -> Job:
    """The job of what is polled: one an hour (UTC) for all feeds together."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    return Job(
        id=f"poll-{hour:%Y%m%dT%H}",
        kind=JobKind.POLL,
        source=POLLED,
        label="polled feeds, fetched pages",
        created_ms=int(hour.timestamp() * 1000),
    )


def _sources(context: Context) -> tuple[FeedSource, PageSource]:
    settings, deps = context.settings, context.deps
    feeds = FeedSource(context.feed_store, context.feeds.current, settings, now=deps.now)
    pages = PageSource(
        context.page_store,
        deps.wanted,
        context.robots,
        settings,
        deps.sites,
        profile=deps.profile,
        now=deps.now,
    )
    return feeds, pages
