"""Fetching: guarded, bounded, and with a reason for each failure.

The only importer of httpx, httpcore and protego. It knows nothing of feeds, Redis or the spool.
"""

from worker.fetch.freshness import fresh_seconds, retry_after
from worker.fetch.http import Fetcher
from worker.fetch.messages import FetchRequest, FetchResponse, Redirect
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
