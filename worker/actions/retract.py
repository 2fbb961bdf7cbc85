"""Retracting: an article is withdrawn by hand."""

from worker.errors import NotThere, UsageError
from worker.escape import printable
from worker.model import WithdrawalReason
from worker.settings import MANUAL, POLLED, Settings
from worker.settings.clock import utc_now
from worker.sources.tombstones import make_tombstone
from worker.spool.claim import AcceptedLog, claim_bytes
from worker.spool.layout import manual_root
from worker.spool.manifest import Head
from worker.store.factory import article_store
from worker.taskqueue.client import notify_ingest

KIND = "retract"


def retract(settings: Settings, article_id: str, reason: str) -> str:
    """Accept a tombstone of an article; returns the name of its batch.

    The workers publish it as an entry `article.withdrawn`. Raises NotThere where the index has no
    such article, UsageError where it is withdrawn already, Retryable.
    """
    store, now = article_store(settings), utc_now()
    entry = store.find(article_id)
    if entry is None:
        raise NotThere(
            f"the index has no article {printable(article_id, 80)}; `newsdrop tail` lists the IDs"
        )
    if entry.is_withdrawn:
        raise UsageError(
            f"the article {printable(article_id, 80)} is withdrawn already: there is nothing to do"
        )
    incoming = make_tombstone(store, entry, WithdrawalReason.RETRACTED, reason, kind=KIND, now=now)
    assert incoming.origin is not None
    source = incoming.origin.source
    # All that was polled is counted as one source: a feed is none of its own.
    is_feed = source != MANUAL and settings.source(source) is None
    head = Head.new(POLLED if is_feed else source, KIND, now)
    claim_bytes(manual_root(settings), head, [incoming], AcceptedLog(settings.state_dir))
    notify_ingest(settings)
    return head.batch
