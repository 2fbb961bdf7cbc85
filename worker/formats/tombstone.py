"""Tombstones: that an article was withdrawn, as a file in the spool.

So a withdrawal takes the same way as an article: claimed, published once, archived, and published
again from the archive if Redis loses it.
"""

import orjson
from pydantic import TypeAdapter, ValidationError

from worker.errors import Reason, Rejected
from worker.model import SCHEMA_VERSION, Withdrawal, WithdrawalReason

MAX_DETAIL = 1_000
"""Characters of the reason."""

_WITHDRAWAL = TypeAdapter(Withdrawal)


def write_tombstone(
    article_id: str,
    reason: WithdrawalReason,
    detail: str,
    *,
    title: str,
    date: str | None,
    url: str | None,
    now: str,
) -> bytes:
    """The bytes of a tombstone; `now` is RFC 3339, UTC, `detail` is cut to MAX_DETAIL."""
    detail = detail[:MAX_DETAIL]
    return orjson.dumps(
        Withdrawal(article_id, SCHEMA_VERSION, title, date, url, now, reason, detail)
    )


def read_tombstone(data: bytes) -> Withdrawal:
    """Raises Rejected (`malformed`) for anything else."""
    try:
        return _WITHDRAWAL.validate_json(data)
    except ValidationError as error:
        raise Rejected(
            Reason.MALFORMED, "this is not a withdrawal: write it again with newsdrop retract ID"
        ) from error
