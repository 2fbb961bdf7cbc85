"""Articles that are read again: the id stays, the other key becomes an alias."""

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import redis

from tests.store.offers import offer
from worker.errors import Retryable
from worker.model import Decision, PublishRequest, Status
from worker.pipeline import publisher
from worker.settings.clock import utc_now
from worker.store.articles import ArticleStore
from worker.store.layout import Layout, alias_mark, mark_field

P, R, D, W = Status.PUBLISHED, Status.REVISED, Status.DUPLICATE, Status.WITHDRAWN
DATES = pytest.mark.parametrize("date", ["2021-11-26", None])


def again(first: PublishRequest, now: PublishRequest, **more: object) -> PublishRequest:
    """`first` read again, with title, date and text of `now`."""
    identity = replace(first.identity, content=now.identity.content)
    return replace(now, identity=identity, alias=now.identity, force=True, **more)  # type: ignore[arg-type]


def one(store: ArticleStore, batch: str, request: PublishRequest) -> Decision:
    [decision] = store.publish(batch, [request])
    assert decision is not None
    return decision


@DATES
def test_neither_key_makes_another_article(store: ArticleStore, date: str | None) -> None:
    """The new key is an alias, the old one a duplicate, and one id is in use."""
    old, new = offer(1, date=date), offer(2, "0.0", content=2, date=date)
    one(store, "b1", old)
    revised, other = store.publish("b2", [again(old, new), offer(2, "9.0", content=3, date=date)])
    assert revised is not None
    assert (revised.status, revised.revision) == (R, 2)
    assert [(entry.id, entry.revision) for entry in store.read()] == [
        (old.identity.id, 1),
        (old.identity.id, 2),
    ]
    for answer in (other, one(store, "b3", offer(2, content=2, date=date))):
        assert answer is not None
        assert answer.target is not None
        assert answer.target.id == old.identity.id
    assert one(store, "b4", offer(1, content=2, date=date)).status is D
    found = store.find(new.identity.id)
    assert found is not None
    assert (found.identity.id, found.revision) == (old.identity.id, 2)
    assert store.exists([new.identity, old.identity]) == [True, True]
    assert store.publish("b2", [again(old, new)]) == [revised]
    assert store.get_info().length == 2


@DATES
def test_the_key_of_another_article_stays_its_key(store: ArticleStore, date: str | None) -> None:
    """The re-read is a revision that reports the collision; the other article keeps its mark."""
    old, other = offer(1, date=date), offer(2, date=date)
    one(store, "b1", old)
    [new, revised] = store.publish("b2", [other, again(old, offer(2, "1.1", content=2, date=date))])
    assert new is not None
    assert revised is not None
    assert (new.status, revised.status, revised.collides) == (P, R, True)
    assert one(store, "b3", offer(2, date=date)).target is None
    found = store.find(other.identity.id)
    assert found is not None
    assert found.revision == 1


def test_another_revision_than_the_compared_one(store: ArticleStore) -> None:
    """A request that was compared with a revision that is not the newest decides nothing."""
    one(store, "b1", offer(1))
    one(store, "b2", replace(offer(1, content=2), force=True))
    stale = replace(offer(1, content=3), force=True, base_revision=1)
    assert store.publish("b3", [stale]) == [None]
    assert one(store, "b3", replace(stale, base_revision=2)).revision == 3


@DATES
def test_a_withdrawal_is_one_entry(store: ArticleStore, date: str | None) -> None:
    """Once, with the next revision; the same text is then a duplicate, another one a revision."""
    one(store, "b1", offer(1, date=date))
    withdrawal = replace(offer(1, content=7, date=date), withdraw=True)
    first = one(store, "b2", withdrawal)
    assert (first.status, first.revision, one(store, "b2", withdrawal)) == (W, 2, first)
    assert [entry.type for entry in store.read()] == ["article.published", "article.withdrawn"]
    assert one(store, "b3", withdrawal).status is D
    found = store.find(withdrawal.identity.id)
    assert found is not None
    assert (found.is_withdrawn, found.revision) == (True, 2)
    assert not one(store, "b4", offer(1, date=date)).content_differs
    assert one(store, "b5", replace(offer(1, content=2, date=date), force=True)).revision == 3
    found = store.find(withdrawal.identity.id)
    assert found is not None
    assert not found.is_withdrawn
    assert one(store, "b6", replace(offer(5, date=date), withdraw=True)).status is D
    assert store.get_info().length == 3


def test_aliases_without_an_end(store: ArticleStore, redis_client: redis.Redis) -> None:
    """Marks in a circle: no article is found, and publishing raises an error."""
    one, two = offer(1).identity, offer(2).identity
    layout = Layout("newsdrop:articles", 365)
    for alias, target in ((one, two), (two, one)):
        [key] = layout.mark_keys(alias, 0)
        redis_client.hset(key, mark_field(alias), alias_mark(alias, target))
    assert store.find(one.id) is None
    entry = SimpleNamespace(path="a.md", number=0)
    item = SimpleNamespace(identity=one, article=None, guid=None, entry=entry)
    deps = SimpleNamespace(now=utc_now, articles=store)
    with (
        patch.object(publisher, "replace", lambda item, article: item),
        patch.object(publisher, "prepare_request", lambda *_, **__: offer(1)),
        pytest.raises(Retryable),
    ):
        publisher.publish([item], "b1", SimpleNamespace(), deps)  # type: ignore[list-item, arg-type]
