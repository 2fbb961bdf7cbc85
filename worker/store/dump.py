"""All keys of newsdrop in Redis as lines of JSON, of one moment; and the way back.

The lines are values by type, not the server's own format: what Valkey 9 wrote, Redis 6.2 reads.
Bytes are written as text in Latin-1, which is reversible.
"""

import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

import orjson

from worker.errors import StoreFull
from worker.store.connection import Client
from worker.store.errors import translated, translated_replies
from worker.store.layout import Layout

PAUSE_MS = 5_000
"""Writes are held for at most this long after the process that dumps has died. A process that waits
for longer than its 10 s time limit repeats its call, as after any time-out."""

_KEYS_AT_ONCE = 200
_FULL_SECONDS = 10.0
_ENTRIES_AT_ONCE = 100
_BYTES_AT_ONCE = 4_000_000
"""Lines that are sent together: 200 full pages of entries were 200 MB."""
_NO_GROUP = "newsdrop-restore"
_TRANSIENT = ("workers", "tick")
"""Heartbeats: after a restore they would show workers that do not run."""


def has_keys(client: Client, stream: str) -> bool:
    """Whether the server has any key of newsdrop for this stream."""
    return next(_names(client, stream), None) is not None


def delete_keys(client: Client, stream: str, queues: Sequence[str]) -> None:
    """Delete all keys of newsdrop for this stream, and these lists of Celery's.

    A server whose disk was full refuses it for a second or two after there is room again.
    """
    deadline = time.monotonic() + _FULL_SECONDS
    while True:
        try:
            return _delete_keys(client, stream, queues)
        except StoreFull:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.2)


def _delete_keys(client: Client, stream: str, queues: Sequence[str]) -> None:
    with translated():
        if queues:
            client.unlink(*queues)
        for keys in _chunks(_names(client, stream), _KEYS_AT_ONCE):
            client.unlink(*keys)


def dump_keys(
    client: Client, stream: str, queues: Sequence[str], write: Callable[[bytes], object]
) -> int:
    """Pass each line to `write`; returns the number of keys. `queues` are lists of Celery's.

    Writes to the server are held (CLIENT PAUSE, Redis 6.2) until all but the entries of streams
    is read: an index that is newer than its stream would know articles that the stream lacks.
    Entries never change, so they follow up to the last ID of that moment. Raises Retryable.
    """
    writer = _Writer(client, write)
    with translated_replies():
        try:
            names = [*_names(writer.hold_writes(), stream), *(queue.encode() for queue in queues)]
            for keys in _chunks(names, _KEYS_AT_ONCE):
                writer.read(keys)
        finally:
            send: Any = client.execute_command
            send("CLIENT", "UNPAUSE")
        for key in writer.streams:
            writer.finish_stream(key)
    return writer.count


def load_keys(
    client: Client, stream: str, queues: Sequence[str], lines: Iterable[bytes], elsewhere: str
) -> int | None:
    """Write dumped keys to a server that has none; returns their number, None where a line is no
    key of this stream or these queues. Other keys that begin with `elsewhere` are left out: queues
    of a broker that is another server by now. Raises Retryable."""
    own = {stream.encode(), *(queue.encode() for queue in queues)}
    count = size = 0
    with client.pipeline(transaction=False) as pipe:
        for line in lines:
            try:
                kind, name, *values = orjson.loads(line)
                key = _bytes(name)
                if key not in own and key.startswith(elsewhere.encode()):
                    continue
                if key not in own and not key.startswith(Layout(stream, 1).key("")):
                    return None
                _LOADERS[kind](pipe, key, *values)
            except (ValueError, TypeError, LookupError, AttributeError):
                return None
            count, size = count + (kind in _KEY_LINES), size + len(line)
            if len(pipe) >= _KEYS_AT_ONCE or size >= _BYTES_AT_ONCE:
                size = 0
                with translated():
                    pipe.execute()
        with translated():
            pipe.execute()
    return count


class _Writer:
    def __init__(self, client: Client, write: Callable[[bytes], object]) -> None:
        self._client: Any = client
        self._write = write
        self._held_at = 0.0
        self.streams: dict[bytes, tuple[str, list[Any]]] = {}
        """Key -> the last ID, and for each group the values of its line."""
        self.count = 0

    def hold_writes(self) -> Client:
        """The client; writes are held for another PAUSE_MS."""
        now = time.monotonic()
        if not self._held_at or now - self._held_at > PAUSE_MS / 5_000:
            self._held_at = now
            self._client.execute_command("CLIENT", "PAUSE", PAUSE_MS, "WRITE")
        client: Client = self._client
        return client

    def read(self, keys: Sequence[bytes]) -> None:
        """Write keys with their values. Of streams only the last ID and the groups are read."""
        self.hold_writes()
        pipe = self._client.pipeline(transaction=False)
        for key in keys:
            pipe.type(key).pttl(key)
        values = pipe.execute()
        readable = []
        for key, kind, ttl in zip(keys, values[::2], values[1::2], strict=True):
            if kind == b"stream":
                self._read_stream(key)
            elif (name := kind.decode()) in _READERS:
                readable.append((name, key, ttl))
                _READERS[name](pipe, key)
        for (name, key, ttl), value in zip(readable, pipe.execute(), strict=True):
            self._line(name, key, ttl, _plain(value))
            self.count += 1

    def _read_stream(self, key: bytes) -> None:
        client = self._client
        groups: list[Any] = []
        self.streams[key] = _text(client.xinfo_stream(key)["last-generated-id"]), groups
        for group in client.xinfo_groups(key):
            start, name, pending = "-", group["name"], []
            while page := client.xpending_range(key, name, start, "+", 1_000):
                self.hold_writes()
                fields = ("message_id", "consumer", "time_since_delivered", "times_delivered")
                pending += [[_plain(one[field]) for field in fields] for one in page]
                start = f"({pending[-1][0]}"
            groups.append((_text(name), _text(group["last-delivered-id"]), pending))

    def finish_stream(self, key: bytes) -> None:
        """Write a stream's entries, then its groups: what is pending must exist."""
        last_id, groups = self.streams[key]
        self._line("stream", key)
        self.count += 1
        start = "-"
        while page := self._client.xrange(key, start, last_id, _ENTRIES_AT_ONCE):
            self._line("entries", key, _plain(page))
            start = f"({_text(page[-1][0])}"
        for group in groups:
            self._line("group", key, *group)
        self._line("last", key, last_id)

    def _line(self, kind: str, key: bytes, *values: Any) -> None:
        self._write(orjson.dumps([kind, _text(key), *values]) + b"\n")


_READERS: dict[str, Callable[[Any, bytes], Any]] = {
    "string": lambda pipe, key: pipe.get(key),
    "hash": lambda pipe, key: pipe.hgetall(key),
    "set": lambda pipe, key: pipe.smembers(key),
    "zset": lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True),
    "list": lambda pipe, key: pipe.lrange(key, 0, -1),
}


def _loader(write: Callable[[Any, bytes, Any], Any]) -> Callable[..., None]:
    def load(pipe: Any, key: bytes, ttl_ms: int, value: Any) -> None:
        if value:
            write(pipe, key, value)
        if ttl_ms > 0:
            pipe.pexpire(key, ttl_ms)

    return load


def _load_stream(pipe: Any, key: bytes) -> None:
    """Create an empty stream: its entries may all have been trimmed."""
    pipe.xgroup_create(key, _NO_GROUP, mkstream=True)
    pipe.xgroup_destroy(key, _NO_GROUP)


def _load_last_id(pipe: Any, key: bytes, last_id: str) -> None:
    if last_id != "0-0":
        pipe.execute_command("XSETID", key, last_id)


def _load_entries(pipe: Any, key: bytes, entries: Any) -> None:
    for stream_id, fields in entries:
        values = [_bytes(part) for pair in fields for part in pair]
        pipe.execute_command("XADD", key, stream_id, *values)


def _load_group(pipe: Any, key: bytes, group: str, last_id: str, pending: Any) -> None:
    pipe.xgroup_create(key, _bytes(group), last_id)
    for stream_id, consumer, idle_ms, deliveries in pending:
        pipe.xclaim(
            key, _bytes(group), _bytes(consumer), 0, [stream_id],
            idle=idle_ms, retrycount=deliveries, force=True, justid=True,
        )  # fmt: skip


_LOADERS: dict[str, Callable[..., None]] = {
    "string": _loader(lambda pipe, key, value: pipe.set(key, _bytes(value))),
    "hash": _loader(
        lambda pipe, key, value: pipe.hset(key, mapping={_bytes(f): _bytes(v) for f, v in value})
    ),
    "set": _loader(lambda pipe, key, value: pipe.sadd(key, *map(_bytes, value))),
    "zset": _loader(lambda pipe, key, value: pipe.zadd(key, {_bytes(m): s for m, s in value})),
    "list": _loader(lambda pipe, key, value: pipe.rpush(key, *map(_bytes, value))),
    "stream": _load_stream,
    "entries": _load_entries,
    "group": _load_group,
    "last": _load_last_id,
}
_KEY_LINES = {*_READERS, "stream"}


def _names(client: Client, stream: str) -> Iterator[bytes]:
    """The stream, if it exists, and all keys that belong to it."""
    prefix = Layout(stream, 1).key("").decode()
    left_out = {Layout(stream, 1).key(name) for name in _TRANSIENT}
    pattern = re.sub(r"([*?\[\]\\])", r"\\\1", prefix) + "*"
    with translated():
        if client.exists(stream):
            yield stream.encode()
        yield from {bytes(key) for key in client.scan_iter(pattern, 1_000)} - left_out


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part


def _plain(value: Any) -> Any:
    """A reply as JSON has it: mappings as lists of pairs."""
    if isinstance(value, dict):
        return [[_plain(key), _plain(one)] for key, one in value.items()]
    if isinstance(value, list | tuple | set):
        return [_plain(one) for one in value]
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _text(value: bytes | str) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _bytes(text: str) -> bytes:
    return text.encode("latin-1")
