"""Pages that are fetched again after they were published: when each is due, and what came of it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import redis

from worker.feeds.recheck import AGES_MS, Recheck
from worker.store.connection import Script
from worker.store.errors import translated
from worker.store.layout import Layout
from worker.store.leases import HostPace, Lease, LeaseQueue, node_queue
from worker.store.pages import PAGES

RECHECKS = "rechecks"
MAX_RECHECKS = 50_000
"""Pages that may wait: each is about 400 bytes in Redis."""
EVERY = 5
"""One of so many turns of a host may be a recheck."""
_FIELDS = ("source", "batch", "entry", "page_ms", "number", "late_ms", "gone_ms", "takes")
_PAGES_KEEP_SECONDS = 2 * AGES_MS[-1] // 1000
_CHUNK = 200


@dataclass(frozen=True, slots=True)
class PublishedPage:
    """A published page that is fetched again: the article `id` of `source`, fetched at `page_ms`
    (Unix) from `host`. Its bundle is entry `entry` of `batch` in the archive.

    Recheck `number` is too late at `late_ms`. `gone_ms` is when the page was answered by 404 or 410
    first; `takes` is how often it was leased since the last answer.
    """

    id: str
    host: str
    source: str
    batch: str
    entry: int
    page_ms: int
    number: int = 0
    late_ms: int = 0
    gone_ms: int | None = None
    takes: int = 0


@dataclass(frozen=True, slots=True)
class NewPage:
    """A page to be fetched again, with its `first` recheck; None if only the copy in the archive is
    newer. `url` is its address, empty if it was not fetched."""

    page: PublishedPage
    first: Recheck | None
    url: str


@dataclass(frozen=True, slots=True)
class RecheckCounts:
    """Rechecks: the pages `waiting` for one; how many were `done`, and how many `dropped` because
    they came too late, too many pages waited, or the copy in the archive had expired."""

    waiting: int = 0
    done: int = 0
    dropped: int = 0

    @property
    def was_used(self) -> bool:
        return self != RecheckCounts()


class RecheckStore(LeaseQueue):
    """An item's name is the article's id. Every method raises Retryable, no error of redis-py.

    Items are leased only where nothing else waits for their host, and by the `node` whose archive
    has the page: there it is compared with the new one.
    """

    def __init__(self, client: redis.Redis, *, stream: str, pace: HostPace, node: str = "") -> None:
        items = node_queue(RECHECKS, node)
        super().__init__(
            client, stream=stream, kind="recheck", items=items, pace=pace, fields=_FIELDS,
            yields_to=("feeds", node_queue(PAGES, node)), every=EVERY,
        )  # fmt: skip
        layout = Layout(stream, 1)
        self._counts = layout.key(items, "counts")
        self._pages = layout.key(RECHECKS, "pages", "")
        self._add = Script("preconditions.lua", "add_rechecks.lua")

    def add(self, pages: Sequence[NewPage]) -> int:
        """Add pages; one that waits already stays as it is due, and has the newer copy. Returns how
        many there was no room for."""
        dropped = 0
        for start in range(0, len(pages), _CHUNK):
            args: list[bytes | int] = [self._items, self._pages, MAX_RECHECKS, _PAGES_KEEP_SECONDS]
            for new in pages[start : start + _CHUNK]:
                page, first = new.page, new.first
                args += (page.id.encode(), page.host.encode(), page.source.encode())
                args += (page.batch.encode(), page.entry, page.page_ms)
                args += (first.due_ms, first.late_ms) if first else (0, 0)
                args += (new.url.encode(), b"new" if first else b"")
            dropped += self._add.run(self._client, [self._due, self._counts], args)
        return dropped

    def add_turns(self, host: str, seconds: float) -> None:
        """Charge a recheck for more turns of its host than one: others wait so much longer."""
        share = b"share:" + self._items
        with translated():
            self._client.hincrby(self._hosts + host.encode(), share, int(seconds * 1000 * EVERY))

    def count_rechecks(self, counts: Iterable[tuple[str, str, int]]) -> None:
        """Add to the counts: (`done` or `dropped`, source, number)."""
        with translated(), self._client.pipeline(transaction=False) as pipe:
            for what, source, number in counts:
                pipe.hincrby(self._counts, f"{what} {source}", number)
            pipe.execute()

    def read_counts(self) -> dict[str, RecheckCounts]:
        """The counts of every feed that has some."""
        with translated():
            raw_counts: Mapping[bytes, bytes] = self._client.hgetall(self._counts)
        values: defaultdict[str, dict[str, int]] = defaultdict(dict)
        for field, value in raw_counts.items():
            what, _, source = field.decode().partition(" ")
            values[source][what] = int(value)
        return {source: RecheckCounts(**counts) for source, counts in values.items()}

    def read_totals(self) -> RecheckCounts:
        """The counts of all feeds together."""
        counts = self.read_counts().values()
        names = RecheckCounts.__slots__
        return RecheckCounts(*(sum(getattr(one, name) for one in counts) for name in names))

    def forget(self, sources: Iterable[str]) -> None:
        """Remove the counts of feeds that are gone."""
        fields = [f"{what} {source}" for source in sources for what in RecheckCounts.__slots__]
        if fields:
            with translated():
                self._client.hdel(self._counts, *fields)

    def list_pages(self, host: str) -> tuple[str, ...]:
        """The addresses of the last pages of a host that were fetched, at most 3, newest first."""
        with translated():
            pages: bytes | None = self._client.get(self._pages + host.encode())
        return tuple((pages or b"").decode("utf-8", "replace").splitlines())


def read_page(lease: Lease) -> PublishedPage:
    """The state of a leased page."""
    values = lease.fields
    gone_ms = values.get("gone_ms")
    return PublishedPage(
        id=lease.name,
        host=lease.host,
        source=values.get("source", ""),
        batch=values.get("batch", ""),
        entry=int(values.get("entry", 0)),
        page_ms=int(values.get("page_ms", 0)),
        number=int(values.get("number", 0)),
        late_ms=int(values.get("late_ms", 0)),
        gone_ms=int(gone_ms) if gone_ms else None,
        takes=int(values.get("takes", 0)),
    )
