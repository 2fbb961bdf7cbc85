"""What the site rules, the feeds and the server must be like; else no worker starts."""

from collections.abc import Iterator

from worker.errors import ConfigError
from worker.escape import printable
from worker.feeds.catalog import load_catalog
from worker.report import Check
from worker.settings import Settings
from worker.sites import open_sites
from worker.store.connection import connect, redis_url
from worker.store.server import ServerInfo, server_info

OLDEST = (6, 2)
"""The oldest Redis: publish.lua and the stream commands are written for it (XADD … NOMKSTREAM,
XTRIM … MINID and exclusive XRANGE ends came with 6.2)."""


def refuse_start(settings: Settings) -> None:
    """Raise ConfigError where working would break a promise, or site rules or feeds cannot be read.

    Raises Retryable where the server cannot be asked now.
    """
    open_sites(settings)
    load_catalog(settings)
    client = connect(redis_url(settings))
    try:
        found = server_info(client)
    finally:
        client.close()
    for check in server_promises(settings, found):
        if check.level == "fail":
            raise ConfigError(f"{check.message}: {check.advice}")


def make_places(settings: Settings) -> None:
    """Make the state directory, and the drop folder where none is configured.

    A configured one may be a mount that is away: `status` says so, and it is not made here.
    Raises ConfigError.
    """
    mine = () if settings.folders else settings.all_folders()
    try:
        for path in (settings.state_dir, *(folder.path for folder in mine)):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{printable(path)} cannot be made: {error.strerror}") from error


def server_promises(settings: Settings, found: ServerInfo) -> Iterator[Check]:
    """What must hold of the server; a worker does not start where one of these fails."""
    if found.redis_version < OLDEST:
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
