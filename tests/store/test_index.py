"""The index: how long it remembers articles, and how they are found and forgotten."""

from dataclasses import replace

import pytest
import redis

from tests.servers import Server
from tests.store.conftest import STREAM
from tests.store.offers import offer, raw_hash
from worker.model import OnChange, PublishRequest, Status
from worker.store.articles import ArticleStore
from worker.store.connection import connect
from worker.store.layout import DAY, parse_article_id

DATES = pytest.mark.parametrize("date", ["2021-11-26", "0001-01-01", "9999-12-31", None])


class Clock:
    """Unix seconds that the test sets."""

    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(redis_server: Server, clock: Clock) -> ArticleStore:
    """A store that keeps marks for ten days of `clock`."""
    return ArticleStore(connect(redis_server.url), stream=STREAM, keep_days=10, now=clock)


@DATES
def test_known_bytes_are_found(store: ArticleStore, date: str | None) -> None:
    """With the article's whole identity, in order."""
    [made] = store.publish("b", [offer(1, date=date, raw=1)])
    [nothing, known] = store.look_up([raw_hash(2), raw_hash(1)])
    assert nothing is None
    assert known is not None
    wanted = offer(1, date=date).identity
    assert known.identity == replace(wanted, content=wanted.content[:6])
    assert known.identity.id == wanted.id
    assert (known.first_published_ms, known.last_published_ms, known.revision) == (
        made.first_published_ms,
    ) * 2 + (1,)


def test_any_number_of_bytes(store: ArticleStore) -> None:
    """None for no input, and the order of inputs over several calls."""
    assert store.look_up([]) == []
    store.publish("b", [offer(n, raw=n) for n in range(0, 1100, 7)])
    known = store.look_up([raw_hash(n) for n in range(1100)])
    assert [n for n, each in enumerate(known) if each] == list(range(0, 1100, 7))


def test_bytes_of_another_content_are_not_found(
    store: ArticleStore, redis_client: redis.Redis
) -> None:
    """They are parsed each time, so that `content_differs` is reported."""
    store.publish("b1", [offer(1, raw=1)])
    store.publish("b2", [offer(1, content=1, raw=2)])
    assert len(redis_client.keys("*:r:*")) == 1
    assert [bool(known) for known in store.look_up([raw_hash(1), raw_hash(2)])] == [True, False]
    store.publish("b3", [offer(1, content=1, raw=2, on_change=OnChange.REVISE)])
    assert [bool(known) for known in store.look_up([raw_hash(1), raw_hash(2)])] == [False, True]
    [made] = store.publish("b4", [offer(1, raw=1, on_change=OnChange.REVISE)])
    assert (made.status, made.revision) == (Status.REVISED, 3)


def test_other_bytes_of_the_same_article_are_found(store: ArticleStore) -> None:
    """A duplicate with equal content adds its bytes: the copy is parsed once."""
    store.publish("b1", [offer(1, raw=1)])
    store.publish("b2", [offer(1, raw=2)])
    assert all(store.look_up([raw_hash(1), raw_hash(2)]))


@DATES
def test_find_and_entry(store: ArticleStore, date: str | None) -> None:
    """An article is found by its id, and its entry is that of its newest revision."""
    store.publish("b", [offer(n, date=date) for n in range(50)])
    article_id = offer(30, date=date).identity.id
    known = store.find(article_id)
    assert known is not None
    entry = store.find_entry(known)
    assert entry is not None
    assert (entry.id, entry.title, entry.revision) == (article_id, "标题 30", 1)
    store.publish("c", [offer(30, date=date, content=5, on_change=OnChange.REVISE)])
    revised = store.find(article_id)
    assert revised is not None
    assert revised.revision == 2
    entry = store.find_entry(revised)
    assert entry is not None
    assert (entry.id, entry.type, entry.revision) == (article_id, "article.revised", 2)


def test_a_trimmed_entry_is_none(store: ArticleStore, redis_client: redis.Redis) -> None:
    """The index outlives the stream: a trimmed article is found, its entry is None."""
    store.publish("b", [offer(1), offer(2)])
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    known = store.find(offer(1).identity.id)
    assert known is not None
    assert store.find_entry(known) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "20211126",
        "20211126-zz",
        "undated-" + "A" * 24,
        "2021112-" + "0" * 24,
        "２０２１１１２６-" + "0" * 24,
        "20211126-" + "0" * 26,
    ],
)
def test_an_invalid_id_is_not_found(store: ArticleStore, text: str) -> None:
    """And raises no error."""
    assert parse_article_id(text) is None
    assert store.find(text) is None
    assert store.forget(text) is False


@DATES
def test_a_forgotten_article_is_published_again(store: ArticleStore, date: str | None) -> None:
    """Its mark and its bytes are forgotten; the stream keeps its entry."""
    store.publish("b1", [offer(1, date=date, raw=1), offer(2, date=date, raw=2)])
    assert store.forget(offer(1, date=date).identity.id) is True
    assert store.forget(offer(1, date=date).identity.id) is False
    assert [bool(known) for known in store.look_up([raw_hash(1), raw_hash(2)])] == [False, True]
    assert store.get_info().length == 2
    [made] = store.publish("b2", [offer(1, date=date, raw=1)])
    assert made.status is Status.PUBLISHED


def test_buckets_live_keep_days_from_their_last_use(
    timed: ArticleStore, redis_client: redis.Redis
) -> None:
    """A bucket expires keep_days (and up to one more) after it was last written or found."""
    offers = [offer(1, raw=1), offer(2, date=None, raw=2)]
    keys = _index_keys_of(timed, redis_client, offers)
    assert len(keys) == 4
    for meet in (
        lambda: timed.publish("again", offers),
        lambda: timed.look_up([raw_hash(1), raw_hash(2)]),
    ):
        for key in keys:
            assert 10 * DAY < redis_client.ttl(key) <= 11 * DAY
            redis_client.expire(key, 60)
        meet()
    assert all(10 * DAY < redis_client.ttl(key) <= 11 * DAY for key in keys)


def test_the_claims_of_a_batch_expire(store: ArticleStore, redis_client: redis.Redis) -> None:
    """A batch's answers are kept for a week."""
    store.publish("b", [offer(1)])
    assert 6 * DAY < redis_client.ttl("{newsdrop:articles}:claim:b") <= 7 * DAY


@pytest.mark.parametrize("days", [0, 4, 5, 9.9])
def test_undated_articles_are_found_across_generations(
    timed: ArticleStore, clock: Clock, days: float
) -> None:
    """Each find keeps an article for another keep_days."""
    timed.publish("b", [offer(1, date=None, raw=1)])
    for n in range(3):
        clock.now += days * DAY
        [known] = timed.look_up([raw_hash(1)])
        assert known is not None
        assert known.identity.id == offer(1, date=None).identity.id
        clock.now += days * DAY
        [made] = timed.publish(f"c{n}", [offer(1, date=None, raw=1)])
        assert made.status is Status.DUPLICATE
    assert timed.find(offer(1, date=None).identity.id) is not None


def test_a_generation_ahead_is_seen(timed: ArticleStore, clock: Clock) -> None:
    """A machine whose clock is behind still meets what one ahead of it has just published."""
    clock.now += 5 * DAY
    timed.publish("b", [offer(1, date=None)])
    clock.now -= 5 * DAY
    assert timed.publish("c", [offer(1, date=None)])[0].status is Status.DUPLICATE


def test_finds_move_to_the_present_generation(
    timed: ArticleStore, clock: Clock, redis_client: redis.Redis
) -> None:
    """Marks that are found in an older one, by bytes or by a request."""
    timed.publish("b", [offer(1, date=None, raw=1), offer(2, date=None)])
    old = {key for key in redis_client.keys("*") if b":i:u" in key or b":r:" in key}
    clock.now += 6 * DAY
    timed.look_up([raw_hash(1)])
    timed.publish("c", [offer(2, date=None)])
    assert len(old) == 3
    assert not redis_client.exists(*old)


def test_a_day_of_articles_stays_packed(store: ArticleStore, redis_client: redis.Redis) -> None:
    """On a day of a million a year each hash is one packed block."""
    shipped = redis_client.config_get("hash-max-*-entries")
    redis_client.config_set("hash-max-ziplist-entries", 128)
    try:
        store.publish("b", [offer(n, raw=n) for n in range(2740)])
        keys = [*redis_client.keys("*:i:*"), *redis_client.keys("*:r:*")]
        kinds = {redis_client.object("encoding", key) for key in keys}
        assert kinds <= {b"listpack", b"ziplist"}
        assert sum(redis_client.hlen(key) for key in keys) == 2 * 2740
    finally:
        for name, value in shipped.items():
            redis_client.config_set(name, value)


def _index_keys_of(
    store: ArticleStore, client: redis.Redis, offers: list[PublishRequest]
) -> list[bytes]:
    store.publish("first", offers)
    return [key for key in client.keys("*") if b":i:" in key or b":r:" in key]
