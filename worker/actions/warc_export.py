"""Exports fetched feeds and pages as a WARC file (ISO 28500, version 1.1), a gzip member each.

The archive keeps the bytes of an answer, its address, its time and its charset, but no HTTP
headers: so these are `resource` records.
"""

import gzip
import hashlib
import re
import uuid
from base64 import b32encode
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from worker import __version__
from worker.errors import Rejected, SpoolUnavailable, UsageError
from worker.escape import printable
from worker.formats import Format, sniff
from worker.formats.page.entry_bundle import unpack
from worker.model.times import rfc3339
from worker.readmodel.filters import Filters
from worker.settings import Settings
from worker.sources.archive_bucket import open_archive
from worker.spool.layout import new_file
from worker.spool.manifest import Form, Origin
from worker.spool.segment import Segment, damaged_raws

_ENDING = ".warc.gz"
_TYPES = {
    Format.PAGE: "text/html",
    Format.FEED: "application/xml",
    Format.SITEMAP: "application/xml",
    Format.JSON: "application/json",
    Format.NDJSON: "application/x-ndjson",
}
_NO_URI = re.compile(r"[\x00-\x20\x7f-\x9f]")
_CHARSET = re.compile(r"[\w.:-]{1,40}", re.ASCII)


@dataclass(slots=True)
class WarcExport:
    """Counts. The raw files of `expired` fetched files are gone; `damaged` says of each batch and
    file that cannot be read where it is, and what to do."""

    file: str
    records: int = 0
    expired: int = 0
    segments: int = 0
    damaged: list[str] = field(default_factory=list)


def export_warc(
    settings: Settings,
    path: Path,
    wanted: Filters,
    since: datetime | None,
    *,
    now: datetime,
    on_progress: Callable[[int], None] = lambda _: None,
) -> WarcExport:
    """Write the new file `path`, complete or not at all: of `wanted` its source and the date when
    it was fetched (UTC), archived since `since`; `on_progress` receives the number of batches that
    are read. What is damaged is left out. Raises UsageError, SpoolUnavailable, FetchFailed where
    copies cannot be read."""
    if not path.name.endswith(_ENDING):
        raise UsageError(f"{printable(path)} has another ending: name the file *{_ENDING}")
    result = WarcExport(str(path))
    with new_file(path) as file:
        file.write(_warcinfo(path.name, now))
        for segment in open_archive(settings).segments():
            try:
                for record in _records(segment, wanted, since, result):
                    file.write(record)
                    result.records += 1
            except FileNotFoundError:
                continue  # it has just expired
            except SpoolUnavailable as error:
                result.damaged.append(str(error))
            on_progress(result.segments)
    return result


def _records(
    segment: Segment, wanted: Filters, since: datetime | None, result: WarcExport
) -> Iterator[bytes]:
    """What was fetched and is in a segment; a file that was only read again is elsewhere."""
    head = segment.head()
    if since and datetime.fromisoformat(head.archived_at) < since:
        return
    result.segments += 1
    origins = {
        file.entry: file.origin
        for file in head.files
        if file.origin and file.kept and not file.reread and _is_wanted(file.origin, wanted)
    }
    for number, data in segment.raws() if origins else ():
        if origin := origins.pop(number, None):
            try:
                captures = list(_captures(origin, data))
            except Rejected as error:
                result.damaged.append(f"file {number} of {printable(segment.raw_path)}: {error}")
                continue
            for part, (url, raw, media_type) in enumerate(captures):
                name = f"{segment.batch}/{number}/{part}"
                yield _resource(name, origin.fetched_at, url, raw, media_type)
    if origins and segment.raw_path.exists():
        result.damaged.append(damaged_raws(segment))
    else:
        result.expired += len(origins)


def _is_wanted(origin: Origin, wanted: Filters) -> bool:
    is_fetched = origin.form is not Form.TOMBSTONE and wanted.source in (None, origin.source)
    return is_fetched and origin.fetched_at.startswith(wanted.date or "")


def _captures(origin: Origin, data: bytes) -> Iterator[tuple[str, bytes, str]]:
    """Address, bytes and media type of each answer in a file."""
    if origin.form is Form.ENTRY_BUNDLE:
        for page in unpack(data).pages:
            yield page.url, page.data, _media_type(Format.PAGE, page.charset)
        return
    kind = None
    with suppress(Rejected):
        kind = sniff(data, origin.charset)
    yield origin.url, data, _media_type(kind, origin.charset)


def _media_type(kind: Format | None, charset: str | None) -> str:
    name = _TYPES.get(kind, "application/octet-stream") if kind else "application/octet-stream"
    return f"{name}; charset={charset}" if charset and _CHARSET.fullmatch(charset) else name


def _resource(name: str, at: str, url: str, data: bytes, media_type: str) -> bytes:
    headers = {
        "WARC-Target-URI": _NO_URI.sub(lambda match: quote(match[0]), url),
        "WARC-Payload-Digest": _digest(data),
        "Content-Type": media_type,
    }
    return _record("resource", name, at, headers, data)


def _warcinfo(name: str, now: datetime) -> bytes:
    at = rfc3339(now)
    block = f"software: newsdrop/{__version__}\r\nformat: WARC File Format 1.1\r\n".encode()
    headers = {"WARC-Filename": printable(name), "Content-Type": "application/warc-fields"}
    return _record("warcinfo", f"{name}/{at}", at, headers, block)


def _record(kind: str, name: str, at: str, headers: dict[str, str], block: bytes) -> bytes:
    """One record, packed. The same `name` gives the same id."""
    lines = {
        "WARC-Type": kind,
        "WARC-Record-ID": f"<{uuid.uuid5(uuid.NAMESPACE_URL, f'newsdrop:{name}').urn}>",
        "WARC-Date": at,
        "WARC-Block-Digest": _digest(block),
        **headers,
        "Content-Length": str(len(block)),
    }
    head = "".join(f"{key}: {value}\r\n" for key, value in lines.items())
    data = b"".join((b"WARC/1.1\r\n", head.encode(), b"\r\n", block, b"\r\n\r\n"))
    return gzip.compress(data, 6, mtime=0)


def _digest(data: bytes) -> str:
    return f"sha256:{b32encode(hashlib.sha256(data).digest()).decode()}"
