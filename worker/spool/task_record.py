"""The record of tasks in the state directory: the last failures of each, and its last success. From
it `status` shows why work makes no progress although Redis and the workers are there."""

import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import orjson

from worker.model.from_json import checked_from
from worker.model.times import rfc3339
from worker.settings.clock import uptime
from worker.spool.layout import write_durably

FOLDER = "tasks"

_IN_A_ROW = timedelta(seconds=60)
"""Failures further apart than this are separate if the task succeeded in between; cleanups are ten
minutes apart. A success clears only older ones: one process may fail with its batch again and again
while others succeed."""


@dataclass(frozen=True, slots=True)
class TaskFailure:
    """The last of `count` failures of a task in a row. `since` and `last` are RFC 3339, UTC;
    `is_bug`: the log has a traceback."""

    task: str
    message: str
    is_bug: bool
    count: int
    since: str
    last: str


def record_failure(
    state_dir: Path, task: str, message: str, now: datetime, *, is_bug: bool
) -> None:
    """Count a failure. An OSError is ignored: the log has the message, and `status` shows what is
    wrong with the state directory."""
    path = state_dir / FOLDER / f"{task}.json"
    before, last = _read(path), rfc3339(now)
    count, since = 1, last
    if before:
        failed_at = datetime.fromisoformat(before.last)
        has_succeeded = (last_success(state_dir, task) or 0) > failed_at.timestamp()
        if not has_succeeded or now - failed_at <= _IN_A_ROW:
            count, since = before.count + 1, before.since
    failure = TaskFailure(task, message, is_bug, count, since, last)
    with suppress(OSError):
        path.parent.mkdir(exist_ok=True)
        write_durably(path, orjson.dumps(failure))


def record_success(state_dir: Path, task: str, now: datetime) -> None:
    """Forget failures that are older than `_IN_A_ROW`. An OSError is ignored."""
    failed, succeeded = (state_dir / FOLDER / f"{task}.{kind}" for kind in ("json", "ok"))
    seconds = now.timestamp()
    with suppress(OSError):
        try:
            os.utime(succeeded, (uptime(), seconds))
        except FileNotFoundError:
            succeeded.parent.mkdir(exist_ok=True)
            succeeded.touch()
            os.utime(succeeded, (uptime(), seconds))
        if abs(seconds - failed.stat().st_mtime) > _IN_A_ROW.total_seconds():
            failed.unlink()


def last_success(state_dir: Path, task: str) -> float | None:
    """Unix time in seconds; None if it never succeeded."""
    with suppress(OSError):
        return (state_dir / FOLDER / f"{task}.ok").stat().st_mtime
    return None


def success_age(state_dir: Path, task: str, now: datetime) -> float | None:
    """Seconds since the last success; None if it never succeeded. The wall clock may have been set
    since then, so the file's time of access holds the uptime."""
    with suppress(OSError):
        status = (state_dir / FOLDER / f"{task}.ok").stat()
        ages = (now.timestamp() - status.st_mtime, uptime() - status.st_atime)
        return min((age for age in ages if age >= 0), default=0.0)
    return None


def read_failures(state_dir: Path) -> tuple[TaskFailure, ...]:
    """The failures of tasks that have not succeeded since."""
    failures = map(_read, sorted((state_dir / FOLDER).glob("*.json")))
    return tuple(failure for failure in failures if failure is not None)


def _read(path: Path) -> TaskFailure | None:
    """None where another program has written or damaged it."""
    try:
        failure = checked_from(TaskFailure, orjson.loads(path.read_bytes()))
        for at in (failure.since, failure.last):
            datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%f%z")
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return failure
