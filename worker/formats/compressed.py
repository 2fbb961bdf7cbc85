"""Compressed bytes as a stream with limits: on bytes, on the ratio, on the window's size."""

import bz2
import gzip
import io
import lzma
import zlib
from typing import TYPE_CHECKING, Any, Protocol

import zstandard

from worker.errors import Reason, Rejected
from worker.formats.memory import check_memory
from worker.formats.sniff import Format

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MAX_RATIO = 250
"""Unpacked bytes for each packed one, after RATIO_FREE bytes. Text packs to 3 to 20 : 1."""
RATIO_FREE = 10_000_000
MAX_WINDOW = 64 * 1024 * 1024
"""Bytes of memory that an xz or zstd stream may ask for; `xz -9` and `zstd -19` ask for less."""


MAX_STREAMS = 10_000
"""xz streams or zstd frames in a file; parallel packers write one for each megabyte."""
BUFFER_SIZE = 64 * 1024


class Exhausted(Rejected):
    """A limit on the whole input was reached: the rest of it is not read."""


class Broken(Exception):
    """The packed bytes are damaged or truncated."""


class Budget:
    """The bytes and members that one input may still unpack, in all its layers together."""

    def __init__(self, *, unpacked_bytes: int, members: int) -> None:
        self.bytes_left = unpacked_bytes
        self.members_left = members

    def spend(self, count: int) -> None:
        """Raises Exhausted (`too_large`) above the limit on unpacked bytes."""
        self.bytes_left -= count
        if self.bytes_left < 0:
            raise Exhausted(
                Reason.TOO_LARGE,
                "the archive unpacks to more than limits.archive_mb: split it, or raise the limit",
            )

    def spend_members(self, count: int = 1) -> None:
        """Raises Exhausted (`too_many`) above the limit on members."""
        self.members_left -= count
        if self.members_left < 0:
            raise Exhausted(
                Reason.TOO_MANY,
                "the archive has more members than limits.archive_members: split it",
            )


class Ratio:
    """How many times its own size one archive unpacks to."""

    def __init__(self, packed: int) -> None:
        self._limit = max(packed * MAX_RATIO, RATIO_FREE)
        self._unpacked = 0

    def add(self, count: int) -> None:
        """Raises Exhausted (`too_large`) above the ratio of any text."""
        self._unpacked += count
        if self._unpacked > self._limit:
            raise Exhausted(
                Reason.TOO_LARGE,
                f"the archive unpacks to more than {MAX_RATIO} times its size, as no text does: "
                "drop the articles themselves",
            )


def open_stream(data: bytes, kind: Format, budget: Budget) -> io.BufferedReader:
    """The unpacked bytes of `data`, counted against `budget` as they are read.

    Reading raises Broken for damaged data and Exhausted at a limit.
    """
    return io.BufferedReader(_CountedStream(_source(data, kind), len(data), budget), BUFFER_SIZE)


class _Source(Protocol):
    def read(self, size: int, /) -> bytes: ...


class _CountedStream(io.RawIOBase):
    def __init__(self, source: _Source, packed: int, budget: Budget) -> None:
        self._source = source
        self._ratio = Ratio(packed)
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        view = memoryview(buffer)
        try:
            chunk = self._source.read(len(view))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, zstandard.ZstdError) as error:
            check_memory(error)
            raise Broken(str(error)) from error
        view[: len(chunk)] = chunk
        self._budget.spend(len(chunk))
        self._ratio.add(len(chunk))
        return len(chunk)


def _count_stream(count: int) -> int:
    """`count` plus one. Raises Exhausted (`too_many`) above MAX_STREAMS."""
    if count >= MAX_STREAMS:
        raise Exhausted(
            Reason.TOO_MANY,
            f"the file is packed in more than {MAX_STREAMS} streams: pack it again as one",
        )
    return count + 1


def _source(data: bytes, kind: Format) -> _Source:
    if kind is Format.GZIP:
        return gzip.GzipFile(fileobj=io.BytesIO(data))
    if kind is Format.BZIP2:
        return bz2.BZ2File(io.BytesIO(data))
    return _Xz(data) if kind is Format.XZ else _Zstd(data)


class _Xz:
    """One or more xz streams; unlike lzma.LZMAFile it limits the memory that they ask for."""

    # An empty stream has 32 bytes. What follows a stream in its step is copied, so that steps of
    # all that is left made 200,000 empty ones take 10 s.
    _STEP = 4096

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._position = 0
        self._streams = 0
        self._decoder = self._new()

    def read(self, size: int = -1, /) -> bytes:
        while True:
            if self._decoder.eof:
                self._skip_padding()
                if self._position == len(self._data):
                    return b""
                self._decoder = self._new()
            step = self._step() if self._decoder.needs_input else b""
            if self._decoder.needs_input and not step:
                raise EOFError("the xz stream is cut off")
            chunk = self._decoder.decompress(step, size)
            self._position += len(step)
            if self._decoder.eof:
                self._position -= len(self._decoder.unused_data)
            if chunk:
                return chunk

    def _skip_padding(self) -> None:
        while (step := self._step()) and not (content := step.lstrip(b"\0")):
            self._position += len(step)
        if step:
            self._position += len(step) - len(content)

    def _step(self) -> bytes:
        return bytes(self._data[self._position : self._position + self._STEP])

    def _new(self) -> lzma.LZMADecompressor:
        self._streams = _count_stream(self._streams)
        return lzma.LZMADecompressor(memlimit=2 * MAX_WINDOW)


class _Zstd:
    """One or more zstd frames; unlike zstandard's stream_reader it detects a truncated one."""

    # A block of 4 bytes can be 128 KiB, so this is at most 8 MiB in one step.
    _STEP = 256

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._ready = memoryview(b"")
        self._streams = 0
        self._decoder = self._new()

    def read(self, size: int, /) -> bytes:
        while not self._ready:
            if not self._data:
                if self._decoder.eof:
                    return b""
                raise EOFError("the zstd frame is cut off")
            if self._decoder.eof:
                self._decoder = self._new()
            step = self._data[: self._STEP]
            self._ready = memoryview(self._decoder.decompress(bytes(step)))
            unused = len(self._decoder.unused_data) if self._decoder.eof else 0
            self._data = self._data[len(step) - unused :]
        chunk, self._ready = bytes(self._ready[:size]), self._ready[size:]
        return chunk

    def _new(self) -> Any:
        self._streams = _count_stream(self._streams)
        return zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
