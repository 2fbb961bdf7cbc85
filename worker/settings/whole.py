"""All the settings together, and what follows from them."""

import os
from pathlib import Path
from typing import Literal, Self
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from worker.model import Profile, profile_of
from worker.settings.fields import (
    ENV_PREFIX,
    MANUAL,
    POLLED,
    ArchiveSettings,
    DedupeSettings,
    FeedsSettings,
    FetchSettings,
    Folder,
    JobsSettings,
    Limits,
    LogSettings,
    QuarantineSettings,
    RedisSettings,
    SpoolSettings,
    StreamSettings,
    WebSettings,
    WorkerSettings,
)
from worker.settings.types import ExpandedPath


def _default_state_dir() -> Path:
    base = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    return Path(base).expanduser() / "newsdrop"


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

    version: Literal[1] = Field(1, description="of these keys; a file of a newer one is refused")
    state_dir: ExpandedPath = Field(
        default_factory=_default_state_dir,
        description="everything that newsdrop owns: server, archive, quarantine",
    )
    drop: ExpandedPath | None = Field(
        None, description="the folder `drop`, where no folders are given; empty: in state_dir"
    )
    sites_dir: ExpandedPath | None = Field(None, description="own site rules, beside those shipped")
    redis: RedisSettings = RedisSettings()
    stream: StreamSettings = StreamSettings()
    dedupe: DedupeSettings = DedupeSettings()
    spool: SpoolSettings = SpoolSettings()
    archive: ArchiveSettings = ArchiveSettings()
    quarantine: QuarantineSettings = QuarantineSettings()
    limits: Limits = Limits()
    worker: WorkerSettings = WorkerSettings()
    fetch: FetchSettings = FetchSettings()
    feeds: FeedsSettings = FeedsSettings()
    jobs: JobsSettings = JobsSettings()
    web: WebSettings = WebSettings()
    log: LogSettings = LogSettings()
    folders: tuple[Folder, ...] = ()

    @model_validator(mode="after")
    def _folders_apart(self) -> Self:
        folders = self.all_folders()
        for number, one in enumerate(folders):
            for other in folders[number + 1 :]:
                if one.name == other.name:
                    raise ValueError(f"two folders have the name {one.name}: each needs its own")
                if one.path.is_relative_to(other.path) or other.path.is_relative_to(one.path):
                    raise ValueError(f"{one.name} is inside {other.name}, or it in that: move one")
            if one.in_place and self.state_dir.is_relative_to(one.path):
                raise ValueError(f"state_dir is inside {one.name}, which is read in place: move it")
            if one.name == MANUAL:
                raise ValueError(f"{MANUAL} is the source of what is enqueued: choose another name")
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
        return profile_of(source, folder, key_zone)

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

    def silent_beat_seconds(self) -> float:
        """How long no tick of the scheduler may be heard before it is called silent."""
        return max(30.0, 10 * self.worker.tick_seconds)

    def max_wakeups(self) -> int:
        """How many messages of one queue may wait: more say nothing that these do not."""
        return 2 * self.processes()
