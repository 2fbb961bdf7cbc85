"""The settings, table by table: what each key is, its default, and what it may be."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.model import OnChange, Scope
from worker.settings.types import (
    Cron,
    ExpandedPath,
    Level,
    Levels,
    Names,
    Networks,
    Ports,
    RedisUrl,
    SourceName,
    TimeZoneName,
)

ENV_PREFIX = "NEWSDROP_"
MANUAL = "manual"
"""The source of what is enqueued by hand without `--source`."""

POLLED = "feeds"
"""The source of batches of what was polled or fetched; each entry has its own feed's name."""

FETCH_TAKING_SECONDS = 120.0
"""How long one task takes new feeds and pages to fetch, before another has its turn."""

VERSION = 1
"""The newest `version` of a config file that is understood: raised when a key's meaning changes."""

MEGABYTE = 1_000_000
"""What `_mb` is in every key: a disk's megabyte, not 1,024 × 1,024 bytes."""


class SettingsTable(BaseModel):
    """A table of the settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisSettings(SettingsTable):
    url: RedisUrl = Field("", description="empty: the server that `newsdrop up` runs")
    password_file: ExpandedPath | None = Field(
        None, description="its first line is the password, where redis.url has none"
    )
    durability: Literal["written", "fsynced"] = Field(
        "written",
        description="`fsynced` waits for the disk: needs a server with appendfsync always",
    )


class StreamSettings(SettingsTable):
    name: str = Field(
        "newsdrop:articles",
        min_length=1,
        pattern=r"^[^{}\s\x00-\x1f\x7f-\x9f]+$",
        description="the stream's key, without braces and white space",
    )
    max_length: int = Field(
        1_000_000, ge=0, description="about; older entries are trimmed; 0 is unlimited"
    )


class DedupeSettings(SettingsTable):
    time_zone: TimeZoneName = Field("Asia/Shanghai", description="the zone of every key's date")
    keep_days: int = Field(365, ge=1, description="a key is forgotten so long after its last use")


class SpoolSettings(SettingsTable):
    batch_files: int = Field(100, ge=1, le=10_000, description="files in one batch, at most")
    batch_bytes: int = Field(8_000_000, ge=1, description="and their size")
    max_waiting: int = Field(64, ge=1, description="batches; beyond it files stay in the folder")
    min_free_mb: int = Field(200, ge=0, description="intake pauses below this much free disk")
    max_attempts: int = Field(
        3, ge=1, description="a file that killed its worker so often is refused"
    )


class ArchiveSettings(SettingsTable):
    keep_days: int = Field(30, ge=1, description="raw files; a folder's own keep_days goes first")


class QuarantineSettings(SettingsTable):
    keep_days: int = Field(90, ge=1, description="what was refused")


class Limits(SettingsTable):
    """What one input may cost."""

    file_mb: int = Field(32, ge=1, description="of one file")
    articles: int = Field(100_000, ge=1, description="in one file")
    archive_members: int = Field(10_000, ge=1, description="in one zip or tar")
    archive_mb: int = Field(256, ge=1, description="unpacked, in all")
    archive_depth: int = Field(2, ge=1, description="an archive within an archive is depth 2")
    html_depth: int = Field(200, ge=10, description="nested elements")
    seconds: int = Field(120, ge=1, description="for one file, before its worker is ended")

    @property
    def file_bytes(self) -> int:
        return self.file_mb * MEGABYTE

    @property
    def archive_bytes(self) -> int:
        return self.archive_mb * MEGABYTE


class WorkerSettings(SettingsTable):
    processes: int = Field(
        0, ge=0, description="0: one a core, at least 2; half as many more fetch feeds and pages"
    )
    slice_seconds: float = Field(1.0, gt=0, description="how long one task drains before the next")
    max_memory_mb: int = Field(400, ge=100, description="a process above it is replaced")
    max_tasks: int = Field(10_000, ge=1, description="tasks before a process is replaced")
    tick_seconds: float = Field(2.0, ge=0.2, description="how often the folders are looked at")


class FetchSettings(SettingsTable):
    """How feeds and pages are fetched."""

    user_agent: str = Field("", description="empty: newsdrop/<version>")
    deadline_seconds: float = Field(30.0, gt=0, le=300, description="for one answer, redirects too")
    connect_seconds: float = Field(10.0, gt=0, description="for a connection")
    max_mb: int = Field(16, ge=1, description="of one answer, unpacked")
    concurrency: int = Field(32, ge=1, le=1000, description="fetches at once in one task")
    host_connections: int = Field(2, ge=1, description="at once to one host, by all workers")
    host_interval_seconds: float = Field(1.0, ge=0, description="between two fetches from a host")
    allow_networks: Networks = Field((), description="not public ones that may be fetched from")
    allow_ports: Ports = Field((), description="beside 80 and 443")
    ca_file: ExpandedPath | None = Field(None, description="certificates trusted beside the usual")
    rsshub_base: str = Field("", description="what rsshub://… stands for: https://rsshub.example")
    robots: bool = Field(True, description="pages are fetched as robots.txt allows")
    page_tries: int = Field(4, ge=1, description="for a page, before its feed's own text is taken")

    @property
    def max_bytes(self) -> int:
        return self.max_mb * MEGABYTE

    @property
    def page_seconds(self) -> float:
        """For a page, with its robots.txt and the pages that follow it."""
        return 3 * self.deadline_seconds

    @property
    def task_seconds(self) -> float:
        """How long a task that fetches may take: what it took last has all its time."""
        return FETCH_TAKING_SECONDS + self.page_seconds + self.deadline_seconds + 60


class FeedsSettings(SettingsTable):
    """How often feeds are polled, unless a feed says otherwise."""

    file: ExpandedPath | None = Field(None, description="empty: feeds.toml beside the settings")
    min_interval_seconds: int = Field(300, ge=10, description="between two polls, at least")
    max_interval_seconds: int = Field(86_400, ge=10, description="and at most")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_interval_seconds > self.max_interval_seconds:
            raise ValueError("min_interval_seconds is above max_interval_seconds")
        return self


class JobsSettings(SettingsTable):
    keep_days: int = Field(14, ge=1, description="what `newsdrop jobs` lists")
    max_refused: int = Field(1000, ge=0, description="refused files listed for a job")


class WebSettings(SettingsTable):
    """The status page, the HTTP API and the metrics."""

    host: str = Field("127.0.0.1", description="any other than loopback needs a token")
    port: int = Field(8787, ge=0, le=65535, description="0: any that is free")
    token: str = Field("", description="asked for where set; what is read and changed is behind it")
    token_file: ExpandedPath | None = Field(None, description="the token is this file's first line")
    allowed_hosts: Names = Field(
        (), description="names it is asked by, beside its address and localhost"
    )
    upload_mb: int = Field(64, ge=1, description="of one upload, all its files together")


class LogSettings(SettingsTable):
    level: Level = Field("info", description="what is logged from here up")
    levels: Levels = Field({}, description="of single parts: store = debug")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, else json"
    )


class Folder(SettingsTable):
    """A drop folder."""

    name: SourceName = Field(description="the source's name: letters, digits, dots, dashes, _")
    path: ExpandedPath = Field(description="the folder")
    mode: Literal["take", "in-place"] = Field(
        "take", description="in-place: nothing is moved; what is new or changed is copied"
    )
    rescan_seconds: float = Field(60.0, ge=1, description="in-place: how often it is walked")
    pattern: str = Field("*", description="file names taken, as in a shell; several with commas")
    settle_seconds: float = Field(0.3, ge=0, description="quiet for so long after it was closed")
    settle_without_event_seconds: float = Field(
        2.0, ge=0, description="the same without a file event"
    )
    time_zone: TimeZoneName | None = Field(
        None, description="of dates without one; none: dedupe.time_zone"
    )
    schedule: Cron = Field("", description="cron, in time_zone; empty: always")
    keep_days: int | None = Field(None, ge=1, description="raw files; none: archive.keep_days")
    naive_dates: Literal["trusted", "unreliable"] = Field(
        "trusted", description="unreliable: dates without a zone are the time of a crawl"
    )
    scope: Scope = Field(Scope.GLOBAL, description="what enters the key beside title and date")
    on_change: OnChange = Field(
        OnChange.DUPLICATE, description="revise: a known article with other content is published"
    )
    site: str | None = Field(None, description="name of a site rule; else chosen by content")
    language: str | None = Field(None, description="where the article does not say")

    @property
    def in_place(self) -> bool:
        """Whether nothing in it is moved."""
        return self.mode == "in-place"
