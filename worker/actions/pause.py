"""Pause a source, and resume it."""

from contextlib import suppress

from worker.errors import Retryable
from worker.settings import Settings
from worker.sources import registry
from worker.spool.layout import translate_errors
from worker.store.factory import feed_store
from worker.taskqueue.client import notify_poll


def pause(settings: Settings, name: str) -> None:
    """Accept nothing more from a folder, a bucket or a feed, or (`feeds`) from any feed. Accepted
    files are still processed. Raises NotThere for an unknown name, SpoolUnavailable."""
    name = registry.require_pausable(settings, name)
    with translate_errors(settings.state_dir):
        registry.pause(settings.state_dir, name)


def resume(settings: Settings, name: str) -> None:
    """Accept from it again. Raises NotThere, SpoolUnavailable."""
    name = registry.require_pausable(settings, name)
    with translate_errors(settings.state_dir):
        registry.resume(settings.state_dir, name)
    if settings.source(name) is None:
        with suppress(Retryable):  # a paused feed is due only once a minute
            feed_store(settings).make_due([name])
            notify_poll(settings)
