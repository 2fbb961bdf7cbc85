"""Uploads: files of a `multipart/form-data` body, written to disk as they arrive.

They go straight into the state directory, where accepting them is a rename: nothing is held in
memory or written twice, and no name from a sender becomes a path.
"""

import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
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
from worker.web.forms import TOKEN_FIELD, check_form_token

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MAX_FILES = 5_000
MAX_FIELDS = 100
FIELD_BYTES = 64 * 1024
"""The sum of all fields that are not files."""

MAX_UPLOADS = 8
"""Concurrent uploads, which bounds the disk space of files that are not accepted yet."""

_STALE_SECONDS = 86_400
"""Remains of a killed server's uploads are removed after a day."""

_MULTIPART = b"multipart/form-data"
_active: set[object] = set()


def upload_too_large(upload_mb: int) -> str:
    return (
        f"One upload may hold {upload_mb} MB, all its files together (web.upload_mb): send less at "
        "once, move the files into a watched folder, or use `newsdrop enqueue`."
    )


def is_upload(request: Request) -> bool:
    """Whether the body may hold files: then :func:`receive_upload` reads it."""
    return _content_type(request)[0] == _MULTIPART


@asynccontextmanager
async def receive_upload(
    request: Request, *, is_program: bool = False
) -> AsyncIterator["UploadForm"]:
    """The form in the body of `request`; at the end, files that were not accepted are removed.

    The form needs a form token, unless the sender was checked before to be a program. Raises
    HTTPException: 403 without the token, 415 for another content type, 400 for a broken or
    incomplete body, 413 above `web.upload_mb` (all files together), 5,000 files or 100 fields;
    Busy, SpoolUnavailable.
    """
    settings: Settings = request.app.state.settings
    boundary = _boundary(request)
    if len(_active) >= MAX_UPLOADS:
        raise Busy(f"{MAX_UPLOADS} uploads are running: send this one again when they are done")
    slot = object()
    _active.add(slot)
    folder: Path | None = None
    try:
        folder = await run_in_threadpool(_create_folder, settings)
        check = None if is_program else partial(check_form_token, request)
        form = UploadForm(folder, settings.web.upload_mb, check)
        try:
            await _read(request, boundary, form)
        finally:
            form.close()
        if check is not None:
            check(form.fields.get(TOKEN_FIELD, ""))
        yield form
    finally:
        _active.discard(slot)
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


async def _read(request: Request, boundary: bytes, form: "UploadForm") -> None:
    try:
        parser = MultipartParser(boundary, form.callbacks())  # it refuses a long boundary
        async for chunk in request.stream():
            if chunk:
                await run_in_threadpool(_feed, parser, chunk, form.folder)
    except FormParserError as error:
        raise HTTPException(400, "The body is not valid multipart/form-data.") from error
    if not form.is_complete:
        raise HTTPException(400, "The form is incomplete: send it again.")


def _feed(parser: MultipartParser, chunk: bytes, folder: Path) -> None:
    with translate_errors(folder):  # a full disk is not a fault of the sender
        parser.write(chunk)


def _boundary(request: Request) -> bytes:
    content_type, options = _content_type(request)
    boundary = options.get(b"boundary")
    if content_type != _MULTIPART or not boundary:
        raise HTTPException(415, "Send files as multipart/form-data with a boundary.")
    return boundary


def _content_type(request: Request) -> tuple[bytes, dict[bytes, bytes]]:
    """(the body's type in lower case, its options)."""
    return parse_options_header(request.headers.get("content-type", ""))


def _create_folder(settings: Settings) -> Path:
    """A folder for one upload; stale ones, of a server that was killed, are removed."""
    check_free(settings.state_dir, settings.spool.min_free_mb)
    base = settings.state_dir / "uploads"
    with translate_errors(base):
        base.mkdir(mode=0o770, parents=True, exist_ok=True)
        for old in base.iterdir():
            if time.time() - old.lstat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(old, ignore_errors=True)
        folder = base / secrets.token_hex(8)
        folder.mkdir(mode=0o770)
    return folder


class UploadForm:
    """The files of a form in order, and its fields; the first counts where a name comes twice. The
    multipart parser calls it in a thread, for one part at a time."""

    def __init__(self, folder: Path, upload_mb: int, check: Callable[[str], None] | None) -> None:
        self.folder = folder
        self._check = check
        self.files: list[Upload] = []
        self.fields: dict[str, str] = {}
        self.is_complete = False
        self._upload_mb = upload_mb
        self._file_bytes = self._field_bytes = self._field_count = 0
        self._header = self._value = b""
        self._disposition = b""
        self._name = ""
        self._text = b""
        self._file: IO[bytes] | None = None

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self._on_part_begin,
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _on_part_begin(self) -> None:
        self._disposition = self._text = self._header = self._value = b""

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = self._value
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = _decode(options.get(b"name", b""))
        if b"filename" not in options:
            self._field_count += 1
            if self._field_count > MAX_FIELDS:
                raise HTTPException(413, f"A form may have {MAX_FIELDS} fields besides its files.")
            return
        files = self.files
        if not files and self._check is not None:  # before the first write: it precedes the files
            self._check(self.fields.get(TOKEN_FIELD, ""))
        if len(files) >= MAX_FILES:
            raise HTTPException(
                413,
                f"One upload may hold {MAX_FILES:,} files: send fewer at once, pack them into one "
                "archive, move them into a watched folder, or use `newsdrop enqueue`.",
            )
        path = self.folder / str(len(files))
        self._file = path.open("xb")
        files.append(Upload(_decode(options[b"filename"]), path))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._file is None:
            self._field_bytes += end - start
            if self._field_bytes > FIELD_BYTES:
                raise HTTPException(413, f"The fields of a form may hold {FIELD_BYTES // 1024} KB.")
            self._text += data[start:end]
            return
        self._file_bytes += end - start
        if self._file_bytes > self._upload_mb * MEGABYTE:
            raise HTTPException(413, upload_too_large(self._upload_mb))
        self._file.write(data[start:end])

    def _on_part_end(self) -> None:
        if self._file is None:
            self.fields.setdefault(self._name, _decode(self._text))
            return
        is_empty = self._file.tell() == 0
        self.close()
        if not self.files[-1].name:
            unnamed = self.files.pop()
            if is_empty:  # a browser sends this where no file was chosen
                unnamed.path.unlink()
            else:
                self.files.append(Upload("unnamed", unnamed.path))

    def _on_end(self) -> None:
        self.is_complete = True


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")
