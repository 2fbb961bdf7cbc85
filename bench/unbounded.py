"""`celery -A bench.unbounded`: newsdrop's worker without the kernel's bounds on a document.

Timers, RLIMIT_DATA and the look for an alert are off: :mod:`worker.pipeline.bounds`.
"""

from worker import tasks
from worker.app import app
from worker.pipeline.context import Context, open_context
from worker.settings import Settings

__all__ = ["app"]


def _open_context(settings: Settings, *, is_bounded: bool) -> Context:
    assert is_bounded, "this worker has no bounds by itself"
    return open_context(settings)


vars(tasks).update(open_context=_open_context, limit_memory=lambda _megabytes: None)
