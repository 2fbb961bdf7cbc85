"""The deliveries of one entry of the stream to each consumer group."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from worker.store.connection import Client, Script, server_ms, to_text
from worker.store.errors import translated
from worker.store.groups.state import dead_letters_key
from worker.store.stream import id_key

_DEAD_LETTERS_AT_ONCE, _MAX_DEAD_LETTERS = 200, 10_000
"""A group has no more, unless its consumers have another bound."""
_find_dead_letter = Script("find_dead_letter.lua")


@dataclass(frozen=True, slots=True)
class Delivery:
    """The delivery of one entry in one consumer group. `state` is `unread`, `pending`
    (delivered to `consumer`, last at `delivered_ms`, Unix milliseconds, `count` times in all),
    `dead` (moved to the dead letters) or `acknowledged`: Redis has no time of that, and says the
    same of what the group never had."""

    group: str
    state: str
    consumer: str | None = None
    delivered_ms: int | None = None
    count: int = 0


def read_deliveries(client: Client, stream: str, stream_id: str) -> list[Delivery]:
    """The state of an entry in each group, by the group's name. Raises Retryable."""
    redis: Any = client
    with translated():
        groups = redis.xinfo_groups(stream)
        now_ms = server_ms(redis)
        return [
            _delivery(redis, stream, group, stream_id, now_ms)
            for group in sorted(groups, key=lambda group: to_text(group["name"]))
        ]


def _delivery(
    redis: Any, stream: str, group: Mapping[str, Any], stream_id: str, now_ms: int
) -> Delivery:
    name = to_text(group["name"])
    if id_key(to_text(group["last-delivered-id"])) < id_key(stream_id):
        return Delivery(name, "unread")
    pending = redis.xpending_range(stream, group["name"], stream_id, stream_id, 1)
    if not pending:
        is_dead = _is_dead(redis, dead_letters_key(stream, name), stream_id)
        return Delivery(name, "dead" if is_dead else "acknowledged")
    (one,) = pending
    delivered_ms = now_ms - int(one["time_since_delivered"])
    return Delivery(name, "pending", to_text(one["consumer"]), delivered_ms, one["times_delivered"])


def _is_dead(redis: Any, key: str, stream_id: str) -> bool:
    """Whether a dead letter has the entry. It failed later than it came, so its ID is higher."""
    after = f"{id_key(stream_id)[0]}-0"
    for _ in range(_MAX_DEAD_LETTERS // _DEAD_LETTERS_AT_ONCE):
        args: list[bytes | int] = [after.encode(), _DEAD_LETTERS_AT_ONCE, stream_id.encode()]
        is_found, last = _find_dead_letter.run(redis, [key.encode()], args)
        if is_found or not last:
            return bool(is_found)
        after = to_text(last)
    return False
