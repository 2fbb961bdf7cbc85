"""The capture in a WARC record: the response of an HTTP server, or a resource without one."""

import hashlib
import re
from typing import Literal

from fastwarc.warc import WarcRecord

from worker.formats.memory import check_memory
from worker.model.frozen import dataclass

Encodings = Literal["none", "transfer", "all"]

_HTML = ("text/html", "application/xhtml+xml")
_CHARSET = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_BASE_32 = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHIJKLMNOPQRSTUV")
_ALGORITHMS = frozenset({"sha1", "sha256", "sha512", "md5"})


@dataclass(frozen=True, slots=True)
class Capture:
    """The block of a record. `payload` is the body as the server sent it; `encodings` says whether
    its headers name a transfer or content encoding."""

    block: bytes
    payload: bytes
    status: int
    media_type: str
    has_encodings: bool = False

    @property
    def is_html(self) -> bool:
        """Whether it is a page: by its media type, or without one by how it begins."""
        name = self.media_type.partition(";")[0].strip().lower()
        return name in _HTML if name else self.payload[:100].lstrip().startswith(b"<")

    @property
    def charset(self) -> str | None:
        """The charset that the server declared."""
        match = _CHARSET.search(self.media_type)
        return match[1] if match else None

    def decode(self, max_bytes: int, encodings: Encodings = "all") -> bytes:
        """The payload with its encodings undone (`transfer`: only those); at most one byte more
        than `max_bytes`. As it is if that fails: some crawlers undo them and keep the headers, and
        what is no text is refused when it is parsed."""
        if not self.has_encodings:
            return self.payload
        try:
            return _read(_parse(self.block, encodings), max_bytes + 1)
        except OSError as error:
            check_memory(error)
            return self.payload

    def agrees(self, digest: str | None, max_bytes: int) -> bool | None:
        """Whether the payload agrees with a WARC-Payload-Digest; None if that is missing or
        unknown. Crawlers do not agree on which encodings are undone before."""
        is_equal = agrees(digest, self.payload)
        if is_equal is False and self.has_encodings:
            decoded = (self.decode(max_bytes, "transfer"), self.decode(max_bytes))
            return any(agrees(digest, data) for data in decoded)
        return is_equal


def parse_answer(block: bytes) -> Capture | None:
    """The answer of an HTTP server; None if it is none."""
    try:
        record = _parse(block, "none")
        headers = record.http_headers
        if not headers.status_code:
            return None
        payload = block[len(block) - record.content_length :]
    except OSError as error:
        check_memory(error)
        return None
    encodings = headers.get("Transfer-Encoding") or headers.get("Content-Encoding")
    media_type = headers.get("Content-Type") or ""
    return Capture(block, payload, headers.status_code, media_type, bool(encodings))


def agrees(digest: str | None, data: bytes) -> bool | None:
    """Whether `data` has a digest (`sha1:` and Base32 or hex); None for none, or an unknown one."""
    name, _, value = (digest or "").strip().partition(":")
    algorithm = name.lower().replace("-", "")
    if algorithm not in _ALGORITHMS:
        return None
    computed = hashlib.new(algorithm, data, usedforsecurity=False)
    if value.lower() == computed.hexdigest():
        return True
    digits = value.upper().rstrip("=").translate(_BASE_32)  # b32decode takes 15 µs
    try:
        number = int(digits, 32) >> (len(digits) * 5 - computed.digest_size * 8)
    except ValueError:
        return False
    return number == int.from_bytes(computed.digest())


def _parse(block: bytes, encodings: Encodings) -> WarcRecord:
    record = WarcRecord()
    record.set_bytes_content(block)
    record.is_http = True
    record.parse_http(auto_decode=encodings, quirks_mode=True)
    return record


def _read(record: WarcRecord, count: int) -> bytes:
    pieces: list[bytes] = []
    while count > 0 and (piece := record.reader.read(count)):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
