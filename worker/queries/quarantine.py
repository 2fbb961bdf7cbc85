"""The quarantine: refused inputs, a page at a time, and a safe preview of one."""

import os
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, takewhile
from pathlib import Path

from worker.errors import NotThere, Rejected, SpoolUnavailable
from worker.escape import printable
from worker.formats.encoding.decode import decode
from worker.readmodel.database import ReadModelUnavailable, open_reader
from worker.readmodel.decision import date_facets
from worker.readmodel.filters import Filters
from worker.readmodel.search import find_later
from worker.settings import POLLED, Settings
from worker.spool.folder_cache import FolderCache
from worker.spool.quarantine import QUARANTINE, Quarantine, QuarantineItem

_MAX_READ = 2_000
"""Inputs that one page reads to find those of a reason or a source."""
MAX_MATCHING = 20_000
"""Inputs that are retried or discarded at once: to read so many takes two seconds."""

FILTERS = ("q", "source", "feed", "job", "date")
"""The filters of refused inputs; `date` is the day of the refusal in UTC."""

NO_FILTERS = Filters()
_DUMP_BYTES = 1_024
"""Bytes of a binary preview: 64 lines."""
_ROW = 16


@dataclass(frozen=True, slots=True)
class LaterSuccess:
    """The article `id` that the same source brought under the same path later, `at` (RFC 3339,
    UTC): published, revised, or found to be a duplicate."""

    id: str
    status: str
    at: str


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Refused inputs, newest first. `total` counts the whole quarantine, `reasons` its inputs that
    pass the filters, by reason, as far as they were read yet; `next` is the value of `after` for
    the next page, None at the end. `later` has the inputs, by ID, that a later success has made
    void."""

    refused: tuple[QuarantineItem, ...]
    total: int
    next: str | None
    reasons: dict[str, int]
    later: dict[str, LaterSuccess]


@dataclass(frozen=True, slots=True)
class QuarantinePreview:
    """The beginning of a refused input. `kind` is `text`, `binary` (a hex dump), `empty` or
    `unreadable`; `size` is that of the whole input in bytes; `truncated`: there is more.

    Control and bidirectional characters are escaped, and lines end in `\\n`; the text still comes
    from outside and must be escaped on a page.
    """

    refused: QuarantineItem
    kind: str
    text: str
    size: int
    truncated: bool


def list_quarantine(
    settings: Settings,
    count: int,
    after: str | None = None,
    reason: str | None = None,
    filters: Filters = NO_FILTERS,
    *,
    folder: str = QUARANTINE,
) -> QuarantinePage:
    """A page of the quarantine, or with the `folder` DISCARDED of what was discarded. Only the page
    is read; to find the inputs of a reason or those that pass `filters`, at most 2,000, and `next`
    continues there. Raises SpoolUnavailable."""
    quarantine = Quarantine(settings.state_dir, folder)
    ids = quarantine.ids()
    reasons = _count_reasons(settings.state_dir / folder, ids, filters)
    older = ids if after is None else ids[: bisect_left(ids, after)]
    items: list[QuarantineItem] = []
    following: str | None = None
    for read_count, refused_id in enumerate(reversed(older), 1):
        if filters.source is None or _may_be_of(refused_id, filters.source):
            with suppress(NotThere):  # it was retried or discarded in between
                item = quarantine.get(refused_id)
                if reason in (None, item.reason) and is_accepted(filters, item):
                    items.append(item)
        if len(items) == count or read_count == _MAX_READ:
            following = refused_id if read_count < len(older) else None
            break
    later = find_later_successes(settings, items)
    return QuarantinePage(tuple(items), len(ids), following, reasons, later)


def find_matching(
    settings: Settings,
    reason: str | None,
    filters: Filters,
    *,
    folder: str = QUARANTINE,
    until: str | None = None,
) -> tuple[QuarantineItem, ...]:
    """Every refused input that passes, oldest first, up to and with the ID `until`; at most 20,000,
    the oldest ones. Raises SpoolUnavailable."""
    items: Iterable[QuarantineItem] = Quarantine(settings.state_dir, folder)
    if until is not None:
        items = takewhile(lambda item: item.id <= until, items)
    passing = (it for it in items if reason in (None, it.reason) and is_accepted(filters, it))
    return tuple(islice(passing, MAX_MATCHING))


def find_later_successes(
    settings: Settings, items: Iterable[QuarantineItem]
) -> dict[str, LaterSuccess]:
    """The inputs, by ID, that a later success has made void; none without the read model.

    Of a file with many articles only some may be refused, and an article that was published says
    nothing about those: such an input is never void.
    """
    successes: dict[str, LaterSuccess] = {}
    with suppress(ReadModelUnavailable), open_reader(settings.state_dir) as db:
        for item in items:
            if item.ordinal is None and (
                later := find_later(db, item.path, item.source, item.refused_at)
            ):
                successes[item.id] = LaterSuccess(*later)
    return successes


def is_accepted(filters: Filters, item: QuarantineItem) -> bool:
    """Whether an input passes filters: words are looked for in its path and its message."""
    return filters.accept(_facets(item), item.path, item.message)


def preview(settings: Settings, refused_id: str, most: int = 4096) -> QuarantinePreview:
    """A safe preview of the first `most` bytes. Raises NotThere."""
    quarantine = Quarantine(settings.state_dir)
    refused = quarantine.get(refused_id)
    try:
        with quarantine.open_raw(refused_id) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most)
    except (SpoolUnavailable, NotThere):  # no permission, or a killed retry has taken the bytes
        return QuarantinePreview(refused, "unreadable", "", refused.size, truncated=False)
    if not data:
        return QuarantinePreview(refused, "empty", "", size, truncated=False)
    charset = refused.origin.charset if refused.origin else None
    text = _text(data, charset, cut=size > len(data))
    if text is not None:
        return QuarantinePreview(refused, "text", _shown(text), size, truncated=size > len(data))
    return QuarantinePreview(
        refused, "binary", _dump(data[:_DUMP_BYTES]), size, truncated=size > _DUMP_BYTES
    )


@lru_cache(maxsize=4)
def _reason_cache(folder: Path, filters: Filters) -> FolderCache[str]:
    """Reasons of the inputs in a folder, '' for those that do not pass `filters`; an open page
    reads them for 20 ms at a time."""
    quarantine = Quarantine(folder.parent, folder.name)

    def read(path: str) -> str | None:
        try:
            item = quarantine.get(Path(path).name)
        except NotThere:
            return None  # another version wrote it, or it has just been removed
        return item.reason.value if is_accepted(filters, item) else ""

    return FolderCache(read, budget_seconds=0.02)


def _count_reasons(folder: Path, ids: Sequence[str], filters: Filters) -> dict[str, int]:
    """The number of inputs by reason, the most frequent first."""
    cache = _reason_cache(folder, filters)
    reasons = cache.get_values([f"{folder}/{refused_id}" for refused_id in ids])
    return dict(Counter(filter(None, reasons.values())).most_common())


def _facets(item: QuarantineItem) -> Iterator[tuple[str, str]]:
    yield "source", item.source
    yield from date_facets(item.refused_at)
    if item.job:
        yield "job", item.job
    if item.origin and item.origin.is_of_feed:
        yield "feed", item.source


def _may_be_of(refused_id: str, source: str) -> bool:
    """By the name of the batch in the id; a batch of polled documents is of several sources."""
    return refused_id.split("-", 2)[-1].startswith((f"{source}-", f"{POLLED}-"))


def _text(data: bytes, charset: str | None, *, cut: bool) -> str | None:
    """The text of `data`, decoded as by a worker; None where it is not text. Where `data` was
    `cut`, an incomplete last character is left out."""
    fallback = None
    for less in range(4 if cut else 1):
        try:
            read = decode(data[: len(data) - less], charset)
        except Rejected:
            continue
        if not read.warnings and "\ufffd" not in read.text:
            return read.text
        fallback = fallback or read.text
    return fallback


def _shown(text: str) -> str:
    lines = text.expandtabs(4).splitlines()
    return "\n".join(printable(line, len(line)).replace("\\\\", "\\") for line in lines)


def _dump(data: bytes) -> str:
    """Sixteen bytes a line, in hex and as ASCII, as by `hexdump -C`."""
    lines = []
    for at in range(0, len(data), _ROW):
        row = data[at : at + _ROW]
        plain = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{at:08x}  {row.hex(' '):<47}  |{plain}|")
    return "\n".join(lines)
