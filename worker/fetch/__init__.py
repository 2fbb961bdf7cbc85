"""Fetching: guarded, bounded, and with a reason for each failure.

The only importer of httpx, httpcore and protego. It knows nothing of feeds, Redis or the spool.

==================  ==================================================================
``http``            Fetcher: fetches one address and follows redirects
``url``             parsing, checking and printing addresses
``guard``           resolves and checks names; connects to checked addresses only
``addresses``       which network addresses are public: pure
``network_stream``  a TCP connection for httpcore
``transport``       sends requests over httpcore's connections, and keeps idle ones; TLS
``body``            a response body, decompressed in bounded steps
``freshness``       how long a response is fresh, when to fetch again: pure
``robots``          what robots.txt allows (RFC 9309)
==================  ==================================================================
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
