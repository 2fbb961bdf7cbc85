"""WARC files (ISO 28500), of any size: captured pages, one record at a time.

A page is accepted if its record is complete and its digests agree. A damaged record is refused
alone: reading continues at the next record that can be found (:mod:`worker.formats.warc_framing`).
"""

from collections.abc import Generator, Iterator
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, BinaryIO

from fastwarc.warc import ArchiveIterator, WarcRecordType

from worker.errors import Reason
from worker.formats.memory import check_memory
from worker.formats.warc_framing import Framing
from worker.formats.warc_http import Capture, agrees, parse_answer
from worker.model import Refusal
from worker.model.frozen import dataclass
from worker.translation import mark

PAGE, DAMAGED = "page", "damaged"
"""Kinds of items; all others are kinds of records that are not read."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place between two records: after `skip` records from the one that begins at `offset`."""

    offset: int = 0
    skip: int = 0


@dataclass(frozen=True, slots=True)
class WarcPage:
    """A captured page, its transfer and content encodings undone. `charset` is what its server
    declared; `fetched_at` is when it was captured, None if that cannot be read."""

    url: str
    data: bytes
    charset: str | None
    fetched_at: datetime | None


@dataclass(frozen=True, slots=True)
class WarcItem:
    """A record, or a part that is none. `place` is after it. PAGE has `page`, DAMAGED `refusal`,
    with the bytes of the record in the file; without them if the rest of the file cannot be read.
    `url` is that of the record, as written; '' if it has none."""

    kind: str
    place: Place
    url: str = ""
    page: WarcPage | None = None
    refusal: Refusal | None = None


def read_warc(
    file: BinaryIO,
    max_bytes: int,
    place: Place = Place(),  # noqa: B008  it is frozen
) -> Iterator[WarcItem]:
    """The records after `place`. At most `max_bytes` of one are in memory, packed or unpacked.
    Raises OSError if the file itself cannot be read."""
    reader = _Reader(file, max_bytes)
    start: Place | None = place
    while start is not None:
        start = yield from reader.run(start)


_CAPTURES = (WarcRecordType.response, WarcRecordType.resource)
_WEB = ("http://", "https://")
_HEAD_BYTES = 64 * 1024

_CUT = mark(
    "the record is cut off, or does not have the length that it claims: copy the WARC again"
)
_WRONG_END = mark(
    "the record does not end where it claims: copy the WARC again, or capture the page again"
)
_DIGEST = mark(
    "the record's bytes do not have its digest, so they were changed after the capture: copy the "
    "WARC again from where it came from"
)
_NO_HTTP = mark("the record is not a response of an HTTP server: capture the page again")
_LARGE = mark(
    "the page is, or claims to be, larger than limits.file_mb: raise the limit, or leave it out"
)
_GARBAGE = mark(
    "these bytes are not a WARC record: copy the WARC again; the records after them are read"
)
_LOST = mark(
    "the rest of the WARC cannot be read: copy it again; if it was compressed as a whole, unpack "
    "it first, because then what is damaged can be passed over"
)


class _Reader:
    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._framing = Framing(file)
        self._max_bytes = max_bytes

    def run(self, place: Place) -> Generator[WarcItem, None, Place | None]:
        """Read up to the next damage; returns where to continue, None at the end."""
        framing, unread, length = self._framing, place.skip, 0
        framing.file.seek(place.offset)
        try:
            for record in ArchiveIterator(framing.file, parse_http=False):
                length = record.content_length
                if unread:
                    unread -= 1
                    continue
                at = record.stream_pos
                is_start = framing.is_start(at)
                place = Place(at, 1) if is_start else Place(place.offset, place.skip + 1)
                item = self._read(record, length, place)
                if item.refusal or length > self._max_bytes:  # it is not unpacked to pass over it
                    following = framing.find_after(place.offset, length)
                    item = self._close(item, following)
                    if following is not None:
                        yield item
                        return item.place
                yield item
            # The last one may have claimed what follows it, or an empty member follows it.
            if place.skip > 1:
                return None
            following = framing.find_after(place.offset, length)
            if following is None:
                return None
            if framing.is_whole(place.offset, length):
                return Place(following)
        except OSError as error:
            check_memory(error)
            following = framing.find_after(place.offset, length)
        why = _LOST if following is None else _GARBAGE
        item = _refused(place, "", Reason.BROKEN_ARCHIVE, why)
        yield self._close(item, following)
        return Place(following) if following is not None else None

    def _close(self, item: WarcItem, following: int | None) -> WarcItem:
        """`item` with the bytes up to the record that follows, or to the end of the file."""
        refusal, start = item.refusal, item.place.offset
        place = item.place if following is None else Place(following)
        end = self._framing.size if following is None else following
        is_part = following is not None or end - start <= self._max_bytes
        if refusal and is_part and item.place.skip <= 1:
            refusal = replace(refusal, raw=self._framing.raw(start, end, self._max_bytes))
        return replace(item, place=place, refusal=refusal)

    def _read(self, record: Any, length: int, place: Place) -> WarcItem:
        kind, url = str(record.record_type), record.headers.get("WARC-Target-URI") or ""
        url = url.strip().removeprefix("<").removesuffix(">")
        if record.record_type not in _CAPTURES or not url.lower().startswith(_WEB):
            return WarcItem(kind, place, url)
        is_large = length > self._max_bytes
        try:
            block = record.reader.read(_HEAD_BYTES if is_large else length)
        except OSError as error:
            check_memory(error)
            block = b""
        # Both, because the header of a record that is cut off may lack its length.
        claimed = (record.headers.get("Content-Length") or "").strip()
        if not claimed.isdigit() or (len(block) < length and not is_large):
            return _refused(place, url, Reason.BROKEN_ARCHIVE, _CUT)
        capture = _capture(record, block)
        if capture is None:
            problem = self._find_problem(record, place, Capture(block, block, 0, ""))
            reason = Reason.BROKEN_ARCHIVE if problem else Reason.MALFORMED
            return _refused(place, url, reason, problem or _NO_HTTP)
        if capture.status != HTTPStatus.OK:
            return WarcItem(f"{kind} {capture.status}", place, url)
        if not capture.is_html:
            return WarcItem(f"{kind}, no HTML", place, url)
        return self._read_page(record, capture, place, url)

    def _read_page(self, record: Any, capture: Capture, place: Place, url: str) -> WarcItem:
        data = capture.decode(self._max_bytes)
        if max(record.content_length, len(data)) > self._max_bytes:
            return _refused(place, url, Reason.TOO_LARGE, _LARGE)
        if problem := self._find_problem(record, place, capture):
            return _refused(place, url, Reason.BROKEN_ARCHIVE, problem)
        page = WarcPage(url, data, capture.charset, record.record_date)
        return WarcItem(PAGE, place, url, page)

    def _find_problem(self, record: Any, place: Place, capture: Capture) -> str | None:
        """Why a page is refused, although it has the length that it claims."""
        answers = (
            agrees(record.headers.get("WARC-Block-Digest"), capture.block),
            capture.agrees(record.headers.get("WARC-Payload-Digest"), self._max_bytes),
        )
        if False in answers:
            return _DIGEST
        if True in answers or place.skip != 1:
            return None
        return None if self._framing.is_whole(place.offset, len(capture.block)) else _WRONG_END


def _capture(record: Any, block: bytes) -> Capture | None:
    if record.record_type == WarcRecordType.response:
        return parse_answer(block)
    return Capture(block, block, HTTPStatus.OK, record.headers.get("Content-Type") or "")


def _refused(place: Place, url: str, reason: Reason, why: str) -> WarcItem:
    return WarcItem(DAMAGED, place, url, refusal=Refusal(reason, why))
