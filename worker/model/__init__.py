"""What crosses the borders between the layers: frozen, and nothing but data.

The way of an input: :class:`Document` (bytes) → :class:`RawArticle` (what a format said) →
:class:`Article` (the record) → :class:`Offer` → :class:`Decision` → :class:`Outcome` (what
became of it).

=============  ================================================================
``source``     what the operator said about a source: profile, scope, on_change
``raw``        in: a document, and what its format said
``record``     the record itself, field by field
``outcome``    out: identity, offer, decision, outcome, and their counts
``times``      RFC 3339 in UTC
``from_json``  dataclasses out of JSON of another version
``measured``   how long a batch took, why articles were repeats
=============  ================================================================
"""

from worker.model.measured import BatchMeasures, Repeat, Stage, measure
from worker.model.outcome import (
    DECISIONS,
    Decision,
    FeedRead,
    Identity,
    IndexEntry,
    Outcome,
    PublishRequest,
    Status,
    Tally,
)
from worker.model.raw import DateText, Document, RawArticle, Refusal
from worker.model.record import (
    SCHEMA_VERSION,
    Article,
    Attachment,
    DatePrecision,
    Dedupe,
    Image,
    Link,
    Person,
    Provenance,
    Publisher,
    Ticker,
    TickerOrigin,
)
from worker.model.source import OnChange, Profile, Scope, SourceKeys, profile_of

__all__ = [
    "DECISIONS",
    "SCHEMA_VERSION",
    "Article",
    "Attachment",
    "BatchMeasures",
    "DatePrecision",
    "DateText",
    "Decision",
    "Dedupe",
    "Document",
    "FeedRead",
    "Identity",
    "Image",
    "IndexEntry",
    "Link",
    "OnChange",
    "Outcome",
    "Person",
    "Profile",
    "Provenance",
    "PublishRequest",
    "Publisher",
    "RawArticle",
    "Refusal",
    "Repeat",
    "Scope",
    "SourceKeys",
    "Stage",
    "Status",
    "Tally",
    "Ticker",
    "TickerOrigin",
    "measure",
    "profile_of",
]
