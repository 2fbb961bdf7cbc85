"""What the operator said about a source."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
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


class SourceKeys(Protocol):
    """What can be set of a folder and of a feed alike."""

    @property
    def time_zone(self) -> str | None: ...
    @property
    def naive_dates(self) -> str: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def on_change(self) -> OnChange: ...
    @property
    def site(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...


def profile_of(source: str, keys: SourceKeys, key_zone: ZoneInfo) -> Profile:
    """The profile of `source`, for which `keys` are set."""
    return Profile(
        source=source,
        time_zone=ZoneInfo(keys.time_zone) if keys.time_zone else key_zone,
        key_zone=key_zone,
        trust_naive_dates=keys.naive_dates == "trusted",
        scope=keys.scope,
        on_change=keys.on_change,
        site=keys.site,
        language=keys.language,
    )
