"""Health checks, for probes, load balancers and containers.

A service is *live* if it answers at all. It is *ready* if Redis would take an article, a worker and
a scheduler are alive, the disks have room, the folders can be written and locked, and waiting
batches are finished.
"""

import http.client
import socket
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from worker.errors import NewsdropError, Retryable, SpoolUnavailable
from worker.health.check import Check
from worker.health.preflight import VOLUME, broker_check, place_checks, rights_check, server_checks
from worker.model.times import rfc3339
from worker.queries.status.problem import duration
from worker.queries.status.task_problems import scan_problem
from worker.settings import Settings
from worker.settings.paths import read_page_url
from worker.spool.archive import Archive
from worker.spool.batch import batch_names
from worker.spool.filesystem import check_room
from worker.spool.layout import roots, time_of
from worker.spool.redis_record import replay_command
from worker.spool.rules_record import read_rules_record
from worker.spool.task_record import read_failures, success_age
from worker.store.connection import Client, connect, printable_url, redis_url
from worker.store.factory import heartbeats
from worker.store.server import check_publishable, get_server_info
from worker.store.workers import ALIVE_SECONDS

STUCK_SECONDS = 300
"""How long a batch may wait without another one being finished. One of 100,000 articles takes less
than two minutes."""

WEB_SECONDS = 5.0
"""How long the status page may take to answer."""


class ServicePart(StrEnum):
    """The part that a container or unit runs, and that its health check covers."""

    ALL = "all"
    WORKER = "worker"
    BEAT = "beat"
    WEB = "web"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` has one entry for each check; a failed one says what to do. `away`: Redis does not
    answer."""

    at: str
    ready: bool
    away: bool
    checks: tuple[Check, ...]

    @property
    def failing(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.level == "fail")


def check_health(settings: Settings, now: datetime, part: ServicePart = ServicePart.ALL) -> Health:
    """Check everything, or what `part` of the service needs. `now` is aware.

    It writes a key to Redis that expires within a minute, and a file to each folder that it removes
    again.
    """
    checks = tuple(_checks(settings, now, part))
    return Health(
        at=rfc3339(now),
        ready=not any(check.level == "fail" for check in checks),
        away=any(check.name == "redis" and check.level == "fail" for check in checks),
        checks=checks,
    )


def _checks(settings: Settings, now: datetime, part: ServicePart) -> Iterator[Check]:
    if part is ServicePart.WEB:
        yield _web(settings)
        return
    yield from _redis(settings, part, now)
    if part is not ServicePart.REDIS and (broker := broker_check(settings)):
        yield broker
    if command := replay_command(settings.state_dir):
        yield Check("lost articles", "warn", "Redis has lost articles", f"run `{command}`")
    if part in (ServicePart.ALL, ServicePart.WORKER):
        yield _disk(settings)
        yield from _places(settings)
        yield from _site_rules(settings)
        yield from _failing_tasks(settings, now)
        yield from _progress(settings, now)


def _redis(settings: Settings, part: ServicePart, now: datetime) -> Iterator[Check]:
    """The server and the heartbeats, over one connection."""
    try:
        client = connect(redis_url(settings))
    except NewsdropError as error:
        yield Check("redis", "fail", str(error), "correct the settings")
        return
    try:
        check_publishable(client, settings.stream.name)
        address = printable_url(redis_url(settings))
        yield Check("redis", "ok", f"{address} answers and accepts writes")
        checks = server_checks(settings, get_server_info(client))
        yield from (check for check in checks if check.level == "fail")
        rights = rights_check(settings, client)
        if rights.level == "fail":
            yield rights
        yield from heartbeat_checks(settings, client, part, now)
    except Retryable as error:
        yield Check("redis", "fail", str(error), "run `newsdrop doctor` to find the cause")
    finally:
        client.close()


def heartbeat_checks(
    settings: Settings, client: Client, part: ServicePart, now: datetime
) -> Iterator[Check]:
    """Whether workers and the scheduler send heartbeats; `now` is aware. Raises Retryable."""
    beats = heartbeats(settings, client)
    if part in (ServicePart.ALL, ServicePart.WORKER):
        here = socket.gethostname() if part is ServicePart.WORKER else None
        alive = [worker for worker in beats.list_own_workers() if here in (None, worker.host)]
        where = f" on {here}" if here else ""
        if alive:
            processes = sum(worker.processes for worker in alive)
            yield Check("worker", "ok", f"{len(alive)} with {processes} processes{where}")
        else:
            silence = f"no heartbeat of a worker{where} for {ALIVE_SECONDS} seconds"
            advice = "start one with `newsdrop up` or `newsdrop worker`; its log says why it ended"
            yield Check("worker", "fail", silence, advice)
    if part in (ServicePart.ALL, ServicePart.BEAT):
        age = beats.tick_age_seconds()
        if age is not None and age <= settings.silent_beat_seconds():
            yield Check("beat", "ok", f"its last tick was {age:.0f} s ago")
            if part is ServicePart.ALL:
                started = [worker.started_ms for worker in beats.list_own_workers()]
                yield from _late_scan(settings, now, started)
        else:
            last = "no tick within a day" if age is None else f"its last tick was {age:,.0f} s ago"
            advice = "start it with `newsdrop up` or one `newsdrop beat`"
            yield Check("beat", "fail", last, advice)


def _disk(settings: Settings) -> Check:
    try:
        check_room(settings)
    except SpoolUnavailable as error:
        advice = "free space or inodes on that disk; spool.min_free_mb sets the limit of space"
        return Check("disk", "fail", str(error), advice)
    return Check("disk", "ok", f"more than {settings.spool.min_free_mb:,} MB are free")


def _places(settings: Settings) -> Iterator[Check]:
    """A missing drop folder is only a warning: the others still work."""
    if not settings.state_dir.is_dir():
        advice = "create or mount it; `newsdrop up` creates it"
        yield Check("state directory", "fail", "the state directory does not exist", advice)
        return
    for check in place_checks(settings):
        is_away = check.name.startswith(VOLUME)  # nothing of it is accepted until somebody acts
        yield replace(check, level="fail") if is_away else check
    for folder in settings.all_folders():
        if not folder.path.is_dir():
            text = f"the folder of {folder.name} does not exist"
            yield Check(f"folder {folder.name}", "warn", text, "create or mount it")


def _site_rules(settings: Settings) -> Iterator[Check]:
    record = read_rules_record(settings.state_dir)
    if record and record.problem:
        text = "the site rules have errors, and the previous ones are still used"
        yield Check("site rules", "warn", text, "run `newsdrop status` to see the errors")


def _failing_tasks(settings: Settings, now: datetime) -> Iterator[Check]:
    """Tasks that have failed more than once in a row, such as the cleanup."""
    for failure in read_failures(settings.state_dir):
        if failure.count > 1 or failure.is_bug:
            seconds = (now - datetime.fromisoformat(failure.since)).total_seconds()
            text = f"{failure.task} has failed for {duration(seconds)}: {failure.message}"
            yield Check(failure.task, "warn", text, "run `newsdrop status` to see what to do")


def _late_scan(settings: Settings, now: datetime, started_ms: Iterable[int]) -> Iterator[Check]:
    """Fails where the processes of the worker hang: its heartbeat comes from another one."""
    age = success_age(settings.state_dir, "newsdrop.scan", now)
    if age is None:
        return
    age = min([age, *(now.timestamp() - started / 1000 for started in started_ms)])
    if late := scan_problem(settings, age):
        yield Check("scan", "fail", late.text.removesuffix("."), late.advice.removesuffix("."))


def _progress(settings: Settings, now: datetime) -> Iterator[Check]:
    """Fails while batches wait and none is finished, though every part may seem alive."""
    limit = now - timedelta(seconds=STUCK_SECONDS)
    waiting = sorted(name for root in roots(settings) for name in batch_names(root))
    old = [name for name in waiting if time_of(name) < limit]
    if not old:
        return
    # Older days change too, when their files expire.
    first_day = f"{time_of(old[0]) - timedelta(days=1):%Y%m%d}"
    finished = Archive(settings.state_dir).last_write(first_day, now + timedelta(minutes=1))
    if finished is None or finished < limit:
        minutes = (now - time_of(old[0])).total_seconds() / 60
        message = (
            f"{len(waiting):,} {'batch waits' if len(waiting) == 1 else 'batches wait'}, the "
            f"oldest for {minutes:,.0f} minutes, and none was finished in the last "
            f"{STUCK_SECONDS // 60}"
        )
        yield Check("progress", "fail", message, "the worker's log says why: restart it if silent")


def _web(settings: Settings) -> Check:
    """Ask the status page of this machine, at the address of `up` or the configured one."""
    failures = []
    for host, port in dict.fromkeys(_addresses(settings)):
        connection = http.client.HTTPConnection(host, port, timeout=WEB_SECONDS)
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            failures.append(f"{host} port {port} does not answer ({why})")
        else:
            if status == http.client.OK:
                return Check("web", "ok", f"{host} port {port} answers")
            failures.append(f"{host} port {port} answers with status {status}")
        finally:
            connection.close()
    return Check(
        "web", "fail", "; ".join(failures), "start it with `newsdrop up` or `newsdrop web`"
    )


def _addresses(settings: Settings) -> Iterator[tuple[str, int]]:
    with suppress(ValueError):  # the file has no valid address
        page = urlsplit(read_page_url(settings.state_dir) or "")
        if page.hostname and page.port:
            yield page.hostname, page.port
    local = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
    yield local.get(settings.web.host, settings.web.host), settings.web.port
