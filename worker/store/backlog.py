"""The backlog: what is to be fetched of buckets and of lists of addresses, shared by all hosts.

A *listing* is an item that adds to the backlog, a part at a time: of a bucket the next page of its
objects, of a list the next addresses. It waits while WINDOW of them are in the backlog, so that
Redis holds a bounded number, however long the list is. What it adds are items of the same queue,
leased like pages. The listing of a bucket is named by its source, that of a job by the job.

A tally (a hash: that of the job, or the listing's own) counts `listed` and `unfetched`, the
objects or addresses so far and those not fetched yet, in the scripts that change the items.
"""

import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
import redis

from worker.model.source import StoredObject
from worker.spool.claim import Owner, batched
from worker.store.connection import Script, to_text
from worker.store.errors import translated
from worker.store.layout import Layout
from worker.store.leases import HostPace, Lease, LeaseQueue

WINDOW = 5_000
"""Objects or addresses of one listing in the backlog at once."""
FULL_SECONDS = 1.0
"""How long a listing waits while the backlog is full."""
LIST_LENGTH = 1_000
"""Addresses in one stored list: about 20 bytes each, compressed."""

_FIELDS = ("content", "owner", "cursor", "failures", "tries", "takes", "holder")
_COUNTS = ("listed", "unfetched", "unfetchable")
SKIPPED = ("too_large", "bad_key", "changed", "unreadable")
"""Why objects are not fetched, as they are counted."""
_SHARDS = 16_384
"""Of a ledger: a million objects are 61 a hash, which Redis stores as one packed block."""


@dataclass(frozen=True, slots=True)
class BacklogItem:
    """A part of the backlog: an address, or some objects. `host` is the one whose pace it counts
    for, `weight` the number of addresses or objects in it."""

    host: str
    weight: int
    content: str


@dataclass(frozen=True, slots=True)
class ListingPart:
    """The objects that a listing adds. It continues at `cursor` in `due_in_seconds`; None ends it.
    `used_list` is the stored list that it has read."""

    items: Sequence[BacklogItem] = ()
    cursor: str = ""
    due_in_seconds: float | None = 0.0
    listed: int = 0
    used_list: str = ""


@dataclass(frozen=True, slots=True)
class ListingState:
    """The listing of a bucket; `unfetchable` objects are skipped or were given up, for the reasons
    in `skipped`. `problem` says why the last one failed; `due_ms` is when it is listed next (Unix
    ms)."""

    listed: int = 0
    unfetched: int = 0
    unfetchable: int = 0
    problem: str = ""
    due_ms: int | None = None
    skipped: Mapping[str, int] = field(default_factory=dict)


class Backlog(LeaseQueue):
    """The listings and items of one kind. Every method raises Retryable, no error of redis-py."""

    def __init__(
        self, client: redis.Redis, *, stream: str, kind: str, pace: HostPace, keep_seconds: int
    ) -> None:
        items = f"{kind}-backlog"
        super().__init__(client, stream=stream, kind=kind, items=items, pace=pace, fields=_FIELDS)
        self._layout = Layout(stream, 1)
        self._lists = self._layout.key(items, "list", "")
        self._ledger = self._layout.key("ledger", "")
        self._keep_seconds = keep_seconds
        self._extend = Script("preconditions.lua", "extend_backlog.lua")

    def open_listing(self, name: str, host: str, owner: Owner, content: str = "") -> None:
        """Start a listing; an existing one continues."""
        values = {"host": host, "owner": orjson.dumps(owner), "content": content}
        with translated(), self._client.pipeline() as pipe:
            pipe.hset(self.key(name), mapping=values)
            pipe.zadd(self._due, {name: 0}, nx=True)
            if owner.job:
                pipe.hset(self._layout.job(owner.job), "listing", 1)
            pipe.execute()

    def add_addresses(self, job: str, addresses: Sequence[str]) -> None:
        """Store the addresses of a job, whose listing reads them. They expire with the job."""
        tally = self._layout.job(job)
        lists = self._lists + job.encode()
        for number, part in enumerate(batched(addresses, max_count=LIST_LENGTH)):
            packed = zlib.compress("\n".join(part).encode("utf-8", "surrogatepass"), 9)
            with translated(), self._client.pipeline() as pipe:
                pipe.hset(lists, str(number), packed)
                pipe.expire(lists, self._keep_seconds)
                pipe.hincrby(tally, "listed", len(part))
                pipe.hincrby(tally, "unfetched", len(part))
                pipe.execute()

    def read_addresses(self, job: str, number: str) -> list[str] | None:
        """A stored list; None after the last one."""
        with translated():
            packed = self._client.hget(self._lists + job.encode(), number)
        if packed is None:
            return None
        return zlib.decompress(packed).decode("utf-8", "surrogatepass").split("\n")

    def count_items(self, owner: Owner, listing: str) -> int:
        """The items of a listing that are in the backlog."""
        with translated():
            return int(self._client.hget(self._tally(owner, listing), "items") or 0)

    def extend(self, lease: Lease, part: ListingPart) -> bool:
        """End the lease of a listing with what it found; False where the lease had expired."""
        owner, name = get_owner(lease), lease.name
        keys = [self._due, self._failing, self._tally(owner, name), self._lists + name.encode()]
        due = -1 if part.due_in_seconds is None else int(part.due_in_seconds * 1000)
        args: list[bytes | int] = [self._items, self._token.encode(), name.encode(), due]
        args += (part.cursor.encode(), part.used_list.encode(), part.listed)
        for item in part.items:
            args += (item.host.encode(), item.weight, item.content.encode())
        return bool(self._extend.run(self._client, keys, args))

    def count_unfetchable(self, lease: Lease, reasons: Sequence[str]) -> None:
        """Count what will not be fetched, of the listing of a leased item: a reason of each. What a
        listing leaves out is counted as listed, too."""
        tally = self._tally(get_owner(lease), lease.name.partition("/")[0])
        with translated(), self._client.pipeline() as pipe:
            pipe.hincrby(tally, "unfetchable", len(reasons))
            if is_listing(lease):
                pipe.hincrby(tally, "listed", len(reasons))
            for reason, count in Counter(reasons).items():
                pipe.hincrby(tally, f"skipped:{reason}", count)
            pipe.execute()

    def is_paused(self, job: str) -> bool:
        with translated():
            return bool(self._client.hexists(self._layout.job(job), "paused"))

    def pause(self, job: str, *, is_paused: bool) -> None:
        """Fetch nothing more for a job, or continue at once."""
        key = self._layout.job(job)
        with translated():
            if is_paused:
                self._client.hset(key, "paused", 1)
                return
            self._client.hdel(key, "paused", "mark_ms", "earlier_mark_ms")
        self.make_due(name for name in self.names() if name.partition("/")[0] == job)

    def read_listings(self, names: Sequence[str]) -> dict[str, ListingState]:
        """The state of each listing that exists."""
        due = self.get_due_times(names)
        states = {}
        reasons = [f"skipped:{reason}" for reason in SKIPPED]
        for name in due:
            with translated():
                problem, *values = self._client.hmget(self.key(name), "problem", *_COUNTS, *reasons)
            listed, unfetched, unfetchable, *counts = (int(value or 0) for value in values)
            skipped = {one: count for one, count in zip(SKIPPED, counts, strict=True) if count}
            states[name] = ListingState(
                listed, unfetched, unfetchable, to_text(problem or b""), due[name], skipped
            )
        return states

    def list_open(self) -> set[str]:
        """The sources and jobs that have something in the backlog, or are still listed."""
        return {name.partition("/")[0] for name in self.names()}

    # ── the ledger of a bucket: a fingerprint of each object that was claimed ─────────────────

    def filter_new(self, source: str, objects: Sequence[StoredObject]) -> list[StoredObject]:
        """The objects that are not in the ledger as they are."""
        marks = [_ledger_mark(each) for each in objects]
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for shard, field, _ in marks:
                pipe.hget(self._shard(source, shard), field)
            replies = pipe.execute()
        pairs = zip(objects, marks, replies, strict=True)
        return [each for each, (_, _, mark), stored in pairs if stored != mark]

    def remember(self, source: str, objects: Sequence[StoredObject], keep_seconds: int) -> None:
        """Enter objects into the ledger; a part of it expires when nothing was entered for
        `keep_seconds`."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for shard, field, mark in map(_ledger_mark, objects):
                key = self._shard(source, shard)
                pipe.hset(key, field, mark)
                pipe.expire(key, keep_seconds)
            pipe.execute()

    def _shard(self, source: str, shard: int) -> bytes:
        return self._ledger + f"{source}:{shard:x}".encode()

    def _tally(self, owner: Owner, listing: str) -> bytes:
        return self._layout.job(owner.job) if owner.job else self.key(listing)


def get_owner(lease: Lease) -> Owner:
    """The source and job to whose batches a leased listing or item belongs."""
    values: Mapping[str, Any] = orjson.loads(lease.fields["owner"])
    return Owner(**values)


def is_listing(lease: Lease) -> bool:
    return "/" not in lease.name


def pack_objects(bucket: str, prefix: str, objects: Sequence[StoredObject]) -> str:
    """The content of a bucket's listing (its source, and a prefix), or of an item (objects)."""
    listed = [[each.key, each.etag, each.size] for each in objects]
    return orjson.dumps([bucket, prefix, listed]).decode()


def unpack_objects(content: str) -> tuple[str, str, tuple[StoredObject, ...]]:
    bucket, prefix, listed = orjson.loads(content)
    return bucket, prefix, tuple(StoredObject(*values) for values in listed)


def _ledger_mark(item: StoredObject) -> tuple[int, bytes, bytes]:
    """Shard, field and value of an object: 16 bytes of hashes of its key, and of ETag and size."""
    name = item.key.encode("utf-8", "surrogateescape")
    key = hashlib.blake2b(name, digest_size=10).digest()
    state = hashlib.blake2b(f"{item.etag} {item.size}".encode(), digest_size=8).digest()
    return int.from_bytes(key[8:]) % _SHARDS, key[:8], state
