"""The clock. Whoever starts a process hands it down; nothing pure reads the time itself."""

from datetime import UTC, datetime


def utc_now() -> datetime:
    """The time now; aware, in UTC."""
    return datetime.now(UTC)
