"""Whether everything is there that the work needs: for probes, load balancers and containers.

*Live* is who answers at all; *ready* is one whose Redis takes writes, with a worker and a scheduler
that were heard of lately, room on the disks, and folders that can be written and locked.
"""

import http.client
import socket
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from urllib.parse import urlsplit

from worker.errors import NewsdropError, Retryable, SpoolUnavailable
from worker.health.check import Check
from worker.health.preflight import place_checks, server_checks
from worker.model.times import rfc3339
from worker.settings import Settings
from worker.settings.paths import read_page_url
from worker.spool.filesystem import check_room
from worker.store.connection import Client, connect, printable_url, redis_url
from worker.store.server import check_writable, get_server_info
from worker.store.workers import ALIVE_SECONDS, Heartbeats

WEB_SECONDS = 5.0
"""How long the status page may take to say that it lives."""


class ServicePart(StrEnum):
    """What one container or unit runs, and so what its own check is about."""

    ALL = "all"
    WORKER = "worker"
    BEAT = "beat"
    WEB = "web"
    REDIS = "redis"


@dataclass(frozen=True, slots=True)
class Health:
    """`checks` has one entry for each thing looked at, those that fail with what to do. `away`
    tells that Redis does not answer."""

    at: str
    ready: bool
    away: bool
    checks: tuple[Check, ...]

    @property
    def failing(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if check.level == "fail")


def check_health(settings: Settings, now: datetime, part: ServicePart = ServicePart.ALL) -> Health:
    """Look at everything, or at what `part` of the service needs. `now` is aware.

    Writes: a key of a minute's life to Redis, and a file to each folder, which is removed again.
    """
    checks = tuple(_checks(settings, part))
    return Health(
        at=rfc3339(now),
        ready=not any(check.level == "fail" for check in checks),
        away=any(check.name == "redis" and check.level == "fail" for check in checks),
        checks=checks,
    )


def _checks(settings: Settings, part: ServicePart) -> Iterator[Check]:
    if part is ServicePart.WEB:
        yield _web(settings)
        return
    yield from _redis(settings, part)
    if part in (ServicePart.ALL, ServicePart.WORKER):
        yield _disk(settings)
        yield from _places(settings)


def _redis(settings: Settings, part: ServicePart) -> Iterator[Check]:
    """The server, and who was heard of there: one connection."""
    try:
        client = connect(redis_url(settings))
    except NewsdropError as error:
        yield Check("redis", "fail", str(error), "correct the settings")
        return
    try:
        check_writable(client, settings.stream.name)
        yield Check(
            "redis", "ok", f"{printable_url(redis_url(settings))} answers and can be written"
        )
        promises = server_checks(settings, get_server_info(client))
        yield from (check for check in promises if check.level == "fail")
        yield from _heard(settings, client, part)
    except Retryable as error:
        yield Check("redis", "fail", str(error), "`newsdrop doctor` looks closer")
    finally:
        client.close()


def _heard(settings: Settings, client: Client, part: ServicePart) -> Iterator[Check]:
    heartbeats = Heartbeats(client, stream=settings.stream.name)
    if part in (ServicePart.ALL, ServicePart.WORKER):
        here = socket.gethostname() if part is ServicePart.WORKER else None
        alive = [one for one in heartbeats.list_workers() if here in (None, one.host)]
        where = f" on {here}" if here else ""
        if alive:
            processes = sum(one.processes for one in alive)
            yield Check("worker", "ok", f"{len(alive)} with {processes} processes{where}")
        else:
            told = f"no worker{where} was heard of for {ALIVE_SECONDS} seconds"
            advice = "`newsdrop up` or `newsdrop worker` starts one; its log tells why it ended"
            yield Check("worker", "fail", told, advice)
    if part in (ServicePart.ALL, ServicePart.BEAT):
        age = heartbeats.tick_age_seconds()
        if age is not None and age <= settings.silent_beat_seconds():
            yield Check("beat", "ok", f"its last tick was {age:.0f} s ago")
        else:
            told = "no tick within a day" if age is None else f"its last tick was {age:,.0f} s ago"
            yield Check("beat", "fail", told, "`newsdrop up` or one `newsdrop beat` starts it")


def _disk(settings: Settings) -> Check:
    try:
        check_room(settings)
    except SpoolUnavailable as error:
        return Check("disk", "fail", str(error), "make room, or lower spool.min_free_mb")
    return Check("disk", "ok", f"more than {settings.spool.min_free_mb:,} MB are free")


def _places(settings: Settings) -> Iterator[Check]:
    """A drop folder that cannot be used is no fault of this process: the others go on."""
    if not settings.state_dir.is_dir():
        told = "the state directory is not there"
        yield Check("state directory", "fail", told, "create or mount it; `newsdrop up` creates it")
        return
    yield from place_checks(settings)
    for folder in settings.all_folders():
        if not folder.path.is_dir():
            told = f"the folder of {folder.name} is not there"
            yield Check(f"folder {folder.name}", "warn", told, "create or mount it")


def _web(settings: Settings) -> Check:
    """Ask the status page of this machine, as `up` noted it, else as it is configured."""
    tried = []
    for host, port in dict.fromkeys(_addresses(settings)):
        connection = http.client.HTTPConnection(host, port, timeout=WEB_SECONDS)
        try:
            connection.request("GET", "/livez")
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            tried.append(f"{host} port {port} does not answer ({why})")
        else:
            if status == http.client.OK:
                return Check("web", "ok", f"{host} port {port} answers")
            tried.append(f"{host} port {port} answers with status {status}")
        finally:
            connection.close()
    return Check("web", "fail", "; ".join(tried), "`newsdrop up` or `newsdrop web` starts it")


def _addresses(settings: Settings) -> Iterator[tuple[str, int]]:
    with suppress(ValueError):  # it is no address
        page = urlsplit(read_page_url(settings.state_dir) or "")
        if page.hostname and page.port:
            yield page.hostname, page.port
    everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104
    yield everywhere.get(settings.web.host, settings.web.host), settings.web.port
