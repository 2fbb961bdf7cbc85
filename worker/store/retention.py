"""Retention: which entries of the stream are removed, and what consumer groups still need."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from worker.store.connection import Client, Script
from worker.store.errors import translated, translated_replies
from worker.store.layout import Layout

_AT_ONCE = 200
"""Entries that one call of the script reads: 4 MB of them take a few milliseconds."""

_FULL = 0.9
"""Share of Redis' maxmemory above which the oldest entries go, if most of the memory is theirs."""


@dataclass(frozen=True, slots=True)
class StreamBounds:
    """The bounds of the stream: entries, the Unix ms of the oldest, bytes; 0: no such bound.
    A group without progress for `group_idle_ms` is not protected."""

    length: int
    oldest_ms: int
    bytes: int
    group_idle_ms: int


@dataclass(frozen=True, slots=True)
class TrimResult:
    """The removed entries, and the present stream. Entries from `bound` on are protected by the
    group `holder`; both are '' where no group protects any. `unread` were protected, and are
    removed because the stream took too many bytes."""

    removed: int
    unread: int
    length: int
    bytes: int
    bound: str
    holder: str


@dataclass(frozen=True, slots=True)
class Retention:
    """The counts since the stream's begin; `unread_at_ms` (Unix ms) is when unread entries were
    removed last. `idle_seconds`: for each group the time without progress, to a minute."""

    trimmed: int = 0
    unread: int = 0
    unread_at_ms: int | None = None
    idle_seconds: Mapping[str, float] = field(default_factory=dict)


class RetentionStore:
    """Every method raises Retryable, no error of redis-py."""

    def __init__(self, client: Client, stream: str) -> None:
        self._client: Any = client
        layout = Layout(stream, 1)
        self._keys = [stream.encode(), layout.key("groups"), layout.key("trimmed")]
        self._trim = Script("trim.lua")
        self._count = Script("count_entries.lua")

    def trim(self, bounds: StreamBounds, max_calls: int = 50) -> TrimResult:
        """Remove what is beyond the bounds: at most 200 entries a call of the script."""
        removed = unread = 0
        for _ in range(max_calls):
            done = self._run(bounds)
            removed, unread = removed + done.removed, unread + done.unread
            if done.removed < _AT_ONCE:
                break
        return TrimResult(removed, unread, done.length, done.bytes, done.bound, done.holder)

    def preview(self, bounds: StreamBounds) -> TrimResult:
        """What :meth:`trim` would remove in the end; nothing is changed."""
        now = self._run(bounds, is_dry=True)
        expired = self._count_before(f"{bounds.oldest_ms}-0") if bounds.oldest_ms else 0
        wanted = max(expired, now.length - bounds.length if bounds.length else 0, 0)
        free = self._count_before(now.bound) if now.bound else now.length
        excess = max(now.bytes - bounds.bytes if bounds.bytes else 0, self._pressure())
        forced = -(-now.length * min(excess, now.bytes) // now.bytes) if now.bytes else 0
        removed = max(min(wanted, free), forced)
        return TrimResult(
            removed, max(0, forced - free), now.length, now.bytes, now.bound, now.holder
        )

    def read(self) -> Retention:
        with translated_replies():
            groups = self._client.hgetall(self._keys[1])
            totals = self._client.hgetall(self._keys[2])
            seconds, _ = self._client.time()
            at = totals.get(b"unread_ms")
            return Retention(
                int(totals.get(b"trimmed", 0)),
                int(totals.get(b"unread", 0)),
                int(at) if at else None,
                {
                    name.decode("utf-8", "replace"): max(
                        0.0, int(seconds) - int(value.split(b" ")[0]) / 1000
                    )
                    for name, value in groups.items()
                },
            )

    def _run(self, bounds: StreamBounds, *, is_dry: bool = False) -> TrimResult:
        expired = b"%d-0" % bounds.oldest_ms if bounds.oldest_ms else b"0"
        args: list[bytes | int] = [bounds.length, expired, bounds.bytes, self._pressure()]
        args += [bounds.group_idle_ms, _AT_ONCE, int(is_dry)]
        removed, unread, length, size, bound, holder = self._trim.run(
            self._client, self._keys, args
        )
        group = holder.decode("utf-8", "replace")
        return TrimResult(removed, unread, length, size, bound.decode(), group)

    def _pressure(self) -> int:
        """Bytes that must be freed because Redis is nearly full, and the stream is most of that."""
        with translated():
            memory = self._client.info("memory")
            excess = int(memory["used_memory"] - _FULL * memory.get("maxmemory", 0))
            if not memory.get("maxmemory") or excess <= 0:
                return 0
            size = self._client.memory_usage(self._keys[0]) or 0
        return excess if size > memory["used_memory"] / 2 else 0

    def _count_before(self, stream_id: str) -> int:
        """Entries before an ID."""
        count, after = 0, "0-0"
        page_count = _AT_ONCE if stream_id != "0-0" else 0
        while page_count == _AT_ONCE:
            args: list[bytes | int] = [after.encode(), _AT_ONCE, b"(" + stream_id.encode()]
            page_count, last = self._count.run(self._client, self._keys[:1], args)
            count, after = count + page_count, last.decode()
        return count
