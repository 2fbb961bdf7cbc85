"""The Celery application: queues, schedule, and the settings that were measured to matter, with
their reasons. The tasks are in :mod:`worker.tasks`; :mod:`worker.app` creates the application that
`celery -A worker.app` runs."""

from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit, urlunsplit

from celery import Celery
from celery.app.amqp import AMQP
from kombu.connection import Connection
from kombu.entity import Queue
from kombu.exceptions import OperationalError
from kombu.transport.redis import Channel as RedisChannel

from worker.settings import Settings
from worker.spool.ownership import make_id
from worker.store.broker import (
    ANSWER_SECONDS,
    CONNECT_SECONDS,
    ENQUEUE_QUEUE,
    INGEST_QUEUE,
    QUEUE,
    broker_url,
    is_rabbitmq,
    queue_name,
    rabbitmq_tls,
    urls_of_hosts,
)
from worker.store.connection import PasswordFile, redis_url, split_password_file, tls_options
from worker.store.nodes import has_nodes, parse_nodes
from worker.taskqueue.scheduler import ZoneCrontab

__all__ = ["INGEST_QUEUE", "QUEUE", "create_app", "kombu_url", "queue_name"]
CLEANUP_SECONDS = 600
SEARCH_SECONDS = 5
TRIM_SECONDS = 5
ARCHIVE_SECONDS = 10
_TASK_SECONDS = 150
_INGEST_SECONDS = 86_400
ENQUEUE_SECONDS = 600
"""For 10,000 files, or 20 addresses."""


def create_app(settings: Settings) -> Celery:
    """The application for `settings`. It opens no connection yet and reads no environment."""
    # Kombu shall not restore messages after a lost connection either: it tries so over that very
    # connection, and writes the message to a file in /tmp when it cannot.
    RedisChannel.do_restore = False
    url, credentials = split_password_file(broker_url(settings))
    with suppress(OSError):  # a start refuses a state directory that cannot be written
        make_id(settings.state_dir)
    queue, ingest_queue, enqueue_queue = (
        queue_name(one, settings.state_dir) for one in (QUEUE, INGEST_QUEUE, ENQUEUE_QUEUE)
    )
    app = Celery(
        "newsdrop",
        amqp=partial(_Amqp, credentials=credentials),
        broker=kombu_url(url),
        include=["worker.tasks"],
    )
    app.conf.update(
        # A message says "work waits" and nothing more: it may be lost, it may come twice, and
        # nobody reads its result. Acknowledging late keeps each process to one message.
        task_ignore_result=True,
        task_acks_late=True,
        task_serializer="json",
        accept_content=["json"],
        task_default_queue=queue,
        task_queues=[
            Queue(name, queue_arguments=_queue_arguments(url))  # type: ignore[no-untyped-call]
            for name in (queue, ingest_queue, enqueue_queue)
        ],
        task_routes={
            "newsdrop.ingest": {"queue": ingest_queue},
            "newsdrop.enqueue": {"queue": enqueue_queue},
        },
        **_time_limits(settings),
        **_result_settings(settings),
        **_connection_settings(url),
        task_publish_retry_policy={"max_retries": 2, "interval_start": 0.1, "interval_max": 0.5},
        worker_prefetch_multiplier=1,
        worker_concurrency=settings.pool(),
        worker_max_tasks_per_child=settings.worker.max_tasks,
        worker_max_memory_per_child=settings.worker.max_memory_mb * 1024,  # KiB
        worker_soft_shutdown_timeout=10,
        worker_send_task_events=True,
        task_send_sent_event=True,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        broker_channel_error_retry=True,  # a full Redis refuses commands: wait, do not exit
        timezone="UTC",
        beat_scheduler="worker.taskqueue.scheduler:BoundedScheduler",
        beat_schedule_filename=str(settings.state_dir / "beat-schedule"),
        # Each turn of its loop sends a watchdog message, which is expected within a minute.
        beat_max_loop_interval=min(settings.worker.tick_seconds, 5.0),
        beat_schedule=_schedule(settings),
        newsdrop_settings=settings,
    )
    return app


def _time_limits(settings: Settings) -> dict[str, Any]:
    limits = {
        "newsdrop.fetch": settings.fetch.task_seconds,
        # A file of 100,000 articles takes as long as they do; each has its own limit
        # (worker.pipeline.bounds). This is for a disk that hangs.
        "newsdrop.ingest": _INGEST_SECONDS,
        "newsdrop.enqueue": ENQUEUE_SECONDS,
        "newsdrop.archive": ENQUEUE_SECONDS,
    }
    annotations = {name: {"time_limit": seconds} for name, seconds in limits.items()}
    return {"task_time_limit": _TASK_SECONDS, "task_annotations": annotations}


def _connection_settings(url: str) -> dict[str, Any]:
    """Of the connections to the broker at `url`. By default kombu does not verify
    certificates; redis-py does."""
    if is_rabbitmq(url):
        return {
            "broker_use_ssl": rabbitmq_tls(url),
            "broker_connection_timeout": CONNECT_SECONDS,
            # A node that vanished is missed after two of these; by default after 4 minutes.
            "broker_heartbeat": 10,
            "broker_transport_options": {
                # A message counts as sent when a majority of the nodes has it.
                "confirm_publish": True,
                "read_timeout": ANSWER_SECONDS,
                "write_timeout": ANSWER_SECONDS,
            },
        }
    return {
        "broker_use_ssl": tls_options(url) or None,
        "broker_transport_options": {
            # Without kombu's list of unacknowledged messages: the next tick repeats a wake-up that
            # was lost with its worker. The list cost four commands a message, and with an entry in
            # it a lost connection ended the worker (kombu 5.7 restores over the lost connection).
            "ack_emulation": False,
            "socket_timeout": ANSWER_SECONDS,
            "socket_connect_timeout": CONNECT_SECONDS,
            "socket_keepalive": True,
            "health_check_interval": 25,
            **_sentinel_options(url),
        },
    }


def _sentinel_options(url: str) -> dict[str, Any]:
    """What kombu and Celery's result backend do not find in the address of Sentinels."""
    if not has_nodes(url):
        return {}
    nodes = parse_nodes(url)
    return {"master_name": nodes.master, "sentinel_kwargs": nodes.search}


def _queue_arguments(url: str) -> dict[str, Any] | None:
    """What a queue of RabbitMQ is declared with. `task_default_queue_type` does not reach queues
    that are listed, and a classic queue dies with its node. RabbitMQ closes the connection of a
    worker that works on a message for more than half an hour, as a large file may need."""
    if not is_rabbitmq(url):
        return None
    return {"x-queue-type": "quorum", "x-consumer-timeout": _INGEST_SECONDS * 1000}


def _result_settings(settings: Settings) -> dict[str, Any]:
    """Of the result backend. A wait for its server is short: a draining process must continue."""
    url, credentials = split_password_file(redis_url(settings))
    bounded = {"retry_policy": {"max_retries": 2, "interval_max": 0.5}, **_sentinel_options(url)}
    if not settings.tasks.store_results:
        return {"result_backend_transport_options": bounded}
    return {
        "result_backend": kombu_url(url),
        "result_backend_transport_options": bounded,
        "redis_backend_use_ssl": tls_options(url) or None,
        "redis_backend_credential_provider": credentials,
        "redis_socket_timeout": 10,
        "redis_socket_connect_timeout": 5,
    }


class _Amqp(AMQP):  # type: ignore[misc]
    """Celery's factory of connections, with the credentials of a password file, and of messages:
    a broker without a majority never confirms one."""

    def __init__(self, app: Celery, credentials: PasswordFile | None) -> None:
        super().__init__(app)
        self._credentials = credentials

    def Connection(self, url: str, *args: Any, **options: Any) -> Connection:  # noqa: N802
        if self._credentials is not None:
            options["credential_provider"] = self._credentials
        return Connection(url, *args, **options)  # type: ignore[no-untyped-call]

    def _create_task_sender(self) -> Any:
        send_message = super()._create_task_sender()

        def send(producer: Any, *args: Any, **options: Any) -> Any:
            try:
                return send_message(producer, *args, confirm_timeout=ANSWER_SECONDS, **options)
            except producer.connection.channel_errors as error:  # such as a wrong password
                raise OperationalError(str(error)) from error

        return send


def kombu_url(url: str) -> str:
    """`url` as kombu writes it: it calls a Unix socket `redis+socket`, the database a host."""
    if is_rabbitmq(url) or has_nodes(url):
        return urls_of_hosts(url)
    parts = urlsplit(url)
    # TLS options are in `broker_use_ssl`: kombu reads some of them differently.
    if parts.scheme == "rediss":
        pairs = [pair for pair in parse_qsl(parts.query) if not pair[0].startswith("ssl_")]
        return urlunsplit(parts._replace(query=urlencode(pairs)))
    if parts.scheme != "unix":
        return url
    options = {key: values[-1] for key, values in parse_qs(parts.query).items()}
    query = urlencode({"virtual_host": options.pop("db", "0"), **options})
    return f"redis+socket://{parts.netloc}{parts.path}?{query}"


def _schedule(settings: Settings) -> dict[str, Any]:
    tick = settings.worker.tick_seconds
    entries: dict[str, Any] = {
        "scan folders": {"task": "newsdrop.scan", "schedule": tick},
        "poll feeds": {"task": "newsdrop.poll", "schedule": tick},
        "update search": {"task": "newsdrop.index", "schedule": SEARCH_SECONDS},
        "trim stream": {"task": "newsdrop.trim", "schedule": TRIM_SECONDS},
        "clean up": {"task": "newsdrop.tidy", "schedule": CLEANUP_SECONDS},
    }
    if settings.archive.url:
        entries["copy archive"] = {"task": "newsdrop.archive", "schedule": ARCHIVE_SECONDS}
    for folder in settings.all_folders():
        if folder.schedule:
            zone = folder.time_zone or settings.dedupe.time_zone
            entries[f"scan folder {folder.name}"] = {
                "task": "newsdrop.scan",
                "schedule": ZoneCrontab(folder.schedule, zone),
                "kwargs": {"source": folder.name},
            }
    return entries
