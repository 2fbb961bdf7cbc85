"""newsdrop: drop articles in; get one clean, deduplicated record each out of a Redis stream.

For programs in Python: `from worker import parse, enqueue` (:mod:`worker.api`).
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
