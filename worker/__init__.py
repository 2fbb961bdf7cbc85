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
``look`` ``drain`` ``replay``          what the tasks do: claim, ingest, publish again,
``restart`` ``tidy``                   after a restart of Redis, remove what has expired
``context`` ``desk``                   everything a process works with, opened once
``ingest`` ``decide`` ``articles``     the one sequence: batch → outcomes; bytes → offers
``spool`` ``sources`` ``store``        files in work, where they come from, Redis
``parse`` ``normalize`` ``sites``      bytes → what a format said → record; site rules
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
