"""Reads and describes the answers of servers, for feeds and pages alike."""

from collections.abc import Collection, Mapping
from http import HTTPStatus

from worker.errors import FetchFailed
from worker.fetch import FetchResponse, parse_target, printable_url
from worker.translation import mark

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses that concern the whole host, not only this address."""

NO_HOST = "-"
"""The host of an address without one: nothing is requested, but it has a pace, too."""

PAUSED_RECHECK_SECONDS = 60.0
"""How often a paused feed or page is checked."""

_MAX_VALIDATOR = 1000
"""Characters; nobody sends back a validator of kilobytes."""

ADVICE = {
    401: mark("put credentials into the address or the headers of its feed"),
    403: mark("the server refuses newsdrop: set a name in fetch.user_agent, or ask its owner"),
    404: mark("check the address"),
    410: mark("the server says it is gone for good: remove it, or check the address"),
    429: mark("too many requests: the host is not contacted for a time"),
    503: mark("the server is overloaded: it is not contacted for a time"),
}
_OTHER_ADVICE = mark("open it in a browser, or try later")


def find_host(url: str, allow_ports: Collection[int]) -> str:
    """The host whose pace applies to `url`."""
    try:
        return parse_target(url, allow_ports).host
    except FetchFailed:
        return NO_HOST


def bounded_validator(validator: str | None) -> str | None:
    """An `ETag` or a `Last-Modified` to send back; None for one of kilobytes."""
    return validator if validator and len(validator) <= _MAX_VALIDATOR else None


def status_label(status: int) -> str:
    """A status as it is counted; `other` for one that HTTP does not have."""
    return str(status) if 100 <= status <= 599 else "other"


def describe_status(answer: FetchResponse, advice: Mapping[int, str] = ADVICE) -> str:
    """A status other than success, in words, with what to do."""
    try:
        phrase = f" ({HTTPStatus(answer.status).phrase.lower()})"
    except ValueError:
        phrase = ""
    what = mark(f"{printable_url(answer.url)} answers {answer.status}{phrase}")
    return f"{what}: {advice.get(answer.status, _OTHER_ADVICE)}"
