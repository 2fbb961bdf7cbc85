"""Each hostile input has one of its permitted results, within the bounds."""

from ipaddress import ip_address

import pytest

from tests.hostile.cases import ADDRESSES, MESSAGES, NOT_PUBLIC, Case, cases
from tests.hostile.fuzz import TARGETS, corpus, run_chunk
from tests.hostile.running import results, warm_up
from worker.errors import FetchFailed, Reason, Rejected
from worker.fetch.addresses import may_connect
from worker.fetch.url import parse_target
from worker.formats.page.entry_bundle import unpack

pytestmark = pytest.mark.timeout(120)
ALL = list(cases())


@pytest.fixture(scope="module", autouse=True)
def _warm() -> None:
    warm_up()


def test_every_kind_has_cases() -> None:
    """Each case has a name of its own."""
    assert len({case.name for case in ALL}) == len(ALL)
    assert len(ALL) + len(ADDRESSES) + len(NOT_PUBLIC) + len(MESSAGES) >= 150


@pytest.mark.parametrize("case", ALL, ids=lambda case: case.name)
def test_a_hostile_input(case: Case) -> None:
    """In a process with the bounds of a pool process, with a clean record or message, or ended."""
    assert results(case.data()) <= case.right


@pytest.mark.parametrize("url", ADDRESSES, ids=lambda url: ascii(url[:40]))
def test_a_hostile_address(url: str) -> None:
    """Refused by its form, or an address that is not public."""
    try:
        host = parse_target(url).host
    except FetchFailed as error:
        refused = error.refused and str(error).isprintable()
    else:
        refused = not may_connect(ip_address(host), ())
    assert refused


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_an_address_that_is_not_public(address: str) -> None:
    """No connection is made to it, whatever name resolves to it."""
    assert not may_connect(ip_address(address), ())


@pytest.mark.parametrize("data", MESSAGES, ids=range(len(MESSAGES)))
def test_a_hostile_message(data: bytes) -> None:
    """A bundle that newsdrop did not write is malformed; none of it is run."""
    with pytest.raises(Rejected) as caught:
        unpack(data)
    assert caught.value.reason is Reason.MALFORMED
    assert str(caught.value).isprintable()


def test_the_fuzzer_replays() -> None:
    """`make fuzz` makes the same inputs from the same seed, and finds nothing in a short run."""
    seeds = corpus()
    numbers = range(40)
    first = run_chunk(1, numbers, seeds)
    assert first == run_chunk(1, numbers, seeds)
    assert [one for one in first if "FAILED" in one[1]] == []
    assert len({answer.split()[0] for _, answer in first}) == len(TARGETS)
