"""What the server is and promises: for `doctor`, the refusals at start, and after a restart."""

import re
from dataclasses import dataclass
from typing import Any, Literal

import redis

from worker.store.connection import translated
from worker.store.layout import Layout


@dataclass(frozen=True, slots=True)
class ServerInfo:
    """`version` is the product's own (a Valkey's, not the Redis version it imitates);
    `redis_version` is the Redis whose commands it has. `run_id` is new after each start.

    `appendfsync` is None where the server does not tell (CONFIG is closed in many clouds).
    Memory is in bytes; `max_memory` 0 is no limit. `write_error`: it could not save to its disk.
    """

    kind: Literal["redis", "valkey"]
    version: tuple[int, ...]
    redis_version: tuple[int, ...]
    run_id: str
    loading: bool
    eviction_policy: str
    appendonly: bool
    appendfsync: str | None
    used_memory: int
    max_memory: int
    role: str
    mode: str
    write_error: bool = False


def get_server_info(client: redis.Redis) -> ServerInfo:
    """Ask the server; works while it is loading. Raises Retryable and nothing of redis."""
    ask: Any = client
    with translated():
        said = ask.info()
        fsync = _appendfsync(ask)
    valkey = said.get("valkey_version")
    return ServerInfo(
        kind="valkey" if valkey else "redis",
        version=_version(valkey or said["redis_version"]),
        redis_version=_version(said["redis_version"]),
        run_id=str(said["run_id"]),
        loading=bool(said.get("loading")),
        eviction_policy=said.get("maxmemory_policy", "noeviction"),
        appendonly=bool(said.get("aof_enabled")),
        appendfsync=fsync,
        used_memory=int(said.get("used_memory", 0)),
        max_memory=int(said.get("maxmemory", 0)),
        role=str(said.get("role", "master")),
        mode=str(said.get("redis_mode") or said.get("server_mode") or "standalone"),
        write_error=bool(said.get("aof_enabled")) and said.get("aof_last_write_status") == "err",
    )


def get_run_id(client: redis.Redis) -> str:
    """The server's `run_id`; another one than before means that it was restarted meanwhile, and
    may have lost what was not yet on its disk."""
    ask: Any = client
    with translated():
        return str(ask.info("server")["run_id"])


def check_writable(client: redis.Redis, stream: str) -> None:
    """Write a small key that lives for a minute. Raises Retryable where that is refused."""
    with translated():
        client.set(Layout(stream, 1).key("health"), b"1", ex=60)


def _appendfsync(ask: Any) -> str | None:
    try:
        found = ask.config_get("appendfsync").get("appendfsync")
    except redis.ResponseError:
        return None
    return found.decode() if isinstance(found, bytes) else found


def _version(text: object) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", str(text))[:3])
