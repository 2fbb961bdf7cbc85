"""The functions of the package `newsdrop`, for programs in Python: `parse` and `enqueue`.

Both read the settings as the commands do (config file, environment), unless `settings` is given;
`parse` reads them again only when a variable of the environment has changed.
"""

import os
from collections.abc import Iterable
from functools import lru_cache, partial
from pathlib import Path

from worker.actions.intake import Intake
from worker.errors import Rejected, UsageError
from worker.escape import printable
from worker.model import Article
from worker.pipeline.failure import ParseFailure
from worker.pipeline.frames import in_one_chunk
from worker.queries.records import read_path
from worker.settings import Settings, load
from worker.settings.clock import utc_now
from worker.sources.enqueue import EnqueueOptions
from worker.sources.fetch_once import fetch_once, is_address
from worker.sources.registry import require_source
from worker.spool.claim import Incoming


@in_one_chunk
def parse(
    source: bytes | str | Path,
    *,
    name: str = "",
    as_source: str | None = None,
    settings: Settings | None = None,
) -> list[Article]:
    """Return the records of an input, in order, as a worker would publish them; publish nothing.

    `source` is the input's bytes, the path of a file or an address (a string that begins with
    http://, https:// or rsshub://, fetched once; any other string is a path). `name` goes into
    `provenance.path` where `source` is bytes. `as_source` is the drop folder or feed whose settings
    (time zone, site, …) apply. `ingested_at` is empty.

    Raises Rejected for the first article that a worker would refuse (its `reason` and its message
    say why), UsageError for a file that cannot be read or an unknown source, FetchFailed,
    ConfigError.
    """
    settings = settings or _settings_in(frozenset(os.environ.items()))
    require_source(settings, as_source)
    now, records = utc_now(), []
    load = partial(_load, source, name, settings, as_source)
    path = "" if isinstance(source, bytes) else source
    for item in read_path(path, load, settings, now, as_source, name=name):
        if isinstance(item, ParseFailure):
            raise Rejected(item.reason, item.message)
        records.append(item.normalized.article)
    return records


def enqueue(
    paths: Iterable[str | Path] | str | Path,
    *,
    source: str | None = None,
    move: bool = False,
    force: bool = False,
    strict: bool = False,
    settings: Settings | None = None,
) -> str:
    """Accept files, folders and addresses as one job; return its id (for `newsdrop jobs ID`).

    Then each file is in the spool, durably: it will be published, found to be a duplicate, or
    refused with a reason, even if neither Redis nor a worker runs yet. Files are copied, or moved
    with `move`; with `force` known articles are published again as a revision; with `strict` an
    article with a warning is refused. Addresses (strings that begin with http://, https:// or
    rsshub://) are fetched first, once each. The call blocks while `spool.max_waiting` batches wait.

    Raises, before anything is accepted, UsageError for a path or a source that does not exist,
    FetchFailed for an address that cannot be fetched, SpoolUnavailable where the state directory
    cannot be written or its disk is full, ConfigError.
    """
    inputs = [paths] if isinstance(paths, str | Path) else list(paths)
    chosen = settings or load()
    intake = Intake(chosen, inputs, EnqueueOptions(source, None, move, force, strict))
    try:
        for _ in intake.accept(inputs):
            pass
    finally:
        intake.notify()
    return intake.job.id


def _load(
    source: bytes | str | Path, name: str, settings: Settings, as_source: str | None
) -> Incoming:
    if isinstance(source, bytes):
        return Incoming(source, name or "bytes")
    if isinstance(source, str) and is_address(source):
        return fetch_once(settings, source, utc_now(), as_source)
    try:
        return Incoming(Path(source).read_bytes(), name or str(source))
    except OSError as error:
        why = f"{error.strerror}; check the path and its permissions"
        raise UsageError(f"{printable(source)} cannot be read: {why}") from error


@lru_cache(maxsize=1)
def _settings_in(environment: frozenset[tuple[str, str]]) -> Settings:
    """To read the settings takes as long as to read several articles."""
    return load()
