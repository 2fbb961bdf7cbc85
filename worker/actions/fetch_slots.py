"""A bound on what people have fetched at once: each holds a thread, and what came in memory."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from worker.errors import Busy

AT_ONCE = 3
_places = threading.BoundedSemaphore(AT_ONCE)


@contextmanager
def fetching() -> Iterator[None]:
    """One of AT_ONCE places in this process. Raises Busy where none is free: nobody waits."""
    if not _places.acquire(blocking=False):
        raise Busy(f"addresses of {AT_ONCE} requests are being fetched: try again when one is done")
    try:
        yield
    finally:
        _places.release()
