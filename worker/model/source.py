"""What the operator said about a source."""

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo


class Scope(StrEnum):
    """What is added to the dedupe key beside title and date."""

    GLOBAL = "global"
    SOURCE = "source"
    URL = "url"
    CONTENT = "content"


class OnChange(StrEnum):
    """What becomes of a known article whose content differs."""

    DUPLICATE = "duplicate"
    REVISE = "revise"


@dataclass(frozen=True, slots=True)
class Profile:
    """What the operator said about a source; everything that normalizing depends on.

    `time_zone` reads the source's naive dates. `key_zone` is the one zone in which every
    article's calendar date is taken. With `trust_naive_dates` off, a date without a zone is
    taken for the time of a crawl and does not enter the key. `tags` are added to every article's;
    with `full_text` the page of each new article is fetched.
    """

    source: str
    time_zone: ZoneInfo
    key_zone: ZoneInfo
    trust_naive_dates: bool = True
    scope: Scope = Scope.GLOBAL
    on_change: OnChange = OnChange.DUPLICATE
    site: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    full_text: bool = False
