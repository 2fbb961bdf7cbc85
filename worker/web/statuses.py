"""Which HTTP status stands for an error, on a page and in the API alike."""

from worker.errors import (
    AlreadyThere,
    ConfigError,
    FetchFailed,
    NewsdropError,
    NotThere,
    Rejected,
    Retryable,
    UsageError,
)

_STATUSES: tuple[tuple[type[NewsdropError], int], ...] = (
    (NotThere, 404),
    (AlreadyThere, 409),
    (UsageError, 422),
    (Rejected, 422),
    (FetchFailed, 502),
    (Retryable, 503),
    (ConfigError, 500),
)
"""The first that fits."""


def status_for(error: NewsdropError) -> int:
    """422 for what was asked wrongly, 502 and 503 for what may get well by itself."""
    if isinstance(error, FetchFailed) and error.refused:
        return 422  # our own settings forbid the address
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), 500)
