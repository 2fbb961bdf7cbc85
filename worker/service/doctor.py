"""`newsdrop doctor`: is all as the promises need it? And what a worker refuses to start on."""

from collections.abc import Iterator

from worker.errors import ConfigError, NewsdropError, Retryable
from worker.service import embedded, server_binary
from worker.service.doctor_machine import machine_checks
from worker.service.lock import holder
from worker.service.report import Check
from worker.service.state import state_of
from worker.settings import Settings
from worker.store.connection import connect, redis_url, shown_url
from worker.store.server import ServerInfo, server_info
from worker.store.workers import Heartbeats

_SILENT_SECONDS = 30.0
_NEARLY_FULL = 0.9


def checks(settings: Settings) -> list[Check]:
    """Everything looked at, the server first. Raises nothing of its own: a failure is a finding."""
    return [*_service(settings), *_server(settings), *machine_checks(settings)]


def refuse_start(settings: Settings) -> None:
    """Raise ConfigError, in one sentence, where working would break a promise.

    Raises Retryable where the server cannot be asked now.
    """
    client = connect(redis_url(settings))
    try:
        found = server_info(client)
    finally:
        client.close()
    for check in _promises(settings, found):
        if check.level == "fail":
            raise ConfigError(f"{check.message}: {check.advice}")


def _service(settings: Settings) -> Iterator[Check]:
    pid = holder(state_of(settings.state_dir))
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
        found = server_info(client)
        yield from _about_server(settings, found)
        yield from _promises(settings, found)
        yield from _workers(settings, Heartbeats(client, stream=settings.stream.name))
    except Retryable as error:
        if settings.redis.url:
            where = shown_url(settings.redis.url)
            yield Check("server", "fail", f"{where}: {error}", "start it, or correct redis.url")
        else:
            yield _would_run(settings)
    finally:
        client.close()


def _would_run(settings: Settings) -> Check:
    try:
        binary = embedded.choose(state_of(settings.state_dir))
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
    where = shown_url(redis_url(settings))
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
    if found.used_memory < _NEARLY_FULL * found.max_memory:
        yield Check("memory", "ok", told)
    else:
        advice = "raise maxmemory or lower stream.max_length; intake pauses when it is full"
        yield Check("memory", "warn", told, advice)


def _promises(settings: Settings, found: ServerInfo) -> Iterator[Check]:
    """What must hold of the server; a worker does not start where one of these fails."""
    if found.redis_version < server_binary.OLDEST:
        version = ".".join(str(part) for part in found.redis_version)
        yield Check("version", "fail", f"Redis {version} is too old", "use 6.2 or newer, or Valkey")
    if found.eviction_policy == "noeviction":
        yield Check("eviction", "ok", "noeviction: a full server refuses, and forgets nothing")
    else:
        yield Check(
            "eviction",
            "fail",
            f"maxmemory-policy is {found.eviction_policy}, so a full Redis would drop articles "
            "and the index against duplicates without a word",
            "run CONFIG SET maxmemory-policy noeviction, and put it into redis.conf",
        )
    yield _durability(settings, found)


def _durability(settings: Settings, found: ServerInfo) -> Check:
    fsync = found.appendfsync if found.appendonly else None
    if settings.redis.durability == "fsynced":
        if fsync == "always":
            return Check("durability", "ok", "fsynced: every write is on disk before its answer")
        now = f"appendfsync is {found.appendfsync}" if found.appendonly else "appendonly is off"
        return Check(
            "durability",
            "fail",
            f"redis.durability is fsynced, but the server's {now}",
            "set appendonly yes and appendfsync always in redis.conf, or durability to written",
        )
    if not found.appendonly:
        return Check(
            "durability",
            "warn",
            "the server keeps no append-only file: a restart loses what it had",
            "set appendonly yes (`newsdrop replay` publishes again from the archive)",
        )
    return Check(
        "durability", "ok", f"written: append-only file, synced {_SYNCED.get(fsync or '', '')}"
    )


_SYNCED = {
    "always": "before each answer",
    "everysec": "each second",
    "no": "when the system likes",
    "": "as the server does not tell",
}


def _workers(settings: Settings, heartbeats: Heartbeats) -> Iterator[Check]:
    alive = heartbeats.alive()
    if alive:
        processes = sum(worker.processes for worker in alive)
        yield Check("workers", "ok", f"{len(alive)} with {processes} processes in all")
    else:
        yield Check("workers", "warn", "none is heard of", "start one: `newsdrop up` or `worker`")
    age = heartbeats.tick_age_seconds()
    if age is not None and age <= max(_SILENT_SECONDS, 10 * settings.worker.tick_seconds):
        yield Check("beat", "ok", f"last tick {age:.0f} s ago")
    else:
        told = "no tick for a day" if age is None else f"the last tick was {age:.0f} s ago"
        yield Check("beat", "warn", told, "start it: `newsdrop up`, or one `newsdrop beat`")
