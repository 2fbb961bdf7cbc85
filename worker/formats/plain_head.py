"""A strict reader of plain YAML heads: one scalar a line, and lists of plain scalars.

It reads what most heads are and gives up on everything else, which libyaml reads. What it reads is
what libyaml reads: a test compares them on every sample and on mutated heads.
"""

import re

_LONGEST_KEY = 64  # libyaml's limit is 1,024
_DASHED_KEY = re.compile(r"[A-Za-z_][\w-]*+")
_SINGLE = re.compile(r"'([^']*+(?:''[^']*+)*+)'")
_DOUBLE = re.compile(r'"([^"\\]*+)"')
_FLOW = re.compile(r"\[([^][{}:#&*!|>'\"%@`?\\]*+)\]")
_INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")

Plain = dict[str, str | list[str]]


class _NotPlainError(Exception):
    """The text has something that this reader gives up on."""


def read_plain(text: str) -> Plain | None:
    """The table in `text`, or None where it is not as plain as that.

    Of equal keys the last one counts; `~` and `null` are empty, as for libyaml's reader.
    """
    if not text.replace("\n", "").isprintable():  # tabs, other spaces, control characters
        return None
    try:
        return _table(text.split("\n"))
    except _NotPlainError:
        return None


def _table(rows: list[str]) -> Plain:
    table: Plain = {}
    key, indent = "", -1
    items: list[str] | None = None  # of the list that a key without a value may open
    for row in rows:
        start = row.lstrip(" ")
        if not start:
            continue
        if start[0] != "-":
            key, written = _key_and_value(row)
            items = None if written else []
            table[key] = _value(written) if written else ""
            continue
        here = len(row) - len(start)
        if items is None or (items and here != indent) or start[1:2] != " ":
            raise _NotPlainError
        indent = here
        items.append(_scalar(start[1:].strip(" ")))
        table[key] = items
    return table


def _key_and_value(row: str) -> tuple[str, str]:
    key, colon, written = row.partition(": ")
    if not colon:
        if row[-1] != ":":
            raise _NotPlainError
        key = row[:-1]
    if key == "null" or len(key) > _LONGEST_KEY:
        raise _NotPlainError
    if not (key.isidentifier() or _DASHED_KEY.fullmatch(key)):
        raise _NotPlainError
    return key, written.strip(" ")


def _value(written: str) -> str | list[str]:
    if written[0] != "[":
        return _scalar(written)
    flow = _FLOW.fullmatch(written)
    if flow is None:
        raise _NotPlainError
    inner = flow[1].strip(" ")
    return [_scalar(name.strip(" ")) for name in inner.split(",")] if inner else []


def _scalar(written: str) -> str:
    """The scalar in `written`, which has no spaces around it."""
    if not written:
        raise _NotPlainError
    first = written[0]
    if first not in _INDICATORS:
        if ": " in written or " #" in written or written[-1] == ":":
            raise _NotPlainError
        return "" if written in ("~", "null") else written
    if first == "'" and (single := _SINGLE.fullmatch(written)):
        return single[1].replace("''", "'")
    if first == '"' and (double := _DOUBLE.fullmatch(written)):
        return double[1]
    raise _NotPlainError
