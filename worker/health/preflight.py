"""What folders, site rules, feeds and the server must be like; else nothing starts."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from worker.errors import ConfigError, Retryable, StoreRefused
from worker.escape import printable
from worker.health.check import Check
from worker.settings import Settings
from worker.spool.filesystem import FsDefect, probe_fs
from worker.spool.layout import SPOOL
from worker.store.connection import connect, redis_url
from worker.store.server import ServerInfo, get_server_info

OLDEST = (6, 2)
"""The oldest Redis: publish.lua and the stream commands are written for it (XADD … NOMKSTREAM,
XTRIM … MINID and exclusive XRANGE ends came with 6.2)."""

USAGE = 2
"""The exit code of wrong settings, as the commands have it (`worker/cli/options.py`)."""


def begin(settings: Settings, waits: Callable[[str], None]) -> bool:
    """What each part of the service does before its work: make the places, check the promises.

    What may get well by itself is told to `waits`, each in one sentence. False where that is the
    server, whose promises are not known then. Raises ConfigError for what a person has to change.
    """
    create_places(settings)
    check_places(settings, waits)
    return check_server(settings, waits)


def check_places(settings: Settings, waits: Callable[[str], None]) -> None:
    """The half of :func:`begin` that is about folders. Raises ConfigError."""
    for check in place_checks(settings):
        if check.level == "fail":
            raise ConfigError(f"{check.message}: {check.advice}")
        if check.level == "warn":
            waits(f"{check.message}: {check.advice}")


def check_server(settings: Settings, waits: Callable[[str], None]) -> bool:
    """The half of :func:`begin` that is about rules, feeds and the server. Raises ConfigError."""
    try:
        refuse_start(settings)
    except Retryable as error:
        waits(f"{error} (work begins when it serves)")
        return False
    return True


def refuse_start(settings: Settings) -> None:
    """Raise ConfigError where working would break a promise, or site rules or feeds cannot be read.

    Raises Retryable where the server cannot be asked now.
    """
    # Here, because a health check tries the places each half minute, and these take 0.2 s to load.
    from worker.feeds.catalog import load_catalog
    from worker.sites import open_sites

    open_sites(settings)
    load_catalog(settings)
    client = connect(redis_url(settings))
    try:
        found = get_server_info(client)
    except StoreRefused as error:
        raise ConfigError(str(error)) from error
    finally:
        client.close()
    for check in server_checks(settings, found):
        if check.level == "fail":
            raise ConfigError(f"{check.message}: {check.advice}")


@contextmanager
def exit_with_message() -> Iterator[None]:
    """End this process with status 2 and one sentence where the settings are wrong.

    For what Celery runs: it logs what it is given to run raises, with a traceback, and goes on;
    only an exit stops it. The sentence goes past the logs, to where a person looks first.
    """
    try:
        yield
    except ConfigError as error:
        print(f"newsdrop: {error}", file=sys.__stderr__, flush=True)
        raise SystemExit(USAGE) from None


def create_places(settings: Settings) -> None:
    """Make the state directory, and the drop folder where none is configured.

    A configured one may be a mount that is away: `status` says so, and it is not made here.
    Raises ConfigError.
    """
    mine = () if settings.folders else settings.all_folders()
    try:
        for path in (settings.state_dir, *(folder.path for folder in mine)):
            path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        what, advice = (
            ("state directory", _OTHER_STATE)
            if path == settings.state_dir
            else ("drop folder", _OTHER_DROP)
        )
        raise ConfigError(
            f"the {what} {printable(path)} cannot be made ({error.strerror}): {advice}"
        ) from error


def place_checks(settings: Settings) -> Iterator[Check]:
    """What must hold of the state directory and the drop folders, tried with a file in each.

    A drop folder that cannot be written is only a warning: it may be a mount that is mended while
    newsdrop runs, and the others go on. Folders that are not there, or are read in place, are left
    out; `doctor` has more to say of them.
    """
    trouble = probe_fs(settings.state_dir)
    if trouble is None:
        told = f"{printable(settings.state_dir)} can be written and locked"
        yield Check("state directory", "ok", told)
    else:
        advice = _ON_ANOTHER if trouble.locks else _OTHER_STATE
        yield Check("state directory", "fail", f"the state directory {trouble.message}", advice)
    for folder in settings.all_folders():
        if folder.in_place or not folder.path.is_dir():
            continue
        name = f"folder {folder.name}"
        trouble = _folder_lacks(folder.path)
        if trouble is None:
            yield Check(name, "ok", f"{printable(folder.path)} can be written and locked")
        elif trouble.locks:
            yield Check(name, "fail", f"the drop folder {trouble.message}", _ON_ANOTHER)
        else:
            yield Check(name, "warn", f"the drop folder {trouble.message}", _GIVE_RIGHTS)


def _folder_lacks(folder: Path) -> FsDefect | None:
    """Tried where the batches will be: in the folder itself a listener would see it."""
    spool = folder / SPOOL
    try:
        spool.mkdir(mode=0o770, exist_ok=True)
    except OSError as error:
        return FsDefect(f"{printable(folder)} cannot be written: {error.strerror}", locks=False)
    return probe_fs(spool)


_RIGHTS_OR = "give newsdrop's user rights on it, or choose another with"
_OTHER_STATE = f"{_RIGHTS_OR} NEWSDROP_STATE_DIR or state_dir in the config file"
_OTHER_DROP = f"{_RIGHTS_OR} NEWSDROP_DROP or drop in the config file"
_ON_ANOTHER = (
    "two workers would take the same work, so put it on a local disk, or on NFS with its lock "
    "service running"
)
_GIVE_RIGHTS = "nothing is taken from it until newsdrop's user has read, write and search rights"


def server_checks(settings: Settings, found: ServerInfo) -> Iterator[Check]:
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
