"""`newsdrop doctor`: checks of the server, the service, the feeds and the machine."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

from worker.errors import ConfigError, NewsdropError, Retryable, StoreUnavailable
from worker.escape import printable
from worker.feeds.catalog import load_catalog
from worker.fetch import Fetcher
from worker.fetch.objects import BucketClient
from worker.health.check import Check
from worker.health.preflight import broker_check, rights_check, server_checks
from worker.queries.health import ServicePart, heartbeat_checks
from worker.queries.status.problem import Problem
from worker.queries.status.problems import memory_problem
from worker.queries.status.source_problems import failing_problem
from worker.service.doctor_machine import machine_checks
from worker.service.embedded import server as embedded
from worker.service.lock import holder
from worker.service.state import StateDir
from worker.settings import Settings
from worker.settings.clock import utc_now
from worker.sites.load import load_sites, rule_folders
from worker.sources.archive_bucket import archive_client
from worker.sources.objects import bucket_client
from worker.sources.registry import paused_sources
from worker.spool.redis_record import replay_command
from worker.store.connection import connect, printable_url, redis_url
from worker.store.factory import feed_store
from worker.store.server import ServerInfo, get_server_info
from worker.translation import mark


def checks(settings: Settings) -> list[Check]:
    """All checks, the service first. Errors become findings."""
    return [
        *_service(settings),
        *_server(settings),
        *filter(None, [broker_check(settings)]),
        *_feeds(settings),
        _site_rules(settings),
        *_bucket_checks(settings),
        *machine_checks(settings),
    ]


def _service(settings: Settings) -> Iterator[Check]:
    pid = holder(StateDir(settings.state_dir))
    if pid is not None:
        yield Check("service", "ok", f"`newsdrop up` runs here as process {pid}")
    elif settings.redis.url:
        yield Check("service", "ok", "no `newsdrop up` here; Redis is configured")
    else:
        advice = "start it, or set redis.url"
        yield Check("service", "warn", "`newsdrop up` does not run here", advice)


def _server(settings: Settings) -> Iterator[Check]:
    client = connect(redis_url(settings))
    try:
        info = get_server_info(client)
        yield from _server_state(settings, info)
        yield rights_check(settings, client)
        yield from server_checks(settings, info)
        if command := replay_command(settings.state_dir):
            yield Check("lost articles", "warn", "a restart of Redis lost some", f"run `{command}`")
        for check in heartbeat_checks(settings, client, ServicePart.ALL, utc_now()):
            yield replace(check, level="warn") if check.level == "fail" else check
    except Retryable as error:
        if settings.redis.url:
            where = printable_url(settings.redis.url)
            advice = "start it, or correct redis.url" if isinstance(error, StoreUnavailable) else ""
            yield Check("server", "fail", f"{where}: {error}", advice)
        else:
            yield _program_check(settings)
    finally:
        client.close()


def _site_rules(settings: Settings) -> Check:
    try:
        count = len(load_sites(rule_folders(settings)).rules)
    except ConfigError as error:
        advice = "correct it: running workers use the previous rules, and no worker starts"
        return Check("site rules", "fail", " ".join(str(error).splitlines()), advice)
    return Check("site rules", "ok", f"{count:,} rules")


def _feeds(settings: Settings) -> Iterator[Check]:
    try:
        count = len(load_catalog(settings))
    except ConfigError as error:
        advice = "correct it: running workers use the previous feeds, and no worker starts"
        yield Check("feeds", "fail", " ".join(str(error).splitlines()), advice)
        return
    message = f"{count:,} feed" if count == 1 else f"{count:,} feeds"
    try:
        paused = paused_sources(settings.state_dir)
        failing = len(feed_store(settings).list_failing() - paused) if count else 0
    except Retryable:
        failing = 0  # the server's own check reports it
    text = mark(f"{message}, {failing:,} failing") if failing else message
    yield _warn_of("feeds", text, failing_problem(failing))


def _bucket_checks(settings: Settings) -> Iterator[Check]:
    for bucket in settings.buckets:
        name, client = f"bucket {bucket.name}", partial(bucket_client, bucket)
        yield _bucket_check(settings, name, bucket.url, client)
    if url := settings.archive.url:
        yield _bucket_check(settings, "archive.url", url, partial(archive_client, settings))


def _bucket_check(
    settings: Settings, name: str, url: str, open_client: Callable[[], BucketClient]
) -> Check:
    """Whether the first object of a bucket can be listed."""
    try:
        asyncio.run(_list_first(settings, open_client()))
    except NewsdropError as error:
        problem, _, advice = str(error).rpartition(": ")
        return Check(name, "warn", problem, advice)
    return Check(name, "ok", f"{printable(url)} can be listed")


async def _list_first(settings: Settings, client: BucketClient) -> None:
    async with Fetcher(settings.fetch) as fetcher:
        await client.list_objects(fetcher, client.address.prefix, "", utc_now(), 1)


def _program_check(settings: Settings) -> Check:
    try:
        binary = embedded.choose(StateDir(settings.state_dir))
        return Check("server", "ok", f"none runs; `newsdrop up` would run {binary}")
    except NewsdropError as error:
        return Check("server", "fail", "none runs, and no server program was found", str(error))


def _server_state(settings: Settings, info: ServerInfo) -> Iterator[Check]:
    version, like = ".".join(map(str, info.version)), ""
    if info.kind != "redis":
        like = " (Redis {})".format(".".join(map(str, info.redis_version)))
    where = printable_url(redis_url(settings))
    loading = "; it is still loading its data" if info.is_loading else ""
    yield Check("server", "ok", f"{info.kind} {version}{like} answers at {where}{loading}")
    if info.role not in ("master", "primary"):
        yield Check("role", "fail", f"this server is a {info.role}", "set redis.url to the primary")
    used = f"{info.used_memory / 2**20:,.0f} MB used"
    limit = info.max_memory / 2**20
    message = f"{used} of {limit:,.0f} MB" if limit else f"{used}, no limit"
    yield _warn_of("memory", message, memory_problem(info))


def _warn_of(name: str, message: str, problem: Problem | None) -> Check:
    """A warning with the advice of a problem; all is well without one."""
    return Check(name, "warn", message, problem.advice) if problem else Check(name, "ok", message)
