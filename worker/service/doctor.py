"""`newsdrop doctor`: what runs, and is all as the promises need it?"""

from collections.abc import Iterator

from worker.errors import ConfigError, NewsdropError, Retryable
from worker.feeds.catalog import load_catalog
from worker.health.preflight import Check, server_checks
from worker.queries.problems import beat_problem, failing_problem, memory_problem
from worker.service.doctor_machine import machine_checks
from worker.service.embedded import server as embedded
from worker.service.lock import holder
from worker.service.state import StateDir
from worker.settings import Settings
from worker.sources.registry import paused_sources
from worker.store.connection import connect, printable_url, redis_url
from worker.store.factory import feed_store
from worker.store.server import ServerInfo, get_server_info
from worker.store.workers import Heartbeats


def checks(settings: Settings) -> list[Check]:
    """Everything looked at, the server first. Raises nothing of its own: a failure is a finding."""
    return [
        *_service(settings),
        *_server(settings),
        *_feeds(settings),
        *machine_checks(settings),
    ]


def _service(settings: Settings) -> Iterator[Check]:
    pid = holder(StateDir(settings.state_dir))
    if pid is not None:
        yield Check("service", "ok", f"`newsdrop up` runs here as process {pid}")
    elif settings.redis.url:
        yield Check("service", "ok", "no `newsdrop up` here; Redis is configured")
    else:
        yield Check(
            "service", "warn", "`newsdrop up` does not run here", "start it, or set redis.url"
        )


def _server(settings: Settings) -> Iterator[Check]:
    client = connect(redis_url(settings))
    try:
        found = get_server_info(client)
        yield from _about_server(settings, found)
        yield from server_checks(settings, found)
        yield from _workers(settings, Heartbeats(client, stream=settings.stream.name))
    except Retryable as error:
        if settings.redis.url:
            where = printable_url(settings.redis.url)
            yield Check("server", "fail", f"{where}: {error}", "start it, or correct redis.url")
        else:
            yield _would_run(settings)
    finally:
        client.close()


def _feeds(settings: Settings) -> Iterator[Check]:
    try:
        count = len(load_catalog(settings))
    except ConfigError as error:
        advice = "mend it: what runs polls the feeds of before, and no worker starts"
        yield Check("feeds", "fail", " ".join(str(error).splitlines()), advice)
        return
    told = f"{count:,} feed" if count == 1 else f"{count:,} feeds"
    try:
        held = paused_sources(settings.state_dir)
        failing = len(feed_store(settings).list_failing() - held) if count else 0
    except Retryable:
        failing = 0  # the server's own check tells why nobody knows
    if bad := failing_problem(failing):
        yield Check("feeds", "warn", f"{told}, {failing:,} failing", bad.advice)
    else:
        yield Check("feeds", "ok", told)


def _would_run(settings: Settings) -> Check:
    try:
        binary = embedded.choose(StateDir(settings.state_dir))
        return Check("server", "ok", f"none runs; `newsdrop up` would run {binary}")
    except NewsdropError as error:
        return Check("server", "fail", "none runs, and there is none to run", str(error))


def _about_server(settings: Settings, found: ServerInfo) -> Iterator[Check]:
    version = ".".join(str(part) for part in found.version)
    like = (
        ""
        if found.kind == "redis"
        else " (speaks Redis {})".format(".".join(str(part) for part in found.redis_version))
    )
    where = printable_url(redis_url(settings))
    loading = "; it is still reading its data" if found.loading else ""
    yield Check("server", "ok", f"{found.kind} {version}{like} at {where}{loading}")
    if found.role not in ("master", "primary"):
        yield Check(
            "role", "fail", f"this server is a {found.role}", "let redis.url name the primary"
        )
    used = f"{found.used_memory / 2**20:,.0f} MB used"
    if not found.max_memory:
        yield Check("memory", "ok", f"{used}, no limit")
        return
    told = f"{used} of {found.max_memory / 2**20:,.0f} MB"
    if full := memory_problem(found):
        yield Check("memory", "warn", told, full.advice)
    else:
        yield Check("memory", "ok", told)


def _workers(settings: Settings, heartbeats: Heartbeats) -> Iterator[Check]:
    alive = heartbeats.list_workers()
    if alive:
        processes = sum(worker.processes for worker in alive)
        yield Check("workers", "ok", f"{len(alive)} with {processes} processes in all")
    else:
        yield Check("workers", "warn", "none is heard of", "start one: `newsdrop up` or `worker`")
    age = heartbeats.tick_age_seconds()
    told = "no tick within a day" if age is None else f"the last tick was {age:.0f} s ago"
    if silent := beat_problem(settings, age):
        yield Check("beat", "warn", told, silent.advice)
    else:
        yield Check("beat", "ok", told)
