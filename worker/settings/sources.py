"""The sources that settings define: drop folders and buckets."""

import fnmatch
from typing import Annotated, Literal

from pydantic import Field

from worker.model import DateOrder, Near, OnChange, Scope
from worker.settings.fields import SettingsTable, StoreTable
from worker.settings.types import BucketUrl, Cron, ExpandedPath, SourceName, TimeZoneName


class SourceTable(SettingsTable):
    """The keys of every source: its name, and how its articles are read."""

    name: SourceName = Field(description="name of the source: letters of any script, digits, . - _")
    time_zone: TimeZoneName | None = Field(
        None, description="for dates without one; none: dedupe.time_zone"
    )
    keep_days: int | None = Field(None, ge=1, description="none: archive.keep_days")
    naive_dates: Literal["trusted", "unreliable"] = Field(
        "trusted", description="unreliable: dates without a zone are crawl times, not used"
    )
    date_order: DateOrder | None = Field(
        None, description="of 04/05/2021: dmy or mdy; none: only with a weekday that fits"
    )
    scope: Scope = Field(Scope.GLOBAL, description="added to title and date in the key")
    on_change: OnChange = Field(
        OnChange.DUPLICATE, description="revise: publish an article again when its content changed"
    )
    site: str | None = Field(None, description="name of a site rule; none: chosen by content")
    language: str | None = Field(None, description="language, if the article names none")
    strict: bool = Field(False, description="true: an article with a warning is refused")
    near: Near | None = Field(None, description="mark or off; none: dedupe.near")
    pattern: str = Field("*", description="file name patterns as in a shell, separated by commas")


class Folder(SourceTable):
    """A drop folder."""

    path: ExpandedPath = Field(description="path of the folder")
    mode: Literal["take", "in-place"] = Field(
        "take", description="in-place: new and changed files are copied, nothing is moved"
    )
    rescan_seconds: float = Field(60.0, ge=1, description="in-place: time between full scans")
    settle_seconds: float = Field(0.3, ge=0, description="wait after a file was closed")
    settle_without_event_seconds: float = Field(2.0, ge=0, description="wait if no file event came")
    schedule: Cron = Field("", description="cron schedule in time_zone; empty: watch continuously")

    @property
    def in_place(self) -> bool:
        """Whether files are copied and never moved."""
        return self.mode == "in-place"


class Bucket(StoreTable, SourceTable):
    """A bucket of objects, which is only read."""

    url: BucketUrl = Field(description="s3://BUCKET/PREFIX, or gs://BUCKET/PREFIX")
    anonymous: bool = Field(False, description="true: requests are not signed")
    interval_seconds: int = Field(
        60, ge=0, le=31_536_000, description="time between two lists; 0: only when enqueued"
    )
    tags: tuple[Annotated[str, Field(min_length=1, max_length=200)], ...] = Field(
        (), description="added to the tags of each article"
    )

    def accepts(self, key: str) -> bool:
        """Whether the object with this key is read, by its name."""
        name = key.rpartition("/")[2]
        patterns = [pattern.strip() for pattern in self.pattern.split(",")]
        return bool(name) and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
