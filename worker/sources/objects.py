"""Buckets as a source: each is listed a page at a time, and what is new or changed is read.

An object is read as it was listed (If-Match); one that was replaced meanwhile is listed again. What
was claimed is entered into the bucket's ledger; a process that dies before that reads the object
again, and it is found to be a duplicate. Failures of the whole store delay all of it and lose
nothing; an object that alone cannot be read is given up after some attempts, and counted.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, unquote

from worker.errors import ConfigError, FetchFailed, SpoolUnavailable
from worker.escape import printable
from worker.fetch import Fetcher
from worker.fetch.objects import (
    BucketClient,
    BucketFailed,
    backoff_seconds,
    bucket_address,
    is_utf8,
    open_bucket,
    split_bucket_url,
)
from worker.logs import get_logger
from worker.settings import Bucket, Settings
from worker.sources.fetch_loop import Result
from worker.sources.object_reading import (
    ReadResult,
    SkippedObject,
    Work,
    read_objects,
    wait_seconds,
)
from worker.sources.registry import is_paused
from worker.sources.responses import PAUSED_RECHECK_SECONDS
from worker.spool.claim import Owner, batched
from worker.store.backlog import (
    FULL_SECONDS,
    Backlog,
    BacklogItem,
    ListingPart,
    get_owner,
    is_listing,
    pack_objects,
    unpack_objects,
)
from worker.store.counters import RefusedSummary
from worker.store.jobs import JobStore
from worker.store.layout import DAY
from worker.store.leases import Lease, LeaseResult, TakenLeases
from worker.translation import mark

logger = get_logger(__name__)

KIND = "bucket"
"""Of batches: how their files came here."""
_MAX_ITEMS = 64
"""Of one listing in the backlog: groups of objects, each read by one process at a time."""
_AT_ONCE = 4
"""Groups that one process reads at once: they are in its memory until they are claimed."""
_LEASE_SECONDS = 120.0
"""Beside the time of two fetches: for a slice of a large object, or for a group whose requests
wait for each other. When a process dies, its groups are read by others after that."""
_QUOTED = "\0"
"""Begins a cursor that is percent-encoded, because its key is not UTF-8."""
_BAD_KEY = mark("the object's key is not UTF-8: copy the object to another key")
_PARTS_OF_BATCH = 4
"""A group has a quarter of a batch's bytes, so that several processes share the work."""


def bucket_client(bucket: Bucket) -> BucketClient:
    """Raises ConfigError."""
    return open_bucket(bucket.name, bucket.url, bucket, is_anonymous=bucket.anonymous)


def host_of_bucket(bucket: Bucket) -> str:
    """The host under which the failures of its store are counted; no web host has such a name."""
    address = bucket_address(bucket.name, bucket.url, bucket.endpoint, bucket.region)
    return f"bucket {address.endpoint.lower()}/{address.bucket}"


@dataclass(frozen=True, slots=True)
class _ListingResult(Result):
    """The end of a listing's lease: what it adds to the backlog."""

    part: ListingPart | None = None
    bucket: str = ""
    skipped: tuple[SkippedObject, ...] = ()


@dataclass(slots=True)
class ObjectSource:
    """Lists buckets and reads their objects. `now` gives aware datetimes."""

    store: Backlog
    jobs: JobStore
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
        result = self.store.take_leases(
            count, _LEASE_SECONDS + 2 * self.settings.fetch.deadline_seconds
        )
        self._reading_count += len(result.leases)
        return result

    async def fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        try:
            return await self._fetch(lease, fetcher)
        except (FetchFailed, ConfigError, SpoolUnavailable) as error:
            return self._retry_later(lease, error)
        finally:
            self._reading_count -= 1

    async def _fetch(self, lease: Lease, fetcher: Fetcher) -> Result:
        name, prefix, objects = unpack_objects(lease.fields["content"])
        bucket, owner = self.settings.bucket(name), get_owner(lease)
        if bucket is None or not (owner.job or bucket.interval_seconds):
            return Result(LeaseResult(lease, due_in_seconds=None))
        is_job_paused = owner.job and self.store.is_paused(owner.job)
        if is_job_paused or is_paused(self.settings.state_dir, owner.source):
            return Result(LeaseResult(lease, PAUSED_RECHECK_SECONDS))
        work = Work(lease, owner, bucket, bucket_client(bucket), fetcher, self.settings, self.now)
        return await (
            self._list(work, prefix) if is_listing(lease) else read_objects(work, objects)
        )

    def result_of_bug(self, lease: Lease, error: Exception) -> Result:
        return self._retry_later(lease, error)

    def save(self, results: Sequence[Result]) -> None:
        """Record the objects that are in a batch, and end the leases."""
        done = []
        for result in results:
            lease = result.lease_result.lease
            if isinstance(result, _ListingResult) and result.part:
                if self.store.extend(lease, result.part):
                    self._skip(lease, result.bucket, result.skipped)
                continue
            if isinstance(result, ReadResult):
                keep_seconds = self.settings.dedupe.keep_days * DAY
                self.store.remember(result.bucket, result.objects, keep_seconds)
                self._skip(lease, result.bucket, result.skipped)
            done.append(result.lease_result)
        self.store.finish(done)

    def _skip(self, lease: Lease, bucket: str, skipped: Sequence[SkippedObject]) -> None:
        """Log and count objects that are not read, and list them with their job."""
        if not skipped:
            return
        job, most = get_owner(lease).job, self.settings.jobs.max_refused
        for each in skipped:
            key = printable(each.item.key)
            logger.warning("object skipped", source=bucket, object=key, reason=each.why)
            if job:
                self.jobs.add_refused(job, RefusedSummary(key, each.reason, each.why), most)
        keep_seconds = self.settings.dedupe.keep_days * DAY
        self.store.remember(bucket, [each.item for each in skipped], keep_seconds)
        self.store.count_unfetchable(lease, [each.reason for each in skipped])

    async def _list(self, work: Work, prefix: str) -> Result:
        """The next page of a bucket. A listing that begins again waits for the end of the one
        before: what is in the backlog is not in the ledger yet."""
        lease, owner, bucket = work.lease, work.owner, work.bucket
        cursor, lease_result = lease.fields.get("cursor", ""), LeaseResult(lease, None)
        after = unquote(cursor[1:], errors="surrogateescape") if cursor[:1] == _QUOTED else cursor
        waiting = self.store.count_items(owner, lease.name)
        if waiting >= _MAX_ITEMS or (waiting and not cursor and not owner.job):
            return _ListingResult(lease_result, part=ListingPart((), cursor, FULL_SECONDS))
        objects, has_more = await work.client.list_objects(work.fetcher, prefix, after, self.now())
        new = [each for each in objects if each.size and bucket.accepts(each.key)]
        if not owner.job:
            new = self.store.filter_new(bucket.name, new)
        readable = [each for each in new if is_utf8(each.key)]
        skipped = tuple(
            SkippedObject(each, "bad_key", _BAD_KEY) for each in new if not is_utf8(each.key)
        )
        spool = self.settings.spool
        items = tuple(
            BacklogItem(lease.host, len(group), pack_objects(bucket.name, "", group))
            for group in batched(
                readable,
                size_of=lambda each: each.size,
                max_count=spool.batch_files,
                max_bytes=spool.batch_bytes // _PARTS_OF_BATCH,
                may_exceed=False,
            )
        )
        due = 0.0 if has_more else None if owner.job else float(bucket.interval_seconds)
        cursor = objects[-1].key if has_more else ""
        if not is_utf8(cursor):
            cursor = _QUOTED + quote(cursor, errors="surrogateescape")
        part = ListingPart(items, cursor, due, len(readable))
        return _ListingResult(lease_result, part=part, bucket=bucket.name, skipped=skipped)

    def _retry_later(self, lease: Lease, error: Exception) -> Result:
        """Try the lease's work again later, at longer and longer intervals. Nothing is lost."""
        failures = int(lease.fields.get("failures", 0)) + 1
        backoff = wait_seconds(error)
        wait = max(backoff, backoff_seconds(failures))
        if is_listing(lease):
            logger.warning("bucket cannot be listed", source=lease.name, error=str(error))
        elif isinstance(error, SpoolUnavailable):
            logger.warning("a large object waits", source=lease.name, error=str(error))
        problem = str(error)
        if not isinstance(error, BucketFailed):  # which names the bucket
            problem = mark(f"the bucket {get_owner(lease).source} is not read now: {error}")
        fields = {"failures": failures, "problem": problem}
        return Result(LeaseResult(lease, wait, fields, backoff, lease.host), failed=True)
