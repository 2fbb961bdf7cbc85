"""newsdrop for programs in Python: `from newsdrop import parse, enqueue`.

The implementation is the package `worker`, which is installed beside this one. Any other `worker`
that Python finds first (a `worker.py` in the working directory, say) is refused here, before it
runs, in one sentence.
"""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from worker.api import enqueue, parse

__all__ = ["__version__", "enqueue", "parse"]

_OURS = Path(__file__).resolve().parent.parent / "worker" / "__init__.py"


def _check_worker() -> None:
    """Raise ImportError (SystemExit in the command `celery`, which would show a traceback) where
    `import worker` means another package than ours."""
    try:
        spec = find_spec("worker")
    except ValueError:  # it was imported without a spec
        spec = None
    origin = spec.origin if spec is not None else None
    if origin is not None and Path(origin).resolve() == _OURS:
        return
    command = Path(sys.argv[0]) if sys.argv else Path()
    is_celery = "celery" in (command.stem, command.parent.name)
    advice = "run celery in another folder" if is_celery else "start Python with -P"
    found = origin if origin is not None else "another package"
    sentence = (
        f"newsdrop: `worker` means {found!a} here, not newsdrop's own package {str(_OURS)!a}: "
        f"rename that one, or {advice}"
    )
    raise SystemExit(sentence) if is_celery else ImportError(sentence)


_check_worker()


def __getattr__(name: str) -> Any:
    """The functions, imported on first use (PEP 562)."""
    if name in __all__:
        import worker

        return getattr(worker, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
