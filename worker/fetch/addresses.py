"""The network addresses that may be connected to: public ones, and those the operator lists.

`ipaddress` alone is not enough: `is_global` is true for multicast, and for forms of IPv6 that embed
an IPv4 address which a gateway, or the kernel, extracts. Such a form is checked by the embedded
address. Ranges: IANA's special-purpose registries; forms: RFC 4291 (mapped, compatible),
RFC 6052 (NAT64), RFC 3056 (6to4), RFC 7915 (translated).
"""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def may_connect(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether `address` is public, or in one of the networks that the operator allows.

    An embedded IPv4 address counts: `::ffff:10.0.0.3` needs 10.0.0.3 to be allowed.
    """
    effective = _effective(address)
    return _is_public(effective) or any(effective in network for network in allowed)


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    return address in _UNICAST_6 and not any(address in network for network in _CLOSED_6)


def _effective(address: Address) -> Address:
    """`address`, or the IPv4 address that it embeds."""
    if isinstance(address, IPv4Address) or address in _NOT_EMBEDDING_6:
        return address
    for network, shift in _EMBEDDING_6:
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
        "169.254.0.0/16",  # link-local: clouds serve credentials of their machines there
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
"""The range assigned to the public internet; every other range is special or unused."""

_CLOSED_6 = tuple(
    IPv6Network(text)
    for text in (
        "2001::/23",  # for protocols such as Teredo (2001::/32): no web servers
        "2001:db8::/32",  # documentation
        "3fff::/20",  # documentation
    )
)

_NOT_EMBEDDING_6 = IPv6Network("::/127")
"""`::` and `::1`, which look as if they embedded 0.0.0.0 and 0.0.0.1."""

_EMBEDDING_6 = (
    (IPv6Network("::/96"), 0),  # compatible
    (IPv6Network("::ffff:0:0/96"), 0),  # mapped: the kernel connects by IPv4
    (IPv6Network("::ffff:0:0:0/96"), 0),  # translated
    (IPv6Network("64:ff9b::/96"), 0),  # NAT64: how a host without IPv4 reaches public IPv4
    (IPv6Network("2002::/16"), 80),  # 6to4
)
"""Ranges that embed IPv4 addresses, and how many bits follow these. 64:ff9b:1::/48 is not here: it
is for NAT64 within a site, with a layout that the site chooses, so the whole range is closed."""
