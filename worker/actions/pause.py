"""A source held, and let go on."""

from contextlib import suppress

from worker.errors import Retryable
from worker.settings import Settings
from worker.sources import registry
from worker.spool.layout import translate_errors
from worker.store.factory import feed_store
from worker.taskqueue.client import notify_poll


def pause(settings: Settings, name: str) -> None:
    """Take nothing more from a folder or a feed, or (`feeds`) from any feed; what was accepted is
    still worked on.

    Raises NotThere where there is none of that name, SpoolUnavailable.
    """
    registry.require_pausable(settings, name)
    with translate_errors(settings.state_dir):
        registry.pause(settings.state_dir, name)


def resume(settings: Settings, name: str) -> None:
    """Take from it again. Raises NotThere, SpoolUnavailable."""
    registry.require_pausable(settings, name)
    with translate_errors(settings.state_dir):
        registry.resume(settings.state_dir, name)
    if settings.folder(name) is None:
        _poll_again(settings, name)


def _poll_again(settings: Settings, feed: str) -> None:
    """A feed that is held is only looked at once a minute: now it is due. Without Redis, later."""
    with suppress(Retryable):
        feed_store(settings).bring_forward([feed])
        notify_poll(settings)
