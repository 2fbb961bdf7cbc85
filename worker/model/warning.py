"""Warnings of a record: problems of an input that was published nevertheless.

A warning is one text, `<kind>: <what happened>`, so that a person can read it and a program can
sort by it: `date_missing: no usable date, keyed by title and content`.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import NewType

from worker.errors import UsageError
from worker.escape import printable

RecordWarning = NewType("RecordWarning", str)
"""A text that begins with its kind. Only :func:`warn` makes one."""


class WarningKind(StrEnum):
    """The kind of problem that a warning is about. Stable: in records, counters and the docs."""

    BAD_BYTES = "bad_bytes"
    ENCODING = "encoding"
    HEAD = "head"
    CUT = "cut"
    TITLE_MISSING = "title_missing"
    DATE_MISSING = "date_missing"
    DATE_UNREADABLE = "date_unreadable"
    DATE_UNTRUSTED = "date_untrusted"
    DATE_FUTURE = "date_future"
    SITE_RULE = "site_rule"
    BODY_SOURCE = "body_source"
    INCOMPLETE = "incomplete"
    FEED_TEXT = "feed_text"


WARNING_KINDS = {
    WarningKind.BAD_BYTES: "some bytes fit no encoding and were replaced",
    WarningKind.ENCODING: "the text was read in another encoding than its declared one",
    WarningKind.HEAD: "a part of the front matter was not readable, or had to be repaired",
    WarningKind.CUT: "title, tags or unknown fields were too long and were cut",
    WarningKind.TITLE_MISSING: "no title: a heading or a sentence of the text is used instead",
    WarningKind.DATE_MISSING: "no usable date: the article is recognised by title and content",
    WarningKind.DATE_UNREADABLE: "a date was not understood, or is ambiguous",
    WarningKind.DATE_UNTRUSTED: "a date without a zone was not used, or may be the time of a crawl",
    WarningKind.DATE_FUTURE: "the date is after the time of acceptance",
    WarningKind.SITE_RULE: "the site rule of the page found no body: its selectors may be outdated",
    WarningKind.BODY_SOURCE: "the body comes from the page's metadata, not from what is shown",
    WarningKind.INCOMPLETE: "the article continues on a page that was not read",
    WarningKind.FEED_TEXT: "the body is the feed's own text, not the page's",
}
"""The meaning of each kind, for people."""


def warn(kind: WarningKind, text: str) -> RecordWarning:
    """A warning of this kind. `text` is escaped already."""
    return RecordWarning(f"{kind}: {text}")


def require_kind(name: str) -> WarningKind:
    """The kind of this name. Raises UsageError, with all names, where there is none."""
    try:
        return WarningKind(name)
    except ValueError as error:
        raise UsageError(
            f"no warning is of the kind {printable(name, 60)}: the kinds are "
            f"{', '.join(WarningKind)}"
        ) from error


def read_kinds(warnings: Iterable[str]) -> frozenset[str]:
    """The kinds of warnings, each once; texts of other programs have none."""
    return _KINDS & {warning.partition(":")[0] for warning in warnings}


_KINDS = frozenset(kind.value for kind in WarningKind)
