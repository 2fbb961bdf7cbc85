"""Finds the records of a WARC file: plain, or compressed one by one (gzip members, zstd frames).

A file that is compressed as a whole, or with a zstd dictionary, can only be read from its begin.
"""

import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from io import SEEK_END
from typing import Any, BinaryIO

import zstandard
from fastwarc.warc import ArchiveIterator

from worker.formats.compressed import MAX_WINDOW
from worker.formats.memory import check_memory

_GZIP, _ZSTD, _PLAIN = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd", b"WARC/"
_DICTIONARY = b"\x5d\x2a\x4d\x18"
"""The first frame of a `.warc.zst` file with a dictionary (iipc.github.io/warc-specifications)."""
_STARTS = {
    _PLAIN: re.compile(rb"(?<![^\n])WARC/[01]\.\d\r?\n"),
    _GZIP: re.compile(rb"\x1f\x8b\x08[\x00-\x1f]"),
    _ZSTD: re.compile(rb"\x28\xb5\x2f\xfd"),
}
_STARTS[b""] = re.compile(b"|".join(each.pattern for each in _STARTS.values()))
"""Where the file begins with none of them."""
_NAME = re.compile(r"\.warc(?:\.gz|\.zst)?$", re.IGNORECASE)
_PIECE, _LONGEST_START = 1 << 16, 16
_MAX_HEADER = 64 * 1024
_MAX_FALSE_STARTS = 10_000
"""Of one file: each costs up to 0.1 ms, and 1 MB may have 250,000. A damaged WARC has a handful."""
_GZIP_STEP, _ZSTD_STEP = 4096, 256
"""Packed bytes unpacked at once: at most 4 MiB and 8 MiB come of them."""
_BREAK = b"\r\n\r\n"
"""Ends the header of a record, and the record."""


def has_warc_name(name: str) -> bool:
    """Whether a file is named as a WARC file."""
    return _NAME.search(name) is not None


def may_be_warc(data: bytes, name: str) -> bool:
    """Whether a file that begins with `data` has to be examined by :func:`is_warc`: quick."""
    magics = (_PLAIN, _GZIP, _ZSTD, _DICTIONARY)
    return data.startswith(magics) or (bool(data) and has_warc_name(name))


def is_warc(file: BinaryIO, name: str) -> bool:
    """Whether a file is a WARC, by its first record; where that is damaged, by its name."""
    file.seek(0)
    return may_be_warc(file.read(5), name) and (_begins_record(file, 0) or has_warc_name(name))


class Framing:
    """One WARC file. Positions are of its bytes as they are, compressed or not."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size = file.seek(0, SEEK_END)
        file.seek(0)
        head = file.read(5)
        self._magic = next(magic for magic in _STARTS if head.startswith(magic))
        self._has_dictionary = head.startswith(_DICTIONARY)
        self._last_start = self.size
        self._false_starts = 0

    def is_start(self, position: int) -> bool:
        """Whether reading can begin at a position that the reader of records reports."""
        if self._magic == _PLAIN:
            return True
        before = self.file.tell()  # not _elsewhere: it is done for each record
        self.file.seek(position)
        start = self.file.read(len(self._magic))
        self.file.seek(before)
        return self._magic != b"" and start == self._magic

    def find_after(self, start: int, length: int) -> int | None:
        """Where the next record begins after the one at `start`, which claims to have `length`
        bytes; None if there is none, only the whole file could be read, or most of it looks like
        the begin of a record."""
        if self._has_dictionary:
            return None
        with self._elsewhere():
            at = (self._magic == _PLAIN and self._end(start, length)) or start + 1
            pattern = _STARTS[self._magic]
            while at < self._last_start:
                self.file.seek(at)
                piece = self.file.read(_PIECE)
                for match in pattern.finditer(piece):  # the first one is nearly always right
                    if _begins_record(self.file, at + match.start()):
                        return at + match.start()
                    self._false_starts += 1
                    if self._false_starts >= _MAX_FALSE_STARTS:
                        self._last_start = 0
                        return None
                at += max(1, len(piece) - _LONGEST_START)
            self._last_start = min(self._last_start, start)  # others need not search again
        return None

    def is_whole(self, start: int, length: int) -> bool:
        """Whether the record at `start` ends after `length` bytes, as it claims."""
        with self._elsewhere():
            return self._end(start, length) is not None

    def _end(self, start: int, length: int) -> int | None:
        """Where a plain record ends; 0 for a compressed one; None if that is elsewhere than it
        claims."""
        read = _reader(self.file, start, self._magic)
        try:
            data = bytearray()
            while (head := data.find(_BREAK)) < 0:
                piece = read()
                if not piece or len(data) > _MAX_HEADER:
                    return None
                data += piece
            end = head + len(_BREAK) + length
            if self._magic == _PLAIN:
                is_there = start + end < self.size and self.raw(start + end, None, len(_BREAK))
                return start + end if is_there == _BREAK else None
            while len(data) < end + len(_BREAK) and (piece := read()):
                data += piece
        except (zlib.error, zstandard.ZstdError) as error:
            check_memory(error)
            return None
        return 0 if data[end:].startswith(_BREAK) else None

    @contextmanager
    def _elsewhere(self) -> Iterator[None]:
        """The position in the file is restored for its reader."""
        before = self.file.tell()
        yield
        self.file.seek(before)

    def raw(self, start: int, end: int | None, limit: int) -> bytes:
        """The bytes from `start` to `end` (None: that of the file), at most `limit`."""
        self.file.seek(start)
        return self.file.read(min((end or self.size) - start, limit))


def _begins_record(file: BinaryIO, position: int) -> bool:
    file.seek(position)
    head = file.read(5)
    try:
        # The reader of records passes over empty lines, and 1 MB packed can be 32 GB of them.
        if not head.startswith(_DICTIONARY) and not _reader(file, position, head)().strip():
            return False
        file.seek(position)
        return next(ArchiveIterator(file, parse_http=False), None) is not None
    except (OSError, zlib.error, zstandard.ZstdError) as error:
        check_memory(error)
        return False


def _reader(file: BinaryIO, start: int, magic: bytes) -> Callable[[], bytes]:
    """Reads what begins with `magic` at `start`, unpacked, a piece at a time."""
    file.seek(start)
    if magic.startswith(_PLAIN):
        return partial(file.read, _GZIP_STEP)
    step = _GZIP_STEP
    unpacker: Any = zlib.decompressobj(wbits=31)
    if magic.startswith(_ZSTD):
        step = _ZSTD_STEP
        unpacker = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()

    def read() -> bytes:
        unpacked = b""
        while not unpacked and not unpacker.eof and (piece := file.read(step)):
            unpacked = unpacker.decompress(piece)
        return unpacked

    return read
