"""Buckets as a source: each is listed a page at a time, and what is new or changed is read.

An object is read as it was listed (If-Match); one that was replaced meanwhile is listed again. What
was claimed is entered into the bucket's ledger; a process that dies before that reads the object
again, and it is found to be a duplicate. Failures of the whole store put all of it off and lose
nothing; an object that alone cannot be read is given up after some attempts, and counted.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from worker.errors import ConfigError, FetchFailed
from worker.escape import printable
from worker.fetch import Fetcher
from worker.fetch.objects import (
    BucketClient,
    BucketFailed,
    ObjectChanged,
    bucket_address,
    open_bucket,
    split_bucket_url,
)
from worker.logs import get_logger
from worker.model.source import StoredObject
from worker.settings import Bucket, Settings
from worker.sources.fetch_loop import Result
from worker.sources.registry import is_paused
from worker.sources.responses import PAUSED_RECHECK_SECONDS
from worker.spool.claim import Incoming, Owner, batched
from worker.store.backlog import (
    FULL_SECONDS,
    Backlog,
    BacklogItem,
    ListedPart,
    is_listing,
    owner_of,
    pack_objects,
    unpack_objects,
)
from worker.store.layout import DAY
from worker.store.leases import Lease, LeaseResult, TakenLeases

logger = get_logger(__name__)

KIND = "bucket"
"""Of batches: how their files came here."""
_MAX_ITEMS = 64
"""Of one listing in the backlog: groups of objects, each read by one process at a time."""
_AT_ONCE = 4
"""Groups that one process reads at once: they are in its memory until they are claimed."""
_LEASE_SECONDS = 600.0
_MAX_TRIES, _MAX_BUSY_TRIES = 3, 10
_RETRY_SECONDS, _LONGEST_SECONDS = 5.0, 600.0
_PARTS_OF_BATCH = 4
"""A group has a quarter of a batch's bytes, so that several processes share the work."""


def bucket_client(bucket: Bucket) -> BucketClient:
    """Raises ConfigError."""
    return open_bucket(bucket.name, bucket.url, bucket, is_anonymous=bucket.anonymous)


def host_of_bucket(bucket: Bucket) -> str:
    """What the failures of its store put off. No web host has such a name."""
    address = bucket_address(bucket.name, bucket.url, bucket.endpoint, bucket.region)
    return f"bucket {address.endpoint.lower()}/{address.bucket}"


@dataclass(frozen=True, slots=True)
class _ListedResult(Result):
    """The end of a listing's lease: what it adds to the backlog."""

    part: ListedPart | None = None


@dataclass(frozen=True, slots=True)
class _ReadResult(Result):
    """Objects that were read: they are entered into the ledger of `bucket`, and those that cannot
    be read are counted."""

    bucket: str = ""
    objects: tuple[StoredObject, ...] = ()
    unfetchable: int = 0


@dataclass(frozen=True, slots=True)
class _Work:
    """A lease with all that its work needs."""

    lease: Lease
    owner: Owner
    bucket: Bucket
    client: BucketClient
    fetcher: Fetcher


@dataclass(slots=True)
class ObjectSource:
    """Lists buckets and reads their objects. `now` gives aware datetimes."""

    store: Backlog
    settings: Settings
    now: Callable[[], datetime]
    kind: str = field(default=KIND, init=False)
    _reading_count: int = field(default=0, init=False)

    def sync(self) -> None:
        """Begin to list the buckets that are new in the settings."""
        buckets = {each.name: each for each in self.settings.buckets if each.interval_seconds}
        due_times = self.store.get_due_times(list(buckets))
        for name, bucket in buckets.items():
            if name not in due_times:
                content = pack_objects(name, split_bucket_url(bucket.url)[2], [])
                self.store.open_listing(name, host_of_bucket(bucket), Owner(name, KIND), content)

    def take_leases(self, count: int) -> TakenLeases:
        count = min(count, _AT_ONCE - self._reading_count)
        if count <= 0:
            return TakenLeases((), has_more=False)
        taken = self.store.take_leases(count, _LEASE_SECONDS)
        self._reading_count += len(taken.leases)
        return taken

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        try:
            return await self._fetch(lease, fetcher)
        except (FetchFailed, ConfigError) as error:
            return self._put_off(lease, error)
        finally:
            self._reading_count -= 1

    async def _fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        name, prefix, objects = unpack_objects(lease.fields["content"])
        bucket, owner = self.settings.bucket(name), owner_of(lease)
        if bucket is None or not (owner.job or bucket.interval_seconds):
            return Result(LeaseResult(lease, due_in_seconds=None))
        if self._is_paused(owner):
            return Result(LeaseResult(lease, PAUSED_RECHECK_SECONDS))
        work = _Work(lease, owner, bucket, bucket_client(bucket), fetcher)
        return await (self._list(work, prefix) if is_listing(lease) else self._read(work, objects))

    def _is_paused(self, owner: Owner) -> bool:
        if owner.job and self.store.is_paused(owner.job):
            return True
        return is_paused(self.settings.state_dir, owner.source)

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        return self._put_off(lease, error)

    def save(self, results: Sequence[Result]) -> None:
        """What was read is in a batch: note that, and end the leases."""
        done = []
        for result in results:
            if isinstance(result, _ListedResult) and result.part:
                self.store.extend(result.lease_result.lease, result.part)
                continue
            if isinstance(result, _ReadResult):
                keep_seconds = self.settings.dedupe.keep_days * DAY
                self.store.remember(result.bucket, result.objects, keep_seconds)
                if result.unfetchable:
                    self.store.count_unfetchable(result.lease_result.lease, result.unfetchable)
            done.append(result.lease_result)
        self.store.finish(done)

    async def _list(self, work: _Work, prefix: str) -> Result:
        """The next page of a bucket. A listing that begins again waits for the end of the one
        before: what is in the backlog is not in the ledger yet."""
        lease, owner, bucket = work.lease, work.owner, work.bucket
        cursor, lease_result = lease.fields.get("cursor", ""), LeaseResult(lease, None)
        waiting = self.store.count_items(owner, lease.name)
        if waiting >= _MAX_ITEMS or (waiting and not cursor and not owner.job):
            return _ListedResult(lease_result, part=ListedPart((), cursor, FULL_SECONDS))
        objects, has_more = await work.client.list_objects(work.fetcher, prefix, cursor, self.now())
        new = [each for each in objects if each.size and bucket.accepts(each.key)]
        if not owner.job:
            new = self.store.filter_new(bucket.name, new)
        max_bytes = self.settings.limits.file_bytes
        fitting = [each for each in new if each.size <= max_bytes]
        if too_large := [each for each in new if each.size > max_bytes]:
            self._skip(lease, bucket, too_large)
        spool = self.settings.spool
        items = tuple(
            BacklogItem(lease.host, len(group), pack_objects(bucket.name, "", group))
            for group in batched(
                fitting,
                size_of=lambda each: each.size,
                max_count=spool.batch_files,
                max_bytes=spool.batch_bytes // _PARTS_OF_BATCH,
                may_exceed=False,
            )
        )
        due = 0.0 if has_more else None if owner.job else float(bucket.interval_seconds)
        cursor = objects[-1].key if has_more else ""
        part = ListedPart(items, cursor, due, len(fitting))
        return _ListedResult(lease_result, part=part)

    def _skip(self, lease: Lease, bucket: Bucket, objects: Sequence[StoredObject]) -> None:
        """Objects that are too large are counted and logged, once each."""
        for each in objects:
            logger.warning(
                "object skipped: it is larger than limits.file_mb",
                source=bucket.name,
                object=printable(each.key),
                size=each.size,
            )
        self.store.remember(bucket.name, objects, self.settings.dedupe.keep_days * DAY)
        self.store.count_unfetchable(lease, len(objects))

    async def _read(self, work: _Work, objects: Sequence[StoredObject]) -> Result:
        """Read a group of objects. Those that cannot be read now stay in it."""
        lease, bucket, client, fetcher = work.lease, work.bucket, work.client, work.fetcher
        now, max_bytes = self.now(), self.settings.limits.file_bytes
        answers = await asyncio.gather(
            *(client.read(fetcher, each, now, max_bytes) for each in objects),
            return_exceptions=True,
        )
        pairs = list(zip(objects, answers, strict=True))
        read = [(each, answer) for each, answer in pairs if isinstance(answer, bytes)]
        failed: list[tuple[StoredObject, Exception]] = [
            (each, answer) for each, answer in pairs if isinstance(answer, FetchFailed)
        ]
        if failed and not read:  # the whole store may be away, or refuse everything: that raises
            await client.list_objects(fetcher, "", "", now, 1)
        tries = int(lease.fields.get("tries", 0)) + 1
        rest = []
        for each, answer in pairs:
            if isinstance(answer, ObjectChanged):
                found = await self._list_again(client, each, fetcher)
                if tries == 1:
                    rest += found
                else:  # it may never be what is listed: a gateway changes ETags
                    failed += [(one, answer) for one in found]
            elif isinstance(answer, BaseException) and not isinstance(answer, FetchFailed):
                raise answer
        wait = max((_wait_seconds(error) for _, error in failed), default=0.0)
        unfetchable = 0
        for each, error in failed:
            if tries < (_MAX_BUSY_TRIES if _wait_seconds(error) else _MAX_TRIES):
                rest.append(each)
                continue
            unfetchable += 1
            logger.warning("object given up", source=bucket.name, error=str(error))
        fields = {"content": pack_objects(bucket.name, "", rest), "tries": tries if rest else 0}
        due = max(wait, _RETRY_SECONDS * tries if failed else 0.0) if rest else None
        scheme, name, _ = split_bucket_url(bucket.url)
        return _ReadResult(
            LeaseResult(lease, due, fields, wait, lease.host),
            tuple(
                Incoming(data, f"{scheme}://{name}/{each.key}", owner=work.owner)
                for each, data in read
            ),
            bool(failed),
            bucket=bucket.name,
            objects=tuple(each for each, _ in read),
            unfetchable=unfetchable,
        )

    async def _list_again(
        self, client: BucketClient, item: StoredObject, fetcher: Fetcher
    ) -> list[StoredObject]:
        """The object as it is now; nothing where it is gone, or has become too large."""
        found, _ = await client.list_objects(fetcher, item.key, "", self.now(), 1)
        most = self.settings.limits.file_bytes
        return [each for each in found if each.key == item.key and each.size <= most]

    def _put_off(self, lease: Lease, error: Exception) -> Result:
        """Try the lease's work again later, at longer and longer intervals. Nothing is lost."""
        failures = int(lease.fields.get("failures", 0)) + 1
        backoff = _wait_seconds(error)
        wait = max(backoff, min(_LONGEST_SECONDS, _RETRY_SECONDS * 2 ** min(failures, 9)))
        if is_listing(lease):
            logger.warning("bucket cannot be listed", source=lease.name, error=str(error))
        fields = {"failures": failures, "problem": str(error)}
        return Result(LeaseResult(lease, wait, fields, backoff, lease.host), failed=True)


def _wait_seconds(error: Exception) -> float:
    return error.wait_seconds if isinstance(error, BucketFailed) else 0.0
