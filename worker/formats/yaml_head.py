"""YAML as text: strings, lists and tables from libyaml's events.

No implicit types but null (`title: no` is the text "no"), no tags, no aliases (so no billion
laughs), and no nesting deeper than MAX_DEPTH: events come one at a time. Three times as fast as
`yaml.load` with CBaseLoader on a mirror's head (25 µs against 75).
"""

import re

from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from worker.formats.memory import check_memory

MAX_DEPTH = 20

Value = str | list["Value"] | dict[str, "Value"]


class Unreadable(ValueError):
    """The text is not a YAML table, or has aliases or too deep a nesting."""


def load(text: str) -> dict[str, Value]:
    """The table in `text`; of equal keys the last one counts.

    Raises Unreadable with a message of one line.
    """
    try:
        value = _document(CParser(text))
    except YAMLError as error:
        check_memory(error)
        raise Unreadable(_one_line(error)) from error
    if value is None or value == "":
        return {}
    if not isinstance(value, dict):
        raise Unreadable("it is not a table of keys and values")
    return value


def load_by_key(text: str) -> tuple[dict[str, Value], list[str]]:
    """The table in `text`, parsed key by key, and the keys whose value is not YAML.

    The value of such a key is its line as written, without quotes around it.
    """
    table: dict[str, Value] = {}
    bad_keys: list[str] = []
    starts = list(_KEY.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=False):
        try:
            table.update(load(text[start.start() : end]))
        except Unreadable:
            key = start[1]
            bad_keys.append(key)
            table[key] = _unquoted(text[start.end() : end])
    return table, bad_keys


_KEY = re.compile(r"^([A-Za-z_][\w-]{0,63})[ \t]*:(?=[ \t\r\n]|\Z)", re.MULTILINE)
_QUOTES = "\"'“”‘’"


def _document(parser: CParser) -> Value | None:
    get_event = parser.get_event
    get_event()  # the stream's start
    get_event()  # the document's start, or the stream's end
    event = get_event()
    return None if event is None else _value(get_event, event, 0)


def _value(get_event, event, depth: int) -> Value:  # type: ignore[no-untyped-def]
    kind = type(event)
    if kind is ScalarEvent:
        text: str = event.value
        # Unquoted, these two mean "nothing" (`cover: null`).
        return "" if text in ("~", "null") and event.implicit[0] else text
    if depth >= MAX_DEPTH:
        raise Unreadable(f"it is nested deeper than {MAX_DEPTH}")
    if kind is MappingStartEvent:
        table: dict[str, Value] = {}
        while type(event := get_event()) is not MappingEndEvent:
            key = _value(get_event, event, depth + 1)
            value = _value(get_event, get_event(), depth + 1)
            table[key if isinstance(key, str) else str(key)] = value
        return table
    if kind is SequenceStartEvent:
        series: list[Value] = []
        while type(event := get_event()) is not SequenceEndEvent:
            series.append(_value(get_event, event, depth + 1))
        return series
    if kind is AliasEvent:
        raise Unreadable("it holds a YAML alias (`*name`)")
    raise Unreadable("it is not one YAML document")


def _unquoted(text: str) -> Value:
    """A value on one line, or the list of its `- ` lines, without pairs of quotes."""
    lines = [line.strip() for line in text.splitlines()]
    if lines and not lines[0] and any(line.startswith("- ") for line in lines):
        return [_bare(line.lstrip("- ")) for line in lines if line.startswith("-")]
    return _bare(" ".join(filter(None, lines)))


def _bare(text: str) -> str:
    text = text.strip()
    while len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    return text


def _one_line(error: YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
