"""`groups` and `dead-letters`: the progress of consumers, and their failures."""

from dataclasses import replace
from unittest.mock import ANY

import pytest
import redis

from newsdrop.consumer import Consumer, Record
from tests.home import Home, article
from tests.newsdrop.stream import STREAM
from tests.store.conftest import server_binary
from worker.errors import UsageError
from worker.pipeline.retention import feed_past
from worker.store.factory import group_store
from worker.store.groups import deliveries
from worker.store.groups.deliveries import read_deliveries

__all__ = ["server_binary"]  # on each server that is here


def publish(home: Home, *titles: str) -> None:
    for number, title in enumerate(titles):
        home.put(f"in/{number}.md", article(title))
    home.json("enqueue", str(home.path / "in"))
    home.work()


def consume(home: Home, count: int, is_bad: bool = False) -> list[Record]:
    """Records of the group `nlp`, the first of which fails."""
    url = home.settings().redis.url
    consumer = Consumer(url, group="nlp", name="one", block_seconds=0.05, max_deliveries=1)
    records: list[Record] = []

    def handle(record: Record) -> None:
        records.append(record)
        if len(records) == count:
            consumer.stop()
        if is_bad and len(records) == 1:
            raise ValueError("bad\x1b[31m ticker")

    consumer.run(handle)
    return records


def test_a_group_is_created_listed_reset_and_deleted(home: Home) -> None:
    """Its lag, position and consumers are shown; each change needs `--yes` without a terminal."""
    assert "No consumer groups." in home.run("groups", "list").stdout
    publish(home, "甲", "乙", "丙")
    home.json("groups", "create", "nlp")
    assert home.run("groups", "create", "nlp").exit_code == 2
    consume(home, 3)
    (group,) = home.lines("groups", "list")
    assert (group["name"], group["lag"], group["pending"]) == ("nlp", 0, 0)
    assert [member["name"] for member in group["consumers"]] == ["one"]
    assert "one" in home.run("groups", "list").stdout
    assert home.run("groups", "reset", "nlp", "--to", "0").exit_code == 2
    home.json("groups", "reset", "nlp", "--to", "0", "--yes")
    assert home.lines("groups", "list")[0]["lag"] == 3
    assert len(consume(home, 3)) == 3
    assert home.run("groups", "delete", "nlp").exit_code == 2
    assert home.json("groups", "delete", "nlp", "--yes") == {"group": "nlp", "pending": 0}
    assert home.lines("groups", "list") == []
    assert "see `newsdrop groups list`" in home.run("groups", "delete", "nlp", "--yes").stderr
    assert home.run("groups", "create", "nlp", "--start", "yesterday").exit_code == 2


def test_how_far_a_past_is_read_is_listed(home: Home, redis_client: redis.Redis) -> None:
    """A group that begins in the past has a line of its own until its consumers finished that."""
    publish(home, "甲", "乙")
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    home.json("groups", "create", "nlp", "--since", "2000-01-01")
    feed_past(home.context())
    (group,) = home.lines("groups", "list")
    past = {"since": "2000-01-01T00:00:00.000Z", "read": 2, "unfinished": 2, "missing": 0}
    assert group["past"] == past | {"is_read": True, "pending": 0}
    shown = home.run("groups", "list").stdout
    assert "past since 2000-01-01" in shown
    assert "2 read, all of the archive" in shown
    consume(home, 2)
    assert home.lines("groups", "list")[0]["past"]["unfinished"] == 0
    feed_past(home.context())
    assert home.lines("groups", "list")[0]["past"] is None
    foreign = '{"group": "nlp", "owner": "", "since_ms": "x", "created_at": ""}'
    redis_client.hset(f"{{{STREAM}}}:past", "nlp", foreign)
    assert home.run("groups", "list").exit_code == 3  # another program's, in a sentence


def test_a_position_between_two_entries_is_in_words(home: Home, redis_client: redis.Redis) -> None:
    """A group that begins at a time is listed as before the first entry of that time, without the
    highest number that an ID can have."""
    publish(home, "甲")
    ((entry, _),) = redis_client.xrange(STREAM)
    home.json("groups", "create", "nlp", "--since", "2000-01-01")
    assert f"just before {entry.decode()}" in home.run("groups", "list").stdout
    last = home.lines("groups", "list")[0]["last_delivered_id"]
    assert last.endswith("-18446744073709551615")


def test_pending_entries_of_a_past_are_changed(home: Home, redis_client: redis.Redis) -> None:
    """Entries of a group's past are listed with the rest, claimed, acknowledged and moved to dead
    letters."""
    publish(home, "甲", "乙", "丙")
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    shown = home.run("groups", "create", "nlp", "--since", "2000-01-01").stdout
    assert "it gets the records since 2000-01-01" in shown
    assert "from the archive" in shown
    assert "18446744073709551615" not in shown
    feed_past(home.context())
    redis_client.xreadgroup("nlp", "slow", {f"{{{STREAM}}}:past:nlp": ">"})
    publish(home, "丁")
    redis_client.xreadgroup("nlp", "slow", {STREAM: ">"})
    listed = home.lines("groups", "pending", "nlp")
    assert [one["in_past"] for one in listed] == [True, True, True, False]
    assert "(past)" in home.run("groups", "pending", "nlp").stdout
    assert home.lines("groups", "list")[0]["past"]["pending"] == 3
    store = group_store(home.settings())
    with pytest.raises(UsageError, match="pending"):
        store.remove_consumer("nlp", "slow")
    first, second, third, last = store.list_pending("nlp", 10)
    assert store.find_pending("nlp", [last.stream_id, first.stream_id]) == [
        replace(one, idle_seconds=ANY) for one in (first, last)
    ]
    assert store.claim("nlp", [first, last], "fast") == 2
    assert {one.consumer for one in store.list_pending("nlp", 10, "fast")} == {"fast"}
    assert store.acknowledge("nlp", [first, second, last]) == 3
    assert store.move_to_dead_letters("nlp", [third], "bad") == 1
    assert [one.stream_id for one in store.dead_letters("nlp")] == [third.stream_id]
    assert store.list_pending("nlp", 10) == []
    feed_past(home.context())
    assert store.get_group("nlp").past is None


def test_dead_letters_of_an_unknown_group_are_refused(home: Home) -> None:
    """A group without dead letters prints an empty list."""
    refused = home.run("dead-letters", "list", "nowhere")
    assert (refused.exit_code, "no group nowhere" in refused.stderr) == (2, True)
    home.json("groups", "create", "nlp")
    assert "No dead letters." in home.run("dead-letters", "list", "nlp").stdout


def test_a_dead_letter_among_many_is_found(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On any page of them."""
    monkeypatch.setattr(deliveries, "_DEAD_LETTERS_AT_ONCE", 1)
    redis_client.xadd(STREAM, {"id": "x"}, id="1-0")
    redis_client.xgroup_create(STREAM, "nlp", "$")
    for entry in ("0-1", "0-2", "1-0"):
        redis_client.xadd(f"{{{STREAM}}}:dead:nlp", {"entry": entry})
    assert [each.state for each in read_deliveries(redis_client, STREAM, "1-0")] == ["dead"]


def test_group_names_that_are_not_utf8(home: Home, redis_client: redis.Redis) -> None:
    """Such a group is listed and named at articles; newsdrop creates none."""
    redis_client.xgroup_create(STREAM, b"\xff\x1b", "0", mkstream=True)
    redis_client.xadd(STREAM, {"id": "x"}, id="1-0")
    redis_client.xreadgroup(b"\xff\x1b", b"c\xfe", {STREAM: ">"})
    [group] = home.lines("groups", "list")
    assert (group["name"], group["consumers"][0]["name"]) == ("\ufffd\x1b", "c\ufffd")
    assert read_deliveries(redis_client, STREAM, "1-0")[0].state == "pending"
    for name in ("\ufffd\x1b", "\udcff\x1b"):
        assert home.run("groups", "delete", name, "--yes").exit_code == 2
    for more in ((), ("--since", "3d")):
        refused = home.run("groups", "create", "\udcff", *more)
        assert (refused.exit_code, "\\xff is not UTF-8" in refused.stderr) == (2, True)


def test_pending_entries_are_listed(home: Home, redis_client: redis.Redis) -> None:
    """Who has them, for how long, and how often they were delivered."""
    publish(home, "甲")
    home.json("groups", "create", "nlp", "--start", "0")
    assert "Nothing is pending." in home.run("groups", "pending", "nlp").stdout
    redis_client.xreadgroup("nlp", "slow", {STREAM: ">"})
    (entry,) = home.lines("groups", "pending", "nlp")
    assert (entry["consumer"], entry["deliveries"]) == ("slow", 1)
    assert entry["stream_id"] in home.run("groups", "pending", "nlp").stdout


def test_a_dead_letter_is_retried(home: Home) -> None:
    """It is shown with its escaped error; after `retry` a running consumer handles it again."""
    publish(home, "甲", "乙")
    failed = consume(home, 2, is_bad=True)[0]
    home.json("groups", "create", "idle")
    (letter,) = home.lines("dead-letters", "list", "nlp")
    assert home.lines("dead-letters", "list") == [letter]
    assert letter["group"] == "nlp"
    assert "nlp, 1 delivery" in home.run("dead-letters", "list").stdout
    assert letter["error"] == "ValueError: bad\x1b[31m ticker"
    assert [one["dead_letters"] for one in home.lines("groups", "list")] == [0, 1]
    for words in (("list", "nlp"), ("show", "nlp", letter["letter_id"])):
        shown = home.run("dead-letters", *words).stdout
        assert "bad\\x1b[31m ticker" in shown
    assert "甲  nlp, 1 delivery\n" in home.run("dead-letters", "list", "nlp").stdout
    shown = home.json("dead-letters", "show", "nlp", letter["letter_id"])
    assert shown["data"].encode() == failed.data
    assert home.run("dead-letters", "retry", "nlp").exit_code == 2
    assert home.json("dead-letters", "retry", "nlp", "--all") == {"retried": 1, "trimmed": 0}
    assert [one.id for one in consume(home, 1)] == [failed.id]
    assert home.lines("dead-letters", "list", "nlp") == []
    assert home.lines("groups", "list")[1]["pending"] == 0


def test_a_trimmed_dead_letter_stays(home: Home, redis_client: redis.Redis) -> None:
    """Its entry cannot be delivered again; the record stays where it is until it is discarded."""
    publish(home, "甲", "乙")
    consume(home, 2, is_bad=True)
    redis_client.xtrim(STREAM, maxlen=0, approximate=False)
    assert home.json("dead-letters", "retry", "nlp", "--all") == {"retried": 0, "trimmed": 1}
    assert home.run("dead-letters", "discard", "nlp", "--all").exit_code == 2
    assert home.json("dead-letters", "discard", "nlp", "--all", "--yes") == {"discarded": 1}
    assert "No dead letters." in home.run("dead-letters", "list", "nlp").stdout
    missing = home.run("dead-letters", "show", "nlp", "1-1")
    assert missing.exit_code == 2
    assert "see `newsdrop dead-letters list nlp`" in missing.stderr
    assert "is not a stream ID" in home.run("dead-letters", "show", "nlp", "20230418-ca").stderr
