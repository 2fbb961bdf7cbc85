"""Uploaded files, or documents at addresses, accepted as a job: for callers that cannot wait.

Where the maximum number of batches waits, nothing is accepted and Busy is raised. One call may
exceed that maximum once; its caller limits how much it brings.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker.actions.intake import Intake, fetch_slot
from worker.errors import SpoolUnavailable, UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.sources.enqueue import EnqueueOptions
from worker.sources.fetch_once import is_address
from worker.spool.layout import fsync_file, translate_errors
from worker.spool.transfer import PACKED_BYTES, Candidate

MAX_ADDRESSES = 20
_BY_HAND = EnqueueOptions()

FETCH_SECONDS = 120.0
"""For all addresses of one call; a single fetch has its own deadline."""


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded file. `path` is where its bytes are, in the state directory; `name` is the
    sender's name of it: any text, for `provenance.path`, never a path on this machine."""

    name: str
    path: Path


def enqueue_files(
    settings: Settings, files: Sequence[Upload], options: EnqueueOptions = _BY_HAND
) -> str:
    """Accept `files` as one job and return its id.

    Then each file is in the spool, durably: large ones by rename, small ones packed together (to
    sync 2,000 of them one by one took 15 s). The caller removes the rest of `files`. Raises, before
    anything is accepted, NotThere for an unknown source, UsageError without files, Busy; and
    SpoolUnavailable, which says how many files were accepted before it.
    """
    if not files:
        raise UsageError("the request contains no file: send at least one")
    names = [file.name for file in files]
    intake = Intake(settings, names, options)
    intake.check_room()
    candidates = [Candidate(str(file.path), file.name, _size(file.path)) for file in files]
    groups: list[Callable[[], object]] = []
    for small in (True, False):
        chosen = [file for file in candidates if (file.size <= PACKED_BYTES) is small]
        for group in intake.batches_of(chosen, size_of=lambda file: file.size):
            groups.append(partial(intake.accept_files, group, copy=small))
            if not small:
                _sync(group)
    accept_groups(intake, groups)
    return intake.job.id


def enqueue_addresses(
    settings: Settings, urls: Sequence[str], options: EnqueueOptions = _BY_HAND
) -> str:
    """Fetch each of `urls` once, accept the documents as one job and return its id.

    Raises as :func:`enqueue_files`; UsageError for a text that is not an address, or more than
    MAX_ADDRESSES; FetchFailed where one cannot be fetched: then nothing is accepted.
    """
    if not urls:
        raise UsageError("the request contains no address: name at least one")
    if len(urls) > MAX_ADDRESSES:
        raise UsageError(f"{len(urls):,} addresses are too many: the maximum is {MAX_ADDRESSES}")
    for url in urls:
        if not is_address(url):
            raise UsageError(
                f"{printable(url, 200)} is not an address: begin it with http://, https:// or rsshub://"
            )
    intake = Intake(settings, list(urls), options)
    intake.check_room()
    with fetch_slot():
        fetched = intake.fetch(urls, step=make_deadline(FETCH_SECONDS))
    intake.check_room()  # minutes may have passed
    groups = list(intake.batches_of(fetched, size_of=lambda document: len(document.data)))
    accept_groups(intake, [partial(intake.accept_bytes, *group) for group in groups])
    return intake.job.id


def accept_groups(intake: Intake, groups: Sequence[Callable[[], object]]) -> None:
    """Accept each group as one batch, and wake the workers. Raises SpoolUnavailable."""
    try:
        for claim in groups:
            claim()
    except SpoolUnavailable as error:
        if not intake.files:
            raise
        raise SpoolUnavailable(
            f"{intake.files:,} files were accepted (job {intake.job.id}), the others not: {error}"
        ) from error
    finally:
        intake.notify()


def _size(path: Path) -> int:
    with translate_errors(path):
        return path.lstat().st_size


def _sync(files: Sequence[Candidate]) -> None:
    """Sync the bytes of files to disk. Raises SpoolUnavailable."""
    for file in files:
        with translate_errors(Path(file.location)):
            fsync_file(file.location)


def make_deadline(seconds: float) -> Callable[[], None]:
    """A function that raises UsageError when so many seconds have passed."""
    ends = time.monotonic() + seconds

    def step() -> None:
        if time.monotonic() > ends:
            raise UsageError(
                f"fetching took more than {seconds:.0f} seconds, so nothing was accepted: enqueue "
                "fewer addresses at once"
            )

    return step
