"""The rights that a user of Redis needs: newsdrop's own commands, and those of Celery."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import orjson
import redis

from worker.errors import Retryable, StoreRefused
from worker.store.broker import ENQUEUE_QUEUE, INGEST_QUEUE, QUEUE
from worker.store.connection import Client, Script
from worker.store.errors import translated


@dataclass(frozen=True, slots=True)
class Right:
    """A command (`xadd`, `xinfo|groups`) and an example of the key or channel that it is run on,
    '' if on none. `grant` is the pattern of the ACL that allows such keys (`~…`) or channels."""

    command: str
    example: str = ""
    grant: str = ""

    @property
    def words(self) -> list[str]:
        """The command as it is run, as far as the server needs it to find the key."""
        if self.command == "brpop":
            return ["brpop", self.example, "1"]
        if self.command == "xread":
            return ["xread", "streams", self.example, "0"]
        return [*self.command.split("|"), *([self.example] if self.example else [])]


_CONNECTION = (
    "ping hello select multi exec discard info time eval evalsha script|load script|exists "
    "unsubscribe punsubscribe client|setinfo config|get"
)
_OPTIONAL = {"hello", "client|setinfo", "config|get", "select", "discard"}
"""Granted by the documented ACL, but not required: newsdrop works without them."""
_STREAM = (
    "exists type xadd xlen xrange xread xrevrange xtrim xinfo|stream xinfo|groups xinfo|consumers "
    "xpending memory|usage"
)
_STORE = (
    "del exists type ttl expire persist get set getrange setrange hget hset hsetnx hmget hdel "
    "hexists hgetall hvals hincrby llen lrange rpush sadd srem smembers zadd zrem zcard zcount "
    "zscore zmscore zrange zrevrange zrangebyscore zremrangebyscore xadd xlen"
)
_QUEUE = "lpush brpop llen del"
_BINDING = "sadd srem smembers exists del zadd zrem zscore zrangebyscore"
_RESULT = "celery-task-meta-"
_EVALUATE = ("eval", "evalsha")
"""Not checked: the check itself is a script. Valkey 9.1 crashed when they were checked."""


def required_rights(
    stream: str, database: int = 0, *, results: bool = False, is_broker: bool = True
) -> tuple[Right, ...]:
    """All that newsdrop and its Celery processes run; with `results`, of tasks too;
    without the broker's if that is another server. kombu keeps a queue
    in a list of its name, its bindings in sets, and has channels for what goes to every worker."""
    return (*_rights(stream, database, is_broker=is_broker), *(_result_rights() if results else ()))


def _result_rights() -> Iterator[Right]:
    """The commands of Celery's result backend, in the worker and in clients that wait."""
    for command in ("get", "set", "setex", "mget", "del"):
        yield Right(command, f"{_RESULT}any", f"~{_RESULT}*")
    for command in ("publish", "subscribe"):
        yield Right(command, f"{_RESULT}any", f"&{_RESULT}*")


def _rights(stream: str, database: int, *, is_broker: bool) -> Iterator[Right]:
    control, events = f"/{database}.celery.pidbox", f"/{database}.celeryev/"
    queues = [(name, f"~{QUEUE}*") for name in (QUEUE, INGEST_QUEUE, ENQUEUE_QUEUE)]
    queues += [("any.celery.pidbox", "~*.celery.pidbox*"), ("celeryev.any", "~celeryev.*")]
    places = [
        (_CONNECTION, [("", "")]),
        (_STREAM, [(stream, f"~{stream}")]),
        (_STORE, [(f"{{{stream}}}:any", f"~{{{stream}}}:*")]),
    ]
    if is_broker:
        places += [
            (_QUEUE, queues),
            (_BINDING, [("_kombu.binding.any", "~_kombu.*")]),
            # A pattern to subscribe to must be in the ACL literally.
            ("publish psubscribe", [(control, f"&{control}")]),
            ("publish", [(f"{events}worker.online", f"&{events}*")]),
            ("psubscribe", [(f"{events}worker.*", f"&{events}worker.*")]),
        ]
    for commands, examples in places:
        for command in commands.split():
            for example, grant in examples:
                yield Right(command, example, grant)


def grant_line(user: str, rights: Sequence[Right]) -> str:
    """The ACL command that gives `user` these rights."""
    patterns = dict.fromkeys(right.grant for right in rights if right.grant)
    commands = dict.fromkeys(f"+{right.command}" for right in rights if right.command)
    return " ".join(("ACL SETUSER", user, *patterns, *commands))


@dataclass(frozen=True, slots=True)
class UserRights:
    """The required rights that a user of Redis has."""

    user: str
    granted: tuple[Right, ...]
    missing: tuple[Right, ...]

    @property
    def grant(self) -> str:
        """The ACL command that grants what is missing, without patterns and commands that the user
        has: after `~*` the server refuses any other pattern."""
        patterns = {right.grant for right in self.granted}
        commands = {right.command for right in self.granted}
        needed = [
            replace(
                right,
                grant="" if right.grant in patterns else right.grant,
                command="" if right.command in commands else right.command,
            )
            for right in self.missing
        ]
        is_enough = any(right.grant or right.command for right in needed)
        return grant_line(self.user, needed if is_enough else self.missing)


def check_rights(
    client: Client, stream: str, *, results: bool = False, is_broker: bool = True
) -> UserRights:
    """The required rights that the user has and lacks. Redis before 7 cannot report
    them, so some harmless commands are tried. Raises Retryable."""
    options = client.connection_pool.connection_kwargs
    database = int(options.get("db") or 0)
    required = required_rights(stream, database, results=results, is_broker=is_broker)
    rights = [each for each in required if each.command not in (*_OPTIONAL, *_EVALUATE)]
    missing = set(_find_missing(client, rights))
    return UserRights(
        options.get("username") or "default",
        granted=tuple(right for right in rights if right not in missing),
        missing=tuple(right for right in required if right in missing),
    )


def _find_missing(client: Client, rights: Sequence[Right]) -> list[Right]:
    try:
        numbers = _script.run(client, [], [orjson.dumps(right.words) for right in rights])
    except StoreRefused as error:
        if not isinstance(error.__cause__, redis.exceptions.NoPermissionError):
            raise
        return [Right(command) for command in _EVALUATE]
    if numbers is not None:
        return [rights[number - 1] for number in numbers]
    return [right for right in rights if not _may_try(client, right)]


_script = Script("find_missing_rights.lua")

_HARMLESS = {
    "publish": ("",),
    "llen": (),
    "smembers": (),
    "xrevrange": ("+", "-", "COUNT", "1"),
    "hset": ("any", "1", "odd"),
    "expire": ("1",),
    "info": ("server",),
    "time": (),
}


def _may_try(client: Client, right: Right) -> bool:
    """Whether the command can be run; True for those that are not tried."""
    if right.command not in _HARMLESS:
        return True
    try:
        with translated():
            send: Any = client.execute_command
            send(*right.words, *_HARMLESS[right.command])
    except StoreRefused:
        return False
    except Retryable as error:  # permission comes before the value's type and the arguments' number
        if not isinstance(error.__cause__, redis.ResponseError):
            raise
    return True
