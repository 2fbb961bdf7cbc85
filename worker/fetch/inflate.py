"""A body's Content-Encoding undone, in bounded steps: a bomb costs no more than the cap."""

import zlib

from worker.errors import FetchFailed, Trouble
from worker.escape import printable

ACCEPTED = "gzip, deflate"
MOST_MEMBERS = 1000
"""Of one gzip body: each costs a decompressor, and millions of empty ones fit into a small body."""

_STEP = 65_536
_GZIP = 16 + zlib.MAX_WBITS
_MAGIC = b"\x1f\x8b"


def body_of(encoding: str, cap: int, host: str, *, cut: bool = False) -> "Body":
    """An empty body for an answer of `host` with this Content-Encoding, of at most `cap` bytes.

    Raises FetchFailed (ENCODING) for one that was not asked for, and for two at once: they
    multiply. See `Body` for what `cut` does.
    """
    names = [name.strip().lower() for name in encoding.split(",")]
    names = [name for name in names if name not in ("", "identity")]
    if not names:
        return Body(cap, host, cut)
    if len(names) > 1 or names[0] not in ("gzip", "x-gzip", "deflate"):
        raise FetchFailed(
            Trouble.ENCODING,
            f"{host} packed its answer as {printable(encoding, 80)}, which nobody asked for: "
            "only gzip or deflate is read, once",
        )
    return _Packed(names[0] != "deflate", cap, host, cut)


class Body:
    """A body as it comes, not packed. The cap counts for what comes and for what it becomes.

    With `cut`, what is beyond the cap is dropped; else adding it raises FetchFailed (TOO_LARGE).
    """

    def __init__(self, cap: int, host: str, cut: bool) -> None:
        self._cap, self._host, self._cut = cap, host, cut
        self._parts: list[bytes] = []
        self._size = 0

    def add(self, chunk: bytes) -> None:
        """Raises FetchFailed: TOO_LARGE, or ENCODING where it cannot be unpacked."""
        self._keep(chunk)

    def done(self) -> bytes:
        """The whole body. Raises FetchFailed (ENCODING) where its end is missing."""
        return b"".join(self._parts)

    @property
    def full(self) -> bool:
        """What is added from now on would be dropped."""
        return self._cut and self._size >= self._cap

    def _keep(self, part: bytes) -> None:
        room = self._cap - self._size
        if len(part) > room:
            if not self._cut:
                raise too_large(self._host, self._cap)
            part = part[:room]
        self._size += len(part)
        self._parts.append(part)


class _Packed(Body):
    def __init__(self, gzip: bool, cap: int, host: str, cut: bool) -> None:
        super().__init__(cap, host, cut)
        self._gzip = gzip
        self._raw = 0
        self._members = 0
        self._head = b""
        self._stream: zlib._Decompress | None = None
        self._over = False

    def add(self, chunk: bytes) -> None:
        room = self._cap - self._raw
        self._raw += len(chunk)
        if len(chunk) > room:
            if not self._cut:
                raise too_large(self._host, self._cap)
            chunk = chunk[: max(room, 0)]
        if not chunk:  # HTTP/2 ends with one
            return
        if self._stream is None:
            self._head += chunk
            if len(self._head) < 2:
                return
            chunk = self._head
            self._stream = self._member(_GZIP if self._gzip else _deflate_bits(chunk))
        try:
            self._unpack(self._stream, chunk)
        except zlib.error as error:
            raise self._broken("is not packed as it says") from error

    def done(self) -> bytes:
        whole = self._over or not self._head or (self._stream is not None and self._stream.eof)
        if not (whole or self.full):
            raise self._broken("ended early")
        return super().done()

    @property
    def full(self) -> bool:
        return self._cut and (self._size >= self._cap or self._raw > self._cap)

    def _unpack(self, stream: "zlib._Decompress", chunk: bytes) -> None:
        more = True
        while more and not self._over and not super().full:
            if stream.eof:  # gzip may have several members; what follows the last is no data
                if not (self._gzip and _MAGIC.startswith(chunk[:2])):
                    self._over = True
                    return
                stream = self._stream = self._member(_GZIP)
            part = stream.decompress(chunk, _STEP)
            self._keep(part)
            chunk = stream.unused_data if stream.eof else stream.unconsumed_tail
            # zlib may hold back the end of a full step although it has read all of the chunk.
            more = bool(chunk) or (len(part) == _STEP and not stream.eof)

    def _member(self, bits: int) -> "zlib._Decompress":
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise self._broken(f"has more than {MOST_MEMBERS:,} parts")
        return zlib.decompressobj(bits)

    def _broken(self, how: str) -> FetchFailed:
        return FetchFailed(Trouble.ENCODING, f"the packed answer of {self._host} {how}: try later")


def too_large(host: str, cap: int) -> FetchFailed:
    return FetchFailed(
        Trouble.TOO_LARGE,
        f"the answer of {host} has more than {cap:,} bytes: raise fetch.max_mb if it is meant",
    )


def _deflate_bits(head: bytes) -> int:
    """`deflate` has a zlib header by the standard; some servers send it without."""
    framed = head[0] & 0x0F == 8 and (head[0] << 8 | head[1]) % 31 == 0
    return zlib.MAX_WBITS if framed else -zlib.MAX_WBITS
