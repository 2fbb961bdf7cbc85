"""Back-fill: the objects of a bucket, or a list of addresses, as a job that all hosts share.

Unlike other inputs they are fetched later, by the workers; so Redis has to answer.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from worker.actions.intake import new_job
from worker.errors import UsageError
from worker.escape import printable
from worker.fetch.objects import split_bucket_url
from worker.queries.jobs import get_job
from worker.settings import Settings
from worker.settings.types import BUCKET_SCHEMES
from worker.sources.enqueue import KIND as ENQUEUED
from worker.sources.enqueue import EnqueueOptions
from worker.sources.fetch_once import is_address
from worker.sources.objects import KIND, host_of_bucket
from worker.sources.registry import require_source
from worker.spool.claim import Owner
from worker.store.backlog import pack_objects
from worker.store.factory import address_backlog, job_store, object_backlog
from worker.store.jobs import Job
from worker.taskqueue.client import notify_poll

MAX_LISTED_ADDRESSES = 10_000_000
"""Of one job: about 200 MB in Redis."""


@dataclass(frozen=True, slots=True)
class BackfillJob:
    """A job that begins. `addresses` is None for a bucket, whose objects are not counted yet."""

    job: str
    source: str
    addresses: int | None = None


def is_bucket(text: str | Path) -> bool:
    """Whether a person named a bucket, or a prefix of one."""
    return isinstance(text, str) and text.startswith(BUCKET_SCHEMES)


def enqueue_bucket(settings: Settings, url: str, options: EnqueueOptions) -> BackfillJob:
    """Have all objects below `url` (`s3://bucket/prefix`) read as one job.

    Raises UsageError where no bucket of the settings has its credentials, NotThere for an unknown
    source, StoreUnavailable.
    """
    scheme, name, prefix = split_bucket_url(url)
    matches = [
        bucket for bucket in settings.buckets if split_bucket_url(bucket.url)[:2] == (scheme, name)
    ]
    if not matches:
        raise UsageError(
            f"no [[buckets]] table of the settings has the bucket {printable(name, 80)}: "
            "add one with its credentials, and interval_seconds = 0 if it is not to be watched"
        )
    bucket = max(matches, key=lambda each: (url.startswith(each.url), len(each.url)))
    source = options.source or bucket.name
    job = _open_job(settings, source, options, [printable(url)])
    content = pack_objects(bucket.name, prefix, [])
    owner = Owner(source, KIND, job.id, options.force, options.strict or None)
    object_backlog(settings).open_listing(job.id, host_of_bucket(bucket), owner, content)
    notify_poll(settings)
    return BackfillJob(job.id, source)


def enqueue_list(
    settings: Settings, lines: Iterable[str], options: EnqueueOptions, label: str
) -> BackfillJob:
    """Have the addresses in `lines` fetched as one job, each once; empty lines, and those that
    begin with `#`, are skipped. `label` is for people.

    Raises UsageError, before anything is enqueued, for a line that is not an address; NotThere for
    an unknown source; StoreUnavailable.
    """
    addresses = _in_turns(_read(lines))
    if not addresses:
        raise UsageError("the list has no addresses: write one on each line")
    job = _open_job(settings, options.source, options, [label])
    backlog = address_backlog(settings)
    backlog.add_addresses(job.id, addresses)
    owner = Owner(job.source, ENQUEUED, job.id, options.force, options.strict or None)
    backlog.open_listing(job.id, f"job {job.id}", owner)
    notify_poll(settings)
    return BackfillJob(job.id, job.source, len(addresses))


def pause_job(settings: Settings, job: str, *, is_paused: bool) -> None:
    """Fetch nothing more for a job, on any host, or continue. Fetched files are still processed.

    Raises NotThere for an unknown job, UsageError where nothing is to be fetched for it.
    """
    if get_job(settings, job).fetching is None:
        raise UsageError(
            f"nothing is fetched for the job {printable(job, 80)}: it cannot be paused"
        )
    for backlog in (address_backlog(settings), object_backlog(settings)):
        backlog.pause(job, is_paused=is_paused)
    if not is_paused:
        notify_poll(settings)


def _open_job(
    settings: Settings, source: str | None, options: EnqueueOptions, names: list[str | Path]
) -> Job:
    require_source(settings, options.source)
    job = new_job(source, options, names)
    jobs = job_store(settings)
    jobs.list(1)  # which raises where Redis does not answer: `open` only logs that
    jobs.open(job)
    return job


def _read(lines: Iterable[str]) -> Iterable[str]:
    """The addresses, once each. Raises UsageError."""
    addresses: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        address = line.strip()
        if not address or address.startswith("#"):
            continue
        if not is_address(address) or address.startswith("rsshub:"):
            raise UsageError(
                f"line {number:,} is not an address ({printable(address, 80)}): begin it with "
                "http:// or https://"
            )
        addresses[address] = None
        if len(addresses) > MAX_LISTED_ADDRESSES:
            raise UsageError(
                f"the list has more than {MAX_LISTED_ADDRESSES:,} addresses: divide it"
            )
    return addresses


def _in_turns(addresses: Iterable[str]) -> list[str]:
    """The first address of each host, then the second of each, and so on: what is in the backlog
    at one time is of many hosts, and one slow host delays only its own."""
    turns: Counter[str] = Counter()

    def turn(address: str) -> int:
        host = address.split("/", 3)[2]
        turns[host] += 1
        return turns[host]

    return sorted(addresses, key=turn)
