"""newsdrop for programs in Python: `from newsdrop import Consumer, parse, enqueue`.

The implementation is the package `worker`, which is installed beside this one. If Python would
import another `worker` first (for example a `worker.py` in the working directory), this module
refuses it with one sentence, before it runs.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsdrop.consumer import Consumer
    from worker.api import enqueue, parse

__all__ = ["Consumer", "__version__", "enqueue", "parse"]

_WORKER = Path(__file__).resolve().parent.parent / "worker" / "__init__.py"


def _check_worker() -> None:
    """Raise ImportError (SystemExit in the command `celery`, which would show a traceback) where
    `import worker` would import another package."""
    try:
        spec = find_spec("worker")
    except ValueError:  # another `worker` was imported without a spec
        spec = None
    origin = spec.origin if spec is not None else None
    if origin is not None and Path(origin).resolve() == _WORKER:
        return
    command = Path(sys.argv[0]) if sys.argv else Path()
    is_celery = "celery" in (command.stem, command.parent.name)
    advice = "run celery in another folder" if is_celery else "start Python with -P"
    place = origin if origin is not None else "another package"
    message = (
        f"newsdrop: `import worker` finds {place!a}, not newsdrop's own package {str(_WORKER)!a}: "
        f"rename the other one, or {advice}"
    )
    raise SystemExit(message) if is_celery else ImportError(message)


_check_worker()


def __getattr__(name: str) -> Any:
    """The functions, imported on first use (PEP 562)."""
    if name == "Consumer":  # needs redis alone
        from newsdrop.consumer import Consumer

        return Consumer
    if name in __all__:
        import worker

        return getattr(worker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
