"""Which network addresses may be connected to: public ones, and those the operator lists.

`ipaddress` alone is not enough: `is_global` says yes to multicast, and to forms of IPv6 in which an
IPv4 address travels that a gateway, or the kernel itself, takes out again. Such a form is judged by
the address in it. Ranges: IANA's special-purpose registries; forms: RFC 4291 (mapped, compatible),
RFC 6052 (NAT64), RFC 3056 (6to4), RFC 7915 (translated).
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def may_connect(address: Address, allowed: Sequence[Network]) -> bool:
    """Is `address` public, or in one of the networks that the operator allows?

    What holds an IPv4 address is that address: `::ffff:10.0.0.3` needs 10.0.0.3 to be allowed.
    """
    meant = _meant(address)
    return _is_public(meant) or any(meant in network for network in allowed)


def is_public(address: Address) -> bool:
    """Can `address` be that of a server on the public internet, and of nothing else?"""
    return _is_public(_meant(address))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address in _UNICAST_6 and not any(address in network for network in _CLOSED_6)


def _meant(address: Address) -> Address:
    """`address`, or the IPv4 address that it holds."""
    if isinstance(address, IPv4Address) or address in _OWN_6:
        return address
    for network, shift in _HOLDERS:
        if address in network:
            return IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
    return address


_CLOSED_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",  # this host: Linux connects to itself
        "10.0.0.0/8",
        "100.64.0.0/10",  # between a provider and its customers
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local: where clouds tell their machines' credentials
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4, withdrawn
        "192.168.0.0/16",
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)

_UNICAST_6 = IPv6Network("2000::/3")
"""All that is given out for the public internet; every other range is special or not in use."""

_CLOSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # protocols' own, Teredo (2001::/32) among them: no web server is there
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)

_OWN_6 = IPv6Network("::/127")
"""`::` and `::1`, which look as if they held 0.0.0.0 and 0.0.0.1."""

_HOLDERS = (
    (IPv6Network("::/96"), 0),  # compatible
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped: the kernel connects by IPv4
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: how a host without IPv4 reaches public IPv4
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""Where IPv4 addresses travel, and how many bits follow them. 64:ff9b:1::/48 is not here: it is a
site's own NAT64, with a layout of its own, so it is closed as a whole."""
