"""Archives and compressed files: their members as bytes in memory, one at a time.

Nothing is written to disk, so a member's path (absolute, with `..`, anything) is only a label;
links and devices are refused, not followed.
"""

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.compressed import BUFFER_SIZE, Broken, Budget, Ratio, open_stream
from worker.formats.memory import check_memory
from worker.formats.sniff import Format
from worker.formats.tar import BrokenTar, Kind, Stream, read_tar
from worker.model import Refusal
from worker.settings import Limits


@dataclass(frozen=True, slots=True)
class Member:
    """A file of an archive; `name` is escaped, and None for a file that was only compressed."""

    name: str | None
    data: bytes


def unpack(data: bytes, kind: Format, limits: Limits, budget: Budget) -> Iterator[Member | Refusal]:
    """The members of an archive, in its order; a bad one is a Refusal.

    Raises Rejected (`broken_archive`) where the rest cannot be read, `unreadable` for an
    encrypted one, Exhausted at a limit.
    """
    max_bytes = limits.file_bytes
    try:
        if kind is Format.ZIP:
            yield from _zip(data, max_bytes, budget)
        elif kind is Format.TAR:
            yield from _plain_tar(data, max_bytes, budget)
        else:
            yield from _compressed(data, kind, max_bytes, budget)
    except _DAMAGE as error:
        check_memory(error)
        raise Rejected(
            Reason.BROKEN_ARCHIVE,
            f"the archive is damaged or cut off ({printable(str(error), 100)}): pack it again",
        ) from error


_ZIP_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2})
"""Not LZMA: its header may ask for gigabytes of memory."""
Spend = Callable[[int], None]

_DAMAGE = (
    *(Broken, zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError),
    *(BrokenTar, ValueError, struct.error, OverflowError),
)
"""Exceptions for damaged bytes: zipfile seeks where a header points (ValueError for a negative
position), and unpacks too short data."""
_CENTRAL_ENTRY = b"PK\x01\x02"
_READ_SIZE = 256 * 1024
_TOO_LARGE = "is larger than limits.file_mb: split it, or raise the limit"
_PACK_IT = "only files are read, so pack the file itself"


def _compressed(
    data: bytes, kind: Format, max_bytes: int, budget: Budget
) -> Iterator[Member | Refusal]:
    with open_stream(data, kind, budget) as stream:
        if stream.peek(512)[257:262] == b"ustar":
            yield from _compressed_tar(stream, max_bytes, budget)
            return
        unpacked = stream.read(max_bytes + 1)
        if len(unpacked) > max_bytes:
            raise Rejected(Reason.TOO_LARGE, f"the file {_TOO_LARGE}")
        yield Member(None, unpacked)


def _plain_tar(data: bytes, max_bytes: int, budget: Budget) -> Iterator[Member | Refusal]:
    stream = io.BytesIO(data)

    def check_size(size: int) -> None:
        if size > len(data) - stream.tell():
            raise BrokenTar("a member claims more bytes than are left")
        budget.spend(size)

    return _tar(stream, check_size, max_bytes, budget)


def _compressed_tar(
    stream: io.BufferedReader, max_bytes: int, budget: Budget
) -> Iterator[Member | Refusal]:
    def check_size(size: int) -> None:
        if size > budget.bytes_left + BUFFER_SIZE:  # what is in the buffer is spent already
            budget.spend(size)

    return _tar(stream, check_size, max_bytes, budget)


def _tar(
    stream: Stream, check_size: Spend, max_bytes: int, budget: Budget
) -> Iterator[Member | Refusal]:
    for member in read_tar(stream, check_size):
        budget.spend_members()  # folders too
        if member.kind is Kind.FOLDER or _is_noise(member.name):
            continue
        name = printable(member.name)
        if member.kind is not Kind.FILE:
            yield _refused(Reason.UNSAFE, name, f"is {member.kind.value}: {_PACK_IT}")
        elif member.size > max_bytes:
            yield _refused(Reason.TOO_LARGE, name, _TOO_LARGE)
        else:
            yield Member(name, member.read())


def _zip(data: bytes, max_bytes: int, budget: Budget) -> Iterator[Member | Refusal]:
    entries = data.count(_CENTRAL_ENTRY)
    if entries > budget.members_left * 2 + 1000:  # before zipfile makes an object of each
        budget.spend_members(entries)
    ratio = Ratio(len(data))

    def spend(count: int) -> None:
        budget.spend(count)
        ratio.add(count)  # many members may share the same bytes: 5 KB unpacked to 256 MB

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            budget.spend_members()
            if info.filename.endswith("/") or _is_noise(info.filename):
                continue
            name = printable(_zip_name(info))
            if info.flag_bits & 1:
                raise Rejected(
                    Reason.UNREADABLE, "the archive is encrypted: unpack it and drop what is in it"
                )
            if stat.S_ISLNK(info.external_attr >> 16):
                yield _refused(Reason.UNSAFE, name, f"is a link: {_PACK_IT}")
            elif info.compress_type not in _ZIP_METHODS:
                yield _refused(
                    Reason.BROKEN_ARCHIVE, name, "is not packed with deflate: pack it so"
                )
            else:
                yield _zip_member(archive, info, name, max_bytes, spend)


def _zip_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, name: str, max_bytes: int, spend: Spend
) -> Member | Refusal:
    """Read in pieces: the size in the header may be wrong."""
    pieces: list[bytes] = []
    size = 0
    try:
        with archive.open(info) as source:
            while piece := source.read(_READ_SIZE):
                size += len(piece)
                spend(len(piece))
                if size > max_bytes:
                    return _refused(Reason.TOO_LARGE, name, _TOO_LARGE)
                pieces.append(piece)
    except _DAMAGE as error:
        check_memory(error)
        problem = f"is damaged ({printable(str(error), 100)}): pack it again"
        return _refused(Reason.BROKEN_ARCHIVE, name, problem)
    return Member(name, b"".join(pieces))


def _zip_name(info: zipfile.ZipInfo) -> str:
    """The name; where its flag does not say UTF-8, zipfile read it as cp437 (APPNOTE, D.1)."""
    if info.flag_bits & 0x800:
        return info.filename
    raw = info.filename.encode("cp437", "replace")
    for codec in ("utf-8", "gb18030"):
        try:
            return raw.decode(codec)
        except UnicodeDecodeError:
            continue
    return info.filename


def _is_noise(name: str) -> bool:
    """Whether a member is a dot file, in a dot folder, or a shadow file of macOS."""
    parts = name.split("/")
    return any(part.startswith(".") and part.strip(".") for part in parts) or parts[0] == "__MACOSX"


def _refused(reason: Reason, name: str, problem: str) -> Refusal:
    message = f"the member {name} {problem}"  # which says what to do
    return Refusal(reason, message)
