"""What servers' answers mean, for feeds and pages alike."""

from collections.abc import Collection
from http import HTTPStatus

from worker.errors import FetchFailed
from worker.fetch import FetchResponse, parse_target, printable_url

BUSY = (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
"""Statuses that are about the host, not about what was asked for."""

NOWHERE = "-"
"""The host of an address that has none: it is asked for nothing, and paced all the same."""

HELD_SECONDS = 60.0
"""How often it is looked whether what a person paused may go on."""


def host_of(url: str, allow_ports: Collection[int]) -> str:
    """The host that is paced for `url`."""
    try:
        return parse_target(url, allow_ports).host
    except FetchFailed:
        return NOWHERE


def named(status: int) -> str:
    """A status as it is counted: what is none of HTTP's is `other`."""
    return str(status) if 100 <= status <= 599 else "other"


def status_said(answer: FetchResponse) -> str:
    """What a status other than success means to whoever named the address."""
    try:
        phrase = HTTPStatus(answer.status).phrase.lower()
    except ValueError:
        phrase = "a status of its own"
    what = f"{printable_url(answer.url)} answers {answer.status} ({phrase})"
    return f"{what}: {_ADVICE.get(answer.status, 'it is tried again later')}"


_ADVICE = {
    401: "put credentials into the address or the headers of its feed",
    403: "it refuses us: name yourself in fetch.user_agent, or ask its owner",
    404: "check the address; it is tried again at longer and longer intervals",
    410: "it is gone for good, its server says: remove it, or check the address",
    429: "it is asked too often: it is left in peace for a time",
    503: "it is overloaded: it is left in peace for a time",
}
