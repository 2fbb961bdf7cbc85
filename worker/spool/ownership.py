"""The owner of a drop folder: a state directory, whose service holds a lock in the folder.

Batches that one service accepts and another one archives are missing in the first one's audit. So a
drop folder belongs to one state directory. Every process of its service holds the lock file shared;
while one does, no other state directory takes the folder over. A state directory is recognized by
the id in it, wherever it was moved. What a former owner left waiting is adopted: it is written into
the list of accepted batches here, and into a list in the drop folder, which the former owner's
audit reads.
"""

import fcntl
import json
import os
import re
import secrets
import socket
import time
import weakref
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

from worker.errors import ConfigError, SpoolUnavailable
from worker.escape import printable
from worker.logs import get_logger
from worker.model.from_json import dataclass_from
from worker.settings.flock import try_flock
from worker.spool.batch import inspect_waiting
from worker.spool.claim import AcceptedLog
from worker.spool.layout import SPOOL, Root, fsync_dir, make_folder, translate_errors, write_durably
from worker.spool.lockfile import try_lock

logger = get_logger(__name__)

ID = "id"
"""The file in a state directory with its id."""

_OWNER, _LOCK, _ADOPTED = "owner", "owner.lock", "adopted"
_ID = re.compile(r"[0-9a-f]{32}")
_TRIES, _TRY_SECONDS = 20, 0.05


@dataclass(frozen=True, slots=True)
class FolderOwner:
    """The state directory that a drop folder belongs to; host and path are for people."""

    id: str
    host: str
    state_dir: str

    def refusal(self, root: Path) -> str:
        return (
            f"the drop folder {printable(root.parent)} is used by a running service with another "
            f"state directory, {printable(self.state_dir)} on {printable(self.host)}"
        )


ADVICE = "give each service a drop folder of its own, or stop the other one"


class Ownership:
    """The drop folders that this process works in for `state_dir`: it holds their locks."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._lock_fds: dict[Path, int] = {}
        self._pids: dict[Path, int] = {}  # the process that opened the lock
        weakref.finalize(self, _close_all, self._lock_fds)

    def require(self, root: Root) -> list[str]:
        """Hold the lock of a drop folder's spool; take it over if no service of its owner runs.

        Returns the batches that were adopted. Does nothing for other spools, and where the folder
        is not there. Raises SpoolUnavailable while another service uses it.
        """
        if root.path.name != SPOOL or not root.path.parent.is_dir() or self._is_held(root.path):
            return []
        with translate_errors(root.path):
            make_folder(root.path)
            fd = os.open(root.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            try:
                adopted = self._take(fd, root)
            except BaseException:
                os.close(fd)
                raise
        self._lock_fds[root.path] = fd
        self._pids[root.path] = os.getpid()
        return adopted

    def owns(self, root: Root) -> bool:
        """Whether this process may work on the batches in `root`."""
        try:
            self.require(root)
        except SpoolUnavailable as error:
            logger.warning("batches of another service are skipped", error=str(error))
            return False
        return True

    def _is_held(self, root: Path) -> bool:
        fd = self._lock_fds.get(root)
        if fd is None:
            return False
        try:
            if os.path.samestat(os.fstat(fd), os.stat(root / _LOCK)):
                return True
        except OSError:
            pass  # removed, or another volume is mounted there, or closed (below)
        del self._lock_fds[root]
        # In a child of the process the number may be another file's: `celery -B` closes all.
        if self._pids.pop(root) == os.getpid():
            os.close(fd)
        return False

    def _take(self, fd: int, root: Root) -> list[str]:
        own_id, adopted = make_id(self._state_dir), list[str]()
        for _ in range(_TRIES):
            owner = read_owner(root.path)
            if owner is not None and owner.id == own_id:
                if try_flock(fd, fcntl.LOCK_SH) and read_owner(root.path) == owner:
                    return adopted
            elif try_flock(fd):
                if read_owner(root.path) == owner:
                    adopted = self._take_over(root, owner, own_id)
                continue
            elif owner is not None:
                break
            time.sleep(_TRY_SECONDS)
        message = owner.refusal(root.path) if owner else f"{printable(root.path)} is locked"
        raise SpoolUnavailable(f"{message}: {ADVICE}")

    def _take_over(self, root: Root, former: FolderOwner | None, own_id: str) -> list[str]:
        logged, others = dict(AcceptedLog(self._state_dir)), _read_adopted(root.path)
        adopted = [
            (batch.name, batch.files)
            for batch in inspect_waiting(root)
            if batch.name not in logged or others.get(batch.name, own_id) != own_id
        ]
        for name, files in adopted:
            AcceptedLog(self._state_dir).add(name, files)
        if adopted:
            _add_adopted(root.path, [name for name, _ in adopted], own_id)
        owner = FolderOwner(own_id, socket.gethostname(), str(self._state_dir))
        write_durably(root.path / _OWNER, json.dumps(asdict(owner)).encode())
        if former is not None:
            logger.warning(
                "a drop folder was taken over from another state directory",
                folder=printable(root.path.parent),
                former=printable(former.state_dir),
                host=printable(former.host),
                adopted_batches=len(adopted),
            )
        return [name for name, _ in adopted]


@lru_cache(maxsize=4)
def ownership(state_dir: Path) -> Ownership:
    """This process's. A process has one state directory; only tests have more."""
    return Ownership(state_dir)


def living_owner(state_dir: Path, root: Path) -> FolderOwner | None:
    """Another state directory whose service uses the spool `root` now. Changes nothing."""
    owner = read_owner(root)
    if owner is None or owner.id == read_id(state_dir):
        return None
    try:
        fd = try_lock(root / _LOCK, create=False)
    except OSError:
        return None
    if fd is None:
        return owner
    os.close(fd)
    return None


def read_owner(root: Path) -> FolderOwner | None:
    """The owner of the spool `root`; None where it has none that can be read."""
    try:
        return dataclass_from(FolderOwner, json.loads((root / _OWNER).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def adopted_by_others(state_dir: Path, roots: Iterable[Root]) -> frozenset[str]:
    """The batches in these spools that another state directory has adopted."""
    own_id = read_id(state_dir)
    adopted = (pair for root in roots for pair in _read_adopted(root.path).items())
    return frozenset(name for name, owner_id in adopted if owner_id != own_id)


def read_id(state_dir: Path) -> str | None:
    """The id of a state directory; None where it has none yet, or none that can be read."""
    try:
        text = (state_dir / ID).read_text("ascii").strip()
    except (OSError, ValueError):
        return None
    return text if _ID.fullmatch(text) else None


def make_id(state_dir: Path) -> str:
    """The id of a state directory; made by the process that is first. Raises ConfigError where it
    is damaged, OSError."""
    if own_id := read_id(state_dir):
        _ids[state_dir] = own_id
        return own_id
    temporary = state_dir / f".{ID}.{secrets.token_hex(4)}.tmp"
    write_durably(temporary, f"{secrets.token_hex(16)}\n".encode())
    try:
        with suppress(FileExistsError):
            (state_dir / ID).hardlink_to(temporary)
    finally:
        temporary.unlink()
    fsync_dir(state_dir)
    if own_id := read_id(state_dir):
        return own_id
    raise ConfigError(
        f"{printable(state_dir / ID)} cannot be read: restore it from a back-up, or move it away; "
        "then newsdrop makes another, and takes its drop folders over"
    )


def check_same_directory(state_dir: Path) -> None:
    """Raise SpoolUnavailable where the state directory is not the one that this process began with:
    its volume is unmounted, or it was moved. Work would begin another one in its place."""
    if (known_id := _ids.get(state_dir)) and read_id(state_dir) != known_id:
        raise SpoolUnavailable(
            f"the state directory {printable(state_dir)} is not the one of the start: mount it or "
            "move it back, or restart the service to use another"
        )


_ids: dict[Path, str] = {}
"""The ids of state directories, as this process has seen them; a fork has those of its parent."""


def _read_adopted(root: Path) -> dict[str, str]:
    """Batch -> the id of the state directory that adopted it last."""
    try:
        lines = (root / _ADOPTED).read_text("ascii", "replace").splitlines()
    except OSError:
        return {}
    pairs = (line.split(" ") for line in lines)
    return {pair[0]: pair[1] for pair in pairs if len(pair) == 2}


def _add_adopted(root: Path, batches: Iterable[str], own_id: str) -> None:
    adopted = _read_adopted(root) | dict.fromkeys(batches, own_id)
    lines = "".join(f"{name} {owner_id}\n" for name, owner_id in adopted.items())
    write_durably(root / _ADOPTED, lines.encode("ascii", "replace"))
    fsync_dir(root)


def _close_all(lock_fds: dict[Path, int]) -> None:
    for fd in lock_fds.values():
        with suppress(OSError):
            os.close(fd)
