"""A batch's manifest: the name of each numbered entry, who brought it, and when.

Written and synced before the files are renamed in, so that a batch always knows its names.
Copied files share one file, the pack; the manifest has their offsets. Fetched entries also have
their origin. JSON lines: a head, then one line an entry. Names that are not UTF-8 keep their bytes
as lone surrogates (PEP 383), which JSON writes as ``\\udcNN``.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from worker.errors import SpoolUnavailable
from worker.escape import printable
from worker.model.from_json import dataclass_from
from worker.model.frozen import dataclass
from worker.model.times import rfc3339
from worker.spool.layout import batch_name

NAME = "manifest"
PACK = "pack"
WARC = "warc"
"""The kind of a page that was in a WARC file."""
RETRY = "retry"
"""The kind of a batch of quarantined inputs that are accepted again."""


@dataclass(frozen=True, slots=True)
class Head:
    """Properties of the whole batch. `claimed_at` is RFC 3339, UTC. `strict` says whether articles
    with warnings are refused; None: as their source is configured."""

    batch: str
    source: str
    kind: str
    claimed_at: str
    job: str | None = None
    force: bool = False
    strict: bool | None = None

    @classmethod
    def new(
        cls,
        source: str,
        kind: str,
        now: datetime,
        job: str | None = None,
        *,
        force: bool = False,
        strict: bool | None = None,
    ) -> "Head":
        """The head of a batch that is made now; each has a new batch name."""
        return cls(batch_name(now, source), source, kind, rfc3339(now), job, force, strict)


class Form(StrEnum):
    """The form of an entry's bytes: any format, a feed, an entry of a feed together with its
    pages (:mod:`worker.formats.page.entry_bundle`), or a withdrawal
    (:mod:`worker.formats.tombstone`)."""

    ANY = "any"
    FEED = "feed"
    ENTRY_BUNDLE = "capsule"
    TOMBSTONE = "tombstone"


@dataclass(frozen=True, slots=True)
class Origin:
    """The place from which an entry was fetched. Its `source` overrides the batch's.

    `kind` is `feed`, `page`, `enqueue`, `warc`, `retract` or `recheck`; addresses are without
    credentials; `fetched_at` is RFC 3339, UTC; `charset` is what the server declared; `seen_at` is
    when the article was first seen, if that was before its batch was claimed; `mark` is hex: the
    index entry of the feed entry in an entry bundle.
    """

    source: str
    kind: str
    url: str
    fetched_at: str
    charset: str | None = None
    feed_url: str | None = None
    form: Form = Form.ANY
    seen_at: str | None = None
    mark: str | None = None

    @property
    def is_of_feed(self) -> bool:
        """Whether its source is a feed."""
        return self.kind in ("feed", "page", "recheck", "retract")


@dataclass(frozen=True, slots=True)
class Reread:
    """An entry that was published before and is read again: only `articles` (ordinal and id) are
    compared with their newest revision. `reason` is a `RevisionReason`; `seen_at` is when they
    were first seen (RFC 3339, UTC)."""

    reason: str
    articles: tuple[tuple[int, str], ...]
    seen_at: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a batch: its number, and its path below the folder it came from.

    `offset` and `size` locate its bytes in the batch's pack; without an offset it is a file of its
    own, named by its number.
    """

    number: int
    path: str
    offset: int | None = None
    size: int = 0
    origin: Origin | None = None
    reread: Reread | None = None

    @property
    def form(self) -> Form:
        """The form of its bytes."""
        return self.origin.form if self.origin else Form.ANY


@dataclass(frozen=True, slots=True)
class Manifest:
    head: Head
    entries: tuple[Entry, ...]


def dump(head: Head, entries: Iterable[Entry]) -> bytes:
    lines = [json.dumps(asdict(head))]
    for entry in entries:
        line: list[Any] = [entry.number, entry.path]
        if entry.reread is not None:
            origin = asdict(entry.origin) if entry.origin else None
            line += (entry.offset, entry.size, origin, asdict(entry.reread))
        elif entry.origin is not None:
            line += (entry.offset, entry.size, asdict(entry.origin))
        elif entry.offset is not None:
            line += (entry.offset, entry.size)
        lines.append(json.dumps(line))
    return ("\n".join(lines) + "\n").encode("ascii")


def load(batch_dir: Path) -> Manifest:
    """The manifest in `batch_dir`. Raises SpoolUnavailable where it cannot be read: without names
    and origins nobody knows what its files are."""
    try:
        first, *rest = (batch_dir / NAME).read_text("ascii").splitlines()
        entries = tuple(_entry(*line) for line in json.loads(f"[{','.join(rest)}]"))
        head = dataclass_from(Head, json.loads(first))
        datetime.fromisoformat(head.claimed_at)
        if head.batch != batch_dir.name:
            raise ValueError("it is of another batch")
        return Manifest(head, entries)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise SpoolUnavailable(
            f"the manifest {printable(batch_dir / NAME)} cannot be read: restore it from a "
            "back-up, or move the folder of the batch away and drop the numbered files in it again"
        ) from error


def load_origin(data: dict[str, Any] | None) -> Origin | None:
    """An origin from its JSON object. Raises TypeError or ValueError where it is none."""
    if data is None:
        return None
    return dataclass_from(Origin, {**data, "form": Form(data.get("form", Form.ANY))})


def load_reread(data: dict[str, Any] | None) -> Reread | None:
    """What is read again, from its JSON object. Raises TypeError, ValueError or LookupError where
    it is none."""
    if data is None:
        return None
    articles = tuple((int(ordinal), str(article)) for ordinal, article in data["articles"])
    return dataclass_from(Reread, {**data, "articles": articles})


def _check_entry(number: Any, path: Any, offset: Any, size: Any) -> None:
    """Raises TypeError where a damaged manifest has other values."""
    numbers = (number, offset, size)
    if not isinstance(path, str) or any(type(each) is not int or each < 0 for each in numbers):
        raise TypeError("an entry has values of other types")


def _entry(number: int, path: str, *rest: Any) -> Entry:
    offset, size, origin, reread = [*rest, None, None, None, None][:4]
    _check_entry(number, path, offset or 0, size or 0)
    return Entry(number, path, offset, size or 0, load_origin(origin), load_reread(reread))
