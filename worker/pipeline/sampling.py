"""Sampling: once a minute, the counters, the lags of consumer groups, and what is in force."""

import hashlib
import socket
from datetime import datetime

from worker.pipeline.context import Context
from worker.store.samples import MAX_GROUPS, Sample, SampleStore
from worker.store.stream import Stream
from worker.store.workers import Heartbeats


def take_sample(context: Context, now: datetime) -> None:
    """Store a sample unless this minute has one. Raises Retryable."""
    name = context.settings.stream.name
    store = SampleStore(context.redis, stream=name)
    now_ms = int(now.timestamp() * 1000)
    if not store.is_due(now_ms):
        return
    groups = sorted(Stream(context.redis, name).get_info().groups, key=lambda group: group.name)
    workers = Heartbeats(context.redis, stream=name).list_workers()
    settings = context.settings.model_dump_json().encode()
    store.add(
        Sample(
            at_ms=now_ms,
            lags={group.name: group.lag for group in groups[:MAX_GROUPS]},
            started_ms=tuple(worker.started_ms for worker in workers),
            host=socket.gethostname(),
            settings=hashlib.sha256(settings).hexdigest()[:8],
            rules=context.deps.sites().revision,
        )
    )
