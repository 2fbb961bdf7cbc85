"""Reading a group of listed objects: which of them became documents, stay in the group, or are
given up."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from worker.errors import FetchFailed
from worker.fetch import Fetcher
from worker.fetch.objects import (
    RETRY_SECONDS,
    BucketClient,
    BucketFailed,
    ObjectChanged,
    split_bucket_url,
)
from worker.model.source import StoredObject
from worker.settings import Bucket, Settings
from worker.sources.fetch_loop import Result
from worker.sources.large_objects import ObjectTooLarge, read_large
from worker.spool.claim import Incoming, Owner
from worker.spool.ownership import make_id
from worker.store.backlog import pack_objects
from worker.store.leases import Lease, LeaseResult
from worker.translation import mark

_MAX_TRIES, _MAX_BUSY_TRIES = 3, 10
_MOST_YIELDS, _YIELD_SECONDS = 20, 3.0
"""How often and how long a lease is left to the host that has a part of a large object."""
_TOO_LARGE = mark(
    "the object exceeds limits.file_mb and is not a WARC file: raise the limit, or leave it out"
)


@dataclass(frozen=True, slots=True)
class SkippedObject:
    """An object that is not read, unless it changes or a person enqueues it. `reason` is one of
    SKIPPED."""

    item: StoredObject
    reason: str
    why: str


@dataclass(frozen=True, slots=True)
class ReadResult(Result):
    """Objects that were read, and those that cannot be: all are entered into the ledger of
    `bucket`."""

    bucket: str = ""
    objects: tuple[StoredObject, ...] = ()
    skipped: tuple[SkippedObject, ...] = ()


@dataclass(frozen=True, slots=True)
class Work:
    """A lease with all that its work needs."""

    lease: Lease
    owner: Owner
    bucket: Bucket
    client: BucketClient
    fetcher: Fetcher
    settings: Settings
    now: Callable[[], datetime]


async def read_objects(work: Work, objects: Sequence[StoredObject]) -> Result:
    """Read a group of objects. Those that cannot be read now stay in it. Raises FetchFailed where
    the whole store fails, SpoolUnavailable."""
    lease, bucket, node = work.lease, work.bucket, make_id(work.settings.state_dir)
    is_held = lease.fields.get("holder", node) != node  # another host has a part of an object
    if is_held and int(lease.fields.get("takes", 0)) < _MOST_YIELDS:
        return Result(LeaseResult(lease, _YIELD_SECONDS))
    answers = await asyncio.gather(
        *(_read_one(work, each) for each in objects), return_exceptions=True
    )
    tries = int(lease.fields.get("tries", 0)) + 1
    read: list[tuple[StoredObject, Incoming]] = []
    unfinished: list[StoredObject] = []
    failed: list[tuple[StoredObject, Exception]] = []
    rest: list[StoredObject] = []
    skipped: list[SkippedObject] = []
    for each, answer in zip(objects, answers, strict=True):
        if answer is None:
            unfinished.append(each)
        elif isinstance(answer, Incoming):
            read.append((each, answer))
        elif isinstance(answer, FetchFailed):
            failed.append((each, answer))
        elif isinstance(answer, ObjectTooLarge):
            skipped.append(SkippedObject(each, "too_large", _TOO_LARGE))
        elif isinstance(answer, ObjectChanged):
            current = await _list_again(work, each)
            if tries == 1:
                rest += current
            else:  # it may never be what is listed: a gateway changes ETags
                failed += [(one, answer) for one in current]
        else:
            raise answer
    if failed and not (read or unfinished or skipped):  # raises where the whole store fails
        await work.client.list_objects(work.fetcher, "", "", work.now(), 1)
    wait = max((wait_seconds(error) for _, error in failed), default=0.0)
    given_up = [
        SkippedObject(each, "changed" if isinstance(e, ObjectChanged) else "unreadable", str(e))
        for each, e in failed
        if tries >= _most_tries(e)
    ]
    rest += [each for each, error in failed if tries < _most_tries(error)]
    due = max(wait, RETRY_SECONDS * tries) if failed else 0.0
    fields: dict[str, object] = {"tries": tries if rest else 0}
    if unfinished:
        fields |= {"holder": node, "takes": None}
    rest += unfinished
    fields["content"] = pack_objects(bucket.name, "", rest)
    return ReadResult(
        LeaseResult(lease, due if rest else None, fields, wait, lease.host),
        tuple(document for _, document in read),
        bool(failed),
        bucket=bucket.name,
        objects=tuple(each for each, _ in read),
        skipped=(*skipped, *given_up),
    )


async def _read_one(work: Work, item: StoredObject) -> Incoming | None:
    """None where more of a large object is to be read. Raises ObjectChanged, ObjectTooLarge,
    FetchFailed, SpoolUnavailable."""
    scheme, name, _ = split_bucket_url(work.bucket.url)
    path, max_bytes = f"{scheme}://{name}/{item.key}", work.settings.limits.file_bytes
    if item.size <= max_bytes:
        data = await work.client.read(work.fetcher, item, work.now(), max_bytes)
        return Incoming(data, path, owner=work.owner)
    file = await read_large(work.settings, work.client, work.fetcher, item, work.now)
    return Incoming(b"", path, owner=work.owner, file=file) if file else None


async def _list_again(work: Work, item: StoredObject) -> list[StoredObject]:
    """The object as it is now; nothing where it is gone."""
    objects, _ = await work.client.list_objects(work.fetcher, item.key, "", work.now(), 1)
    return [each for each in objects if each.key == item.key]


def _most_tries(error: Exception) -> int:
    return _MAX_BUSY_TRIES if wait_seconds(error) else _MAX_TRIES


def wait_seconds(error: Exception) -> float:
    return error.wait_seconds if isinstance(error, BucketFailed) else 0.0
