"""The settings, table by table: what each key is, its default, and what it may be."""

import os
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.model import OnChange, Profile, Scope
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

MEGABYTE = 1_000_000
"""What `_mb` is in every key: a disk's megabyte, not 1,024 × 1,024 bytes."""


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "newsdrop"


class Part(BaseModel):
    """A table of the settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Redis(Part):
    url: RedisUrl = Field("", description="empty: the server that `newsdrop up` runs")
    password_file: ExpandedPath | None = Field(
        None, description="its first line is the password, where redis.url has none"
    )
    durability: Literal["written", "fsynced"] = Field(
        "written",
        description="`fsynced` waits for the disk: needs a server with appendfsync always",
    )


class Stream(Part):
    name: str = Field("newsdrop:articles", min_length=1, pattern=r"^[^{}\s\x00-\x1f\x7f-\x9f]+$")
    max_length: int = Field(1_000_000, ge=0, description="about; 0 is unlimited")


class DedupeSettings(Part):
    time_zone: TimeZoneName = Field("Asia/Shanghai", description="the zone of every key's date")
    keep_days: int = Field(365, ge=1, description="a key is forgotten so long after its last use")


class Spool(Part):
    batch_files: int = Field(100, ge=1, le=10_000)
    batch_bytes: int = Field(8_000_000, ge=1)
    max_waiting: int = Field(64, ge=1, description="batches; beyond it files stay in the folder")
    min_free_mb: int = Field(200, ge=0, description="intake pauses below this much free disk")
    max_attempts: int = Field(
        3, ge=1, description="a file that killed its worker so often is refused"
    )


class Archive(Part):
    keep_days: int = Field(30, ge=1, description="raw files; a folder's own keep_days goes first")


class Quarantine(Part):
    keep_days: int = Field(90, ge=1)


class Limits(Part):
    """What one input may cost."""

    file_mb: int = Field(32, ge=1)
    articles: int = Field(100_000, ge=1, description="in one file")
    archive_members: int = Field(10_000, ge=1)
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


class WorkerSettings(Part):
    processes: int = Field(
        0, ge=0, description="0: one a core, at least 2; half as many more fetch feeds and pages"
    )
    slice_seconds: float = Field(1.0, gt=0, description="how long one task drains before the next")
    max_memory_mb: int = Field(400, ge=100, description="a process above it is replaced")
    max_tasks: int = Field(10_000, ge=1, description="tasks before a process is replaced")
    tick_seconds: float = Field(2.0, ge=0.2, description="how often the folders are looked at")


class Fetch(Part):
    """How feeds and pages are fetched."""

    user_agent: str = Field("", description="empty: newsdrop/<version>")
    deadline_seconds: float = Field(30.0, gt=0, le=300, description="for one answer, redirects too")
    connect_seconds: float = Field(10.0, gt=0)
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


class Feeds(Part):
    """How often feeds are polled, unless a feed says otherwise."""

    file: ExpandedPath | None = Field(None, description="empty: feeds.toml beside this file")
    min_interval_seconds: int = Field(300, ge=10)
    max_interval_seconds: int = Field(86_400, ge=10)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_interval_seconds > self.max_interval_seconds:
            raise ValueError("min_interval_seconds is above max_interval_seconds")
        return self


class Jobs(Part):
    keep_days: int = Field(14, ge=1)
    max_refused: int = Field(1000, ge=0, description="refused files listed for a job")


class Web(Part):
    """The status page, the HTTP API and the metrics."""

    host: str = Field("127.0.0.1", description="any other than loopback needs a token")
    port: int = Field(8787, ge=0, le=65535, description="0: any that is free")
    token: str = Field("", description="asked for where set; what is read and changed is behind it")
    token_file: ExpandedPath | None = Field(None, description="the token is this file's first line")
    hosts: Names = Field((), description="names it is asked by, beside its address and localhost")
    upload_mb: int = Field(64, ge=1, description="of one upload, all its files together")


class Log(Part):
    level: Level = "info"
    levels: Levels = Field({}, description="of single parts: store = debug")
    format: Literal["auto", "console", "json"] = "auto"


class Folder(Part):
    """A drop folder."""

    name: SourceName
    path: ExpandedPath
    mode: Literal["take", "in-place"] = Field(
        "take", description="in-place: nothing is moved; what is new or changed is copied"
    )
    rescan_seconds: float = Field(60.0, ge=1, description="in-place: how often it is walked")
    pattern: str = Field("*", description="file names taken, as in a shell; several with commas")
    settle_seconds: float = Field(0.3, ge=0, description="quiet for so long after it was closed")
    settle_unseen_seconds: float = Field(2.0, ge=0, description="the same where no event told")
    time_zone: TimeZoneName | None = Field(None, description="of dates without one")
    schedule: Cron = Field("", description="cron, in time_zone; empty: always")
    keep_days: int | None = Field(None, ge=1, description="raw files in the archive")
    naive_dates: Literal["trusted", "unreliable"] = "trusted"
    scope: Scope = Scope.GLOBAL
    on_change: OnChange = OnChange.DUPLICATE
    site: str | None = Field(None, description="name of a site rule; else chosen by content")
    language: str | None = None

    @property
    def in_place(self) -> bool:
        """Whether nothing in it is moved."""
        return self.mode == "in-place"


class Settings(BaseSettings):
    """Everything that can be set. Relative paths in a config file are relative to it."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        extra="forbid",
        frozen=True,
    )

    state_dir: ExpandedPath = Field(default_factory=_default_state_dir)
    drop: ExpandedPath | None = Field(None, description="of the folder `drop`; empty: in state_dir")
    sites_dir: ExpandedPath | None = Field(None, description="own site rules, beside those shipped")
    redis: Redis = Redis()
    stream: Stream = Stream()
    dedupe: DedupeSettings = DedupeSettings()
    spool: Spool = Spool()
    archive: Archive = Archive()
    quarantine: Quarantine = Quarantine()
    limits: Limits = Limits()
    worker: WorkerSettings = WorkerSettings()
    fetch: Fetch = Fetch()
    feeds: Feeds = Feeds()
    jobs: Jobs = Jobs()
    web: Web = Web()
    log: Log = Log()
    folders: tuple[Folder, ...] = ()

    @model_validator(mode="after")
    def _folders_apart(self) -> Self:
        folders = self.all_folders()
        for number, one in enumerate(folders):
            for other in folders[number + 1 :]:
                if one.name == other.name:
                    raise ValueError(f"two folders have the name {one.name}: each needs its own")
                if one.path.is_relative_to(other.path) or other.path.is_relative_to(one.path):
                    raise ValueError(f"{one.name} and {other.name}: one folder is inside the other")
            if one.in_place and self.state_dir.is_relative_to(one.path):
                raise ValueError(f"state_dir is inside {one.name}, which is read in place: move it")
            if one.name == MANUAL:
                raise ValueError(f"{MANUAL} is the source of what is enqueued by hand")
            if one.name == POLLED:
                raise ValueError(f"{POLLED} is the source of what is polled: choose another name")
        return self

    def all_folders(self) -> tuple[Folder, ...]:
        """The drop folders; where none is configured, one named `drop`."""
        if self.folders:
            return self.folders
        return (Folder(name="drop", path=self.drop or self.state_dir / "drop"),)

    def folder(self, name: str) -> Folder | None:
        return next((folder for folder in self.all_folders() if folder.name == name), None)

    def profile(self, source: str) -> Profile:
        """How articles of `source` are read and keyed; of an unknown one, by the defaults."""
        key_zone = ZoneInfo(self.dedupe.time_zone)
        folder = self.folder(source)
        if folder is None:
            return Profile(source=source, time_zone=key_zone, key_zone=key_zone)
        return Profile(
            source=source,
            time_zone=ZoneInfo(folder.time_zone) if folder.time_zone else key_zone,
            key_zone=key_zone,
            trust_naive_dates=folder.naive_dates == "trusted",
            scope=folder.scope,
            on_change=folder.on_change,
            site=folder.site,
            language=folder.language,
        )

    def processes(self) -> int:
        """How many processes of one worker ingest, or do whatever else there is to do."""
        return self.worker.processes or max(2, os.cpu_count() or 2)

    def fetching(self) -> int:
        """How many processes may fetch at once. One fetches some hundred feeds a second, and
        mostly waits."""
        return max(1, self.processes() // 2)

    def pool(self) -> int:
        """How many processes one worker has: those that wait for servers take nobody's place."""
        return self.processes() + self.fetching()

    def most_bells(self) -> int:
        """How many messages of one queue may wait: more say nothing that these do not."""
        return 2 * self.processes()
