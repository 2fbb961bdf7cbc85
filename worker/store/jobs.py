"""Jobs: what one enqueue, or one source within an hour, brought in, and its outcomes."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import orjson
import redis

from worker.errors import Retryable
from worker.logs import get_logger
from worker.model import Tally
from worker.model.from_json import dataclass_from
from worker.store.connection import to_text
from worker.store.counters import RefusedSummary, parse_tally, parse_warnings
from worker.store.errors import translated, translated_replies
from worker.store.layout import Layout

logger = get_logger(__name__)

_MARK_SECONDS = 30
"""Between two marks of how many objects or addresses are fetched, as in finish.lua."""

_NUMBER = re.compile(r"-?[0-9]{1,13}")
"""Counts, and times until the year 2286."""


class JobKind(StrEnum):
    """The origin of a job. `unknown`: Redis did not answer when it started."""

    ENQUEUE = "enqueue"
    SCAN = "scan"
    RETRY = "retry"
    POLL = "poll"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Job:
    """`created_ms` is Unix time in milliseconds; `label` is for people, escaped."""

    id: str
    kind: JobKind
    source: str
    label: str
    created_ms: int


@dataclass(frozen=True, slots=True)
class FetchCounts:
    """The objects or addresses that a job fetches. `listed` are known so far, and more follow while
    it `is_listing`; `unfetchable` were skipped or given up. `per_second` is the rate of the last
    half minute or more, on all hosts; None where it is unknown, or nothing was fetched since: what
    is left may be retries that wait."""

    listed: int
    unfetched: int
    unfetchable: int
    is_listing: bool
    is_paused: bool
    per_second: float | None = None

    @property
    def is_done(self) -> bool:
        return not self.unfetched and not self.is_listing

    @property
    def fetched(self) -> int:
        return max(0, self.listed - self.unfetched - self.unfetchable)

    @property
    def seconds_left(self) -> float | None:
        """None where that is unknown: it is still being listed, or has no rate."""
        is_known = self.per_second and not self.is_listing
        return self.unfetched / self.per_second if is_known and self.per_second else None


@dataclass(frozen=True, slots=True)
class JobState:
    """The state of a job. `files` were accepted for it; `began_ms` is when work on its first
    settled batch began, `last_ms` when the last one was settled. `warnings` counts published
    articles with a warning, by its kind. `accepted` is set by the task `newsdrop.enqueue` when all
    of its files were accepted."""

    job: Job
    files: int
    tally: Tally
    last_ms: int | None
    began_ms: int | None = None
    warnings: Mapping[str, int] = field(default_factory=dict)
    accepted: int | None = None
    fetching: FetchCounts | None = None

    @property
    def is_settled(self) -> bool:
        """Whether all files of a job of the task are finished. The files that were accepted count,
        too: without Redis for a moment, not all of them were added to the job."""
        done = self.tally.archived + self.tally.quarantined
        return self.accepted is not None and done >= max(self.files, self.accepted)

    @property
    def open_files(self) -> int:
        """Files that wait or are being processed."""
        return max(0, self.files - self.tally.archived - self.tally.quarantined)


class JobStore:
    """Jobs are kept for `keep_days` after they last changed.

    They are only information: :meth:`open` and :meth:`add_files` log errors of Redis and return.
    The readers raise Retryable, no error of redis-py.
    """

    def __init__(self, client: redis.Redis, *, stream: str, keep_days: int) -> None:
        self._client: Any = client
        self._layout = Layout(stream, keep_days)

    def open(self, job: Job, files: int = 0) -> None:
        """Record that a job begins, and that `files` more were accepted for it. A second call
        changes neither label nor time."""
        key = self._layout.job(job.id)
        with (
            log_store_errors("the job was not recorded", job=job.id),
            self._client.pipeline() as pipe,
        ):
            for name, value in (
                ("kind", job.kind.value),
                ("source", job.source),
                ("label", job.label),
                ("created_ms", job.created_ms),
            ):
                pipe.hsetnx(key, name, value)
            if files:
                pipe.hincrby(key, "files", files)
            pipe.expire(key, self._layout.keep_seconds)
            pipe.zadd(self._layout.jobs(), {job.id: job.created_ms}, nx=True)
            oldest = job.created_ms - self._layout.keep_seconds * 1000
            pipe.zremrangebyscore(self._layout.jobs(), "-inf", oldest)
            pipe.execute()

    def add_files(self, job: str, count: int) -> None:
        """Record that `count` more files were accepted for a job."""
        key = self._layout.job(job)
        with log_store_errors("the job was not recorded", job=job), self._client.pipeline() as pipe:
            pipe.hincrby(key, "files", count)
            pipe.expire(key, self._layout.keep_seconds)
            pipe.execute()

    def add_refused(self, job: str, refused: RefusedSummary, most: int) -> None:
        """List an input of a job that could not be fetched, unless `most` are listed."""
        key = self._layout.refused(job)
        with log_store_errors("the job was not recorded", job=job):
            if self._client.llen(key) < most:
                self._client.rpush(key, orjson.dumps(refused))
                self._client.expire(key, self._layout.keep_seconds)

    def get(self, job: str) -> JobState | None:
        with translated(), self._client.pipeline(transaction=False) as pipe:
            pipe.hgetall(self._layout.job(job))
            pipe.time()
            values, now = pipe.execute()
        return _state(job, values, now) if values else None

    def list(self, count: int = 50, cursor: int = 0) -> list[JobState]:
        """Up to `count` jobs, newest first, after the first `cursor`, without those expired."""
        with translated():
            ids = self._client.zrevrange(self._layout.jobs(), cursor, cursor + count - 1)
            names = [name.decode("utf-8", "replace") for name in ids]
            with self._client.pipeline(transaction=False) as pipe:
                for name in names:
                    pipe.hgetall(self._layout.job(name))
                pipe.time()
                *values, now = pipe.execute()
        return [_state(name, job, now) for name, job in zip(names, values, strict=True) if job]

    def refused(self, job: str, count: int = 1000) -> Sequence[RefusedSummary]:
        """The refused files of a job, in order; the first `jobs.max_refused` of them."""
        with translated_replies():
            lines = self._client.lrange(self._layout.refused(job), 0, count - 1)
            return [dataclass_from(RefusedSummary, orjson.loads(line)) for line in lines]


@contextmanager
def log_store_errors(event: str, **details: str) -> Iterator[None]:
    """For writes that only inform: log an error of Redis as `event` and continue."""
    try:
        with translated():
            yield
    except Retryable as error:
        logger.warning(event, **details, error=str(error))


def _state(job: str, raw: dict[bytes, bytes], now: tuple[int, int]) -> JobState:
    """What can be parsed: a job of another version must not hide the others. `now` is the server's
    clock, which also set the marks: seconds and microseconds."""
    values = {to_text(name): to_text(value) for name, value in raw.items()}
    numbers = {name: int(value) for name, value in values.items() if _NUMBER.fullmatch(value)}
    kind = values.get("kind")
    return JobState(
        job=Job(
            id=job,
            kind=JobKind(kind) if kind in set(JobKind) else JobKind.UNKNOWN,
            source=values.get("source", ""),
            label=values.get("label", ""),
            created_ms=numbers.get("created_ms", 0),
        ),
        files=numbers.get("files", 0),
        tally=parse_tally(numbers),
        last_ms=numbers.get("last_ms"),
        began_ms=numbers.get("began_ms"),
        warnings=parse_warnings(numbers),
        accepted=numbers.get("accepted"),
        fetching=_fetch_counts(numbers, now[0] * 1000),
    )


def _fetch_counts(numbers: Mapping[str, int], now_ms: int) -> FetchCounts | None:
    if "listed" not in numbers and "listing" not in numbers:
        return None
    mark_ms = numbers.get("mark_ms", 0)
    milliseconds = mark_ms - numbers.get("earlier_mark_ms", 0)
    fetched = numbers.get("marked", 0) - numbers.get("earlier_marked", 0)
    is_current = milliseconds > 0 and now_ms - mark_ms < milliseconds + 2 * _MARK_SECONDS * 1000
    return FetchCounts(
        listed=numbers.get("listed", 0),
        unfetched=numbers.get("unfetched", 0),
        unfetchable=numbers.get("unfetchable", 0),
        is_listing="listing" in numbers,
        is_paused="paused" in numbers,
        per_second=round(fetched * 1000 / milliseconds, 3) if is_current else None,
    )
