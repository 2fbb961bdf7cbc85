"""Problems of the scheduler's tasks: one that fails, and one that never ends well."""

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

from worker.queries.status.node_problems import WORKERS
from worker.queries.status.problem import Problem, duration
from worker.queries.status.service import Status
from worker.settings import Settings
from worker.spool.lockfile import SCHEDULER, slot_holders
from worker.spool.task_record import last_success, success_age

_MAY_BE_OVER_SECONDS = 150.0
"""How long a single failure of a task that runs every few seconds is recorded at most."""

_SILENT_SECONDS = {
    "newsdrop.poll": 600.0,
    "newsdrop.index": 600.0,
    "newsdrop.trim": 600.0,
    "newsdrop.tidy": 3_600.0,
}
"""How long a task may be without a success. Those of seconds wait for a long file at most; `tidy`
runs every ten minutes. `scan` and the copies of the archive have problems of their own."""


SLOW_SECONDS = 60.0
"""How long the oldest batch may wait, or a scan be late, before that is worth a warning."""


def scan_problem(settings: Settings, age: float) -> Problem | None:
    """A problem where the last scan of the folders ended `age` seconds ago, though the scheduler
    is not silent: nothing is accepted without one."""
    if age <= settings.silent_beat_seconds() + SLOW_SECONDS:
        return None
    return Problem(
        "fail",
        "scan",
        f"The last scan of the drop folders ended {duration(age)} ago, although the scheduler "
        "starts one at each tick.",
        "See the worker's log. If it is silent, its processes hang: restart the service.",
        WORKERS,
    )


def scheduler_note(settings: Settings) -> Problem | None:
    """A note where more than one scheduler runs on this state directory."""
    pids = [str(one.pid) for one in slot_holders(settings.state_dir, SCHEDULER)]
    if len(pids) < 2:
        return None
    first, which = pids[0], ", ".join(pids[1:])
    text = f"Process {first} is the scheduler; processes that stand by: {which}."
    return Problem("note", "schedulers", text, "One is enough: stop the others.", WORKERS)


def silent_tasks(settings: Settings, status: Status) -> Iterator[Problem]:
    """Tasks that have neither succeeded nor failed for long, although a worker is there: each of
    their processes was ended, by the time limit or for its memory, before it could record why."""
    started_ms = [worker.started_ms for worker in status.own_workers()]
    if not started_ms:
        return
    failing = {failure.task for failure in status.failing_tasks}
    now = datetime.fromisoformat(status.at)
    service_age = now.timestamp() - min(started_ms) / 1000  # it may have been stopped before
    for task, seconds in _SILENT_SECONDS.items():
        age = success_age(settings.state_dir, task, now)
        if age is None or task in failing:
            continue
        silence = min(age, service_age)
        if silence > seconds + settings.silent_beat_seconds():
            yield Problem(
                "warn",
                task,
                f"The task {task} has not succeeded for {duration(silence)}.",
                "See the log of the worker: its process is ended each time, for its time or its "
                "memory, or it waits for a disk. Restart the service if it is silent.",
                WORKERS,
            )


def failing_tasks(
    settings: Settings, status: Status, others: Sequence[Problem]
) -> Iterator[Problem]:
    """Tasks that fail again and again, for reasons that no other problem gives. A success since may
    be another process's, so the failure is still shown for a minute."""
    for failure in status.failing_tasks:
        is_recent = _age(status, failure.last) < _MAY_BE_OVER_SECONDS
        if failure.count == 1 and not failure.is_bug and is_recent:
            continue  # it may be over with the next tick
        cause = _comparable(failure.message.partition(": ")[0])
        if any(cause in _comparable(problem.text) for problem in others):
            continue
        first, last = _ago(status, failure.since), _ago(status, failure.last)
        text = f"The task {failure.task} failed {last} ago: {failure.message}."
        if failure.count > 1:
            text = (
                f"The task {failure.task} has failed {failure.count:,} times, first {first} ago, "
                f"last {last} ago: {failure.message}."
            )
        failed_at = datetime.fromisoformat(failure.last).timestamp()
        if failure.is_bug:
            yield Problem("fail", failure.task, text, _BUG)
        elif (last_success(settings.state_dir, failure.task) or 0) > failed_at:
            yield Problem("warn", failure.task, text, _SUCCEEDED)
        else:
            advice = "Correct that: the task is repeated by itself."
            yield Problem("fail", failure.task, text, advice)


def _ago(status: Status, then: str) -> str:
    return duration(max(0.0, _age(status, then)))


def _age(status: Status, then: str) -> float:
    return (datetime.fromisoformat(status.at) - datetime.fromisoformat(then)).total_seconds()


def _comparable(text: str) -> str:
    """Without what may differ in the same message: capitals and numbers, such as free megabytes."""
    return re.sub(r"[0-9][0-9,]*", "0", text.casefold())


_SUCCEEDED = "It has succeeded since: nothing to do, unless it fails again."
_BUG = "The log of the worker has the traceback: report it. The task is repeated by itself."
