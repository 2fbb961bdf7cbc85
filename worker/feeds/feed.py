"""One feed: its keys, and their validation."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from worker.errors import UsageError, WrongValue
from worker.escape import printable
from worker.model import DateOrder, Near, OnChange, Profile, Scope, make_profile
from worker.settings import Settings
from worker.settings.mistakes import explain_value
from worker.settings.types import Cron, SourceName, TimeZoneName

RSSHUB = "rsshub://"
_LONGEST_URL = 4096
_LONGEST_LABEL = 200


def _feed_url(url: str) -> str:
    url = url.strip()
    if len(url) > _LONGEST_URL or any(char <= " " or char == "\x7f" for char in url):
        raise WrongValue("not an address: it is too long or contains spaces")
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError as error:
        raise WrongValue("not an address") from error
    if url.startswith(RSSHUB) and len(url) > len(RSSHUB):
        return url
    if parts.scheme not in ("http", "https") or not host:
        raise WrongValue("not an address: begin it with https://, http:// or rsshub://")
    return url


def _one_line(label: str) -> str:
    label = " ".join(label.split())
    if len(label) > _LONGEST_LABEL or not label.isprintable():
        raise WrongValue(f"use at most {_LONGEST_LABEL} printable characters")
    return label


def _header(value: str) -> str:
    if any(char in value for char in "\r\n\0"):
        raise WrongValue("remove the line breaks from this header")
    return value


Header = Annotated[str, AfterValidator(_header)]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
Seconds = Annotated[int, Field(ge=10, le=31_536_000)]


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed as it is configured; `config/feeds.toml` describes each key.

    `name` never changes: it is the `source` of its records, and scope and statistics use it.
    `label` is what people see; empty: the name.

    Intervals are in seconds, None for the default of the settings. `headers` are sent to the feed's
    own origin only: they may be credentials.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: SourceName
    url: Annotated[str, AfterValidator(_feed_url)]
    label: Annotated[str, AfterValidator(_one_line)] = ""
    tags: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = ()
    time_zone: TimeZoneName | None = None
    min_interval_seconds: Seconds | None = None
    max_interval_seconds: Seconds | None = None
    schedule: Cron = ""
    site: str | None = None
    full_text: bool = False
    recheck: bool = False
    naive_dates: Literal["trusted", "unreliable"] = "trusted"
    date_order: DateOrder | None = None
    scope: Scope = Scope.GLOBAL
    on_change: OnChange = OnChange.DUPLICATE
    language: str | None = None
    strict: bool = False
    near: Near | None = None
    headers: dict[HeaderName, Header] = field(default_factory=dict)

    def address(self, rsshub_base: str) -> str:
        """The address to fetch: `rsshub://route` is a route of the configured RSSHub.

        Raises UsageError if none is configured.
        """
        if not self.url.startswith(RSSHUB):
            return self.url
        if not rsshub_base:
            raise UsageError(
                f"{printable(self.url)} needs an RSSHub: set fetch.rsshub_base to its address"
            )
        return f"{rsshub_base.rstrip('/')}/{self.url.removeprefix(RSSHUB).lstrip('/')}"

    def bounds(self, settings: Settings) -> tuple[int, int]:
        """The shortest and the longest interval between two polls, in seconds."""
        shortest = self.min_interval_seconds or settings.feeds.min_interval_seconds
        longest = self.max_interval_seconds or settings.feeds.max_interval_seconds
        return shortest, max(shortest, longest)

    def profile(self, settings: Settings) -> Profile:
        """How its articles are read and keyed."""
        dedupe = settings.dedupe
        profile = make_profile(self.name, self, ZoneInfo(dedupe.time_zone), dedupe.near)
        return replace(profile, tags=self.tags, full_text=self.full_text)


_FEED = TypeAdapter(Feed)
KEYS = tuple(Feed.__dataclass_fields__)


def parse_feed(values: Mapping[str, Any]) -> Feed:
    """A feed from a table of its keys. Raises UsageError that names each wrong one."""
    try:
        feed = _FEED.validate_python(dict(values))
    except ValidationError as error:
        problems = error.errors(include_url=False)
        raise UsageError("\n".join(_explain(problem) for problem in problems)) from error
    shortest, longest = feed.min_interval_seconds, feed.max_interval_seconds
    if shortest and longest and shortest > longest:
        raise UsageError("min_interval_seconds is larger than max_interval_seconds: swap them")
    if feed.recheck and not (feed.full_text and feed.on_change is OnChange.REVISE):
        raise UsageError('recheck needs full_text = true and on_change = "revise": set them too')
    return feed


def _explain(problem: ErrorDetails) -> str:
    import difflib

    key = printable(".".join(str(part) for part in problem["loc"]), 100)
    if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        near = difflib.get_close_matches(key, KEYS, n=1, cutoff=0.5)
        if near:
            return f"unknown key {key}; did you mean {near[0]}?"
        return f"unknown key {key}; valid keys are {', '.join(KEYS)}"
    return f"{key}: {explain_value(problem)}"
