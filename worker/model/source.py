"""The configuration of a source."""

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


class DateOrder(StrEnum):
    """What comes first in a date such as `04/05/2021`."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


class OnChange(StrEnum):
    """What happens to a known article whose content differs."""

    DUPLICATE = "duplicate"
    REVISE = "revise"


class Near(StrEnum):
    """What happens to an article whose text others have published, too."""

    OFF = "off"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object of a bucket as it was listed. `size` is in bytes."""

    key: str
    etag: str
    size: int


@dataclass(frozen=True, slots=True)
class Profile:
    """How the articles of a source are read; everything that normalizing depends on.

    `time_zone` is that of the source's naive dates. `key_zone` is the one zone in which the
    calendar date of every article is taken. Without `trust_naive_dates` a date without a zone is
    taken for the time of a crawl and does not enter the key. `date_order` decides what
    `04/05/2021` is; without it a weekday has to fit one order. `tags` are added to those of every
    article; with `full_text` the page of each new article is fetched. `strict` refuses an article
    that has a warning. `near` says whether the stories of its articles are marked.
    """

    source: str
    time_zone: ZoneInfo
    key_zone: ZoneInfo
    trust_naive_dates: bool = True
    date_order: DateOrder | None = None
    scope: Scope = Scope.GLOBAL
    on_change: OnChange = OnChange.DUPLICATE
    site: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    full_text: bool = False
    strict: bool = False
    near: Near = Near.OFF


class SourceKeys(Protocol):
    """The settings that folders and feeds share."""

    @property
    def time_zone(self) -> str | None: ...
    @property
    def naive_dates(self) -> str: ...
    @property
    def date_order(self) -> DateOrder | None: ...
    @property
    def scope(self) -> Scope: ...
    @property
    def on_change(self) -> OnChange: ...
    @property
    def site(self) -> str | None: ...
    @property
    def language(self) -> str | None: ...
    @property
    def strict(self) -> bool: ...
    @property
    def near(self) -> Near | None: ...


def make_profile(source: str, keys: SourceKeys, key_zone: ZoneInfo, near: Near) -> Profile:
    """The profile of `source` with the settings `keys`; `near` is that of all sources."""
    return Profile(
        source=source,
        time_zone=ZoneInfo(keys.time_zone) if keys.time_zone else key_zone,
        key_zone=key_zone,
        trust_naive_dates=keys.naive_dates == "trusted",
        date_order=keys.date_order,
        scope=keys.scope,
        on_change=keys.on_change,
        site=keys.site,
        language=keys.language,
        strict=keys.strict,
        near=keys.near or near,
    )
