"""The store as the commands see it: opened from the settings, or known to be away."""

from datetime import UTC, datetime

from worker.settings import Settings
from worker.store.articles import ArticleStore
from worker.store.connection import connect, redis_url
from worker.times import rfc3339


def article_store(settings: Settings) -> ArticleStore:
    """The stream and its index. Nothing is connected before the first call."""
    return ArticleStore(
        connect(redis_url(settings)),
        stream=settings.stream.name,
        max_length=settings.stream.max_length,
        keep_days=settings.dedupe.keep_days,
    )


def of_ms(milliseconds: int) -> str:
    """RFC 3339, UTC, of Unix milliseconds."""
    return rfc3339(datetime.fromtimestamp(milliseconds / 1000, UTC))
