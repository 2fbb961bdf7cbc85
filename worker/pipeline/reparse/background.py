"""A reparse in the background: what a person orders on the page, the workers run in slices.

`<state>/reparse-order.json` is written by the order alone, `<state>/reparse-run.json` by the one
process that works on it, so neither overwrites the other.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import orjson
from pydantic import TypeAdapter, ValidationError

from worker.errors import Retryable
from worker.model.frozen import dataclass
from worker.model.times import rfc3339
from worker.pipeline.context import Context
from worker.pipeline.frames import in_one_chunk
from worker.pipeline.reparse.run import is_full, read_segments
from worker.pipeline.reparse.state import ReparseOrder, RunState
from worker.spool.layout import translate_errors, write_durably
from worker.spool.lockfile import acquire_slot
from worker.translation import mark

_ORDER_FILE, _RUN_FILE = "reparse-order.json", "reparse-run.json"

RUN_SECONDS, BUSY_SECONDS = 3.0, 0.2
"""One slice while nothing else is to do, and while work waits: every five seconds there is one."""

MAX_ATTEMPTS = 3
"""Slices that ended with their process and read no segment, until the run is given up."""

_GIVEN_UP = mark(
    "reading one batch of the archive ended the worker's process again and again: see the log, and "
    "run `newsdrop reparse` in a terminal"
)

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class BackgroundOrder:
    """An order of a person at `ordered_at` (RFC 3339, UTC), which identifies it."""

    ordered_at: str
    order: ReparseOrder


@dataclass(frozen=True, slots=True)
class BackgroundRun:
    """The progress of the order of `ordered_at`: `state` with counts, by the rules of a revision.

    `finished_at` is RFC 3339, UTC, empty until then; `problem` says why the run was given up.
    """

    ordered_at: str
    rules: str
    state: RunState
    attempts: int = 0
    finished_at: str = ""
    problem: str = ""


_ORDER, _RUN = TypeAdapter(BackgroundOrder), TypeAdapter(BackgroundRun)


def read_order(state_dir: Path) -> tuple[BackgroundOrder | None, BackgroundRun | None]:
    """The last order, and its run if a worker has begun it."""
    order = _load(state_dir / _ORDER_FILE, _ORDER)
    run = _load(state_dir / _RUN_FILE, _RUN) if order else None
    return order, run if run and order and run.ordered_at == order.ordered_at else None


def write_order(state_dir: Path, order: BackgroundOrder | None) -> None:
    """Replace the order; None removes it, and with it a run that is not finished."""
    if order is None:
        (state_dir / _ORDER_FILE).unlink(missing_ok=True)
    else:
        _save(state_dir / _ORDER_FILE, order)


def is_open(state_dir: Path) -> bool:
    """Whether the workers have something to do for an order."""
    order, run = read_order(state_dir)
    return order is not None and (run is None or not run.finished_at)


@in_one_chunk
def run_slice(context: Context, on_claimed: Callable[[], object]) -> None:
    """Read the archive for the order, for some seconds; one process at a time. Raises Retryable.

    A change of the rules starts it again: counts by two revisions would be meaningless.
    """
    state_dir, now = context.settings.state_dir, context.deps.now
    with acquire_slot(state_dir, "reparse", 1) as slot:
        order, run = read_order(state_dir)
        if slot is None or order is None or (run and run.finished_at):
            return
        sites = context.deps.sites()
        if run is None or run.rules != sites.revision:
            run = BackgroundRun(order.ordered_at, sites.revision, RunState(rfc3339(now())))
        if run.attempts >= MAX_ATTEMPTS:
            run = replace(run, finished_at=rfc3339(now()), problem=_GIVEN_UP)
            _save(state_dir / _RUN_FILE, run)
            return
        _save(state_dir / _RUN_FILE, replace(run, attempts=run.attempts + 1))
        seconds = BUSY_SECONDS if context.has_batches() else RUN_SECONDS
        deadline = context.deps.clock() + seconds
        finished_at = ""
        steps = read_segments(context, order.order, sites, run.state, on_claimed=on_claimed)
        try:
            while not is_full(context) and context.deps.clock() < deadline:
                if next(steps, _END) is _END:
                    finished_at = rfc3339(now())
                    break
        except Retryable:  # the next slice continues at this segment
            _save(state_dir / _RUN_FILE, replace(run, attempts=0))
            raise
        _save(state_dir / _RUN_FILE, replace(run, attempts=0, finished_at=finished_at))


_END = object()


def _save(path: Path, value: BackgroundOrder | BackgroundRun) -> None:
    with translate_errors(path):
        write_durably(path, orjson.dumps(value))


def _load(path: Path, kind: TypeAdapter[_T]) -> _T | None:
    """None too for a file of another version."""
    with suppress(OSError, ValidationError):
        return kind.validate_json(path.read_bytes())
    return None
