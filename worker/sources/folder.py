"""Drop folders: find the files that are ready, and claim them in batches.

A file is ready when a rename brought it, or when it has been quiet: its ctime is older than the
settle time, by the clock of the file system itself, and no process of this machine holds it open
for writing. So nothing has to be remembered between two scans, and a server with another clock does
no harm. The first batch is claimed after `batch_files` files, however many there are.
"""

import os
import stat
from collections.abc import Generator, Sequence

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.settings import Folder
from worker.sources.future_files import FutureFiles
from worker.sources.scan_result import ScanRequest, ScanResult
from worker.sources.walk import WalkedFile, Walker
from worker.spool.batch import batch_names
from worker.spool.claim import ClaimedBatch, claim
from worker.spool.layout import Root, translate_errors
from worker.spool.transfer import Candidate

_CANNOT_MOVE = (
    "it may not be moved out of its folder: give the worker rights to read, write and search its "
    "folder"
)


def scan(folder: Folder, request: ScanRequest) -> ScanResult:
    """Claim what is ready, in batches. Raises SpoolUnavailable where the folder cannot be used."""
    require_folder(folder)
    root = request.root
    root.prepare()
    result = ScanResult()

    def has_room() -> bool:
        return len(batch_names(root)) < request.limits.max_waiting

    def claim_batch(candidates: Sequence[Candidate]) -> ClaimedBatch | None:
        batch = claim(
            root,
            request.head(folder.name),
            candidates,
            request.accepted,
            on_skipped=lambda candidate, why: result.skip(candidate.path, why),
        )
        if batch is not None:
            request.on_claimed(batch)
        return batch

    if not has_room():
        return ScanResult(has_more=True)
    with translate_errors(folder.path):
        os.scandir(folder.path).close()  # else it would only be one more skipped folder
        result.claim_all(
            _find_ready(Walker.of(folder, result.skip), request, result),
            request.limits,
            size_of=lambda candidate: candidate.size,
            claim=claim_batch,
            has_room=has_room,
        )
    return result


def require_folder(folder: Folder) -> None:
    """Raises SpoolUnavailable where the folder does not exist: it is not created below a mount that
    is missing."""
    if not folder.path.is_dir():
        raise SpoolUnavailable(f"{printable(folder.path, 4096)} does not exist: create or mount it")


def file_system_time(root: Root) -> float:
    """Now, by the clock that stamps the files in `root` (Unix seconds)."""
    with translate_errors(root.path), (root.path / "clock").open("ab") as file:
        os.utime(file.fileno())
        return os.fstat(file.fileno()).st_ctime


def _find_ready(walker: Walker, request: ScanRequest, result: ScanResult) -> Generator[Candidate]:
    clock = file_system_time(request.root)
    ahead = FutureFiles(request.root.path, clock)
    for _, files in walker.follow(request.events) if request.events else walker.walk():
        rights: _FolderRights | None = None
        for file in files:
            if defect := file.defect():
                result.skip(file.path, defect)
            elif not file.may_be_read():
                result.skip(file.path, "the worker may not read it: give it read rights")
            elif not _has_settled(file, clock, ahead):
                result.settling += 1
            else:
                rights = rights or _FolderRights(file.folder_fd)
                if rights.allow_move(file.status):
                    yield file.candidate()
                else:
                    result.skip(file.path, _CANNOT_MOVE)
    ahead.save(is_whole=not request.events)


def _has_settled(file: WalkedFile, clock: float, ahead: FutureFiles) -> bool:
    is_quiet = ahead.is_ready(file) if file.is_ahead(clock) else not file.is_settling(clock)
    return is_quiet and not file.is_written(clock)


class _FolderRights:
    """Which files may be renamed out of a folder: one that may not would block all others in its
    batch, at each scan."""

    def __init__(self, folder_fd: int) -> None:
        self._is_writable = os.access(".", os.W_OK | os.X_OK, dir_fd=folder_fd)
        self._status = os.fstat(folder_fd)

    def allow_move(self, file: os.stat_result) -> bool:
        """In a sticky folder such as /tmp only the owner may."""
        owners = (0, self._status.st_uid, file.st_uid)
        is_sticky = self._status.st_mode & stat.S_ISVTX
        return self._is_writable and (not is_sticky or os.geteuid() in owners)
