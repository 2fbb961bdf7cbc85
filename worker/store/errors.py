"""The errors of redis-py, translated to newsdrop's own."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import redis

from worker.errors import Retryable, StoreFull, StoreRefused, StoreUnavailable
from worker.escape import printable
from worker.translation import mark


@contextmanager
def translated() -> Iterator[None]:
    """Translate the errors of redis-py; the cause is kept.

    Raises StoreFull if the server refuses writes because its memory or disk is full,
    StoreUnavailable if it cannot be reached or does not serve us, else Retryable: the store is at
    fault, not the input.
    """
    try:
        yield
    except redis.RedisError as error:
        raise _translate(error) from error


@contextmanager
def translated_replies() -> Iterator[None]:
    """:func:`translated`, for code that also parses replies: values under newsdrop's keys may come
    from another program or version. Raises Retryable for a reply that cannot be parsed."""
    try:
        with translated():
            yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise Retryable(
            "newsdrop's keys in Redis hold values that this version cannot read: check whether "
            "another program or version writes to the same database"
        ) from error


def _translate(error: redis.RedisError) -> Retryable:
    text = str(error)
    code = _PERMISSION if _NO_PERMISSION.search(text) else getattr(error, "status_code", None)
    if code == _PERMISSION:
        return StoreRefused(
            "the user in redis.url may not run a command that newsdrop needs "
            f"({printable(text, 200)}): {GRANT}"
        )
    for prefix, (kind, message) in _BY_CODE.items():
        if code == prefix or f"{prefix} " in text:
            return kind(message)
    if isinstance(error, redis.AuthenticationError):  # a password for a server that has none
        return StoreRefused(_WRONG_PASSWORD)
    if isinstance(error, redis.TimeoutError):
        return StoreUnavailable(
            "Redis did not answer in time; check whether it is overloaded or suspended"
        )
    if isinstance(error, redis.ConnectionError):
        return StoreUnavailable(f"Redis cannot be reached{_where(text)}; check that it is running")
    return Retryable(
        f"Redis refused a command ({printable(text)}): see its log, and whether another program "
        "writes newsdrop's keys"
    )


def _where(text: str) -> str:
    """The address and the cause in redis-py's message, without its error number."""
    match = _CONNECT_ERROR.match(text)
    if match is None:
        return f" ({printable(text, 120)})"
    cause = match["cause"]
    if cause == "No such file or directory":
        cause = "no server has this socket"
    return f" at {printable(match['address'], 200)} ({cause})"


_CONNECT_ERROR = re.compile(r"Error -?\d+ connecting to (?P<address>.+)\. (?P<cause>[\w ]+)\.?$")
_WRONG_PASSWORD = "Redis refuses the user or password: correct redis.url or redis.password_file"  # noqa: S105

_PERMISSION = "NOPERM"
_NO_PERMISSION = re.compile(r"NOPERM |ACL failure in script|no permissions to", re.IGNORECASE)
GRANT = "grant it in Redis' ACL, see docs/operations.md"

_MOVING = mark("the stream's slot of the Redis Cluster is being moved to another node: wait")

# By the first word of the reply. Redis 6.2 wraps the error of a script in another one.
_BY_CODE: dict[str, tuple[type[Retryable], str]] = {
    "OOM": (
        StoreFull,
        mark(
            "Redis is out of memory: raise maxmemory, or lower stream.max_length and trim the "
            "stream"
        ),
    ),
    "MISCONF": (
        StoreFull,
        mark("Redis refuses writes because it cannot save to its disk: free space there"),
    ),
    "LOADING": (StoreUnavailable, mark("Redis is still loading its data: wait")),
    "NOAUTH": (
        StoreRefused,
        mark(
            "Redis requires a password: put it into the file that redis.password_file names, "
            "or into redis.url"
        ),
    ),
    "WRONGPASS": (StoreRefused, _WRONG_PASSWORD),
    "READONLY": (
        StoreUnavailable,
        mark("this Redis is a read-only replica: set redis.url to the primary"),
    ),
    "MASTERDOWN": (
        StoreUnavailable,
        mark("this Redis is a replica without a primary: wait, or set redis.url to the primary"),
    ),
    "CLUSTERDOWN": (StoreUnavailable, mark("the Redis Cluster is down: start its missing nodes")),
    "MOVED": (StoreUnavailable, _MOVING),
    "ASK": (StoreUnavailable, _MOVING),
    "TRYAGAIN": (StoreUnavailable, _MOVING),
    "non local key": (StoreUnavailable, _MOVING),
    "BUSY": (
        StoreUnavailable,
        mark("Redis is busy with a script of another program: wait, or end it with SCRIPT KILL"),
    ),
    "max number of clients": (
        StoreUnavailable,
        mark("Redis has as many clients as its maxclients allows: raise it, or end some of them"),
    ),
    "NOREPLICAS": (
        StoreUnavailable,
        mark("Redis has fewer replicas than its min-replicas-to-write: start the missing ones"),
    ),
}
