"""Bytes from an address: safely, politely bounded, and with a reason where it cannot be.

The only importer of httpx, httpcore and protego. It knows nothing of feeds, Redis or the spool.

=============  ================================================================
``http``       Fetcher: one address fetched, redirects followed by hand
``url``        an address taken apart and checked; how it is shown to people
``guard``      names resolved and judged, connections to judged addresses only
``addresses``  which network addresses are public: pure
``wire``       a TCP connection as httpcore wants one
``transport``  httpx's seam over httpcore's connections, which it keeps
``tls``        which certificates are trusted
``inflate``    a packed body unpacked in bounded steps
``freshness``  how long an answer holds, when to ask again: pure
``robots``     what robots.txt allows (RFC 9309)
=============  ================================================================
"""

from worker.fetch.freshness import fresh_seconds, retry_after
from worker.fetch.http import Fetcher, FetchRequest, FetchResponse, Redirect
from worker.fetch.robots import RobotsCache, RobotsDecision, check_robots
from worker.fetch.url import Target, parse_target, printable_url, public_url

__all__ = [
    "FetchRequest",
    "FetchResponse",
    "Fetcher",
    "Redirect",
    "RobotsCache",
    "RobotsDecision",
    "Target",
    "check_robots",
    "fresh_seconds",
    "parse_target",
    "printable_url",
    "public_url",
    "retry_after",
]
