"""Celery's broker: where it is, and how many messages wait in its queues."""

import os
import ssl
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from worker.errors import ConfigError, Retryable, StoreRefused, StoreUnavailable
from worker.escape import printable
from worker.redact import redacted
from worker.settings import Settings, first_line
from worker.spool.ownership import read_id
from worker.store.connection import Client, connect, printable_url, redis_url, with_password_file
from worker.store.errors import translated

QUEUE = "newsdrop"
"""Everything but ingesting; :func:`queue_name` has the name of Celery's queue."""
INGEST_QUEUE = "newsdrop.ingest"
ENQUEUE_QUEUE = "newsdrop.enqueue"
"""Messages of clients, in a queue of their own, so that many of them delay no tick."""

_PASSWORD_KEY = "celery.broker_password_file"  # noqa: S105  a setting

ANSWER_SECONDS = 10
"""Timeout of each read and write on a connection to RabbitMQ: without a quorum it is silent."""
CONNECT_SECONDS = 5

_ID_LENGTH = 12


def broker_url(settings: Settings) -> str:
    """The address of the broker: `celery.broker_url`, else that of the store.

    A password file is read now for RabbitMQ, and by each new connection for Redis. Raises
    ConfigError if it cannot be read, or the address is invalid.
    """
    url = _configured_url(settings)
    if not is_rabbitmq(url):
        connect(url, "celery.broker_url" if settings.celery.broker_url else "redis.url")
    elif "://" not in printable_url(url):
        raise ConfigError(
            "celery.broker_url is not usable: write it as amqp://USER:PASSWORD@HOST:5672/VHOST, a "
            "password's / : @ # ? as %2F %3A %40 %23 %3F"
        )
    return url


def _configured_url(settings: Settings) -> str:
    url, file = settings.celery.broker_url, settings.celery.broker_password_file
    if not url:
        return redis_url(settings)
    if file is None or urlsplit(url).password:
        return url
    if not is_rabbitmq(url):
        return with_password_file(url, file, _PASSWORD_KEY)
    parts = urlsplit(url)
    user, _, hosts = parts.netloc.rpartition("@")
    password = quote(first_line(file, _PASSWORD_KEY), safe="")
    return urlunsplit(parts._replace(netloc=f"{user or 'guest'}:{password}@{hosts}"))


def is_rabbitmq(url: str) -> bool:
    return url.startswith(("amqp:", "amqps:"))


def urls_of_hosts(url: str) -> str:
    """`url` as kombu writes it: one address for each host, tried in turn."""
    parts = urlsplit(url)
    user, at, hosts = parts.netloc.rpartition("@")
    each = (f"{parts.scheme}://{user}{at}{host}{parts.path}" for host in hosts.split(","))
    return ";".join(each)


def rabbitmq_tls(url: str) -> dict[str, Any] | None:
    """The TLS options of an `amqps` address: certificate and host name are verified. Its query may
    name `ssl_ca_certs`, `ssl_certfile` and `ssl_keyfile`."""
    parts = urlsplit(url)
    if parts.scheme != "amqps":
        return None
    options = {key.removeprefix("ssl_"): value for key, value in parse_qsl(parts.query)}
    # kombu replaces a `server_hostname` of None by the host.
    return {"cert_reqs": ssl.CERT_REQUIRED, "server_hostname": None, **options}


def queue_name(queue: str, state_dir: Path) -> str:
    """Celery's queue for a state directory: `newsdrop.<start of its id>`. What waits there concerns
    files that no worker of another state directory sees. With one queue for two services, each
    consumed the other's ticks: two that tick alternately gave one of them every scan, and 490 files
    of the other waited for a minute."""
    state_id = read_id(state_dir)
    return f"{queue}.{state_id[:_ID_LENGTH]}" if state_id else queue


class WakeupQueue:
    """The queues of a state directory at the broker. `depth` has the messages in a queue that no
    worker has taken yet. Every method raises Retryable, no error of redis-py or kombu."""

    def __init__(
        self, depth: Callable[[str], int], state_dir: Path, close: Callable[[], None]
    ) -> None:
        self._depth = depth
        self._state_dir = state_dir
        self.close = close

    def count_waiting(self, queue: str) -> int:
        """Messages that no worker has taken yet."""
        return self._depth(queue_name(queue, self._state_dir))

    def may_notify(self, queue: str, limit: int) -> bool:
        """Whether fewer than `limit` wake-ups wait. Two callers may both get True: the limit keeps
        a queue short, and one wake-up too many only reads an empty spool."""
        return self.count_waiting(queue) < limit


def open_wakeups(settings: Settings, store: Client | None = None) -> WakeupQueue:
    """The queues at the broker of `settings`; `store` is a client of `redis.url` that may be used.
    Raises ConfigError."""
    url = broker_url(settings)
    if is_rabbitmq(url):
        rabbit = _RabbitDepth(url)
        return WakeupQueue(rabbit, settings.state_dir, rabbit.close)
    is_store = store is not None and not settings.celery.broker_url
    client: Any = store if is_store else connect(url)

    def depth(queue: str) -> int:
        with translated():
            return int(client.llen(queue))

    return WakeupQueue(depth, settings.state_dir, lambda: None if is_store else client.close())


class _RabbitDepth:
    """Reads the depth of a queue from RabbitMQ by a passive declaration. It has one connection for
    each process, which threads may share."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._lock = Lock()
        self._connection: Any = None
        self._pid = 0

    def __call__(self, queue: str) -> int:
        with self._lock:
            is_open = self._connection is not None and self._pid == os.getpid()
            try:
                return self._ask(queue)
            except Retryable:
                if not is_open:
                    raise
            return self._ask(queue)  # the connection was an old one: the server may have restarted

    def close(self) -> None:
        if self._connection is not None and self._pid == os.getpid():
            self._connection.release()
        self._connection = None

    def _ask(self, queue: str) -> int:
        from kombu.connection import Connection  # 0.1 s, which most commands do not need

        if self._connection is None or self._pid != os.getpid():  # a fork has its own
            self._pid = os.getpid()
            self._connection = Connection(  # type: ignore[no-untyped-call]
                urls_of_hosts(self._url),
                ssl=rabbitmq_tls(self._url),
                connect_timeout=CONNECT_SECONDS,
                transport_options={"read_timeout": ANSWER_SECONDS, "write_timeout": ANSWER_SECONDS},
            )
        connection = self._connection
        errors = (*connection.connection_errors, *connection.channel_errors)
        try:
            connection.ensure_connection(
                max_retries=1, interval_start=0, reraise_as_library_errors=False
            )
            with connection.channel() as channel:
                return int(channel.queue_declare(queue, passive=True).message_count)
        except errors as error:
            code = getattr(error, "code", None)
            if code == _NOT_FOUND:  # no worker has declared it yet
                return 0
            self._connection = None
            connection.collect()
            raise _unavailable(self._url, code, error) from error


def _unavailable(url: str, code: int | None, error: Exception) -> Retryable:
    where = printable_url(url)
    if code == _REFUSED:
        return StoreRefused(
            f"RabbitMQ at {where} refuses the user or password: correct celery.broker_url or "
            f"{_PASSWORD_KEY}"
        )
    why = printable(redacted(str(error)), 200)
    return StoreUnavailable(
        f"RabbitMQ at {where} cannot be reached ({why}); check that it is running"
    )


_NOT_FOUND, _REFUSED = 404, 403
