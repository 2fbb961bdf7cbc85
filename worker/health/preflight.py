"""Checks of folders, site rules, feeds and the server, without which nothing starts; and of another
server that is the broker, whose messages may be lost: a worker waits for it."""

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from worker.errors import ConfigError, NewsdropError, Retryable, SpoolUnavailable, StoreRefused
from worker.escape import printable
from worker.health.check import Check, raise_failures
from worker.health.data_format import check_files, check_redis, migrate_files
from worker.settings import Folder, Settings
from worker.spool.filesystem import FsDefect, probe_fs, unwritable
from worker.spool.layout import SPOOL, Root, make_folder
from worker.spool.ownership import ADVICE, living_owner, ownership
from worker.spool.volumes import volume_problem
from worker.store.broker import QUEUE, broker_url, open_wakeups
from worker.store.connection import Client, connect, printable_url, redis_url
from worker.store.rights import check_rights
from worker.store.server import ServerInfo, get_server_info
from worker.translation import mark

OLDEST = (6, 2)
"""The oldest supported Redis: XADD … NOMKSTREAM, XTRIM … MINID and exclusive XRANGE ends came with
6.2."""

VOLUME = "volume"
"""The first word of the name of a check whose drop folder is on an unmounted volume."""


def begin(settings: Settings, on_waiting: Callable[[str], None]) -> bool:
    """The first step of each part of the service: create its folders and check everything.

    `on_waiting` receives a sentence for each problem that may end by itself. False if the server
    has one, so that it could not be checked. Raises ConfigError for what a person has to change.
    """
    create_places(settings)
    check_places(settings, on_waiting)
    migrate_files(settings)
    _hold_folders(settings)
    return check_server(settings, on_waiting) and _join_nodes(settings)


def _join_nodes(settings: Settings) -> bool:
    """Check the other nodes; False if Redis does not answer any more. Raises ConfigError."""
    from worker.health.nodes import join

    with closing(connect(redis_url(settings))) as client:
        try:
            join(settings, client)
        except Retryable:
            return False
    return True


def _hold_folders(settings: Settings) -> None:
    """Hold the locks of the drop folders as long as this process lives, before the first scan."""
    for folder in settings.all_folders():
        if folder.in_place or volume_problem(settings.state_dir, folder.name, folder.path):
            continue
        with suppress(SpoolUnavailable):  # a scan reports it
            ownership(settings.state_dir).require(Root(folder.path / SPOOL, folder.name))


def check_places(settings: Settings, on_waiting: Callable[[str], None]) -> None:
    """Check the folders, as :func:`begin` does. Raises ConfigError."""
    check_files(settings.state_dir)
    for check in raise_failures(place_checks(settings)):
        if check.level == "warn":
            on_waiting(f"{check.message}: {check.advice}")


def check_server(settings: Settings, on_waiting: Callable[[str], None]) -> bool:
    """Check rules, feeds and the server, as :func:`begin` does. Raises ConfigError."""
    try:
        refuse_start(settings)
    except Retryable as error:
        on_waiting(f"{error} (work begins when it serves)")
        return False
    return True


def refuse_start(settings: Settings) -> None:
    """Raise ConfigError if work would break a promise, or site rules or feeds cannot be read.

    Raises Retryable if the server does not answer.
    """
    # Imported here: a health check runs place_checks each half minute, and these take 0.2 s.
    from worker.feeds.catalog import load_catalog
    from worker.sites import open_sites

    open_sites(settings)
    load_catalog(settings)
    try:
        with closing(connect(redis_url(settings))) as client:
            list(raise_failures(iter([rights_check(settings, client)])))
            info = get_server_info(client)
            check_redis(client, settings.stream.name)
    except StoreRefused as error:
        raise ConfigError(str(error)) from error
    list(raise_failures(server_checks(settings, info)))


def check_without_start(settings: Settings, on_waiting: Callable[[str], None]) -> None:
    """All that a start would refuse, without creating a folder. Raises ConfigError.

    `on_waiting` receives what a start would wait for. The server that `up` runs is checked only
    while it runs.
    """
    folders = [folder.path for folder in settings.all_folders() if not folder.in_place]
    for path in (settings.state_dir, *folders):
        _check_creatable(path)
    if settings.state_dir.is_dir():
        check_places(settings, on_waiting)
    try:
        refuse_start(settings)
    except Retryable as error:
        if settings.redis.url:
            on_waiting(f"{error} (its version and settings were not checked)")


def _check_creatable(path: Path) -> None:
    """Raise ConfigError if the folder `path` is not there and cannot be created."""
    nearest = next(place for place in (path, *path.absolute().parents) if place.exists())
    if nearest == path and path.is_dir():
        return
    try:
        Path(mkdtemp(prefix=".newsdrop-", dir=nearest)).rmdir()
    except OSError as error:
        raise ConfigError(
            f"{printable(path)} cannot be created in {printable(nearest)} ({error.strerror}): "
            "give newsdrop's user permission there, or name another folder"
        ) from error


def create_places(settings: Settings) -> None:
    """Create the state directory, and the default drop folder. Raises ConfigError.

    A configured folder may be an unmounted volume: it is not created, and `status` reports it.
    """
    places = [("state directory", settings.state_dir, _OTHER_STATE)]
    if not settings.folders:
        places += [("drop folder", folder.path, _OTHER_DROP) for folder in settings.all_folders()]
    for what, path, advice in places:
        try:
            make_folder(path)
        except OSError as error:
            raise ConfigError(
                f"cannot create the {what} {printable(path)} ({error.strerror}): {advice}"
            ) from error


def place_checks(settings: Settings) -> Iterator[Check]:
    """Checks of the state directory and the drop folders, with a temporary file in each.

    A drop folder that cannot be written is only a warning: it may be a mount that is repaired while
    newsdrop runs, and the other folders work. Missing folders and those read in place are left out;
    `doctor` checks them.
    """
    state = settings.state_dir
    yield _place_check("state directory", state, probe_fs(state), "fail", _OTHER_STATE)
    for folder in settings.all_folders():
        if folder.in_place or not folder.path.is_dir():
            continue
        if missing_volume := volume_problem(state, folder.name, folder.path):
            problem, _, advice = missing_volume.partition(": ")
            yield Check(f"{VOLUME} {folder.name}", "warn", problem, advice)
        else:
            defect = _probe_spool(folder.path)
            yield _place_check(
                f"folder {folder.name}", folder.path, defect, "warn", _GIVE_PERMISSION
            )
            yield from owner_check(state, folder)


def owner_check(state_dir: Path, folder: Folder) -> Iterator[Check]:
    """Fails where a running service with another state directory uses the drop folder."""
    spool = folder.path / SPOOL
    if other := living_owner(state_dir, spool):
        yield Check(f"folder {folder.name}", "fail", other.refusal(spool), ADVICE)


def _place_check(
    name: str, path: Path, defect: FsDefect | None, level: Literal["warn", "fail"], advice: str
) -> Check:
    if defect is None:
        return Check(name, "ok", f"{printable(path)} can be written and locked")
    what = "state directory" if name == "state directory" else "drop folder"
    if defect.is_lock_failure:
        level, advice = "fail", _ON_ANOTHER
    elif defect.is_full:  # a start that waits for space goes on by itself
        level, advice = "warn", _FREE_SPACE
    return Check(name, level, f"the {what} {defect.message}", advice)


def _probe_spool(folder: Path) -> FsDefect | None:
    """Probe the folder's spool: a listener would report a file in the folder itself."""
    spool = folder / SPOOL
    try:
        make_folder(spool)
    except OSError as error:
        return unwritable(folder, error)
    return probe_fs(spool)


_OR_OTHER = "give newsdrop's user permission on it, or choose another with"
_OTHER_STATE = f"{_OR_OTHER} NEWSDROP_STATE_DIR or state_dir in the config file"
_OTHER_DROP = f"{_OR_OTHER} NEWSDROP_DROP or drop in the config file"
_ON_ANOTHER = (
    "two workers would take the same batch, so put it on a local disk, or on NFS with its lock "
    "service running"
)
_FREE_SPACE = "free space or inodes on its disk; work goes on by itself"
_GIVE_PERMISSION = "its files wait until newsdrop's user may read, write and search it"


def rights_check(settings: Settings, client: Client) -> Check:
    """Whether the user of Redis may do all that newsdrop and Celery do. Without its channels Celery
    hangs without a message. Raises Retryable."""
    rights = check_rights(
        client,
        settings.stream.name,
        results=settings.tasks.store_results,
        is_broker=not settings.celery.broker_url,
    )
    user, missing = printable(rights.user), rights.missing
    if not missing:
        return Check("rights", "ok", f"the Redis user {user} may run all that is needed")
    first = missing[0]
    what = first.command.upper().replace("|", " ")
    on = f" on {printable(first.example)}" if first.example else ""
    others = f", and {len(missing) - 1} more" if len(missing) > 1 else ""
    return Check(
        "rights",
        "fail",
        f"the Redis user {user} may not run {what}{on}{others}",
        f"grant what is missing: {printable(rights.grant, 2000)}",
    )


def server_checks(settings: Settings, info: ServerInfo) -> Iterator[Check]:
    """Checks of the server; a worker does not start if one of them fails."""
    if info.redis_version < OLDEST:
        version = ".".join(str(part) for part in info.redis_version)
        yield Check("version", "fail", f"Redis {version} is too old", "use 6.2 or newer, or Valkey")
    if info.eviction_policy == "noeviction":
        yield Check("eviction", "ok", "noeviction: a full server refuses writes, deletes nothing")
    else:
        yield Check(
            "eviction",
            "fail",
            f"maxmemory-policy is {info.eviction_policy}, so a full Redis would silently delete "
            "articles and the index of duplicates",
            "run CONFIG SET maxmemory-policy noeviction, and put it into redis.conf",
        )
    yield _durability(settings, info)


def _durability(settings: Settings, info: ServerInfo) -> Check:
    if settings.redis.durability == "fsynced":
        if info.is_append_only and info.appendfsync == "always":
            return Check("durability", "ok", "fsynced: every write is on disk before its answer")
        now = f"appendfsync is {info.appendfsync}" if info.is_append_only else "appendonly is off"
        return Check(
            "durability",
            "fail",
            f"redis.durability is fsynced, but the server's {now}",
            "set appendonly yes and appendfsync always in redis.conf, or durability to written",
        )
    if not info.is_append_only:
        return Check(
            "durability",
            "warn",
            "the server keeps no append-only file: a restart loses its data",
            "set appendonly yes (`newsdrop replay` publishes again from the archive)",
        )
    synced = _SYNCED.get(info.appendfsync or "", "")
    return Check("durability", "ok", f"written: append-only file, synced {synced}")


_SYNCED = {
    "always": mark("before each answer"),
    "everysec": mark("each second"),
    "no": mark("when the system decides"),
    "": mark("at an unknown interval"),
}


def broker_check(settings: Settings) -> Check | None:
    """Whether Celery's broker answers; None where it is the server of the stream, which has its own
    checks."""
    if not settings.celery.broker_url:
        return None
    try:
        with closing(open_wakeups(settings)) as wakeups:
            wakeups.count_waiting(QUEUE)
        return Check("broker", "ok", f"{printable_url(broker_url(settings))} answers")
    except NewsdropError as error:
        return Check("broker", "fail", str(error), "start it, or correct celery.broker_url")
