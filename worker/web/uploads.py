"""Files that are sent as `multipart/form-data`, written to disk as they come.

They go straight into the state directory, where accepting them is a rename: nothing is held in
memory or written twice, and nothing of what a sender calls them becomes a path.
"""

import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request

from worker.actions.enqueue import Upload
from worker.errors import Busy
from worker.settings import MEGABYTE, Settings
from worker.spool.filesystem import check_free
from worker.spool.layout import translate_errors
from worker.web.forms import TOKEN_FIELD, check_token

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FILES = 5_000
MOST_FIELDS = 100
FIELD_BYTES = 64 * 1024
"""Of all that is no file, together."""

AT_ONCE = 8
"""Uploads under way: what they may write before anything is accepted is bounded by it."""

_LEFT_SECONDS = 86_400
"""What a killed server left of uploads goes after a day."""

_MULTIPART = b"multipart/form-data"
_ENDS_EARLY = "The form ends before it is whole: send it again."
_under_way: set[object] = set()


@dataclass(slots=True)
class Sent:
    """What a form sent: its files in order, and its fields; of a field that comes twice the first
    counts."""

    files: list[Upload] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)


def is_upload(request: Request) -> bool:
    """Whether the body may be files: only :func:`received` reads such a one."""
    return _kind(request)[0] == _MULTIPART


@asynccontextmanager
async def received(request: Request, *, sender_known: bool = False) -> AsyncIterator[Sent]:
    """What the form in `request` sends; at the end the files that were not taken are removed.

    It must have the form token of a page of ours among its fields, unless its `sender_known` to
    be a program. Raises HTTPException: 403 without the token, 415 for another kind of body, 400
    for one that is broken or ends early, 413 above `web.upload_mb` (all files together), 5,000
    files or 100 fields; Busy, SpoolUnavailable.
    """
    settings: Settings = request.app.state.settings
    boundary = _boundary(request)
    if len(_under_way) >= AT_ONCE:
        raise Busy(f"{AT_ONCE} uploads are under way: send this one again when they are done")
    me = object()
    _under_way.add(me)
    folder: Path | None = None
    try:
        folder = await run_in_threadpool(_folder, settings)
        check = None if sender_known else partial(check_token, request)
        parts = _Parts(folder, settings.web.upload_mb, check)
        try:
            await _read(request, boundary, parts)
        finally:
            parts.close()
        if not sender_known:
            check_token(request, parts.sent.fields.get(TOKEN_FIELD, ""))
        yield parts.sent
    finally:
        _under_way.discard(me)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


async def _read(request: Request, boundary: bytes, parts: "_Parts") -> None:
    try:
        parser = MultipartParser(boundary, parts.callbacks())  # it refuses a long boundary
        async for chunk in request.stream():
            if chunk:
                await run_in_threadpool(_feed, parser, chunk, parts.folder)
    except FormParserError as error:
        raise HTTPException(
            400, "The form cannot be read: it is no multipart/form-data."
        ) from error
    if not parts.whole:
        raise HTTPException(400, _ENDS_EARLY)


def _feed(parser: MultipartParser, chunk: bytes, folder: Path) -> None:
    with translate_errors(folder):  # a full disk is the world's fault
        parser.write(chunk)


def _boundary(request: Request) -> bytes:
    kind, options = _kind(request)
    boundary = options.get(b"boundary")
    if kind != _MULTIPART or not boundary:
        raise HTTPException(415, "Files are sent as multipart/form-data, with its boundary.")
    return boundary


def _kind(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """(the body's type, in lower case, its options)."""
    return parse_options_header(request.headers.get("content-type", ""))


def _folder(settings: Settings) -> Path:
    """A folder of this upload's own; old ones, left by a server that was killed, go."""
    check_free(settings.state_dir, settings.spool.min_free_mb)
    base = settings.state_dir / "uploads"
    with translate_errors(base):
        base.mkdir(mode=0o770, parents=True, exist_ok=True)
        for old in base.iterdir():
            if time.time() - old.lstat().st_mtime > _LEFT_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        folder = base / secrets.token_hex(8)
        folder.mkdir(mode=0o770)
    return folder


class _Parts:
    """The parts of a form as the parser meets them; it calls in a thread, one call at a time."""

    def __init__(self, folder: Path, upload_mb: int, check: Callable[[str], None] | None) -> None:
        self.folder = folder
        self._check = check
        self.sent = Sent()
        self.whole = False
        self._most = upload_mb * MEGABYTE
        self._upload_mb = upload_mb
        self._bytes = self._field_bytes = self._fields = 0
        self._header = self._value = b""
        self._disposition = b""
        self._name = ""
        self._text = b""
        self._file: IO[bytes] | None = None

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
            "on_end": self._ended,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begin(self) -> None:
        self._disposition = self._text = self._header = self._value = b""

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = _decoded(options.get(b"name", b""))
        if b"filename" not in options:
            self._fields += 1
            if self._fields > MOST_FIELDS:
                raise HTTPException(413, f"A form may have {MOST_FIELDS} fields beside its files.")
            return
        files = self.sent.files
        if not files and self._check is not None:  # our forms name it first: nothing is written
            self._check(self.sent.fields.get(TOKEN_FIELD, ""))
        if len(files) >= MOST_FILES:
            raise HTTPException(
                413,
                f"One upload may hold {MOST_FILES:,} files: send less at once, pack them into one "
                "archive, drop them into a watched folder, or use `newsdrop enqueue`.",
            )
        path = self.folder / str(len(files))
        self._file = path.open("xb")
        files.append(Upload(_decoded(options[b"filename"]), path))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._field_bytes += end - start
            if self._field_bytes > FIELD_BYTES:
                raise HTTPException(413, f"A form's fields may hold {FIELD_BYTES // 1024} KB.")
            self._text += data[start:end]
            return
        self._bytes += end - start
        if self._bytes > self._most:
            raise HTTPException(
                413,
                f"One upload may hold {self._upload_mb} MB, all its files together "
                "(web.upload_mb): send less at once, drop the files into a watched folder, or use "
                "`newsdrop enqueue`.",
            )
        self._file.write(data[start:end])

    def _end(self) -> None:
        if self._file is None:
            self.sent.fields.setdefault(self._name, _decoded(self._text))
            return
        empty = self._file.tell() == 0
        self.close()
        if not self.sent.files[-1].name:
            unnamed = self.sent.files.pop()
            if empty:  # what a browser sends where no file was chosen
                unnamed.path.unlink()
            else:
                self.sent.files.append(Upload("unnamed", unnamed.path))

    def _ended(self) -> None:
        self.whole = True


def _decoded(text: bytes) -> str:
    return text.decode("utf-8", "replace")
