"""The stream of articles and the index that keeps it free of duplicates."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

import redis

from worker.errors import Retryable
from worker.escape import printable
from worker.logs import get_logger
from worker.model import Decision, Identity, IndexEntry, OnChange, PublishRequest, Status
from worker.store.connection import Script, to_text
from worker.store.errors import translated
from worker.store.layout import (
    DATED_SHARDS,
    DAY,
    RAW_SHARDS,
    UNDATED_SHARDS,
    Layout,
    alias_mark,
    alias_target,
    entry_from_mark,
    entry_from_raw_mark,
    identity_from_alias,
    mark_field,
    packed_id,
    parse_article_id,
    raw_field,
    raw_mark,
)
from worker.store.server import get_run_and_data_id
from worker.store.stream import Stream, pack_story, parse_story

CLAIM_SECONDS = 7 * DAY
"""How long a batch that was not settled may be published again and get the same answers. A batch
waits that long only if no worker runs for a week."""

MAX_REQUESTS = 64
"""Maximum requests in one call; publish.lua has the same number."""
MAX_BYTES = 1_000_000
"""Maximum bytes in one call, which blocks the server for about 2 ms."""
MAX_RAWS = 500


logger = get_logger(__name__)


class ArticleStore(Stream):
    """Publishes articles to the stream, and keeps their marks in the index for `keep_days` after
    they were last found; the texts that tell a new story, for `near_days`.

    Safe to use from several processes at once; each needs its own client. `now` is Unix time in
    seconds, and only selects buckets: of articles without a date, and of stories.
    Every method raises Retryable (StoreUnavailable, StoreFull), no error of redis-py.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        stream: str,
        keep_days: int,
        near_days: int = 3,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, stream)
        self._layout = Layout(stream, keep_days, near_days)
        self._now = now
        stories = ("sketches.lua", "stories.lua")
        self._publish = Script("preconditions.lua", *stories, "story_fields.lua", "publish.lua")
        self._remember = Script(*stories, "remember.lua")
        self._lookup = Script("lookup.lua")
        self._exists = Script("exists.lua")

    def publish(self, batch: str, requests: Sequence[PublishRequest]) -> list[Decision | None]:
        """Append new articles to the stream; return a decision per request, in order.

        None: the request has no data but needs it; nothing was written for it.

        A claim that this batch made before gets the same decision again. Of equal articles the
        first is published. Many requests take several calls of the script; if one of them raises,
        the earlier ones stay published, and the caller may repeat all requests of the `batch`.
        """
        return [answer for part in _split(requests) for answer in self._publish_part(batch, part)]

    def remember(self, published: Sequence[PublishRequest]) -> int:
        """Add articles that have marks to the window of stories, as if they were published now,
        each unless its story is there; returns the number of articles that begin a story."""
        args: list[bytes | int] = [self._layout.window(self._now())]
        for request in published:
            args += (_marks(request), pack_story(request.story))
        return int(self._run(self._remember, [self.name.encode()], args))

    def get_run_id(self) -> str:
        """The run of the server, and the id of its data: if one of them has changed, what was
        published may be lost."""
        return " ".join(get_run_and_data_id(self._client, self.name))

    def has_claims(self, batch: str) -> bool:
        """Whether :meth:`publish` was called for this batch before, as far as the server knows."""
        with translated():
            return bool(self._client.exists(self._layout.claims(batch)))

    def exists(self, identities: Sequence[Identity]) -> list[bool]:
        """Whether the index holds each identity now. Requests for these may omit their data."""
        now = self._now()
        keys: list[bytes] = []
        args: list[bytes | int] = []
        for identity in identities:
            mark_keys = self._layout.mark_keys(identity, now)
            keys += mark_keys
            args += (len(mark_keys), mark_field(identity))
        flags = self._run(self._exists, keys, args) if keys else b""
        return [flag == ord("1") for flag in flags]

    def look_up(self, raws: Sequence[bytes]) -> list[IndexEntry | None]:
        """The index entry of each input, found by the hash of its bytes: a hit need not be parsed.

        A hit keeps the article in the index for another `keep_days`. An input whose article was
        revised or forgotten since gives None.
        """
        answers = [marks for part in _chunks(raws) for marks in self._look_up(part)]
        return [entry_from_raw_mark(*marks) if marks else None for marks in answers]

    def find_guids(self, guids: Sequence[bytes]) -> list[IndexEntry | None]:
        """The index entry of the article that last had each guid, whatever its content is."""
        answers = [marks for part in _chunks(guids) for marks in self._look_up(part, mode=2)]
        return [entry_from_raw_mark(*marks) if marks else None for marks in answers]

    def have_marks(self, raws: Sequence[bytes]) -> list[bool]:
        """Whether :meth:`look_up` finds each input; one string answers for a hundred entries."""
        flags = b"".join(self._look_up(part, mode=1) for part in _chunks(raws))
        return [flag == ord("1") for flag in flags]

    def find(self, article_id: str, max_aliases: int = 8) -> IndexEntry | None:
        """The index entry of an article, also by the id of an alias; None also if `article_id` is
        invalid, or its aliases have no end."""
        identity = parse_article_id(article_id)
        if identity is None:
            return None
        field = mark_field(identity)
        for key in self._layout.mark_keys(identity, self._now()):
            with translated():
                mark = self._client.hget(key, field)
            if isinstance(mark, bytes):
                if target := alias_target(mark):
                    return self.find(target.id, max_aliases - 1) if max_aliases else None
                entry = entry_from_mark(identity.date, field, mark)
                return entry if entry.identity.key == identity.key else None
        return None

    def forget(self, article_id: str) -> bool:
        """Delete an article from the index, so that it can be published again.

        The stream does not change. False if the index does not hold the article.
        """
        entry = self.find(article_id)
        if entry is None:
            return False
        field = mark_field(entry.identity)
        keys = self._layout.mark_keys(entry.identity, self._now())
        with translated():
            return any(self._client.hdel(key, field) for key in keys)

    def _publish_part(
        self, batch: str, requests: Sequence[PublishRequest]
    ) -> list[Decision | None]:
        layout, now = self._layout, self._now()
        keys = [self.name.encode(), layout.claims(batch)]
        needs_window = any(one.marks or one.withdraw for one in requests)
        window = layout.window(now) if needs_window else b""
        args: list[bytes | int] = [layout.keep_seconds, CLAIM_SECONDS, window]
        for request in requests:
            identity = request.identity
            mark_keys = layout.mark_keys(identity, now)
            keys += mark_keys
            args += (request.claim.encode(), len(mark_keys), mark_field(identity))
            args += (identity.key[8:] + identity.content[:6], _on_change(request))
            raws = [raw for raw in (request.raw, request.guid) if raw]
            keys += [layout.raw_keys(raw, now)[0] for raw in raws]
            args.append(raw_field(request.raw) if request.raw else b"")
            args.append(raw_mark(identity) if raws else b"")
            date = request.date or (request.alias or identity).date or ""
            args += (identity.id.encode(), request.title.encode(), date.encode())
            args += (
                request.source.encode(),
                request.data,
                self._revision_argument(request, keys, now),
            )
            args += (_marks(request), pack_story(request.story))
            args.append(raw_field(request.guid) if request.guid else b"")
        answers = self._run(self._publish, keys, args)
        for problem in answers[len(requests) :]:
            _warn_of_window(to_text(problem))
        return [_parse_decision(answer) for answer in answers[: len(requests)]]

    def _revision_argument(self, request: PublishRequest, keys: list[bytes], now: float) -> bytes:
        """The last argument of a request; the mark keys of its alias are added to `keys`."""
        base = request.base_revision.to_bytes(2)
        if request.alias is None:
            return base if request.base_revision else b""
        mark_keys = self._layout.mark_keys(request.alias, now)
        keys += mark_keys
        field = mark_field(request.alias)
        return base + bytes([len(mark_keys)]) + field + alias_mark(request.alias, request.identity)

    def _look_up(self, raws: Sequence[bytes], *, mode: int = 0) -> Any:
        layout, now = self._layout, self._now()
        raw_prefixes, undated_prefixes = layout.raw_prefixes(now), layout.undated_prefixes(now)
        keys = [*raw_prefixes, layout.key("i", ""), *undated_prefixes]
        args: list[bytes | int] = [layout.keep_seconds, len(raw_prefixes)]
        args += (RAW_SHARDS, DATED_SHARDS, UNDATED_SHARDS, mode, b"".join(raws))
        try:
            return self._lookup.run(self._client, keys, args)
        except Retryable as error:
            self._check_types(error, (key for raw in raws for key in layout.raw_keys(raw, now)))
            raise

    def _run(self, script: Script, keys: list[bytes], args: list[bytes | int]) -> Any:
        try:
            return script.run(self._client, keys, args)
        except Retryable as error:
            self._check_types(error, keys)
            raise

    def _check_types(self, error: Retryable, keys: Iterable[bytes]) -> None:
        """Raise Retryable with the name of the key where `error` is one of a wrong type."""
        if "WRONGTYPE" in str(error.__cause__):
            raise Retryable(self._wrong_type(keys)) from error

    def _wrong_type(self, keys: Iterable[bytes]) -> str:
        """A message about the key of a wrong type; found only after the server has refused."""
        for key in dict.fromkeys(keys):
            with translated():
                kind = bytes(self._client.type(key)).decode()
            wanted = "stream" if key == self.name.encode() else "hash"
            if kind not in (wanted, "none"):
                return (
                    f"the Redis key {key.decode()} is a {kind} where newsdrop keeps a {wanted}: "
                    "rename or delete it, or choose another stream.name"
                )
        return "one of newsdrop's Redis keys has the wrong type: run the command again"


@lru_cache(100)
def _warn_of_window(problem: str) -> None:
    """Log what is wrong in the window of stories, each thing once in a process."""
    logger.warning(
        "near-duplicates may be missed: a key of the window of stories is damaged, or another "
        "program's; delete it, then run newsdrop stories rebuild",
        error=printable(problem),
    )


def _chunks(raws: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (raws[at : at + MAX_RAWS] for at in range(0, len(raws), MAX_RAWS))


def _on_change(request: PublishRequest) -> bytes:
    if request.withdraw:
        return b"withdraw"
    if request.force:
        return b"force"
    return b"revise" if request.on_change is OnChange.REVISE else b""


def _marks(request: PublishRequest) -> bytes:
    """What recognises the text of an article; of a withdrawal, only which article it is."""
    if request.withdraw:
        return packed_id(request.identity)
    if request.marks is None:
        return b""
    return packed_id(request.identity) + request.marks.bands + request.marks.sketch


def _parse_decision(answer: bytes) -> Decision | None:
    if not answer:
        return None
    if answer.startswith(b"alias "):
        return Decision(Status.DUPLICATE, target=identity_from_alias(answer[6:]))
    status, revision, first_ms, stream_id, flags, *story = answer.decode().split(" ")
    return Decision(
        status=Status(status),
        stream_id=None if stream_id == "-" else stream_id,
        revision=int(revision),
        first_published_ms=int(first_ms),
        content_differs=int(flags) & 1 != 0,
        collides=int(flags) & 2 != 0,
        story=parse_story(*story) if story else None,
    )


def _split(requests: Sequence[PublishRequest]) -> Iterator[Sequence[PublishRequest]]:
    """Parts of `requests` within MAX_REQUESTS and MAX_BYTES; a larger request is a part alone."""
    start = size = 0
    for at, request in enumerate(requests):
        cost = len(request.data)
        if at > start and (at - start == MAX_REQUESTS or size + cost > MAX_BYTES):
            yield requests[start:at]
            start, size = at, 0
        size += cost
    if start < len(requests):
        yield requests[start:]
