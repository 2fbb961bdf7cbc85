"""Retracting: an article is withdrawn by hand."""

import orjson

from worker.errors import NotThere, UsageError
from worker.escape import printable
from worker.formats.tombstone import write_tombstone
from worker.model import WithdrawalReason
from worker.model.times import rfc3339
from worker.settings import MANUAL, Settings
from worker.settings.clock import utc_now
from worker.spool.claim import AcceptedLog, Incoming, claim_bytes
from worker.spool.layout import manual_root
from worker.spool.manifest import Form, Head, Origin
from worker.store.factory import article_store
from worker.taskqueue.client import notify_ingest

KIND = "retract"


def retract(settings: Settings, article_id: str, reason: str) -> str:
    """Accept a tombstone of an article; returns the name of its batch.

    The workers publish it as an entry `article.withdrawn`. Raises NotThere where the index has no
    such article, UsageError where it is withdrawn already, Retryable.
    """
    store, now = article_store(settings), utc_now()
    found = store.find(article_id)
    if found is None:
        raise NotThere(
            f"the index has no article {printable(article_id, 80)}; `newsdrop tail` lists the IDs"
        )
    if found.is_withdrawn:
        raise UsageError(
            f"the article {printable(article_id, 80)} is withdrawn already: there is nothing to do"
        )
    entry = store.find_entry(found)
    record = orjson.loads(entry.data) if entry else {}
    at, url = rfc3339(now), record.get("url")
    tombstone = write_tombstone(
        found.identity.id,
        WithdrawalReason.RETRACTED,
        reason,
        title=entry.title if entry else "",
        date=entry.date if entry else found.identity.date,
        url=url if isinstance(url, str) else None,
        now=at,
    )
    source = entry.source if entry else MANUAL
    origin = Origin(source, KIND, url="", fetched_at=at, form=Form.TOMBSTONE)
    head = Head.new(source, KIND, now)
    incoming = Incoming(tombstone, found.identity.id, origin)
    claim_bytes(manual_root(settings), head, [incoming], AcceptedLog(settings.state_dir))
    notify_ingest(settings)
    return head.batch
