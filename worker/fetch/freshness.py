"""The times that a response states: its freshness (RFC 9111), and Retry-After (RFC 9110)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

LONGEST = 86_400.0
"""Seconds: a longer time that a server asks for is cut to a day."""

_MAX_AGE = re.compile(r"(?:^|[,\s])max-age\s*=\s*\"?(-?\w*)", re.IGNORECASE)
_NEVER = re.compile(r"(?:^|[,\s])no-(?:store|cache)\s*(?:$|,)", re.IGNORECASE)
_DIGITS = re.compile(r"[0-9]+")


def fresh_seconds(headers: Mapping[str, str], now: datetime) -> float:
    """Seconds from `now` (aware) for which a response with these headers is fresh: 0 to a day.

    `headers` have lower-case names. max-age of Cache-Control minus Age takes precedence over
    Expires minus Date; `no-store`, `no-cache` and invalid values give 0.
    """
    control = headers.get("cache-control", "")
    if _NEVER.search(control):
        return 0.0
    if max_age := _MAX_AGE.search(control):
        age = _seconds(headers.get("age", "")) or 0.0
        return _bounded((_seconds(max_age[1]) or 0.0) - age)
    expires = _date(headers.get("expires", ""))
    if expires is None:
        return 0.0
    sent_at = _date(headers.get("date", "")) or now
    return _bounded((expires - sent_at).total_seconds())


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from `now` (aware) that Retry-After asks to wait: 0 to a day; None if it is
    missing or invalid."""
    value = headers.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is not None:
        return _bounded(seconds)
    moment = _date(value)
    return None if moment is None else _bounded((moment - now).total_seconds())


def _bounded(seconds: float) -> float:
    return min(max(seconds, 0.0), LONGEST)


def _seconds(text: str) -> float | None:
    text = text.strip()
    if not _DIGITS.fullmatch(text):
        return None
    return float(text[:12]) if len(text) <= 12 else LONGEST


def _date(text: str) -> datetime | None:
    if not text:  # the parser raises an error of several frames for most responses
        return None
    try:
        moment = parsedate_to_datetime(text.strip())
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
