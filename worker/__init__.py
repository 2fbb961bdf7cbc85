"""newsdrop: drop articles in; get one clean, deduplicated record each out of a Redis stream.

For programs in Python: `from worker import parse, enqueue` (:mod:`worker.api`). What is in this
package, from the top down; imports only go down (`tests/test_layers.py`):

================================  ===========================================================
``cli``                           the command `newsdrop`
``web``                           the status page, the HTTP API, metrics, health checks
``api``                           the functions for programs in Python
``service``                       what `newsdrop up` runs
``actions``                       what a person changes
``tasks`` ``app``                 Celery's tasks, and the entry of `celery -A worker.app`
``queries``                       what a person sees
``taskqueue``                     the Celery application, its scheduler, heartbeats, wake-ups
``pipeline``                      scan, poll, drain, ingest: batch → outcomes
``health``                        what must hold before a start
``sources``                       drop folders, feeds, pages: bring raw bytes into the spool
``store``                         the only importer of redis
``formats`` ``normalize``         bytes → what a format says → record
``feeds``                         which feeds there are, and when each is due
``spool``                         claim, lock, journal, archive, quarantine
``fetch``                         bytes from an address: the only importer of httpx
``sites``                         site rules
``logs``                          how events are logged
``settings``                      every key
``model``                         the dataclasses that cross borders
``errors`` ``escape`` ``redact``  failures; text from outside made safe
================================  ===========================================================
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.api import enqueue, parse

__all__ = ["__version__", "enqueue", "parse"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public functions, imported on first use: commands start without them (PEP 562)."""
    if name in ("enqueue", "parse"):
        from worker import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
