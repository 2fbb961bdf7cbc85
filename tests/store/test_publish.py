"""Decisions on publish requests: new, duplicate, revised, or the earlier answer."""

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import orjson
import pytest
import redis
from redis.crc import key_slot

from tests.servers import Server
from tests.store.conftest import STREAM, open_store
from tests.store.offers import offer, raw_hash
from worker.errors import Retryable
from worker.model import Decision, OnChange, PublishRequest, Status
from worker.store.articles import MAX_REQUESTS, ArticleStore

P, R, D = Status.PUBLISHED, Status.REVISED, Status.DUPLICATE


def statuses(decisions: list[Decision | None]) -> list[Status]:
    return [decision.status for decision in decisions if decision is not None]


def test_a_new_article_is_one_entry(store: ArticleStore) -> None:
    """A new article is appended with every field of an entry, and the decision names the entry."""
    [made] = store.publish("b1", [offer(1)])
    [entry] = store.read()
    assert made == Decision(P, entry.stream_id, 1, int(entry.stream_id.split("-")[0]))
    assert (entry.type, entry.revision, entry.title) == ("article.published", 1, "标题 1")
    assert (entry.date, entry.source) == ("2021-11-26", "drop")
    assert entry.id == offer(1).identity.id == orjson.loads(entry.data)["id"]


def test_the_same_article_again_is_a_duplicate(store: ArticleStore) -> None:
    """Another batch gets `duplicate` and the time of the first."""
    [first] = store.publish("b1", [offer(1)])
    [second] = store.publish("b2", [offer(1)])
    assert second == Decision(D, None, 1, first.first_published_ms)
    assert store.get_info().length == 1


def test_the_second_of_two_equal_articles_in_one_call(store: ArticleStore) -> None:
    """Of equal articles in one call the first is published and the others are duplicates."""
    made = store.publish("b", [offer(1, "0.0"), offer(2, "0.1"), offer(1, "0.2"), offer(1, "1.0")])
    assert statuses(made) == [P, P, D, D]
    assert store.get_info().length == 2


@pytest.mark.parametrize("date", ["2021-11-26", None])
def test_a_claim_gets_the_same_answer_again(store: ArticleStore, date: str | None) -> None:
    """A redelivered batch gets `published`, not `duplicate`."""
    offers = [offer(1, "0.0", date=date), offer(1, "0.1", date=date), offer(2, "1.0", date=date)]
    first = store.publish("b", offers)
    assert statuses(first) == [P, D, P]
    assert store.publish("b", offers) == first
    assert store.publish("b", offers[2:]) == first[2:]
    assert store.get_info().length == 2


def test_a_claim_that_names_another_article_is_decided_anew(store: ArticleStore) -> None:
    """It does not get the answer of the first article."""
    store.publish("b", [offer(1, "0.0")])
    assert statuses(store.publish("b", [offer(2, "0.0")])) == [P]
    assert [entry.title for entry in store.read()] == ["标题 1", "标题 2"]


def test_other_content_is_a_duplicate_that_differs(store: ArticleStore) -> None:
    """Same key, other content: the decision says so."""
    store.publish("b1", [offer(1)])
    [made] = store.publish("b2", [offer(1, content=1)])
    assert (made.status, made.content_differs, made.stream_id) == (D, True, None)


def test_other_content_revises_on_request(store: ArticleStore) -> None:
    """A new entry with the same id and the next revision; equal content is none."""
    [first] = store.publish("b1", [offer(1)])
    [same] = store.publish("b2", [offer(1, on_change=OnChange.REVISE)])
    [second] = store.publish("b3", [offer(1, content=1, on_change=OnChange.REVISE)])
    [third] = store.publish("b4", [offer(1, content=2, on_change=OnChange.REVISE)])
    assert statuses([same, second, third]) == [D, R, R]
    assert (second.revision, third.revision) == (2, 3)
    assert third.first_published_ms == first.first_published_ms
    assert [(entry.type, entry.revision, entry.id) for entry in store.read()] == [
        ("article.published", 1, offer(1).identity.id),
        ("article.revised", 2, offer(1).identity.id),
        ("article.revised", 3, offer(1).identity.id),
    ]


def lean(number: int, claim: str | None = None, **rest: Any) -> PublishRequest:
    return replace(offer(number, claim, **rest), data=b"")


def test_a_duplicate_needs_no_data(store: ArticleStore) -> None:
    """An unknown article without data is left undecided, until it comes with its data."""
    store.publish("b1", [offer(1)])
    [known, unknown] = store.publish("b2", [lean(1, "0.0", raw=1), lean(2, "1.0", raw=2)])
    assert known is not None
    assert known.status is D
    assert unknown is None
    assert store.get_info().length == 1
    assert store.look_up([raw_hash(1), raw_hash(2)])[1] is None
    [again] = store.publish("b2", [offer(2, "1.0", raw=2)])
    assert again is not None
    assert again.status is P


@pytest.mark.parametrize("how", [{"force": True}, {"on_change": OnChange.REVISE, "content": 2}])
def test_a_revision_needs_its_data(store: ArticleStore, how: dict[str, Any]) -> None:
    """Without it, it is left undecided, too."""
    store.publish("b1", [offer(1)])
    assert store.publish("b2", [lean(1, **how)]) == [None]
    assert store.get_info().length == 1


def test_exists_for_published_articles(store: ArticleStore) -> None:
    """Dated or not, until they are forgotten."""
    offers = [offer(1), offer(2, date=None), offer(3), offer(4, date=None)]
    identities = [one.identity for one in offers]
    assert store.exists(identities) == [False] * 4
    store.publish("b1", offers[:2])
    assert store.exists(identities) == [True, True, False, False]
    store.forget(identities[0].id)
    assert store.exists(identities) == [False, True, False, False]
    assert store.exists([]) == []


def test_force_publishes_equal_content_again(store: ArticleStore) -> None:
    """As a revision, once a claim."""
    store.publish("b1", [offer(1)])
    [made] = store.publish("b2", [offer(1, force=True)])
    assert (made.status, made.revision, made.content_differs) == (R, 2, False)
    assert store.publish("b2", [offer(1, force=True)]) == [made]
    assert store.get_info().length == 2


def test_a_long_list_is_several_calls_and_one_answer(store: ArticleStore) -> None:
    """More requests or bytes than one call may have keep their order, each once."""
    many = [offer(n % 200, f"{n}.0") for n in range(3 * MAX_REQUESTS + 30)]
    large = [offer(1000 + n, f"{1000 + n}.0", size=150_000) for n in range(6)]
    made = store.publish("b", many + large)
    assert statuses(made) == [P] * 200 + [D] * (len(many) - 200) + [P] * 6
    assert store.publish("b", []) == []
    assert store.get_info().length == 206


def test_two_clients_at_once_publish_each_article_once(redis_server: Server) -> None:
    """Two workers that offer the same articles at the same time publish each exactly once."""
    start, answers = threading.Barrier(2), {}

    def work(name: str) -> None:
        own = open_store(redis_server.url)
        start.wait(30)
        answers[name] = [
            made
            for n in range(30)
            for made in own.publish(
                f"{name}{n}", [offer(n * 20 + i, raw=n * 20 + i) for i in range(20)]
            )
        ]

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    pairs = zip(answers["a"], answers["b"], strict=True)
    assert all({one.status, two.status} == {P, D} for one, two in pairs)
    ids = [entry.id for entry in open_store(redis_server.url).read(count=10_000)]
    assert len(ids) == len(set(ids)) == 600


def test_publishing_trims_nothing(redis_server: Server) -> None:
    """Only retention does; a trimmed article stays a duplicate."""
    store = open_store(redis_server.url)
    for n in range(4):
        store.publish(f"b{n}", [offer(n * 50 + i, size=2000) for i in range(50)])
    assert store.get_info().length == 200
    redis_server.client().xtrim(STREAM, maxlen=0)
    assert statuses(store.publish("again", [offer(0)])) == [D]


def _wrong_stream(client: redis.Redis) -> bytes:
    client.set(STREAM, "mine")
    return STREAM.encode()


def _wrong_key(pattern: str) -> Callable[[redis.Redis], bytes]:
    def spoil(client: redis.Redis) -> bytes:
        store = ArticleStore(client, stream=STREAM, keep_days=365)
        store.publish("b", [offer(2, "9.0", raw=2), offer(3, raw=3, date=None)])
        [key, *_] = client.keys(pattern)
        client.flushall()
        client.lpush(key, "mine")
        return bytes(key)

    return spoil


@pytest.mark.parametrize(
    "spoil",
    [_wrong_stream, *map(_wrong_key, ["*:i:2021*", "*:i:u*", "*:r:*", "*:claim:*"])],
    ids=["stream", "mark", "undated mark", "raw mark", "claims"],
)
def test_a_key_of_a_wrong_type_fails_before_anything_is_written(
    store: ArticleStore,
    redis_client: redis.Redis,
    spoil: Callable[[redis.Redis], bytes],
) -> None:
    """Each key that holds something else is named in a Retryable, and nothing was published."""
    key = spoil(redis_client)
    offers = [offer(1, raw=1), offer(2, "9.0", raw=2), offer(3, raw=3, date=None)]
    if key.startswith(b"{newsdrop:articles}:r:"):
        offers.append(offer(4, raw=3))
    with pytest.raises(Retryable, match=r"newsdrop:articles.* is a (list|string) where") as caught:
        store.publish("b", offers)
    assert key.decode() in str(caught.value)
    assert redis_client.keys("*") == [key]
    redis_client.delete(key)
    assert {P} >= set(statuses(store.publish("b", offers[:3])))


def test_a_stream_of_a_wrong_type_marks_no_duplicate(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """The call fails and writes nothing, also when duplicates come first."""
    store.publish("b", [offer(1)])
    redis_client.set(STREAM, "mine")
    keys = sorted(redis_client.keys("*"))
    with pytest.raises(Retryable, match="is a string where"):
        store.publish("c", [offer(1, raw=1), offer(2)])
    assert sorted(redis_client.keys("*")) == keys


def test_an_article_is_marked_after_it_is_appended(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """If the stream's ids are used up, it is not a duplicate next time."""
    last = 2**64 - 1
    redis_client.xadd(STREAM, {"x": "y"}, id=f"{last}-{last}")
    with pytest.raises(Retryable, match="last possible ID"):
        store.publish("b", [offer(1)])
    redis_client.delete(STREAM)
    assert statuses(store.publish("c", [offer(1)])) == [P]


def test_all_keys_are_in_the_slot_of_the_stream(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """Everything that a call touches hashes to one slot, as Redis Cluster demands."""
    store.publish("b", [offer(n, raw=n, date=None if n % 2 else "2021-11-26") for n in range(40)])
    store.look_up([raw_hash(n) for n in range(40)])
    keys = redis_client.keys("*")
    assert len(keys) > 40
    assert {key_slot(key) for key in keys} == {key_slot(STREAM.encode())}
