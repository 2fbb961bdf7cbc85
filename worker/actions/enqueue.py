"""Files that were sent, or what addresses hold, accepted as a job: for whoever cannot wait.

Nothing here waits for the work: where as many batches wait as may, nothing is taken and Busy is
raised. What one call brings may go beyond that bound once; how large a call may be, its caller
bounds.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker.actions.fetch_slots import fetching
from worker.actions.intake import Intake
from worker.errors import SpoolUnavailable, UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.sources.fetch_once import is_address
from worker.spool.claim import PACKED_BYTES, Candidate
from worker.spool.layout import translate_errors

MOST_ADDRESSES = 20

FETCH_SECONDS = 120.0
"""For all addresses of one call; the one under way is ended by its own deadline."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that was sent. `path` is where its bytes lie, in the state directory; `name` is what
    its sender calls it: any text, for `provenance.path`, and never a path here."""

    name: str
    path: Path


def enqueue_files(
    settings: Settings,
    files: Sequence[Upload],
    *,
    source: str | None = None,
    force: bool = False,
) -> str:
    """Accept `files` as one job; the job's id.

    When it returns each is in the spool, durably: large files by rename, small ones packed together
    (2,000 of them synced one by one took 15 s). What is left of `files` is its caller's. Raises,
    before anything is taken, NotThere for a source that is not there, UsageError where there are no
    files, Busy; SpoolUnavailable, which says how many were accepted before, if any were.
    """
    if not files:
        raise UsageError("there is no file in it: send at least one")
    intake = Intake(settings, [one.name for one in files], source=source, force=force)
    intake.check_room()
    candidates = [Candidate(str(one.path), one.name, _size(one.path)) for one in files]
    groups: list[Callable[[], object]] = []
    for small in (True, False):
        some = [one for one in candidates if (one.size <= PACKED_BYTES) is small]
        for group in intake.batches_of(some, size_of=lambda one: one.size):
            groups.append(partial(intake.accept_files, group, copy=small))
            if not small:
                _sync(group)
    _accept(intake, groups)
    return intake.job.id


def enqueue_addresses(
    settings: Settings,
    urls: Sequence[str],
    *,
    source: str | None = None,
    force: bool = False,
) -> str:
    """Fetch what is at `urls`, each once, and accept it as one job; the job's id.

    Raises as :func:`enqueue_files`; UsageError for what is no address, or more of them than
    `MOST_ADDRESSES`; FetchFailed, where one cannot be fetched: then nothing is taken.
    """
    if not urls:
        raise UsageError("there is no address in it: name at least one")
    if len(urls) > MOST_ADDRESSES:
        raise UsageError(f"these are {len(urls):,} addresses: give at most {MOST_ADDRESSES}")
    for url in urls:
        if not is_address(url):
            raise UsageError(
                f"{printable(url, 200)} is no address: it begins with http://, https:// or rsshub://"
            )
    intake = Intake(settings, list(urls), source=source, force=force)
    intake.check_room()
    with fetching():
        fetched = intake.fetch(urls, step=_deadline(FETCH_SECONDS))
    intake.check_room()  # minutes may have passed
    groups = list(intake.batches_of(fetched, size_of=lambda one: len(one.data)))
    _accept(intake, [partial(intake.accept_bytes, *group) for group in groups])
    return intake.job.id


def _accept(intake: Intake, groups: Sequence[Callable[[], object]]) -> None:
    try:
        for claim in groups:
            claim()
    except SpoolUnavailable as error:
        if not intake.files:
            raise
        raise SpoolUnavailable(
            f"{intake.files:,} files were accepted (job {intake.job.id}) and stay so; then {error}"
        ) from error
    finally:
        intake.notify()


def _size(path: Path) -> int:
    with translate_errors(path):
        return path.lstat().st_size


def _sync(files: Sequence[Candidate]) -> None:
    """Let the bytes of files be on disk, durably. Raises SpoolUnavailable."""
    for one in files:
        with translate_errors(Path(one.location)):
            fd = os.open(one.location, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            try:
                os.fsync(fd)
            finally:
                os.close(fd)


def _deadline(seconds: float) -> Callable[[], None]:
    ends = time.monotonic() + seconds

    def step() -> None:
        if time.monotonic() > ends:
            raise UsageError(
                f"fetching took more than {seconds:.0f} seconds, so nothing was taken: enqueue "
                "fewer addresses at once"
            )

    return step
