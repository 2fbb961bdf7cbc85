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
            key, value = _key_and_value(row)
            items = None if value else []
            table[key] = _value(value) if value else ""
            continue
        item_indent = len(row) - len(start)
        if items is None or (items and item_indent != indent) or start[1:2] != " ":
            raise _NotPlainError
        indent = item_indent
        items.append(_scalar(start[1:].strip(" ")))
        table[key] = items
    return table


def _key_and_value(row: str) -> tuple[str, str]:
    key, colon, value = row.partition(": ")
    if not colon:
        if row[-1] != ":":
            raise _NotPlainError
        key = row[:-1]
    if key == "null" or len(key) > _LONGEST_KEY:
        raise _NotPlainError
    if not (key.isidentifier() or _DASHED_KEY.fullmatch(key)):
        raise _NotPlainError
    return key, value.strip(" ")


def _value(text: str) -> str | list[str]:
    if text[0] != "[":
        return _scalar(text)
    flow = _FLOW.fullmatch(text)
    if flow is None:
        raise _NotPlainError
    inner = flow[1].strip(" ")
    return [_scalar(name.strip(" ")) for name in inner.split(",")] if inner else []


def _scalar(text: str) -> str:
    """The scalar in `text`, which has no spaces around it."""
    if not text:
        raise _NotPlainError
    first = text[0]
    if first not in _INDICATORS:
        if ": " in text or " #" in text or text[-1] == ":":
            raise _NotPlainError
        return "" if text in ("~", "null") else text
    if first == "'" and (single := _SINGLE.fullmatch(text)):
        return single[1].replace("''", "'")
    if first == '"' and (double := _DOUBLE.fullmatch(text)):
        return double[1]
    raise _NotPlainError
