"""Tar archives, read forward only: 512-byte headers, each followed by its member's bytes.

Not the standard library's tarfile: it believes every size (1,024 bytes that claim 2^60 bytes kept a
process busy for minutes), makes 30 MB of a sparse member that has no bytes, and copies a global
header of 200 KB into each of 9,000 members (6 GB). The formats are those of pax(1) ("ustar
Interchange Format", "pax Header Block") and of GNU tar's manual ("Basic Tar Format").
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

MAX_EXTENSION = 64 * 1024
"""Bytes of a pax header or a GNU long name. A path has at most 4,096."""
_MAX_EXTENSIONS = 16
"""Headers before one member: a long name, a long link, and what pax adds."""
_BLOCK = 512
_PIECE = 64 * 1024


class BrokenTar(Exception):
    """A header is damaged, claims what cannot be, or the archive is cut off."""


class Kind(Enum):
    """The type of a member; only a file has bytes that are read."""

    FILE = "a file"
    FOLDER = "a folder"
    SPARSE = "a sparse file"
    OTHER = "a link or a device"


@dataclass(frozen=True, slots=True)
class TarMember:
    """One member. `read()` returns its bytes, before the next member is requested."""

    name: str
    kind: Kind
    size: int
    read: Callable[[], bytes]


class Stream(Protocol):
    """The source of bytes: it returns fewer than requested only at the end."""

    def read(self, size: int, /) -> bytes: ...


def read_tar(stream: Stream, check_size: Callable[[int], None]) -> Iterator[TarMember]:
    """The members of a tar archive, in its order.

    `check_size` is called with the size that a header claims before anything of it is read; it
    raises if so many bytes cannot follow. Raises BrokenTar.
    """
    reader = _Reader(stream, check_size)
    while member := reader.next():
        yield member
        reader.skip()


class _Reader:
    """`_unread` is how many bytes of the current member are not read yet, its padding included."""

    def __init__(self, stream: Stream, check_size: Callable[[int], None]) -> None:
        self._stream = stream
        self._check_size = check_size
        self._global: dict[str, str] = {}
        self._unread = 0

    def next(self) -> TarMember | None:
        """The next member, without the headers that describe it; None at the end."""
        described: dict[str, str] = {}
        for _ in range(_MAX_EXTENSIONS):
            header = self._stream.read(_BLOCK)
            if not header.strip(b"\0"):  # the end, marked or not
                return None
            if len(header) < _BLOCK or not _has_checksum(header):
                raise BrokenTar("a header is damaged")
            flag, size = header[156:157], _number(header[124:136])
            if flag in b"xXg":
                target = self._global if flag == b"g" else described
                target.update(_records(self._extension(size)))
            elif flag == b"L":
                described["path"] = _text(self._extension(size))
            elif flag == b"K":
                self._extension(size)  # where a link points to
            else:
                return self._member(header, size, {**self._global, **described})
        raise BrokenTar("a member has too many headers")

    def _member(self, header: bytes, size: int, described: dict[str, str]) -> TarMember:
        name = described.get("path") or _name(header)
        kind = _kind(header[156:157], name)
        if "size" in described:
            size = _decimal(described["size"])
        if kind is Kind.FILE and _SPARSE in described:
            kind = Kind.SPARSE
        if header[156:157] in _WITHOUT_BYTES:
            size = 0
        elif header[156:157] == b"S":
            self._skip_sparse_map(header)
        self._check_size(size)
        self._unread = _padded(size)
        return TarMember(name, kind, size, lambda: self._take(size))

    def skip(self) -> None:
        """Pass over what is left of the current member."""
        while self._unread:
            self._take(min(self._unread, _PIECE))

    def _extension(self, size: int) -> bytes:
        if size > MAX_EXTENSION:
            raise BrokenTar(f"an extended header has {size} bytes")
        self._unread = _padded(size)
        content = self._take(size)
        self.skip()
        return content

    def _skip_sparse_map(self, header: bytes) -> None:
        has_more = header[482]
        while has_more:
            self._unread = _BLOCK
            has_more = self._take(_BLOCK)[504]

    def _take(self, size: int) -> bytes:
        data = self._stream.read(size)
        if len(data) < size:
            raise BrokenTar("the archive is cut off")
        self._unread -= size
        return data


_SPARSE = "GNU.sparse"
_WITHOUT_BYTES = frozenset({b"1", b"2", b"3", b"4", b"5", b"6"})
"""Links, devices and folders: whatever size they claim, no bytes follow."""


def _kind(flag: bytes, name: str) -> Kind:
    if flag in (b"5", b"D", b"V") or (flag == b"\0" and name.endswith("/")):
        return Kind.FOLDER
    if flag == b"S":
        return Kind.SPARSE
    return Kind.FILE if flag in (b"0", b"\0", b"7") else Kind.OTHER


def _has_checksum(header: bytes) -> bool:
    """The sum of the header's bytes, with spaces for the sum itself; old writers signed them."""
    claimed = _number(header[148:156])
    counted = header[:148] + header[156:]
    unsigned = sum(counted) + 8 * 32
    return claimed in (unsigned, unsigned - 256 * sum(byte > 127 for byte in counted))


def _number(field: bytes) -> int:
    """Octal digits, or base 256 where the first bit is set (GNU tar, star)."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise BrokenTar("a header has a negative number")
        return int.from_bytes(field[1:], "big")
    digits = field.partition(b"\0")[0].strip(b" ") or b"0"
    if digits.strip(b"01234567"):
        raise BrokenTar("a header has a number that is none")
    return int(digits, 8)


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise BrokenTar("a pax header has a size that is none")
    return int(text)


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Path, size, and whether it is sparse, of pax records: `LENGTH KEY=VALUE` and a line feed."""
    start = 0
    while start < len(data):
        length = _decimal(data[start : start + 20].partition(b" ")[0].decode("latin-1"))
        record = data[start : start + length]
        key, equals, value = record.partition(b" ")[2].partition(b"=")
        if not equals or len(record) < length or not value.endswith(b"\n"):
            raise BrokenTar("a pax header is damaged")
        if key in (b"path", b"size"):
            yield key.decode(), _text(value[:-1])
        elif key.startswith(b"GNU.sparse."):
            yield _SPARSE, ""
        start += length


def _name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _padded(size: int) -> int:
    return -(-size // _BLOCK) * _BLOCK
