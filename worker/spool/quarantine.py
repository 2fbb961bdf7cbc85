"""The quarantine: `<state>/quarantine/<id>/{raw,error.json}`, one folder a refused input.

The id is the batch's name and the entry (and the article's ordinal where only a part of a file
is refused), so that refusing the same thing twice is one folder.
"""

import os
import re
import secrets
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO

import orjson

from worker.errors import NotThere, Reason, UsageError
from worker.escape import printable
from worker.model.from_json import dataclass_from
from worker.spool.layout import fsync_dir, is_batch, time_of, translate_errors
from worker.spool.manifest import Origin, origin_of

_ID = re.compile(r"[A-Za-z0-9._-]{1,150}")
_NAME = re.compile(r"\d{8}T\d{6}\.\d{6}-[0-9a-f]+-[A-Za-z0-9._-]+")
"""Told from strangers by its form alone: reading the times of 100,000 names took a second."""


@dataclass(frozen=True, slots=True)
class QuarantineItem:
    """What `error.json` says. `path` is escaped; times are RFC 3339, UTC; `size` in bytes;
    `origin` where it was fetched."""

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


class Quarantine:
    """The quarantined inputs below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "quarantine"

    def put(self, refused: QuarantineItem, raw: bytes | Path) -> None:
        """Keep `raw` (bytes, or a file that stays where it is) with its reason, durably.

        Raises SpoolUnavailable.
        """
        target = self._dir / refused.id
        with translate_errors(self._dir):
            self._dir.mkdir(mode=0o770, parents=True, exist_ok=True)
            if target.exists():
                return
            staged = self._dir / f".{refused.id[:100]}.{secrets.token_hex(4)}.tmp"
            staged.mkdir(mode=0o770)
            try:
                (staged / "error.json").write_bytes(
                    orjson.dumps(refused, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
                )
                _sync_file(staged / "error.json")
                if isinstance(raw, bytes):
                    (staged / "raw").write_bytes(raw)
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
        """What is quarantined, oldest first: the names of folders, none of them opened."""
        with translate_errors(self._dir):
            try:
                found = os.listdir(self._dir)
            except FileNotFoundError:
                return []
        return sorted(filter(_NAME.fullmatch, found))

    def __iter__(self) -> Iterator[QuarantineItem]:
        for name in self.ids():
            try:
                yield self.get(name)
            except UsageError:
                continue  # discarded meanwhile

    def get(self, refused_id: str) -> QuarantineItem:
        """Raises NotThere where there is none of that id, or what is noted of it cannot be read."""
        noted = self._folder(refused_id) / "error.json"
        try:
            said = noted.read_bytes()
        except OSError as error:
            raise _unknown(refused_id) from error
        try:
            data = orjson.loads(said)
            typed = {"reason": Reason(data["reason"]), "origin": origin_of(data.get("origin"))}
            return dataclass_from(QuarantineItem, {**data, **typed})
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise NotThere(  # a disk that was full, or another version
                f"why {printable(refused_id, 80)} was refused cannot be read from "
                f"{printable(noted)}; its bytes are beside it, in the file `raw`"
            ) from error

    def raw_path(self, refused_id: str) -> Path:
        """The refused bytes. Raises NotThere where there is none of that id."""
        path = self._folder(refused_id) / "raw"
        if not path.is_symlink() and not path.exists():
            raise _unknown(refused_id)
        return path

    def open_raw(self, refused_id: str) -> IO[bytes]:
        """The refused bytes, opened: no link is followed, and no FIFO waited at. Raises NotThere
        where there are none, SpoolUnavailable where they may not be read."""
        path = self.raw_path(refused_id)
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with translate_errors(path):
            try:
                fd = os.open(path, flags)
            except FileNotFoundError as error:
                raise _unknown(refused_id) from error
            file = os.fdopen(fd, "rb")
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                file.close()
                raise _unknown(refused_id)
            return file

    def discard(self, refused_id: str) -> bool:
        """Remove it for good; False where its bytes were retried just before. Raises NotThere where
        there is none of that id, SpoolUnavailable."""
        folder = self._folder(refused_id)
        hidden = self._dir / f".{refused_id[:100]}.{secrets.token_hex(4)}.tmp"
        with translate_errors(self._dir):
            try:
                folder.rename(hidden)
            except FileNotFoundError as error:
                raise _unknown(refused_id) from error
            whole = os.path.lexists(hidden / "raw")
            shutil.rmtree(hidden)
        return whole

    def tidy(self, now: datetime, keep: timedelta) -> int:
        """Discard what is older than `keep`; returns how many went."""
        old = [name for name in filter(is_batch, self.ids()) if now - time_of(name) > keep]
        for name in old:
            self.discard(name)
        return len(old)

    def _folder(self, refused_id: str) -> Path:
        if not _ID.fullmatch(refused_id) or not is_batch(refused_id):
            raise _unknown(refused_id)
        return self._dir / refused_id


def refused_id(batch: str, entry: int, ordinal: int | None) -> str:
    """The id of what is refused: the batch's time first, so that ids sort by it."""
    return f"{batch}-{entry}" if ordinal is None else f"{batch}-{entry}-{ordinal}"


def _keep_file(source: Path, target: Path) -> None:
    if not stat.S_ISREG(source.lstat().st_mode):
        target.write_bytes(b"")  # a link, FIFO or device has no bytes: who reads `raw` never waits
        return
    try:
        os.link(source, target)
    except OSError:  # another file system, one without hard links, or another user's file
        try:
            shutil.copyfile(source, target)
            _sync_file(target)
        except PermissionError:
            _hand_over(source, target)


def _hand_over(source: Path, target: Path) -> None:
    """Move what can be neither linked nor read; an empty file stands for it in its batch."""
    target.unlink(missing_ok=True)
    stand_in = source.with_name(f".{source.name}.stand-in")
    stand_in.touch()
    source.rename(target)
    stand_in.rename(source)


def _sync_file(path: Path) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _unknown(refused_id: str) -> NotThere:
    return NotThere(
        f"nothing in quarantine has the id {printable(refused_id, 80)}: "
        "`newsdrop quarantine list` shows what there is"
    )
