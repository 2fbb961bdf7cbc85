"""The stream of articles and the index that keeps it free of duplicates."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import redis

from worker.errors import Retryable
from worker.model import Decision, Identity, IndexEntry, OnChange, PublishRequest, Status
from worker.store.connection import translated
from worker.store.layout import (
    DATED_SHARDS,
    DAY,
    UNDATED_SHARDS,
    Layout,
    entry_from_mark,
    entry_from_raw_mark,
    mark_field,
    parse_article_id,
    raw_field,
    raw_mark,
)
from worker.store.script import Script
from worker.store.stream import Stream

CLAIMS_LIVE = 7 * DAY
"""How long a batch that was offered but never settled may be offered again and get the same
answers. A batch waits so long only where nobody runs a worker for a week."""

MAX_OFFERS = 64
MAX_BYTES = 1_000_000
"""Of one call, which nothing else on the server can interrupt: about 2 ms."""
MAX_RAWS = 500


class ArticleStore(Stream):
    """Offers articles to the stream, and remembers them for `keep_days` after they were last met.

    Safe to use from several processes at once; each needs a client of its own. `now` is Unix
    time in seconds, and only chooses the bucket of what has no date.
    Every method raises Retryable (StoreUnavailable, StoreFull) and nothing of redis.
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        stream: str,
        max_length: int,
        keep_days: int,
        now: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(client, stream)
        self._layout = Layout(stream, keep_days)
        self._max_length = max_length
        self._now = now
        self._publish = Script("publish.lua")
        self._lookup = Script("known.lua")
        self._exists = Script("marked.lua")

    def publish(self, batch: str, requests: Sequence[PublishRequest]) -> list[Decision | None]:
        """Append what is new to the stream and say, in order, what became of each offer.

        None: the offer came without its data and needs it; nothing was written for it.

        An offer whose claim this batch made before gets the answer it got then. Of equal
        articles the first is published. A call of many offers is made of several steps; where
        one of them raises, what the earlier ones published stays, and offering everything again
        under the same `batch` is right.
        """
        return [made for part in _parts(requests) for made in self._offer(batch, part)]

    def exists(self, identities: Sequence[Identity]) -> list[bool]:
        """Whether the index holds each identity now. Requests for these may omit their data."""
        now = self._now()
        keys: list[bytes] = []
        args: list[bytes | int] = []
        for identity in identities:
            mark_keys = self._layout.mark_keys(identity, now)
            keys += mark_keys
            args += (len(mark_keys), mark_field(identity))
        return [answer == 1 for answer in self._run(self._exists, keys, args)] if keys else []

    def _offer(self, batch: str, offers: Sequence[PublishRequest]) -> list[Decision | None]:
        layout, now = self._layout, self._now()
        keys = [self.name.encode(), layout.claims(batch)]
        args: list[bytes | int] = [self._max_length, layout.keep_seconds, CLAIMS_LIVE]
        for offer in offers:
            identity = offer.identity
            mark_keys = layout.mark_keys(identity, now)
            keys += mark_keys
            args += (offer.claim.encode(), len(mark_keys), mark_field(identity))
            args += (identity.key[8:] + identity.content[:6], _on_change(offer))
            if offer.raw:
                keys.append(layout.raw_keys(offer.raw, now)[0])
                args += (raw_field(offer.raw), raw_mark(identity))
            else:
                args += (b"", b"")
            args += (identity.id.encode(), offer.title.encode(), (identity.date or "").encode())
            args += (offer.source.encode(), offer.data)
        return [_decision(answer) for answer in self._run(self._publish, keys, args)]

    def lookup(self, raws: Sequence[bytes]) -> list[IndexEntry | None]:
        """The index entry of each input, found by the hash of its bytes: a hit need not be parsed.

        A hit keeps the article in the index for another `keep_days`. An input whose article was
        revised or forgotten since gives None.
        """
        answers = [found for part in _runs(raws) for found in self._look_up(part, plain=False)]
        return [entry_from_raw_mark(*marks) if marks else None for marks in answers]

    def seen(self, raws: Sequence[bytes]) -> list[bool]:
        """Whether :meth:`lookup` finds each input; one string answers for a hundred entries."""
        return [
            flag == ord("1") for part in _runs(raws) for flag in self._look_up(part, plain=True)
        ]

    def _look_up(self, raws: Sequence[bytes], *, plain: bool) -> Any:
        layout, now = self._layout, self._now()
        all_keys = [layout.raw_keys(raw, now) for raw in raws]
        args: list[bytes | int] = [layout.keep_seconds, layout.key("i", ""), len(all_keys[0])]
        args += (DATED_SHARDS, UNDATED_SHARDS, layout.generation(now), int(plain))
        args += map(raw_field, raws)
        return self._run(self._lookup, [key for keys in all_keys for key in keys], args)

    def find(self, article_id: str) -> IndexEntry | None:
        """What the index knows of an article; None also where `article_id` is no id."""
        identity = parse_article_id(article_id)
        if identity is None:
            return None
        field = mark_field(identity)
        for key in self._layout.mark_keys(identity, self._now()):
            with translated():
                mark = self._client.hget(key, field)
            if isinstance(mark, bytes):
                found = entry_from_mark(identity.date, field, mark)
                return found if found.identity.key == identity.key else None
        return None

    def forget(self, article_id: str) -> bool:
        """Let the index forget an article, so that it is published when it is offered again.

        The stream stays as it is. False where it was not known.
        """
        known = self.find(article_id)
        if known is None:
            return False
        field = mark_field(known.identity)
        keys = self._layout.mark_keys(known.identity, self._now())
        with translated():
            return any(self._client.hdel(key, field) for key in keys)

    def _run(self, script: Script, keys: list[bytes], args: list[bytes | int]) -> Any:
        try:
            answer = script.run(self._client, keys, args)
        except Retryable as error:
            if "WRONGTYPE" in str(error.__cause__):
                raise Retryable(self._wrong_type(keys)) from error
            raise
        return answer

    def _wrong_type(self, keys: Sequence[bytes]) -> str:
        """Which key is not what it must be; looked up only once the server has refused."""
        for key in dict.fromkeys(keys):
            with translated():
                kind = bytes(self._client.type(key)).decode()
            wanted = "stream" if key == self.name.encode() else "hash"
            if kind not in (wanted, "none"):
                return (
                    f"the Redis key {key.decode()} is a {kind} where newsdrop keeps a {wanted}: "
                    "rename or delete it, or choose another stream.name"
                )
        return "a Redis key of newsdrop's is of the wrong type"


def _runs(raws: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (raws[at : at + MAX_RAWS] for at in range(0, len(raws), MAX_RAWS))


def _on_change(offer: PublishRequest) -> bytes:
    if offer.force:
        return b"force"
    return b"revise" if offer.on_change is OnChange.REVISE else b""


def _decision(answer: bytes) -> Decision | None:
    if not answer:
        return None
    status, revision, since, stream_id, differs = answer.decode().split(" ")
    return Decision(
        status=Status(status),
        stream_id=None if stream_id == "-" else stream_id,
        revision=int(revision),
        first_published_ms=int(since),
        content_differs=differs == "1",
    )


def _parts(offers: Sequence[PublishRequest]) -> Iterator[Sequence[PublishRequest]]:
    start = size = 0
    for at, offer in enumerate(offers):
        cost = len(offer.data)
        if at > start and (at - start == MAX_OFFERS or size + cost > MAX_BYTES):
            yield offers[start:at]
            start, size = at, 0
        size += cost
    if start < len(offers):
        yield offers[start:]
