"""The quarantine: what was refused, a page at a time, and a safe look at what it was."""

import os
from bisect import bisect_left
from dataclasses import dataclass

from worker.errors import NotThere, Reason, Rejected, SpoolUnavailable
from worker.escape import printable
from worker.formats.decode import decode
from worker.settings import POLLED, Settings
from worker.spool.quarantine import Quarantine, QuarantineItem

_LOOKED = 2_000
"""Refusals that one page reads to find those of a reason or a source."""
_DUMPED = 1_024
"""Bytes of what is no text: 64 lines."""
_ROW = 16


@dataclass(frozen=True, slots=True)
class QuarantinePage:
    """Refused inputs, newest first. `total` is how many are in quarantine, whatever was asked for;
    `next` is what to ask for as `after` to go on, None at the end."""

    refused: tuple[QuarantineItem, ...]
    total: int
    next: str | None


@dataclass(frozen=True, slots=True)
class QuarantinePreview:
    """The beginning of a refused input. `kind` is `text`, `binary` (a hex dump), `empty` or
    `unreadable`; `size` is of the whole, in bytes; `truncated` tells that there is more.

    Control and bidirectional characters are written as escapes, and lines end in `\\n`; it is still
    text from outside, to be escaped for a page.
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
    source: str | None = None,
) -> QuarantinePage:
    """A page of what is in quarantine. Only the page is read, however many there are: of what is
    asked for by a reason or a source, 2,000 are looked at, and `next` goes on from there.

    Raises SpoolUnavailable.
    """
    quarantine = Quarantine(settings.state_dir)
    ids = quarantine.ids()
    left = ids if after is None else ids[: bisect_left(ids, after)]
    found: list[QuarantineItem] = []
    for looked, refused_id in enumerate(reversed(left), 1):
        if source is None or _may_be_of(refused_id, source):
            one = _read(quarantine, refused_id)
            if one is not None and _is(one, reason, source):
                found.append(one)
        if len(found) == count or looked == _LOOKED:
            return QuarantinePage(
                tuple(found), len(ids), refused_id if looked < len(left) else None
            )
    return QuarantinePage(tuple(found), len(ids), None)


def preview(settings: Settings, refused_id: str, most: int = 4096) -> QuarantinePreview:
    """A safe look at the first `most` bytes. Raises NotThere."""
    quarantine = Quarantine(settings.state_dir)
    refused = quarantine.get(refused_id)
    try:
        with quarantine.open_raw(refused_id) as file:
            size = os.fstat(file.fileno()).st_size
            data = file.read(most)
    except (SpoolUnavailable, NotThere):  # another user's, or a killed retry had taken it
        return QuarantinePreview(refused, "unreadable", "", refused.size, truncated=False)
    if not data:
        return QuarantinePreview(refused, "empty", "", size, truncated=False)
    charset = refused.origin.charset if refused.origin else None
    text = _text(data, charset, cut=size > len(data))
    if text is not None:
        return QuarantinePreview(refused, "text", _shown(text), size, truncated=size > len(data))
    return QuarantinePreview(
        refused, "binary", _dump(data[:_DUMPED]), size, truncated=size > _DUMPED
    )


def _read(quarantine: Quarantine, refused_id: str) -> QuarantineItem | None:
    try:
        return quarantine.get(refused_id)
    except NotThere:
        return None  # retried or discarded meanwhile


def _may_be_of(refused_id: str, source: str) -> bool:
    """By the batch's name, which is in the id; what was polled together is of several sources."""
    return refused_id.split("-", 2)[-1].startswith((f"{source}-", f"{POLLED}-"))


def _is(refused: QuarantineItem, reason: str | None, source: str | None) -> bool:
    return (reason is None or refused.reason == Reason(reason)) and source in (None, refused.source)


def _text(data: bytes, charset: str | None, *, cut: bool) -> str | None:
    """The text of `data`, as a worker would decode it; None where it is none. Where it was `cut`,
    its last character may be, too: what is left of that is left out."""
    found = None
    for less in range(4 if cut else 1):
        try:
            read = decode(data[: len(data) - less], charset)
        except Rejected:
            continue
        if not read.warnings and "\ufffd" not in read.text:
            return read.text
        found = found or read.text
    return found


def _shown(text: str) -> str:
    lines = text.expandtabs(4).splitlines()
    return "\n".join(printable(line, len(line)).replace("\\\\", "\\") for line in lines)


def _dump(data: bytes) -> str:
    """Sixteen bytes a line, in hex and as ASCII, as `hexdump -C` has them."""
    lines = []
    for at in range(0, len(data), _ROW):
        row = data[at : at + _ROW]
        plain = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{at:08x}  {row.hex(' '):<47}  |{plain}|")
    return "\n".join(lines)
