"""Articles to publish, all different by default."""

import hashlib

import orjson

from worker.model import Identity, OnChange, PublishRequest


def offer(
    number: int,
    claim: str | None = None,
    *,
    date: str | None = "2021-11-26",
    content: int = 0,
    raw: int | None = None,
    on_change: OnChange = OnChange.DUPLICATE,
    force: bool = False,
    size: int = 0,
) -> PublishRequest:
    """Article `number` with content `content`; `raw` numbers the bytes of its file."""
    key = hashlib.sha256(b"article %d" % number).digest()[:12]
    identity = Identity(date, key, hashlib.sha256(b"content %d" % content).digest()[:8])
    return PublishRequest(
        claim=claim or f"{number}.0",
        identity=identity,
        raw=None if raw is None else raw_hash(raw),
        title=f"标题 {number}",
        source="drop",
        data=orjson.dumps({"id": identity.id, "content_text": "文" * size}),
        on_change=on_change,
        force=force,
    )


def raw_hash(number: int) -> bytes:
    return hashlib.sha256(b"raw %d" % number).digest()[:8]
