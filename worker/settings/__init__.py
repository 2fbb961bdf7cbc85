"""Settings: defaults < config file < what `up` was told < ``NEWSDROP_*`` environment < options.

:func:`load` is called once, by whoever starts a process; everything below gets the part it
needs as an argument. An unknown key anywhere is a :class:`~worker.errors.ConfigError` that
names the nearest known one.

==========  ===================================================================
``fields``  the keys, table by table; a new setting is a line there, and one in
            `config/newsdrop.toml`
``whole``   all the tables together, and what follows from them
``types``   what single settings may be, and how they are written in a variable
``paths``   where a running service keeps things below its state directory
``clock``   the time now
``load``    files, environment and options layered; what is wrong is said
==========  ===================================================================
"""

from worker.settings.fields import (
    FETCH_TAKING_SECONDS,
    MANUAL,
    MEGABYTE,
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
from worker.settings.load import config_file, first_line, load, secrets_of, shipped_config
from worker.settings.types import LIBRARIES
from worker.settings.whole import Settings

__all__ = [
    "FETCH_TAKING_SECONDS",
    "LIBRARIES",
    "MANUAL",
    "MEGABYTE",
    "POLLED",
    "ArchiveSettings",
    "DedupeSettings",
    "FeedsSettings",
    "FetchSettings",
    "Folder",
    "JobsSettings",
    "Limits",
    "LogSettings",
    "QuarantineSettings",
    "RedisSettings",
    "Settings",
    "SpoolSettings",
    "StreamSettings",
    "WebSettings",
    "WorkerSettings",
    "config_file",
    "first_line",
    "load",
    "secrets_of",
    "shipped_config",
]
