"""The settings, table by table: each key with its default, its bounds and its description."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from worker.errors import WrongValue
from worker.model import Near
from worker.settings.types import (
    ArchiveUrl,
    BrokerUrl,
    EndpointUrl,
    ExpandedPath,
    Level,
    Levels,
    Names,
    Networks,
    Paths,
    Ports,
    RedisUrl,
    TimeZoneName,
)

ENV_PREFIX = "NEWSDROP_"
MANUAL = "manual"
"""The source of files that are enqueued by hand without `--source`."""

POLLED = "feeds"
"""The source of batches of polled feeds and fetched pages; each entry names its own feed."""

FETCH_TAKING_SECONDS = 120.0
"""How long one task starts new fetches before it ends and another task continues."""

VERSION = 1
"""The newest supported `version` of a config file; raised when a key's meaning changes."""

MEGABYTE = 1_000_000
"""The unit of `_mb` in every key: a million bytes, not 1,024 × 1,024."""


class SettingsTable(BaseModel):
    """A table of the settings; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class RedisSettings(SettingsTable):
    url: RedisUrl = Field("", description="empty: the server that `newsdrop up` runs")
    password_file: ExpandedPath | None = Field(
        None, description="file whose first line is the password, if redis.url has none"
    )
    durability: Literal["written", "fsynced"] = Field(
        "written",
        description="`fsynced`: records are on disk first; needs a server with appendfsync always",
    )


class CelerySettings(SettingsTable):
    """Celery's broker, if it is another server than that of the stream."""

    broker_url: BrokerUrl = Field(
        "", description="empty: redis.url; else Redis, Sentinels or RabbitMQ"
    )
    broker_password_file: ExpandedPath | None = Field(
        None, description="file whose first line is the password, if celery.broker_url has none"
    )


class StreamSettings(SettingsTable):
    name: str = Field(
        "newsdrop:articles",
        min_length=1,
        pattern=r"^[^{}\s\x00-\x1f\x7f-\x9f]+$",
        description="key of the stream in Redis, without braces and white space",
    )
    max_length: int = Field(
        1_000_000,
        ge=0,
        description="number of entries kept, besides what a consumer group needs; 0: unlimited",
    )
    keep_days: int = Field(0, ge=0, description="days an entry is kept; 0: unlimited")
    max_mb: int = Field(
        0,
        ge=0,
        description="memory of the stream in MB (2^20 bytes), also against unread entries; "
        "0: unlimited, unless Redis has a maxmemory and is nearly full",
    )
    group_idle_days: int = Field(
        14,
        ge=0,
        description="days without progress after which unread entries of a consumer group are no "
        "longer kept; 0: they are always kept",
    )


class DedupeSettings(SettingsTable):
    time_zone: TimeZoneName = Field("Asia/Shanghai", description="time zone of every key's date")
    keep_days: int = Field(365, ge=1, description="days a key is kept after its last use")
    near: Near = Field(
        Near.OFF, description="mark: articles that tell the same story are marked; for all sources"
    )
    near_days: int = Field(
        3, ge=1, le=60, description="days in which a text is looked for in those before it"
    )

    @model_validator(mode="after")
    def _near_is_kept(self) -> Self:
        if self.near_days > self.keep_days:
            raise WrongValue("near_days is above keep_days: lower it, or raise keep_days")
        return self


class SpoolSettings(SettingsTable):
    batch_files: int = Field(100, ge=1, le=10_000, description="maximum number of files in a batch")
    batch_bytes: int = Field(8_000_000, ge=1, description="maximum size of a batch in bytes")
    max_waiting: int = Field(64, ge=1, description="maximum number of waiting batches per folder")
    min_free_mb: int = Field(200, ge=0, description="intake pauses below this much free disk space")
    max_attempts: int = Field(
        2, ge=1, description="attempts at a file that kills its worker, before it is refused"
    )


class StoreTable(SettingsTable):
    """Where a bucket is, and who may use it."""

    endpoint: EndpointUrl = Field(
        "", description="address of the store; empty: that of Amazon or Google"
    )
    region: str = Field(
        "us-east-1", pattern=r"^[a-z0-9-]{1,40}$", description="region of the bucket"
    )
    credentials_file: ExpandedPath | None = Field(
        None, description="file in AWS's format; none: AWS_ACCESS_KEY_ID and so on"
    )


class ArchiveSettings(StoreTable):
    keep_days: int = Field(30, ge=1, description="days raw files are kept; folders may differ")
    url: ArchiveUrl = Field(
        "", description="s3://BUCKET/PREFIX to which finished batches are copied; empty: none"
    )


class QuarantineSettings(SettingsTable):
    keep_days: int = Field(90, ge=1, description="days refused files are kept")
    discarded_days: int = Field(
        7, ge=0, description="days discarded files can be restored before they are deleted"
    )


class Limits(SettingsTable):
    """Limits for one input."""

    file_mb: int = Field(32, ge=1, description="size of one file")
    articles: int = Field(100_000, ge=1, description="articles in one file")
    archive_members: int = Field(10_000, ge=1, description="files in one archive (zip, tar)")
    archive_mb: int = Field(256, ge=1, description="total unpacked size of one archive")
    archive_depth: int = Field(2, ge=1, description="an archive inside an archive is depth 2")
    html_depth: int = Field(200, ge=10, description="nested HTML elements")
    document_timeout_seconds: float = Field(
        5.0, gt=0, description="CPU time for each article of a file, then its process is killed"
    )
    memory_mb: int = Field(
        600, ge=100, description="memory for parsing, above what an idle process has"
    )

    @property
    def file_bytes(self) -> int:
        return self.file_mb * MEGABYTE

    @property
    def archive_bytes(self) -> int:
        return self.archive_mb * MEGABYTE


class WorkerSettings(SettingsTable):
    processes: int = Field(
        0, ge=0, description="0: one per core, at least 2; half as many more are added for fetching"
    )
    slice_seconds: float = Field(1.0, gt=0, description="how long one task processes batches")
    max_memory_mb: int = Field(400, ge=100, description="a process that uses more is replaced")
    max_tasks: int = Field(10_000, ge=1, description="a process is replaced after this many")
    tick_seconds: float = Field(2.0, ge=0.2, description="interval between folder scans")


class FetchSettings(SettingsTable):
    """How feeds and pages are fetched."""

    user_agent: str = Field("", description="sent with each request; empty: newsdrop/<version>")
    deadline_seconds: float = Field(30.0, gt=0, le=300, description="per response, with redirects")
    connect_seconds: float = Field(10.0, gt=0, description="time to open a connection")
    max_mb: int = Field(16, ge=1, description="size of one response, unpacked")
    concurrency: int = Field(32, ge=1, le=1000, description="parallel fetches in one task")
    host_connections: int = Field(2, ge=1, description="per host, for all workers together")
    host_interval_seconds: float = Field(1.0, ge=0, description="between two fetches from one host")
    allow_networks: Networks = Field((), description="non-public networks that may be fetched")
    allow_ports: Ports = Field((), description="ports allowed in addition to 80 and 443")
    ca_file: ExpandedPath | None = Field(None, description="additional certificates (PEM)")
    rsshub_base: str = Field("", description="base of rsshub:// feeds: https://rsshub.example")
    robots: bool = Field(True, description="obey robots.txt when pages are fetched")
    page_tries: int = Field(4, ge=1, description="attempts before the feed's own text is used")

    @property
    def max_bytes(self) -> int:
        return self.max_mb * MEGABYTE

    @property
    def page_seconds(self) -> float:
        """Time for a page with its robots.txt and its continuation pages."""
        return 3 * self.deadline_seconds

    @property
    def task_seconds(self) -> float:
        """Time limit of a fetch task: the fetch that it started last still has its full time."""
        return FETCH_TAKING_SECONDS + self.page_seconds + self.deadline_seconds + 60


class FeedsSettings(SettingsTable):
    """How often feeds are polled, if a feed sets no interval of its own."""

    file: ExpandedPath | None = Field(None, description="empty: feeds.toml beside the settings")
    min_interval_seconds: int = Field(300, ge=10, description="minimum time between two polls")
    max_interval_seconds: int = Field(86_400, ge=10, description="maximum time between two polls")

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.min_interval_seconds > self.max_interval_seconds:
            raise WrongValue("min_interval_seconds is above max_interval_seconds: lower it")
        return self


class JobsSettings(SettingsTable):
    keep_days: int = Field(14, ge=1, description="days jobs are kept for `newsdrop jobs`")
    max_refused: int = Field(1000, ge=0, description="maximum of refused files listed per job")


class WebSettings(SettingsTable):
    """The status page, the HTTP API and the metrics."""

    host: str = Field("127.0.0.1", description="any other than loopback needs a token")
    port: int = Field(8787, ge=0, le=65535, description="port to listen on; 0: any free port")
    token: str = Field("", description="if set, required to read and to change anything")
    token_file: ExpandedPath | None = Field(None, description="file whose first line is the token")
    allowed_hosts: Names = Field(
        (), description="host names accepted in addition to its address and localhost"
    )
    upload_mb: int = Field(64, ge=1, description="total size of one upload")


class LogSettings(SettingsTable):
    level: Level = Field("info", description="lowest level that is logged")
    levels: Levels = Field({}, description="levels of single packages: store = debug")
    format: Literal["auto", "console", "json"] = Field(
        "auto", description="auto: console on a terminal, otherwise json"
    )


class TasksSettings(SettingsTable):
    """The task `newsdrop.enqueue`, which Celery clients send."""

    roots: Paths = Field((), description="folders below which the task may read; none: no files")
    content_bytes: int = Field(
        1_000_000, ge=1, le=64 * MEGABYTE, description="largest content in a message"
    )
    store_results: bool = Field(
        False, description="results in newsdrop's Redis; elsewhere: CELERY_RESULT_BACKEND"
    )
