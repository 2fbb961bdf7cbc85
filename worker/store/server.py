"""Version, memory and durability of the Redis server."""

import re
import secrets
from dataclasses import dataclass
from typing import Any, Literal

import redis

from worker.store.connection import Script
from worker.store.errors import translated
from worker.store.layout import Layout


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """`version` is the product's own; `redis_version` is the version of Redis whose commands it
    has (for Valkey another one). `run_id` is new after each start.

    `appendfsync` is None if CONFIG is disabled, as on many clouds. Memory is in
    bytes; a `max_memory` of 0 means no limit. `has_write_error`: the last save to its disk failed.
    """

    kind: Literal["redis", "valkey"]
    version: tuple[int, ...]
    redis_version: tuple[int, ...]
    run_id: str
    is_loading: bool
    eviction_policy: str
    is_append_only: bool
    appendfsync: str | None
    used_memory: int
    max_memory: int
    role: str
    mode: str
    has_write_error: bool = False


def get_server_info(client: redis.Redis) -> ServerInfo:
    """Works while the server is loading. Raises Retryable, no error of redis-py."""
    untyped: Any = client
    with translated():
        info = untyped.info()
        fsync = _appendfsync(untyped)
    valkey = info.get("valkey_version")
    return ServerInfo(
        kind="valkey" if valkey else "redis",
        version=_version(valkey or info["redis_version"]),
        redis_version=_version(info["redis_version"]),
        run_id=str(info["run_id"]),
        is_loading=bool(info.get("loading")),
        eviction_policy=info.get("maxmemory_policy", "noeviction"),
        is_append_only=bool(info.get("aof_enabled")),
        appendfsync=fsync,
        used_memory=int(info.get("used_memory", 0)),
        max_memory=int(info.get("maxmemory", 0)),
        role=str(info.get("role", "master")),
        mode=str(info.get("redis_mode") or info.get("server_mode") or "standalone"),
        has_write_error=bool(info.get("aof_enabled"))
        and info.get("aof_last_write_status") == "err",
    )


_RUN_ID = "INFO server"
"""Sent as one string, whose reply redis-py does not parse: that takes longer than the answer."""


def get_run_id(client: redis.Redis) -> str:
    """The server's `run_id`. If it has changed, the server was restarted and may have lost what was
    not yet on its disk."""
    untyped: Any = client
    with translated():
        return _find_run_id(untyped.execute_command(_RUN_ID))


def get_run_and_data_id(client: redis.Redis, stream: str) -> tuple[str, str]:
    """The server's `run_id`, and a random id among the keys of the stream, made where there is
    none. Another one of these shows that all keys were deleted (FLUSHALL) or are of another server.
    """
    untyped: Any = client
    key = Layout(stream, 1).key("data-id")
    with translated():
        with untyped.pipeline(transaction=False) as pipe:
            reply, data_id = pipe.execute_command(_RUN_ID).get(key).execute()
        if data_id is None:
            untyped.set(key, secrets.token_hex(8), nx=True)
            data_id = untyped.get(key) or b""
    return _find_run_id(reply), data_id.decode("ascii", "replace")


def _find_run_id(info: bytes) -> str:
    return info.partition(b"run_id:")[2].split(None, 1)[0].decode()


def get_start_ms(client: redis.Redis) -> int:
    """When the server was started, by its own clock (Unix, ms), rounded down to a second."""
    untyped: Any = client
    with translated():
        seconds, _ = untyped.time()
        return (int(seconds) - int(untyped.info("server")["uptime_in_seconds"]) - 1) * 1000


def was_promoted(client: redis.Redis) -> bool:
    """Whether the server was a replica that took over from another primary."""
    untyped: Any = client
    with translated():
        return int(untyped.info("replication").get("second_repl_offset", -1)) >= 0


def check_publishable(client: redis.Redis, stream: str) -> None:
    """Try what publishing needs, and write a small key that lives for a minute; the stream is not
    changed. Raises Retryable if the server refuses any of it."""
    layout = Layout(stream, 1)
    hashes = (layout.claims("any"), layout.key("i", "any"), layout.key("r", "any"))
    probe = Script("preconditions.lua", "probe.lua")
    probe.run(client, [stream.encode(), layout.key("health"), *hashes], [])


def get_format(client: redis.Redis, stream: str) -> int | None:
    """The format of the keys of `stream`, a number that its newest writer raised; None where none
    is recorded. Raises Retryable."""
    untyped: Any = client
    with translated():
        number = untyped.get(Layout(stream, 1).key("format"))
    return int(number) if number and number.isdigit() else None


def set_format(client: redis.Redis, stream: str, number: int) -> None:
    """Record the format of the keys of `stream`. Raises Retryable."""
    untyped: Any = client
    with translated():
        untyped.set(Layout(stream, 1).key("format"), number)


def _appendfsync(client: Any) -> str | None:
    try:
        value = client.config_get("appendfsync").get("appendfsync")
    except redis.ResponseError:
        return None
    return value.decode() if isinstance(value, bytes) else value


def _version(text: object) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(text))[:3])
