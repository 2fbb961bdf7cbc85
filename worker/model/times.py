"""How newsdrop writes times: RFC 3339 in UTC."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """`2021-11-26T12:26:04.123Z`; `moment` is aware."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def milliseconds(moment: str) -> int:
    """An RFC 3339 time as Unix milliseconds."""
    return round(datetime.fromisoformat(moment).timestamp() * 1000)


def rfc3339_from_ms(milliseconds: int) -> str:
    """RFC 3339, UTC, of Unix milliseconds."""
    return rfc3339(datetime.fromtimestamp(milliseconds / 1000, UTC))
