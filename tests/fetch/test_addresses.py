"""Which addresses may be connected to, in every form an IPv4 address can take."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from worker.fetch.addresses import may_connect

PRIVATE = (
    *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16"),
    *("172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16", "198.18.0.0/15"),
    *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4"),
)
private_4 = st.sampled_from(PRIVATE).flatmap(lambda text: st.ip_addresses(network=text))


def is_public(address: IPv4Address | IPv6Address) -> bool:
    return may_connect(address, ())


public_4 = st.ip_addresses(v=4).filter(is_public)


def embeddings(inner: IPv4Address) -> list[IPv6Address]:
    """Every IPv6 form in which `inner` travels."""
    number = int(inner)
    return [
        IPv6Address(number),
        IPv6Address(0xFFFF << 32 | number),
        IPv6Address(0xFFFF << 48 | number),
        IPv6Address((0x64FF9B << 96) | number),
        IPv6Address((0x2002 << 112) | number << 80 | 1),
    ]


@given(private_4)
def test_no_embedding_of_a_private_address_is_public(inner: IPv4Address) -> None:
    """A private IPv4 address is refused, as is every IPv6 form that holds it."""
    assert not is_public(inner)
    for outer in embeddings(inner):
        assert not may_connect(outer, ()), outer


@given(private_4)
def test_a_networks_own_nat64_and_teredo_are_refused(inner: IPv4Address) -> None:
    """Forms whose layout nobody can know are refused whatever is in them."""
    assert not is_public(IPv6Address((0x64FF9B0001 << 80) | int(inner)))
    assert not is_public(IPv6Address((0x20010000 << 96) | int(inner) ^ 0xFFFF_FFFF))
    assert not is_public(IPv6Address((0x20010000 << 96) | int(inner) << 64))


@given(public_4)
def test_public_addresses_are_public_through_nat64(inner: IPv4Address) -> None:
    """A network without IPv4 reaches public servers by NAT64; nothing else is special in them."""
    assert is_public(IPv6Address((0x64FF9B << 96) | int(inner)))
    assert inner.is_global


@given(st.ip_addresses(v=4) | st.ip_addresses(network="2000::/3"))
def test_nothing_is_public_that_python_calls_private(address: IPv4Address | IPv6Address) -> None:
    """The own list is never laxer than `ipaddress`; 6to4, which holds an address, is not its."""
    if is_public(address) and address not in ip_network("2002::/16"):
        assert not address.is_multicast
        assert not address.is_reserved
        assert address.is_global


@pytest.mark.parametrize(
    "text",
    [
        *("255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "3fff::1", "100::1", "5f00::1"),
        *("2001::1", "2001:10::1", "::ffff:169.254.169.254", "64:ff9b::7f00:1"),
        *("2002:7f00:1::", "4000::1"),
    ],
)
def test_special_addresses_are_not_public(text: str) -> None:
    """Link-local, site-local, unique local, multicast, documentation, what is not given out."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize(
    "text", ["1.1.1.1", "93.184.215.14", "2606:4700::1111", "2001:4860:4860::8888", "2a00:1450::1"]
)
def test_servers_are_public(text: str) -> None:
    """Addresses of real servers pass."""
    assert is_public(ip_address(text))


def test_an_operators_network_is_allowed_in_every_form() -> None:
    """What is listed may be connected to; a form that holds an address is that address."""
    allowed = [ip_network("10.1.0.0/16"), ip_network("::1/128"), ip_network("fd00::/8")]
    inside, outside = IPv4Address("10.1.2.3"), IPv4Address("10.2.0.1")
    assert may_connect(inside, allowed)
    assert all(may_connect(form, allowed) for form in embeddings(inside))
    assert not may_connect(outside, allowed)
    assert not any(may_connect(form, allowed) for form in embeddings(outside))
    assert may_connect(IPv6Address("::1"), allowed)
    assert may_connect(IPv6Address("fd12::1"), allowed)


def test_all_of_ipv6_is_no_way_into_ipv4() -> None:
    """Who lists ::/0 allows IPv6 addresses, and not the IPv4 ones in some of them."""
    assert not may_connect(ip_address("::ffff:127.0.0.1"), [ip_network("::/0")])
