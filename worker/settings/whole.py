"""All settings together, and the values derived from them."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import ConfigDict, Field, model_validator

from worker.errors import WrongValue
from worker.model import Profile, make_profile
from worker.settings import fields
from worker.settings.fields import MANUAL, POLLED
from worker.settings.sources import Bucket, Folder
from worker.settings.types import NO_CLUSTER, ExpandedPath
from worker.translation import mark


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "newsdrop"


_RESERVED = {MANUAL: mark("what is enqueued"), POLLED: mark("what is polled")}


class Settings(fields.SettingsTable):
    """Every setting. Relative paths in a config file are relative to that file."""

    model_config = ConfigDict(validate_default=True)

    version: Literal[1] = Field(1, description="of the settings file; newer ones are refused")
    state_dir: ExpandedPath = Field(
        default_factory=_default_state_dir, description="data of newsdrop: server, archive, …"
    )
    drop: ExpandedPath | None = Field(
        None, description="the drop folder, if [[folders]] is empty; none: drop/ in state_dir"
    )
    sites_dir: ExpandedPath | None = Field(None, description="folder of your own site rules")
    node_name: str = Field(
        "", max_length=64, description="what `status` calls this node; empty: the host's name"
    )
    redis: fields.RedisSettings = fields.RedisSettings()
    celery: fields.CelerySettings = fields.CelerySettings()
    stream: fields.StreamSettings = fields.StreamSettings()
    dedupe: fields.DedupeSettings = fields.DedupeSettings()
    spool: fields.SpoolSettings = fields.SpoolSettings()
    archive: fields.ArchiveSettings = fields.ArchiveSettings()
    quarantine: fields.QuarantineSettings = fields.QuarantineSettings()
    limits: fields.Limits = fields.Limits()
    worker: fields.WorkerSettings = fields.WorkerSettings()
    fetch: fields.FetchSettings = fields.FetchSettings()
    feeds: fields.FeedsSettings = fields.FeedsSettings()
    jobs: fields.JobsSettings = fields.JobsSettings()
    tasks: fields.TasksSettings = fields.TasksSettings()
    web: fields.WebSettings = fields.WebSettings()
    log: fields.LogSettings = fields.LogSettings()
    folders: tuple[Folder, ...] = ()
    buckets: tuple[Bucket, ...] = ()

    @model_validator(mode="after")
    def _no_cluster_as_broker(self) -> Self:
        if self.redis.url.startswith("cluster:"):
            if not self.celery.broker_url:
                raise WrongValue(NO_CLUSTER)
            if self.tasks.store_results:
                raise WrongValue(
                    "tasks.store_results cannot store results in a Redis Cluster: set it to false, "
                    "and CELERY_RESULT_BACKEND to another server"
                )
        return self

    @model_validator(mode="after")
    def _folders_apart(self) -> Self:
        folders = self.all_folders()
        for number, folder in enumerate(folders):
            name, path = folder.name, folder.path
            for other in folders[number + 1 :]:
                if path.is_relative_to(other.path) or other.path.is_relative_to(path):
                    raise WrongValue(f"one of {name} and {other.name} is inside the other: move it")
            if folder.in_place and self.state_dir.is_relative_to(path):
                raise WrongValue(f"state_dir is inside {name}, which is read in place: move it")
        return self

    @model_validator(mode="after")
    def _archive_is_not_read(self) -> Self:
        archive = self.archive
        keys = f"{archive.url.rstrip('/')}/"
        for bucket in self.buckets if archive.url else ():
            is_read = bucket.interval_seconds and bucket.endpoint == archive.endpoint
            begin = bucket.url if bucket.url.count("/") > 2 else f"{bucket.url}/"
            if is_read and keys.startswith(begin):
                raise WrongValue(
                    f"archive.url is inside the bucket {bucket.name}, which is read: use another "
                    "bucket or prefix for one of them"
                )
        return self

    @model_validator(mode="after")
    def _names_apart(self) -> Self:
        names = set[str]()
        for source in (*self.all_folders(), *self.buckets):
            name = source.name
            if name in names:
                raise WrongValue(f"two sources have the name {name}: rename one of them")
            if reserved := _RESERVED.get(name):
                raise WrongValue(f"{name} is the source of {reserved}: choose another name")
            names.add(name)
        return self

    def all_folders(self) -> tuple[Folder, ...]:
        """The configured drop folders, or the default one, named `drop`."""
        if self.folders:
            return self.folders
        return (Folder(name="drop", path=self.drop or self.state_dir / "drop"),)

    def folder(self, name: str) -> Folder | None:
        return next((folder for folder in self.all_folders() if folder.name == name), None)

    def bucket(self, name: str) -> Bucket | None:
        return next((bucket for bucket in self.buckets if bucket.name == name), None)

    def source(self, name: str) -> Folder | Bucket | None:
        """The drop folder or bucket of that name."""
        return self.folder(name) or self.bucket(name)

    def source_names(self) -> list[str]:
        """The drop folders, then the buckets."""
        return [source.name for source in (*self.all_folders(), *self.buckets)]

    def profile(self, source: str) -> Profile:
        """How articles of `source` are read and keyed; the defaults for an unknown source."""
        key_zone = ZoneInfo(self.dedupe.time_zone)
        keys = self.source(source)
        if keys is None:
            near = self.dedupe.near
            return Profile(source=source, time_zone=key_zone, key_zone=key_zone, near=near)
        profile = make_profile(source, keys, key_zone, self.dedupe.near)
        return replace(profile, tags=keys.tags) if isinstance(keys, Bucket) else profile

    def processes(self) -> int:
        """Processes of one worker for ingesting and everything else but fetching."""
        return self.worker.processes or max(2, os.cpu_count() or 2)

    def fetching(self) -> int:
        """Processes of one worker that may fetch at once while batches wait. Each mostly waits."""
        return max(1, self.processes() // 2)

    def pool(self) -> int:
        """All processes of one worker: those that fetch come in addition."""
        return self.processes() + self.fetching()

    def silent_beat_seconds(self) -> float:
        """Seconds without a tick after which the scheduler is reported as silent."""
        return max(30.0, 10 * self.worker.tick_seconds)

    def max_wakeups(self) -> int:
        """Messages that may wait in one queue: more would carry no more information."""
        return 2 * self.processes()
