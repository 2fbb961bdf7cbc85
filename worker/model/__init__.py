"""The data that crosses layers: frozen dataclasses without behaviour.

An input passes through :class:`Document` (bytes) → :class:`RawArticle` (as parsed) →
:class:`Article` (the record) → :class:`PublishRequest` → :class:`Decision` → :class:`Outcome`.
"""

from worker.model.batch_measures import BatchMeasures, Repeat, Stage, measure
from worker.model.outcome import (
    DECISIONS,
    Decision,
    FeedRead,
    Identity,
    IndexEntry,
    Outcome,
    PublishRequest,
    Status,
    Story,
    StoryMarks,
    Tally,
)
from worker.model.raw import DateText, Document, RawArticle, Refusal
from worker.model.record import (
    SCHEMA_VERSION,
    Article,
    Attachment,
    Change,
    ChangeKind,
    DatePrecision,
    Dedupe,
    Image,
    Link,
    Person,
    Provenance,
    Publisher,
    Revision,
    RevisionReason,
    Ticker,
    TickerOrigin,
    Withdrawal,
    WithdrawalReason,
)
from worker.model.source import DateOrder, Near, OnChange, Profile, Scope, SourceKeys, make_profile

__all__ = [
    "DECISIONS", "SCHEMA_VERSION", "Article", "Attachment", "BatchMeasures", "Change",
    "ChangeKind", "DateOrder", "DatePrecision", "DateText", "Decision", "Dedupe", "Document",
    "FeedRead", "Identity", "Image", "IndexEntry", "Link", "Near", "OnChange", "Outcome", "Person",
    "Profile", "Provenance", "PublishRequest", "Publisher", "RawArticle", "Refusal", "Repeat",
    "Revision", "RevisionReason", "Scope", "SourceKeys", "Stage", "Status", "Story", "StoryMarks",
    "Tally", "Ticker", "TickerOrigin", "Withdrawal", "WithdrawalReason", "make_profile", "measure",
]  # fmt: skip
