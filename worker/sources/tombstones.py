"""Withdrawals as files for the spool: made from what is published of their articles."""

from datetime import datetime

import orjson

from worker.formats.tombstone import write_tombstone
from worker.model import IndexEntry, WithdrawalReason
from worker.model.times import rfc3339
from worker.settings import MANUAL
from worker.spool.claim import Incoming
from worker.spool.manifest import Form, Origin
from worker.store.articles import ArticleStore


def make_tombstone(
    articles: ArticleStore,
    article: IndexEntry,
    reason: WithdrawalReason,
    detail: str,
    *,
    kind: str,
    now: datetime,
) -> Incoming:
    """The tombstone of an article that the index holds. `kind` is that of its origin, `detail` says
    why in words. Raises Retryable."""
    entry = articles.find_entry(article)
    record = orjson.loads(entry.data) if entry else {}
    at, url = rfc3339(now), record.get("url")
    tombstone = write_tombstone(
        article.identity.id,
        reason,
        detail,
        title=entry.title if entry else "",
        date=entry.date if entry else article.identity.date,
        url=url if isinstance(url, str) else None,
        now=at,
    )
    source = entry.source if entry else MANUAL
    origin = Origin(source, kind, url="", fetched_at=at, form=Form.TOMBSTONE)
    return Incoming(tombstone, article.identity.id, origin)
