"""A response body, decompressed in bounded steps: a bomb costs no more than the cap."""

import zlib

from worker.errors import FetchFailed, Trouble
from worker.escape import printable

ACCEPTED = "gzip, deflate"
MAX_MEMBERS = 1000
"""Of one gzip body: each costs a decompressor, and millions of empty ones fit into a small body."""

_STEP = 65_536
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


class Body:
    """The body of a response of `host` with this Content-Encoding, of at most `cap` bytes.

    The cap applies to the bytes received and to the decompressed bytes. With `cut`, what is beyond
    it is dropped; else :meth:`add` raises FetchFailed (TOO_LARGE).
    """

    def __init__(self, encoding: str, cap: int, host: str, *, cut: bool = False) -> None:
        """Raises FetchFailed (ENCODING) for an encoding that was not requested, and for two at
        once: their ratios multiply."""
        self._cap, self._host, self._cut = cap, host, cut
        names = [name.strip().lower() for name in encoding.split(",")]
        names = [name for name in names if name not in ("", "identity")]
        if len(names) > 1 or (names and names[0] not in ("gzip", "x-gzip", "deflate")):
            raise FetchFailed(
                Trouble.ENCODING,
                f"{host} compressed its response as {printable(encoding, 80)}, which was not "
                "requested: only gzip or deflate can be read, and only once",
            )
        self._is_plain = not names
        self._is_gzip = bool(names) and names[0] != "deflate"
        self._parts: list[bytes] = []
        self._size = self._received = self._members = 0
        self._head = b""
        self._stream: zlib._Decompress | None = None
        self._has_trailer = False

    def add(self, chunk: bytes) -> None:
        """Raises FetchFailed: TOO_LARGE, or ENCODING if it cannot be decompressed."""
        room = self._cap - self._received
        self._received += len(chunk)
        chunk = self._limit(chunk, room)
        if self._is_plain:
            self._append(chunk)
            return
        if not chunk:  # HTTP/2 ends with an empty one
            return
        if self._stream is None:
            self._head += chunk
            if len(self._head) < 2:
                return
            chunk = self._head
            self._stream = self._new_member(_GZIP if self._is_gzip else _deflate_bits(chunk))
        try:
            self._decompress(self._stream, chunk)
        except zlib.error as error:
            raise self._error("does not match its Content-Encoding") from error

    def done(self) -> bytes:
        """The whole body. Raises FetchFailed (ENCODING) if its end is missing."""
        is_whole = self._stream.eof if self._stream else not self._head
        if not (is_whole or self._has_trailer or self.is_full):
            raise self._error("ended early")
        return b"".join(self._parts)

    @property
    def is_full(self) -> bool:
        """Whether everything that is added from now on would be dropped."""
        return self._cut and (self._size >= self._cap or self._received > self._cap)

    def _limit(self, part: bytes, room: int) -> bytes:
        if len(part) > room and not self._cut:
            raise too_large(self._host, self._cap)
        return part[: max(room, 0)]

    def _append(self, part: bytes) -> None:
        part = self._limit(part, self._cap - self._size)
        self._size += len(part)
        self._parts.append(part)

    def _decompress(self, stream: "zlib._Decompress", chunk: bytes) -> None:
        has_more = True
        while has_more and not self._has_trailer and not (self._cut and self._size >= self._cap):
            if stream.eof:  # gzip may have several members; what follows the last one is not data
                if not (self._is_gzip and _MAGIC.startswith(chunk[:2])):
                    self._has_trailer = True
                    return
                stream = self._stream = self._new_member(_GZIP)
            part = stream.decompress(chunk, _STEP)
            self._append(part)
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
            # zlib may hold back the end of a full step although it has read the whole chunk.
            has_more = bool(chunk) or (len(part) == _STEP and not stream.eof)

    def _new_member(self, bits: int) -> "zlib._Decompress":
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise self._error(f"has more than {MAX_MEMBERS:,} parts")
        return zlib.decompressobj(bits)

    def _error(self, problem: str) -> FetchFailed:
        message = f"the compressed response of {self._host} {problem}: try later"
        return FetchFailed(Trouble.ENCODING, message)


def too_large(host: str, cap: int) -> FetchFailed:
    return FetchFailed(
        Trouble.TOO_LARGE,
        f"the response of {host} has more than {cap:,} bytes: raise fetch.max_mb if you need it",
    )


def _deflate_bits(head: bytes) -> int:
    """The standard requires a zlib header for `deflate`; some servers omit it."""
    has_header = head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS
