"""newsdrop: drop articles in; get one clean, deduplicated record each out of a Redis stream.

For programs in Python: `from worker import parse, enqueue` (:mod:`worker.api`). What is in this
package, from the top down; imports only go down (`tests/test_layers.py`):

=====================================  ========================================================
``cli``                                the command `newsdrop`
``api``                                the public face
``service``                            what `newsdrop up` runs
``tasks`` ``view`` ``intake`` ``bell``  Celery's tasks; what is shown; enqueuing; ringing
``app`` ``beat`` ``presence``          the Celery application, its ticks, a worker's heartbeats
``promises``                           what must hold before a worker starts
``look`` ``poll`` ``drain``            what the tasks do: claim, fetch, ingest, publish again,
``replay`` ``restart`` ``tidy``        after a restart of Redis, remove what has expired
``context`` ``desk`` ``timed``           everything a process works with, opened once; its clock
``ingest`` ``decide`` ``observed``     the one sequence: batch → outcomes; what they say of feeds
``articles`` ``fetched``               bytes → offers, of files and of what was fetched
``spool`` ``sources`` ``store``        files in work, where they come from, Redis
``fetch``                              bytes from an address: the only importer of httpx
``parse`` ``normalize`` ``sites``      bytes → what a format said → record; site rules
``feeds``                              which feeds there are, when each is polled next
``settings`` ``logs``                  what is set; how it is logged
``model`` ``errors`` ``escape`` …      data, failures, and small things without any import
=====================================  ========================================================
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.api import enqueue, parse

__all__ = ["__version__", "enqueue", "parse"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """The public face, imported when it is first used: commands start without it (PEP 562)."""
    if name == "enqueue":
        return import_module("worker.api").enqueue
    if name == "parse":
        return import_module("worker.parse")  # which can be called
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
