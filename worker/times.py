"""How newsdrop writes times: RFC 3339 in UTC."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`2021-11-26T12:26:04.123Z`; `moment` is aware."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def utc_now() -> datetime:
    """The clock that processes hand down; nothing below them asks for the time itself."""
    return datetime.now(UTC)
