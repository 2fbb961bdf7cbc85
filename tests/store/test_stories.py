"""Stories: near-duplicates are marked in the stream, by the script that publishes."""

import random
import threading
from collections import Counter
from dataclasses import replace

import pytest
from redis import Redis

from tests.near.pairs import pairs
from tests.servers import Server
from tests.store.conftest import STREAM, open_store
from tests.store.offers import offer
from worker.model import Decision, PublishRequest, Story, StoryMarks
from worker.normalize.stories.sketch import BAND_MASK, BANDS, make_sketch, similarity
from worker.store.articles import ArticleStore, _warn_of_window
from worker.store.connection import connect

DAY = 86_400
WINDOW = f"{{{STREAM}}}:n:"
TEXT = "".join(
    f"第{n}座桥梁在{n * 37 % 91}年前由{chr(0x4E00 + n * 97)}氏家族捐建。" for n in range(40)
)
OTHER = "".join(
    f"另一篇文章谈{chr(0x5E00 + n * 89)}和{chr(0x6E00 + n * 83)}的关系。" for n in range(40)
)


def text_offer(number: int, text: str, **options: object) -> PublishRequest:
    """Article `number` with a text that is compared with others."""
    return replace(offer(number, **options), marks=make_sketch(text))  # type: ignore[arg-type]


def stories(decisions: list[Decision | None]) -> list[Story | None]:
    return [decision.story if decision else None for decision in decisions]


def id_of(number: int) -> str:
    return offer(number).identity.id


def record_count(client: Redis) -> int:
    """How many records the window has, or had."""
    return int(client.hget(f"{WINDOW}state", "n") or 0)


def test_an_entry_names_its_story(redis_server: Server, store: ArticleStore) -> None:
    """An entry's story is read; an entry without one, as all were before, has none."""
    client = connect(redis_server.url)
    copy = {"story": "20211126-a", "near_duplicate_of": "20211126-b", "similarity": "0.81"}
    wrong = {"story": "a b"}, {**copy, "near_duplicate_of": "x\ny"}
    for fields in ({}, {"story": "20211126-a"}, copy, {**copy, "similarity": "nan"}, *wrong):
        client.xadd(STREAM, {"type": "article.published", "id": "x", "data": "{}", **fields})
    assert [entry.story for entry in store.read()] == [
        None,
        Story("20211126-a"),
        Story("20211126-a", "20211126-b", 0.81),
        Story("20211126-a", "20211126-b", None),
        None,
        Story("20211126-a", None, 0.81),
    ]
    given = replace(offer(1), story=Story("a b", "\ud800"))
    assert stories(open_store(redis_server.url).publish("a", [given])) == [None]


def test_copies_join_the_first(store: ArticleStore) -> None:
    """Within one call and later; other texts begin a story, requests without sketches have none."""
    first = store.publish(
        "a",
        [
            text_offer(1, TEXT),
            text_offer(2, "来源：" + TEXT),
            text_offer(3, OTHER),
            offer(4),
        ],
    )
    later = store.publish("b", [text_offer(5, TEXT[:300])])
    copies = [Story(id_of(1), id_of(1), 1.0), Story(id_of(1), id_of(1), 1.0)]
    assert stories(first) == [Story(id_of(1)), copies[0], Story(id_of(3)), None]
    assert stories(later)[0].near_duplicate_of == id_of(1)  # type: ignore[union-attr]
    assert [entry.story for entry in store.read()] == [*stories(first), *stories(later)]


def test_the_script_agrees_with_python(redis_server: Server, store: ArticleStore) -> None:
    """For every labelled pair the script joins what `similarity` joins, with the same number."""
    client, compared = connect(redis_server.url), 0
    quotation = [replace(one, second=one.first[:90]) for one in pairs() if one.language == "zh"]
    for pair in (*pairs(), *quotation[:30]):
        number = 3 + pair.number % 2
        titles = ("v3", f"v{number}") if pair.number % 4 < 2 else ("第3期", f"第{number}期")
        first, second = make_sketch(pair.first, titles[0]), make_sketch(pair.second, titles[1])
        if first is None or second is None or pair.number % 3:
            continue
        client.flushall()
        requests = [replace(offer(n), marks=marks) for n, marks in ((1, first), (2, second))]
        story = stories(store.publish("a", requests))[1]
        assert story is not None
        bands = [{m.bands[at : at + 8] for at in range(0, 64, 8)} for m in (first, second)]
        share = similarity(first.sketch, second.sketch) if bands[0] & bands[1] else 0.0
        assert abs((story.similarity or 0.0) - share) < 0.0051, pair
        compared += 1
    assert compared > 150


def test_a_claim_made_again_gets_the_same_story(store: ArticleStore) -> None:
    """A redelivered batch gets the story that it got, although the window has changed since."""
    requests = [text_offer(1, TEXT), text_offer(2, TEXT)]
    first = store.publish("a", requests)
    store.publish("b", [text_offer(3, TEXT + OTHER)])
    assert store.publish("a", requests) == first


def test_an_entry_without_its_mark_keeps_its_story(
    redis_server: Server, store: ArticleStore
) -> None:
    """After a failed call the story is read from the entry, and added to the window once."""
    client = connect(redis_server.url)
    requests = [text_offer(1, TEXT), text_offer(2, TEXT)]
    first = store.publish("a", requests)
    claims = f"{{{STREAM}}}:claim:a"
    for at, request in enumerate(requests, 1):
        field = request.identity.key[:8]
        client.hset(claims, request.claim, field + b"pending 0-0 %d" % at)
        client.hdel(store._layout.mark_keys(request.identity, 0)[0], field)
    assert stories(store.publish("a", requests)) == stories(first)
    assert record_count(client) == 1
    assert len(store.read()) == 2


def test_a_pending_copy_is_no_first(redis_server: Server, store: ArticleStore) -> None:
    """Appended by a failed call it stays a copy, even without the window."""
    client = connect(redis_server.url)
    store.publish("a", [text_offer(1, TEXT)])
    copy = text_offer(2, TEXT)
    first = store.publish("b", [copy])
    (before, _) = store.read()
    field = copy.identity.key[:8]
    pending = b"pending %b 1" % before.stream_id.encode()
    client.hset(f"{{{STREAM}}}:claim:b", copy.claim, field + pending)
    client.hdel(store._layout.mark_keys(copy.identity, 0)[0], field)
    client.delete(*client.keys("*:n:*"))
    assert stories(store.publish("b", [copy])) == stories(first)
    assert len(store.read()) == 2


def test_two_workers_make_one_story(redis_server: Server) -> None:
    """Eight clients publish copies at once: exactly one article of each story is its first."""
    gate = threading.Barrier(8)
    texts = [OTHER[:50] + chr(0x4E00 + n) * 3 + TEXT[n * 20 : n * 20 + 400] * 2 for n in range(3)]
    texts = [text.replace("年", chr(0x7000 + n)) for n, text in enumerate(texts)]

    def publish(worker: int) -> None:
        own = open_store(redis_server.url)
        gate.wait()
        for round_ in range(5):
            own.publish(
                f"b{worker}.{round_}",
                [text_offer(1000 * worker + 10 * round_ + n, texts[n]) for n in range(3)],
            )

    threads = [threading.Thread(target=publish, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    entries = open_store(redis_server.url).read(count=1000)
    found = [entry.story for entry in entries if entry.story]
    assert len(found) == 120
    firsts = [story for story in found if story.near_duplicate_of is None]
    assert len(firsts) == len({story.id for story in found}) <= 3


@pytest.mark.parametrize(("near_days", "inside", "outside"), [(1, 1, 3), (3, 3, 5), (30, 30, 32)])
def test_the_window_slides(redis_server: Server, near_days: int, inside: int, outside: int) -> None:
    """A copy joins within the window; after it, it is the first of a story. All keys expire."""
    start = 1_700_000_000
    for days, joins in ((inside, True), (outside, False)):
        connect(redis_server.url).flushall()
        now = [float(start)]
        own = ArticleStore(
            connect(redis_server.url),
            stream=STREAM, keep_days=365, near_days=near_days, now=lambda now=now: now[0],
        )  # fmt: skip
        own.publish("a", [text_offer(1, TEXT)])
        now[0] = start + (days - 1) * DAY
        own.publish("k", [text_offer(9, OTHER)])  # keeps the lists in use
        own.publish("w", [replace(offer(9, "w"), withdraw=True)])
        now[0] = start + days * DAY
        (story,) = stories(own.publish("b", [text_offer(2, TEXT)]))
        assert story
        assert (story.near_duplicate_of is not None) is joins
    client = connect(redis_server.url)
    keys = client.keys("*:n:*")
    assert len(keys) >= 4
    assert all(0 < client.ttl(key) <= (near_days + 2) * DAY for key in keys)


@pytest.mark.parametrize("wrong_type", [False, True])
def test_a_window_that_is_half_gone(
    redis_server: Server,
    store: ArticleStore,
    wrong_type: bool,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Articles are published; a key of a wrong type is logged."""
    _warn_of_window.cache_clear()
    client = connect(redis_server.url)
    store.publish("a", [text_offer(1, TEXT)])
    keys = sorted(client.keys("*:n:*"))
    for at, key in enumerate(keys):
        client.delete(key)
        if wrong_type:
            client.rpush(key, "a")
        (story,) = stories(store.publish(f"b{at}", [text_offer(10 + at, TEXT)]))
        assert story
    assert len(store.read()) == 1 + len(keys)
    warned = [record for record in caplog.records if "near-duplicates may be" in record.message]
    assert len(warned) == (3 if wrong_type else 0)  # of what a call meets, the last


def test_damaged_values_are_skipped(
    redis_server: Server, store: ArticleStore, caplog: pytest.LogCaptureFixture
) -> None:
    """New stories begin and grow; the log names the key."""
    _warn_of_window.cache_clear()
    client = connect(redis_server.url)
    for at in range(2):
        store.publish(f"a{at}", [text_offer(10 * at + 1, TEXT if at else OTHER)])
        if at:
            for field, value in client.hgetall(f"{WINDOW}l").items():
                client.hset(f"{WINDOW}l", field, value[:-1])
        else:
            client.set(f"{WINDOW}e:0", (client.get(f"{WINDOW}e:0") or b"")[:20])
        found = store.publish(f"b{at}", [text_offer(10 * at + 2, TEXT if at else OTHER)])
        found += store.publish(f"c{at}", [text_offer(10 * at + 3, TEXT if at else OTHER)])
        first = id_of(10 * at + 2)
        assert stories(found) == [Story(first), Story(first, first, 1.0)]
    assert len([r for r in caplog.records if "near-duplicates may be missed" in r.message]) == 2


def test_a_window_of_wrong_values(redis_server: Server, store: ArticleStore) -> None:
    """Whatever another program wrote into the window's keys, articles are published."""
    client = connect(redis_server.url)
    store.publish("a", [text_offer(1, TEXT)])
    state = f"{WINDOW}state"
    (day,) = (field for field in client.hkeys(state) if field.startswith(b"d"))
    client.hset(state, day, "-1e999")  # the window has more articles than there are digits for
    assert store.publish("c", [text_offer(2, OTHER)])[0]
    for at, key in enumerate(sorted(client.keys("*:n:*"))):
        for value in ("a", "-1e999"):
            if client.type(key) == b"hash":
                client.hset(key, mapping=dict.fromkeys((*client.hkeys(key), "d", "l", "n"), value))
            else:
                client.set(key, value)
            assert store.publish(f"b{at}{value}", [text_offer(10 + at, TEXT + value)])[0]
    assert len(store.read()) == 3 + at


def test_the_first_is_withdrawn(store: ArticleStore) -> None:
    """Later copies name the first valid article, and a revalidated one stays in the story."""
    store.publish("a", [text_offer(1, TEXT), text_offer(2, TEXT)])
    story_kept = Story(id_of(1))
    withdrawal = replace(offer(1, "w"), withdraw=True, story=story_kept)
    assert stories(store.publish("b", [withdrawal])) == [story_kept]
    found = stories(store.publish("c", [text_offer(3, TEXT), text_offer(4, TEXT)]))
    assert found == [Story(id_of(1)), Story(id_of(1), id_of(3), 1.0)]
    store.publish("d", [text_offer(20, OTHER)])
    own = Story(id_of(20))
    withdrawn = replace(offer(20, "g"), withdraw=True, story=own)
    back = replace(text_offer(20, OTHER, claim="h", force=True), story=own)
    copy = text_offer(21, OTHER)
    assert stories(store.publish("e", [withdrawn, back, copy]))[2] == Story(own.id, own.id, 1.0)
    assert store.read()[2].type == "article.withdrawn"
    assert store.read()[2].story == story_kept


def test_a_revision_keeps_its_story(store: ArticleStore) -> None:
    """It gets the story of its request; without one its own entry is found."""
    store.publish("a", [text_offer(1, TEXT), text_offer(2, TEXT)])
    given = replace(
        text_offer(2, OTHER, claim="r", force=True), story=Story(id_of(1), id_of(1), 0.9)
    )
    assert stories(store.publish("b", [given])) == [given.story]
    again = text_offer(1, TEXT + "。" + OTHER[:40], claim="s", force=True)
    assert stories(store.publish("c", [again])) == [Story(id_of(1))]


def test_equal_texts_cost_no_more_than_one(redis_server: Server, store: ArticleStore) -> None:
    """Of many equal texts one is in the window; texts in a series have at most 8 under a band."""
    client = connect(redis_server.url)
    for part in range(30):
        found = stories(
            store.publish(f"a{part}", [text_offer(64 * part + n, TEXT) for n in range(64)])
        )
        assert all(story and story.id == id_of(0) for story in found)
    assert record_count(client) == 1
    weather = (
        "气象台发布天气预报：今天夜间多云转阴，偏北风四到五级，请市民注意防火，出行注意安全。" * 2
    )
    for part in range(20):
        texts = [f"{weather}气温{part * 50 + n}度，湿度{n + 53 * part + 2000}。" for n in range(50)]
        found = stories(
            store.publish(
                f"s{part}", [text_offer(9000 + part * 50 + n, t) for n, t in enumerate(texts)]
            )
        )
        assert all(story and story.near_duplicate_of is None for story in found)
    assert record_count(client) < 1001
    lists = client.hvals(f"{WINDOW}l")
    tags = Counter(value[at : at + 2] for value in lists for at in range(0, len(value), 6))
    assert max(tags.values()) == 8


@pytest.mark.parametrize(("crowd", "compared"), [(3, 4), (12, 8), (16, 0)])
def test_a_crowd_is_bounded(
    redis_server: Server, store: ArticleStore, crowd: int, compared: int
) -> None:
    """At most 8 candidates are compared, none if all bands are crowded; a rare band finds a
    copy."""
    client, rng = connect(redis_server.url), random.Random(7)

    def one(number: int, bands: bytes, sketch: bytes | None = None) -> PublishRequest:
        sketch = sketch or (500).to_bytes(2) + rng.randbytes(94)
        return replace(offer(number), marks=StoryMarks(bands, sketch))

    def reads(command: str = "getrange") -> int:
        return int(client.info("commandstats")[f"cmdstat_{command}"]["calls"])

    def new(_: object) -> bytes:
        return rng.randrange(BAND_MASK).to_bytes(8)

    bands = list(map(new, range(BANDS)))
    first = [new(0), *bands[1:]]
    article = one(0, b"".join(first))
    store.publish("a", [article])
    halves = [bands[:4], bands[4:]]  # a band has half of the crowd
    store.remember(
        [
            one(n, b"".join([*halves[n % 2], *map(new, halves[1 - n % 2])]))
            for n in range(1, crowd + 1)
        ]
    )
    before = reads()
    store.publish("c", [one(101, b"".join(bands))])
    assert reads() - before == compared
    assert article.marks
    copy = one(103, b"".join(first), article.marks.sketch)
    before, lists = reads(), reads("hmget")
    (story,) = stories(store.publish("e", [copy]))
    assert (reads() - before, reads("hmget") - lists) == (1, 2)  # claims and lists
    assert story
    assert story.near_duplicate_of == id_of(0)
    store.remember([one(n, b"".join(bands)) for n in range(200, 220)])
    # What could not be found takes no memory.
    assert record_count(client) == 9 + crowd - crowd // 2


def test_a_call_reads_and_writes_the_window_at_once(
    redis_server: Server, store: ArticleStore
) -> None:
    """However many articles are new, the window costs their call five commands."""
    client, rng = connect(redis_server.url), random.Random(7)

    def call(first: int, *, is_marked: bool) -> Counter[str]:
        bands = [[rng.randrange(BAND_MASK).to_bytes(8) for _ in range(BANDS)] for _ in range(40)]
        marks = [StoryMarks(b"".join(one), (500).to_bytes(2) + rng.randbytes(94)) for one in bands]
        requests = [
            replace(offer(first + n), marks=marks[n] if is_marked else None) for n in range(40)
        ]
        before = {name: use["calls"] for name, use in client.info("commandstats").items()}
        store.publish(f"b{first}", requests)
        used = client.info("commandstats").items()
        return Counter({name: use["calls"] - before.get(name, 0) for name, use in used})

    call(0, is_marked=True)
    window = call(100, is_marked=True) - call(200, is_marked=False)
    for of_index in ("ttl", "expire"):  # of shards that had no article before
        window.pop(f"cmdstat_{of_index}", None)
    once = ("hgetall", "hmget", "hincrby", "setrange", "hset")
    assert window == {f"cmdstat_{name}": 1 for name in once}


def test_lists_lose_what_is_too_old(redis_server: Server) -> None:
    """Over twenty days the lists of bands stay bounded, and the window is complete."""
    rng, now = random.Random(7), [1_700_000_000.0]
    client = connect(redis_server.url)
    own = ArticleStore(client, stream=STREAM, keep_days=365, near_days=1, now=lambda: now[0])

    def marks() -> StoryMarks:
        lists, tags = [rng.choices(range(n), k=BANDS) for n in (2**10, 2**16)]
        bands = [(one << 16 | tag).to_bytes(8) for one, tag in zip(lists, tags, strict=True)]
        return StoryMarks(b"".join(bands), (500).to_bytes(2) + rng.randbytes(94))

    requests = [replace(offer(n), marks=marks()) for n in range(20 * 100)]
    for day in range(20):
        part = requests[day * 100 : (day + 1) * 100]
        assert own.remember(part[:50]) + own.remember(part[50:]) == 100
        now[0] += DAY
    now[0] -= DAY
    assert own.remember(requests[-200:][:50]) == own.remember(requests[-50:]) == 0
    lists = client.hvals(f"{WINDOW}l")
    in_window = BANDS * 6 * 200
    slack = 6 * 2**10  # a list keeps one
    assert in_window <= sum(map(len, lists)) <= 2 * in_window + slack


def test_off_writes_nothing(redis_server: Server, store: ArticleStore) -> None:
    """No key of the window is written, by a withdrawal neither."""
    store.publish("a", [offer(1), replace(offer(1, "w"), withdraw=True)])
    assert connect(redis_server.url).keys("*:n:*") == []
