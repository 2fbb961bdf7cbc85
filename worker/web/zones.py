"""The zone of the times on pages: the browser's, UTC, or another one that a reader chose.

The server writes times in UTC; the script of the pages converts them. The choice is a cookie.
"""

import re
from functools import lru_cache
from zoneinfo import ZoneInfo

from starlette.requests import Request

BROWSER = "browser"
ZONES = (BROWSER, "UTC")
"""The choices that need no name of a place."""

COOKIE = "newsdrop_zone"

_NAME = re.compile(r"[A-Za-z0-9_+/-]{1,64}")


def chosen_zone(request: Request) -> str:
    """The zone in the cookie; BROWSER where there is none."""
    zone = request.cookies.get(COOKIE, BROWSER)
    return zone if is_zone(zone) else BROWSER


@lru_cache(maxsize=256)
def is_zone(name: str) -> bool:
    """Whether it is BROWSER or the name of a zone in the IANA database."""
    if name == BROWSER:
        return True
    try:
        return bool(_NAME.fullmatch(name)) and ZoneInfo(name) is not None
    except (LookupError, ValueError, OSError):
        return False
