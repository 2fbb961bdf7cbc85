"""Settings: defaults < config file < the run file of `up` < ``NEWSDROP_*`` environment < options.

:func:`load` is called once by each process; everything below gets its part as an argument. An
unknown key anywhere is a :class:`~worker.errors.ConfigError` that names the nearest known one.
"""

from worker.settings.fields import (
    FETCH_TAKING_SECONDS,
    MANUAL,
    MEGABYTE,
    POLLED,
    Limits,
    LogSettings,
    RedisSettings,
    SpoolSettings,
)
from worker.settings.load import (
    config_file,
    first_line,
    list_secrets,
    load,
    load_with_places,
    shipped_config,
)
from worker.settings.sources import Bucket, Folder
from worker.settings.types import LIBRARIES
from worker.settings.whole import Settings

__all__ = [
    "FETCH_TAKING_SECONDS", "LIBRARIES", "MANUAL", "MEGABYTE", "POLLED", "Bucket", "Folder",
    "Limits", "LogSettings", "RedisSettings", "Settings", "SpoolSettings", "config_file",
    "first_line", "list_secrets", "load", "load_with_places", "shipped_config",
]  # fmt: skip
