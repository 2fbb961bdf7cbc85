"""How long answers hold, and how long servers ask to wait."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.fetch import fresh_seconds, retry_after

NOW = datetime(2024, 5, 6, 12, 0, 0, tzinfo=UTC)
TEN_PAST = "Mon, 06 May 2024 12:10:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 0),
        ({"cache-control": "public, max-age=300"}, 300),
        ({"cache-control": 'MAX-AGE="300"', "age": "100"}, 200),
        ({"cache-control": "max-age=300", "age": "400"}, 0),
        ({"cache-control": "max-age=300", "age": "soon"}, 300),
        ({"cache-control": "s-maxage=300"}, 0),
        ({"cache-control": "x-max-age=300"}, 0),
        ({"cache-control": "max-age=99999999999999999999"}, 86_400),
        ({"cache-control": "max-age=-5"}, 0),
        ({"cache-control": "max-age=soon", "expires": TEN_PAST}, 0),
        ({"cache-control": "no-store, max-age=300"}, 0),
        ({"cache-control": "max-age=300,No-Cache"}, 0),
        ({"cache-control": "max-age=60", "expires": TEN_PAST}, 60),
        ({"expires": TEN_PAST}, 600),
        ({"expires": TEN_PAST, "date": "Mon, 06 May 2024 12:09:00 GMT"}, 60),
        ({"expires": TEN_PAST, "date": "Mon, 06 May 2024 13:00:00 GMT"}, 0),
        ({"expires": "0"}, 0),
        ({"expires": "Mon, 06 May 9999 12:10:00 GMT"}, 86_400),
    ],
)
def test_an_answer_holds_as_its_server_says(headers: dict[str, str], seconds: float) -> None:
    """Cache-Control goes before Expires; what cannot be read is stale; a day is the most."""
    assert fresh_seconds(headers, NOW) == seconds


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("9" * 5000, 86_400),
        ("500000", 86_400),
        (TEN_PAST, 600),
        ("Mon, 06 May 2024 11:00:00 GMT", 0),
        ("Mon, 06 May 2024 20:10:00 +0800", 600),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
        ("Mon, 06 May 99999999999 12:10:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(said: str, seconds: float | None) -> None:
    """Both forms are read, bounded by a day; nonsense is None."""
    assert retry_after({"retry-after": said}, NOW) == seconds


def test_without_retry_after_nothing_is_asked() -> None:
    """No header is None, not 0."""
    assert retry_after({}, NOW) is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_no_header_is_an_error(one: str, other: str) -> None:
    """Whatever servers write, the answers are numbers between 0 and a day."""
    headers = {"cache-control": one, "expires": other, "date": one, "age": other}
    assert 0 <= fresh_seconds(headers, NOW) <= 86_400
    assert 0 <= (retry_after({"retry-after": one}, NOW) or 0) <= 86_400
