"""The order in a Celery message: files below the configured folders, addresses, or content.

Everyone who may write to the broker can send an order, so it is bounded, and reads nothing outside
of `tasks.roots`.
"""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from worker.actions.enqueue import FETCH_SECONDS, MAX_ADDRESSES, accept_groups, make_deadline
from worker.actions.intake import Intake
from worker.errors import UsageError
from worker.escape import printable
from worker.settings import Settings
from worker.sources.enqueue import EnqueueOptions, find_candidates
from worker.sources.fetch_once import is_address
from worker.spool.claim import Incoming
from worker.spool.transfer import Candidate, inode_of

MAX_ORDER_FILES = 10_000
"""Of one order: it is accepted as a whole, whatever waits, and holds a process meanwhile."""

_JOB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class EnqueueOrder:
    """`job` is the id of the message. `inputs` are paths and addresses; `content` is a document,
    and `name` its name."""

    job: str
    inputs: Sequence[str] = ()
    content: str | bytes | None = None
    name: str = "content"
    source: str | None = None
    force: bool = False
    strict: bool = False


def enqueue_order(settings: Settings, order: EnqueueOrder) -> int:
    """Accept all that is ordered as the job `order.job`; returns the number of files.

    Raises, before anything is accepted, UsageError for an order that is wrong, NotThere for an
    unknown source, FetchFailed for an address that cannot be fetched, Busy where too many batches
    wait; and SpoolUnavailable.
    """
    _check(settings, order)
    urls = [each for each in order.inputs if is_address(each)]
    paths = [each for each in order.inputs if not is_address(each)]
    files = _find_files(settings, paths)
    names = [*order.inputs, *([order.name] if order.content is not None else [])]
    options = EnqueueOptions(order.source, order.job, force=order.force, strict=order.strict)
    intake = Intake(settings, names, options)
    intake.check_room()
    documents = list(intake.fetch(urls, step=make_deadline(FETCH_SECONDS))) if urls else []
    if order.content is not None:
        documents.append(Incoming(_to_bytes(order.content), order.name))
    file_groups = intake.batches_of(files, size_of=lambda file: file.size)
    groups = [partial(intake.accept_files, group, copy=True) for group in file_groups]
    in_memory = intake.batches_of(documents, size_of=lambda document: len(document.data))
    accept_groups(intake, [*groups, *(partial(intake.accept_bytes, *some) for some in in_memory)])
    return intake.files


def _check(settings: Settings, order: EnqueueOrder) -> None:
    if not _JOB_ID.fullmatch(order.job):
        raise UsageError(
            f"{printable(order.job, 80)} cannot be the id of a job: use up to 64 letters, digits, "
            "dots, dashes and _, as Celery's own ids do"
        )
    if not order.inputs and order.content is None:
        raise UsageError("nothing is ordered: give inputs (paths, addresses), or content")
    addresses = sum(map(is_address, order.inputs))
    if addresses > MAX_ADDRESSES:
        raise UsageError(f"{addresses:,} addresses are too many: the maximum is {MAX_ADDRESSES}")
    most = settings.tasks.content_bytes
    if order.content is not None and len(_to_bytes(order.content)) > most:
        raise UsageError(
            f"the content has more than tasks.content_bytes ({most:,}): put it into a file below "
            "tasks.roots"
        )


def _find_files(settings: Settings, paths: Sequence[str]) -> list[Candidate]:
    files: list[Candidate] = []
    for path in paths:
        for file in _files_at(settings, path):
            files.append(file)
            if len(files) > MAX_ORDER_FILES:
                raise UsageError(
                    f"there are more than {MAX_ORDER_FILES:,} files: send several tasks, or use "
                    "`newsdrop enqueue`"
                )
    if paths and not files:
        raise UsageError("the given paths contain no files: name a file, or a folder with files")
    return files


def _files_at(settings: Settings, path: str) -> Sequence[Candidate]:
    """The files of one path. A link is followed first, and what it leads to must be allowed."""
    real = Path(os.path.realpath(path))
    roots = [Path(os.path.realpath(root)) for root in settings.tasks.roots]
    root = next((root for root in roots if real.is_relative_to(root)), None)
    if root is None or not path.startswith("/"):
        allowed = ", ".join(printable(root) for root in settings.tasks.roots) or "none"
        raise UsageError(
            f"{printable(path, 200)} is not below a folder that tasks may read (tasks.roots: "
            f"{allowed}): name an absolute path there, or add its folder to tasks.roots"
        )
    candidates = list(find_candidates(real))
    if real.is_dir():
        return candidates
    # Opened from the root on, so that no folder on the way can become a link meanwhile.
    status = real.stat()
    below = real.relative_to(root).as_posix()
    inode = inode_of(status)
    return [Candidate(str(real), below, status.st_size, top=str(root), inode=inode)]


def _to_bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
