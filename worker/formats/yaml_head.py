"""YAML as text: strings, lists and tables from libyaml's events.

No implicit types but null (`title: no` is the text "no"), no tags, no nesting deeper than
MAX_DEPTH, and no more than MAX_VALUES values with those that aliases repeat (so no billion laughs):
events come one at a time. Three times as fast as `yaml.load` with CBaseLoader on a mirror's head
(25 µs against 75); the plain heads that most are go to :mod:`worker.formats.plain_head`.
"""

import re
from contextlib import suppress
from typing import Any, cast

import orjson
from yaml import YAMLError
from yaml._yaml import CParser
from yaml.events import (
    AliasEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)

from worker.escape import printable
from worker.formats.memory import check_memory
from worker.formats.plain_head import read_plain

MAX_DEPTH = 20

MAX_VALUES = 10_000
"""Values that aliases may repeat in one head; a list of tags has a few dozen."""

Value = str | list["Value"] | dict[str, "Value"]
Anchors = dict[str, tuple[Value, int]]
"""Name → the value, and how many values it holds."""


class Unreadable(ValueError):
    """The text is not a YAML table, or is nested too deep, or repeats too much by aliases."""


def load(text: str) -> dict[str, Value]:
    """The table in `text`; of equal keys the last one counts.

    Raises Unreadable with a message of one line.
    """
    table = read_plain(text)
    return load_events(text) if table is None else cast("dict[str, Value]", table)


def load_events(text: str, anchors: Anchors | None = None) -> dict[str, Value]:
    """The table in `text` by libyaml alone; `anchors` are those above it, and its own are added.

    Raises Unreadable.
    """
    try:
        value = _Events(text, {} if anchors is None else anchors).document()
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
    anchors: Anchors = {}
    text = _INDENTED.sub("", text)
    starts = list(_KEY.finditer(text))
    ends = [match.start() for match in starts[1:]] + [len(text)]
    for start, end in zip(starts, ends, strict=False):
        try:
            table.update(load_events(text[start.start() : end], anchors))
        except Unreadable:
            key = start[1]
            bad_keys.append(key)
            table[key] = _unquoted(text[start.end() : end])
    return table, bad_keys


_KEY = re.compile(r"^([^\W\d][\w-]{0,63})[ \t]*:(?=[ \t\r\n]|\Z)", re.MULTILINE)
_INDENTED = re.compile(
    r"^[ \t]{1,3}(?=(?:title|date|tags|categories|author)[ \t]*:\s)", re.MULTILINE
)
_TAG = re.compile(r"!|tag:yaml\.org,2002:[ -~]+")
_QUOTES = "\"'“”‘’"
# English words that begin with an apostrophe.
_ELISION = re.compile(
    r"'(?:\d\ds?|tis|twas|til|twill|em|cause|bout|round|neath|n)\b", re.IGNORECASE
)


class _Events:
    """Builds the value of one document from the parser's events."""

    def __init__(self, text: str, anchors: Anchors) -> None:
        self._text = text
        self._next = CParser(text).get_event
        self._anchors = anchors
        self._count = 0

    def document(self) -> Value | None:
        self._next()  # the stream's start
        self._next()  # the document's start, or the stream's end
        event = self._next()
        if event is None:
            return None
        value = self._value(event, 0)
        self._next()  # the document's end
        if type(self._next()) is not StreamEndEvent:  # it raises where keys are left over
            raise Unreadable("it is not one YAML document")
        return value

    def _value(self, event: Any, depth: int) -> Value:
        kind = type(event)
        self._count += 1
        before = self._count
        if kind is AliasEvent:
            return self._repeated(event.anchor)
        value: Value
        if kind is ScalarEvent:
            value = self._scalar(event)
        elif depth >= MAX_DEPTH:
            raise Unreadable(f"it is nested deeper than {MAX_DEPTH}")
        elif kind is MappingStartEvent:
            value = self._table(depth + 1)
        elif kind is SequenceStartEvent:
            value = self._series(depth + 1)
        else:
            raise Unreadable("it is not one YAML document")
        if event.anchor:
            self._anchors[event.anchor] = (value, self._count - before + 1)
        return value

    def _scalar(self, event: Any) -> str:
        text: str = event.value
        if event.tag and not _TAG.fullmatch(event.tag):
            return self._text[event.start_mark.index : event.end_mark.index]  # `title: !new text`
        if event.style is None or event.style == "":
            # Unquoted, these two mean "nothing" (`cover: null`).
            return "" if text in ("~", "null") and event.implicit[0] else text
        if event.start_mark.line != event.end_mark.line and event.style in ("'", '"'):
            # An unclosed quote takes the lines below it, up to the next quote.
            start, end = event.start_mark.index, event.end_mark.index
            if _KEY.search(self._text, start, end):
                raise Unreadable(
                    f"a quote opened in line {event.start_mark.line + 1} is not closed"
                )
        return text

    def _table(self, depth: int) -> dict[str, Value]:
        table: dict[str, Value] = {}
        while type(event := self._next()) is not MappingEndEvent:
            key = self._value(event, depth)
            value = self._value(self._next(), depth)
            table[key if isinstance(key, str) else str(key)] = value
        return table

    def _series(self, depth: int) -> list[Value]:
        series: list[Value] = []
        while type(event := self._next()) is not SequenceEndEvent:
            series.append(self._value(event, depth))
        return series

    def _repeated(self, name: str) -> Value:
        if name not in self._anchors:
            raise Unreadable(f"it repeats `{printable(name, 60)}`, which is nowhere in it")
        value, count = self._anchors[name]
        self._count += count
        if self._count > MAX_VALUES:
            raise Unreadable(f"its aliases repeat more than {MAX_VALUES} values")
        return value


def _unquoted(text: str) -> Value:
    """A value on one line, or the list of its `- ` lines or in its brackets, without quotes."""
    lines = [line.strip() for line in text.splitlines()]
    if lines and not lines[0] and any(line.startswith("- ") for line in lines):
        return [_bare(line.lstrip("- ")) for line in lines if line.startswith("-")]
    text = " ".join(filter(None, lines))
    if text.startswith("[") and (text.endswith("]") or ("," in text and "]" not in text)):
        return [_bare(name) for name in text[1:].removesuffix("]").split(",")]
    return _bare(text)


def _bare(text: str) -> str:
    """`text` without the quotes around it, and without one that is opened and never closed."""
    text = text.strip()
    if text[:1] == '"' and "\\u" in text:  # a program's JSON: YAML has no halves of an emoji
        with suppress(ValueError):
            return str(orjson.loads(text))
    while len(text) > 1 and text[0] == text[-1] and text[0] in _QUOTES:
        text = text[1:-1].strip()
    if text[:1] in ("'", '"') and text[0] not in text[1:] and not _ELISION.match(text):
        text = text[1:].strip()
    return text


def _one_line(error: YAMLError) -> str:
    problem = getattr(error, "problem", None) or str(error).splitlines()[0]
    mark = getattr(error, "problem_mark", None)
    return f"line {mark.line + 1}: {problem}" if mark else str(problem)
