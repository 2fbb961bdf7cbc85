"""One way to a Redis server, and what its errors mean to newsdrop."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from worker.errors import ConfigError, Retryable, StoreFull, StoreRefused, StoreUnavailable
from worker.escape import printable
from worker.settings import Settings, first_line
from worker.settings.paths import embedded_socket
from worker.store.wire_format import OnePiece

Client = redis.Redis


def connect(url: str) -> Client:
    """A client of the server at `url` (redis, rediss or unix); its replies are bytes.

    Nothing is opened before the first command. A command is sent **once**: redis-py would send
    it ten times more after a lost reply, and a repeated write is a second write. Whoever calls
    decides whether trying again is safe.

    Raises ConfigError where `url` is not one.
    """
    try:
        return redis.Redis.from_url(
            url,
            retry=Retry(NoBackoff(), 0),
            socket_timeout=10,
            socket_connect_timeout=5,
            health_check_interval=25,
            decode_responses=False,
            command_packer=OnePiece(),
            **({} if url.startswith("unix:") else {"socket_keepalive": True}),
        )
    except ValueError as error:
        # Without what `urllib` said: it quotes what it took for a port, which may be a password.
        raise ConfigError(
            f"redis.url {printable_url(url)} is not usable: write it as "
            "redis://:PASSWORD@HOST:PORT/0, a password's / : @ # ? as "
            "%2F %3A %40 %23 %3F, or put the password into redis.password_file"
        ) from error


def redis_url(settings: Settings) -> str:
    """The configured server, else the one `newsdrop up` runs for this state directory.

    Raises ConfigError where the password's file cannot be read.
    """
    url = settings.redis.url
    if not url:
        return socket_url(str(embedded_socket(settings.state_dir)))
    return (
        _with_password(url, settings.redis.password_file) if settings.redis.password_file else url
    )


def _with_password(url: str, file: Path) -> str:
    """`url` with the file's first line as its password, unless it has one."""
    parts = urlsplit(url)
    if parts.password:
        return url
    password = quote(first_line(file, "redis.password_file"), safe="")
    user, _, host = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.rstrip(':')}:{password}@{host}"))


def socket_url(path: str) -> str:
    """The URL of a Unix socket; any path can be one."""
    return "unix://" + quote(path)


def printable_url(url: str) -> str:
    """`url` for people: without password, user and query (which can hold both)."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "(not a URL)"
    return printable(f"{parts.scheme}://{host}{port}{parts.path}")


@contextmanager
def translated() -> Iterator[None]:
    """Turn redis-py's errors into newsdrop's; the cause is kept.

    Raises StoreFull where the server refuses writes for want of memory or disk,
    StoreUnavailable where it cannot be reached or does not serve us, else Retryable: the store is
    not as it must be, and no input is to blame for it.
    """
    try:
        yield
    except redis.RedisError as error:
        raise _meaning(error) from error


@contextmanager
def understood() -> Iterator[None]:
    """:func:`translated`, around the reading of an answer as well: what another program wrote under
    our keys, or another version, is no bug, and who asked is told. Raises as it does, and Retryable
    where an answer is nothing that newsdrop writes."""
    try:
        with translated():
            yield
    except (ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        raise Retryable(
            "what Redis keeps of newsdrop is not as this version writes it: did another program or "
            "version write to the same database?"
        ) from error


def _meaning(error: redis.RedisError) -> Retryable:
    said = str(error)
    for code, (kind, message) in _MEANINGS.items():
        if _code(error) == code or f"{code} " in said:
            return kind(message)
    if isinstance(error, redis.AuthenticationError):  # a password where the server has none
        return StoreRefused(_WRONG)
    if isinstance(error, redis.TimeoutError):
        return StoreUnavailable(
            "Redis did not answer in time; see whether it is overloaded or suspended"
        )
    if isinstance(error, redis.ConnectionError):
        return StoreUnavailable(f"Redis cannot be reached{_place(said)}; see whether it runs")
    return Retryable(f"Redis refused a command: {printable(said)}")


def _place(said: str) -> str:
    """Where redis-py looked and what it met, for people: it counts errors and ends sentences."""
    found = _NOBODY.match(said)
    if found is None:
        return f" ({printable(said, 120)})"
    return f" at {printable(found['where'], 200)} ({_MET.get(found['met'], found['met'])})"


def _code(error: redis.RedisError) -> str:
    return getattr(error, "status_code", None) or ""


_NOBODY = re.compile(r"Error -?\d+ connecting to (?P<where>.+)\. (?P<met>[\w ]+)\.?$")
_MET = {"No such file or directory": "nothing runs there"}

_WRONG = "Redis refuses the user or password: correct redis.url or redis.password_file"

# By the first word of the server's answer; Redis 6.2 wraps what a script met into another error.
_MEANINGS: dict[str, tuple[type[Retryable], str]] = {
    "OOM": (
        StoreFull,
        "Redis is out of memory: raise maxmemory, or lower stream.max_length and trim the stream",
    ),
    "MISCONF": (
        StoreFull,
        "Redis refuses writes because it cannot save to its disk: see its log",
    ),
    "LOADING": (StoreUnavailable, "Redis is still loading its data"),
    "NOAUTH": (
        StoreRefused,
        "Redis wants a password: put it into the file that redis.password_file names, "
        "or into redis.url",
    ),
    "WRONGPASS": (StoreRefused, _WRONG),
    "NOPERM": (
        StoreRefused,
        "the user in redis.url may not run a command that newsdrop needs: allow it in Redis' ACL",
    ),
    "READONLY": (
        StoreUnavailable,
        "this Redis is a read-only replica: let redis.url name the primary",
    ),
    "MASTERDOWN": (StoreUnavailable, "this Redis is a replica that has lost its primary"),
    "CLUSTERDOWN": (StoreUnavailable, "the Redis Cluster is down"),
    "BUSY": (StoreUnavailable, "Redis is busy with a script of somebody else"),
    "NOREPLICAS": (StoreUnavailable, "Redis has fewer replicas than its min-replicas-to-write"),
}
