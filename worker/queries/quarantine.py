"""The quarantine: refused inputs, a page at a time, and a safe preview of one."""

import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from worker.errors import NotThere, Rejected, SpoolUnavailable
from worker.escape import printable
from worker.formats.decode import decode
from worker.readmodel.decision import date_facets
from worker.readmodel.filters import Filters
from worker.settings import POLLED, Settings
from worker.spool.quarantine import Quarantine, QuarantineItem

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
class QuarantinePage:
    """Refused inputs, newest first. `total` counts the whole quarantine; `next` is the value of
    `after` for the next page, None at the end."""

    refused: tuple[QuarantineItem, ...]
    total: int
    next: str | None


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
) -> QuarantinePage:
    """A page of the quarantine. Only the page is read; to find the inputs of a reason or those that
    pass `filters`, at most 2,000, and `next` continues there. Raises SpoolUnavailable."""
    quarantine = Quarantine(settings.state_dir)
    ids = quarantine.ids()
    older = ids if after is None else ids[: bisect_left(ids, after)]
    found: list[QuarantineItem] = []
    for read_count, refused_id in enumerate(reversed(older), 1):
        if filters.source is None or _may_be_of(refused_id, filters.source):
            with suppress(NotThere):  # it was retried or discarded in between
                item = quarantine.get(refused_id)
                if reason in (None, item.reason) and is_accepted(filters, item):
                    found.append(item)
        if len(found) == count or read_count == _MAX_READ:
            following = refused_id if read_count < len(older) else None
            return QuarantinePage(tuple(found), len(ids), following)
    return QuarantinePage(tuple(found), len(ids), None)


def find_matching(
    settings: Settings, reason: str | None, filters: Filters, until: str | None = None
) -> tuple[QuarantineItem, ...]:
    """Every refused input that passes, oldest first, up to and with the ID `until`; at most 20,000,
    the oldest ones. Raises SpoolUnavailable."""
    quarantine = Quarantine(settings.state_dir)
    found: list[QuarantineItem] = []
    for refused_id in quarantine.ids():
        if len(found) == MAX_MATCHING or (until is not None and refused_id > until):
            break
        with suppress(NotThere):
            item = quarantine.get(refused_id)
            if reason in (None, item.reason) and is_accepted(filters, item):
                found.append(item)
    return tuple(found)


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


def _facets(item: QuarantineItem) -> Iterator[tuple[str, str]]:
    yield "source", item.source
    yield from date_facets(item.refused_at)
    if item.job:
        yield "job", item.job
    if item.origin and item.origin.kind != "enqueue":
        yield "feed", item.source


def _may_be_of(refused_id: str, source: str) -> bool:
    """By the name of the batch in the id; a batch of polled documents is of several sources."""
    return refused_id.split("-", 2)[-1].startswith((f"{source}-", f"{POLLED}-"))


def _text(data: bytes, charset: str | None, *, cut: bool) -> str | None:
    """The text of `data`, decoded as by a worker; None where it is no text. Where `data` was `cut`,
    an incomplete last character is left out."""
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
