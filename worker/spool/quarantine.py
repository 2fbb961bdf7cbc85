"""The quarantine: `<state>/quarantine/<id>/{raw,error.json}`, one folder for each refused input;
what was discarded is moved to `<state>/discarded/` for some days.

The id is the batch's name and the entry: a file is kept whole and once, however many of its
articles are refused.
"""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Literal

import orjson

from worker.errors import NotThere, Reason, UsageError
from worker.escape import printable
from worker.model.from_json import dataclass_from
from worker.spool.layout import (
    READ_REGULAR,
    Removals,
    fsync_dir,
    fsync_file,
    is_batch,
    make_folder,
    time_of,
    translate_errors,
    write_durably,
)
from worker.spool.manifest import Origin, load_origin

QUARANTINE: Literal["quarantine"] = "quarantine"
DISCARDED: Literal["discarded"] = "discarded"

_ID = re.compile(r"[A-Za-z0-9._-]{1,150}")
_FOLDER_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}-[0-9a-f]+-[A-Za-z0-9._-]+")
"""Other folders are recognised by this form alone: parsing the times of 100,000 names took 1 s."""


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """The content of `error.json`. `path` is escaped; times are RFC 3339, UTC; `size` in bytes;
    `ordinal` is that of the first refused article of a file of many; `origin` is None unless it was
    fetched. `strict` is that of its batch: a retry has the same."""

    id: str
    source: str
    path: str
    reason: Reason
    message: str
    batch: str
    entry: int
    ordinal: int | None
    size: int
    refused_at: str
    job: str | None = None
    origin: Origin | None = None
    strict: bool | None = None


class Quarantine:
    """The quarantined inputs below one state directory, or with the name DISCARDED the discarded
    ones."""

    def __init__(self, state_dir: Path, name: str = QUARANTINE) -> None:
        self._dir = state_dir / name

    def put(self, item: QuarantineItem, raw: bytes | Path) -> None:
        """Keep `raw` (bytes, or a file that stays where it is) with its reason, durably.

        Raises SpoolUnavailable.
        """
        target = self._dir / item.id
        with translate_errors(self._dir):
            make_folder(self._dir)
            if target.exists():
                return
            staged = self._temporary(item.id)
            staged.mkdir(mode=0o770)
            try:
                options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
                write_durably(staged / "error.json", orjson.dumps(item, option=options))
                if isinstance(raw, bytes):
                    write_durably(staged / "raw", raw)
                else:
                    _keep_file(raw, staged / "raw")
                fsync_dir(staged)
                staged.rename(target)
            except OSError:
                shutil.rmtree(staged, ignore_errors=True)
                if not target.exists():
                    raise
            fsync_dir(self._dir)

    def ids(self) -> list[str]:
        """The ids of all items, oldest first; no folder is opened."""
        with translate_errors(self._dir):
            try:
                names = os.listdir(self._dir)
            except FileNotFoundError:
                return []
        return sorted(filter(_FOLDER_NAME.fullmatch, names))

    def __iter__(self) -> Iterator[QuarantineItem]:
        for item_id in self.ids():
            try:
                yield self.get(item_id)
            except UsageError:
                continue  # discarded meanwhile

    def get(self, item_id: str) -> QuarantineItem:
        """Raises NotThere for an unknown id, and if its `error.json` cannot be read."""
        path = self._folder(item_id) / "error.json"
        try:
            text = path.read_bytes()
        except OSError as error:
            raise _not_there(item_id) from error
        try:
            data = orjson.loads(text)
            typed = {"reason": Reason(data["reason"]), "origin": load_origin(data.get("origin"))}
            return dataclass_from(QuarantineItem, {**data, **typed})
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise NotThere(  # the disk was full, or another version wrote it
                f"why {printable(item_id, 80)} was refused cannot be read from "
                f"{printable(path)}; its bytes are beside it, in the file `raw`"
            ) from error

    def raw_path(self, item_id: str) -> Path:
        """The refused bytes. Raises NotThere for an unknown id."""
        path = self._folder(item_id) / "raw"
        if not os.path.lexists(path):
            raise _not_there(item_id)
        return path

    def open_raw(self, item_id: str) -> IO[bytes]:
        """The refused bytes, opened without following a link or waiting at a FIFO. Raises NotThere
        if there are none, SpoolUnavailable if they may not be read."""
        path = self.raw_path(item_id)
        with translate_errors(path):
            try:
                fd = os.open(path, READ_REGULAR)
            except FileNotFoundError as error:
                raise _not_there(item_id) from error
            file = os.fdopen(fd, "rb")
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                file.close()
                raise _not_there(item_id)
            return file

    def move(self, item_id: str, target: "Quarantine") -> bool:
        """Move it to the folder of `target`, durably; False if its bytes were retried just before.
        Raises NotThere for an unknown id, SpoolUnavailable."""
        folder, moved = self._folder(item_id), target._folder(item_id)
        if moved.exists():  # a batch that was processed again after a crash refused it twice
            return self.remove(item_id)
        with translate_errors(target._dir):
            make_folder(target._dir)
            try:
                os.utime(folder)
                folder.rename(moved)
            except FileNotFoundError as error:
                raise _not_there(item_id) from error
            fsync_dir(target._dir)
            fsync_dir(self._dir)
        if os.path.lexists(moved / "raw"):
            return True
        shutil.rmtree(moved)
        return False

    def remove(self, item_id: str) -> bool:
        """Remove it for good; False if its bytes were retried just before. Raises NotThere for an
        unknown id, SpoolUnavailable."""
        folder, temporary = self._folder(item_id), self._temporary(item_id)
        with translate_errors(self._dir):
            try:
                folder.rename(temporary)
            except FileNotFoundError as error:
                raise _not_there(item_id) from error
            had_bytes = os.path.lexists(temporary / "raw")
            shutil.rmtree(temporary)
        return had_bytes

    def remove_refused_before(self, end: datetime, removals: Removals) -> None:
        """Remove items that were refused before `end`."""
        self._remove_before(end, time_of, removals)

    def remove_moved_before(self, end: datetime, removals: Removals) -> None:
        """Remove items that were moved here before `end`."""
        self._remove_before(end, lambda item_id: _changed(self._dir / item_id), removals)

    def _remove_before(
        self, end: datetime, time: Callable[[str], datetime], removals: Removals
    ) -> None:
        for item_id in filter(is_batch, self.ids()):
            if time(item_id) < end:
                with suppress(NotThere):
                    removals.remove(self._dir / item_id, lambda path: self.remove(path.name))

    def _folder(self, item_id: str) -> Path:
        if not _ID.fullmatch(item_id) or not is_batch(item_id):
            raise _not_there(item_id)
        return self._dir / item_id

    def _temporary(self, item_id: str) -> Path:
        return self._dir / f".{item_id[:100]}.{secrets.token_hex(4)}.tmp"


def quarantine_id(batch: str, entry: int) -> str:
    """The id of a refused input: the batch's time comes first, so that ids sort by it."""
    return f"{batch}-{entry}"


def _changed(folder: Path) -> datetime:
    """When an item was moved here."""
    try:
        return datetime.fromtimestamp(folder.stat().st_mtime, UTC)
    except OSError:  # it was restored just before
        return datetime.max.replace(tzinfo=UTC)


def _keep_file(source: Path, target: Path) -> None:
    if not stat.S_ISREG(source.lstat().st_mode):
        target.touch()  # a link, FIFO or device has no bytes: readers of `raw` never wait
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, one without hard links, or another user's file
        try:
            shutil.copyfile(source, target)
            fsync_file(target)
        except PermissionError:
            _move_file(source, target)


def _move_file(source: Path, target: Path) -> None:
    """Move a file that can be neither linked nor read; an empty file replaces it in its batch."""
    target.unlink(missing_ok=True)
    replacement = source.with_name(f".{source.name}.stand-in")
    replacement.touch()
    source.rename(target)
    replacement.rename(source)


def _not_there(item_id: str) -> NotThere:
    return NotThere(
        f"nothing in quarantine has the id {printable(item_id, 80)}; after a retry it has "
        "another one: `newsdrop quarantine list` shows what there is"
    )
