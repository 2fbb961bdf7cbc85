"""`tail`, `show`, `forget`: the records in the stream."""

import json
import subprocess
import sys

import pytest
import redis

from tests.home import Home, article
from tests.template import Program


@pytest.fixture
def five(home: Home) -> Home:
    """A stream of five records, in order."""
    for number in range(5):
        path = home.put(f"{number}.md", article(f"第{number}篇", f"2022-03-0{number + 1} 09:00:00"))
        home.json("enqueue", str(path))
        home.work()
    return home


def test_tail_json_is_the_data_field_of_each_entry(five: Home, redis_client: redis.Redis) -> None:
    """One whole record a line: exactly the object that a consumer reads from `data`."""
    entries = redis_client.xrange("newsdrop:articles")
    assert five.lines("tail") == [json.loads(fields[b"data"]) for _, fields in entries]


def test_tail_begins_at_from(five: Home, redis_client: redis.Redis) -> None:
    """`--from 0` at the oldest, an id after that entry, `$` after the newest; `--count` stops."""
    ids = [entry.decode() for entry, _ in redis_client.xrange("newsdrop:articles")]

    def titles(*args: str) -> list[str]:
        return [record["title"] for record in five.lines("tail", *args)]

    assert titles("--from", "0", "--count", "2") == ["第0篇", "第1篇"]
    assert titles("--from", ids[2]) == ["第3篇", "第4篇"]
    assert titles("--from", "$") == []
    assert titles("--count", "1") == titles("-n", "1") == ["第4篇"]
    assert five.run("tail", "--from", "here").exit_code == 2


def test_tail_of_one_kind_of_warning(five: Home) -> None:
    """`--warning` finds records by a warning's kind in the whole stream; `status` and `jobs` count
    them."""
    for name in ("x", "y"):
        job = five.json("enqueue", str(five.put(f"{name}.md", article(name, "Invalid Date"))))[
            "job"
        ]
        five.work()
    five.json("enqueue", str(five.put("z.md", article("z: date_missing: no"))))
    five.work()

    def titles(*args: str) -> list[str]:
        return [record["title"] for record in five.lines("tail", *args)]

    assert titles("--warning", "date_missing") == ["x", "y"]
    assert titles("--warning", "date_missing", "--count", "1") == ["y"]
    assert titles("--warning", "date_missing", "--from", "0", "--count", "1") == ["x"]
    assert titles("--warning", "cut") == []
    assert five.run("tail", "--warning", "nosuch").exit_code == 2
    counts = {"date_missing": 1, "date_unreadable": 1}
    assert five.json("jobs", job)["warnings"] == counts
    assert "date_missing 1" in five.run("jobs", job).stdout
    assert five.json("status")["articles"]["warnings"] == dict.fromkeys(counts, 2)
    assert "date_missing 2" in five.run("status").stdout


def test_tail_follows(five: Home) -> None:
    """`--follow --count` waits for records to come, shows each at once, and ends after so many."""
    call = [sys.executable, "-m", "worker.cli", "tail", "--from", "$", "-f", "--count", "1"]
    process = Program([*call, "--json"], stdout=subprocess.PIPE, text=True)
    try:
        for number in range(100):  # until it listens: what came before `$` is not for it
            five.json("enqueue", str(five.put(f"new{number}.md", article(f"新{number}"))))
            five.work()
            if process.poll() is not None:
                break
        assert process.stdout is not None
        assert json.loads(process.stdout.read())["title"].startswith("新")
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()


def test_an_empty_stream_prints_advice(home: Home) -> None:
    """Advice on standard error, nothing on standard output, success."""
    result = home.run("tail")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "newsdrop enqueue" in result.stderr


def test_show_prints_one_record(five: Home) -> None:
    """`show ID --json` is the record; an unknown id exits 1 with advice."""
    record = five.lines("tail")[2]
    assert five.json("show", record["id"]) == record
    assert record["title"] in five.run("show", record["id"]).stdout
    missing = five.run("show", "20220101-" + "0" * 24)
    assert missing.exit_code == 1
    assert "newsdrop explain" in missing.stderr


def test_forget_shows_what_the_stream_has(five: Home, redis_client: redis.Redis) -> None:
    """Text and JSON say which entry stays in the stream, or that it was trimmed; `show` finds
    it."""
    ids = [record["id"] for record in five.lines("tail", "--from", "0")]
    entries = redis_client.xrange("newsdrop:articles")
    text = five.run("forget", ids[0]).stdout
    assert "The stream was not changed" in text
    assert f"its entry {entries[0][0].decode()} stays" in text
    shown = five.run("show", ids[0], "--json")
    assert (json.loads(shown.stdout)["id"], "still in the stream" in shown.stderr) == (ids[0], True)
    answer = five.json("forget", ids[1])
    assert (answer["stream_changed"], answer["stream_id"]) == (False, entries[1][0].decode())
    redis_client.xtrim("newsdrop:articles", maxlen=1, approximate=False)
    assert "no entry of it any more" in five.run("forget", ids[2]).stdout
    assert redis_client.xlen("newsdrop:articles") == 1


def test_a_forgotten_article_is_published_again(five: Home) -> None:
    """Under the same id; forgetting it twice exits 1."""
    record = five.lines("tail")[0]
    assert five.json("forget", record["id"])["forgotten"]
    assert five.run("forget", record["id"]).exit_code == 1
    five.json("enqueue", str(five.path / "0.md"))
    five.work()
    assert five.lines("tail")[-1]["id"] == record["id"]
    assert five.json("status")["stream"]["length"] == 6


def test_hostile_titles_neither_colour_nor_move_anything(home: Home) -> None:
    """Escape sequences, direction marks and rich's own markup in a title are shown, not obeyed."""
    title = "[red]a[/red] \x1b[31mb \u202ec \u200bd"
    home.json("enqueue", str(home.put("\x1b[2Jx\u202e.md", article(title))))
    home.work()
    shown = home.run("tail").stdout + home.run("explain", "--title", title).output
    shown += home.run("explain", str(home.path / "\x1b[2Jx\u202e.md")).output
    shown += home.run("tail", "--json").stdout + home.run("jobs").stdout
    assert "[red]a[/red]" in shown
    assert not {"\x1b", "\u202e", "\u200b"} & set(shown)


def test_entries_of_other_programs_are_shown_too(home: Home, redis_client: redis.Redis) -> None:
    """What somebody else wrote into the stream is escaped and does not end the list."""
    redis_client.xadd("newsdrop:articles", {"id": "\x1b[31mx", "date": "\x1b[0m", "data": "[1"})
    result = home.run("tail")
    assert result.exit_code == 0
    assert "\x1b" not in result.stdout


def test_json_is_the_same_value_but_safe_on_a_terminal(
    home: Home, redis_client: redis.Redis
) -> None:
    """Characters that turn or hide text are escaped in JSON output."""
    data = {"title": "a\u202eb\u200bc\u2028d\x9b31m\U000e0041 甲"}
    redis_client.xadd("newsdrop:articles", {"data": json.dumps(data, ensure_ascii=False)})
    shown = home.run("tail", "--json").stdout
    assert json.loads(shown) == data
    assert not {"\u202e", "\u200b", "\u2028", "\x9b", "\U000e0041"} & set(shown)
    assert "甲" in shown


def test_filters_are_those_of_the_page(home: Home) -> None:
    """`tail`, `jobs` and `quarantine list` take the filters of the lists; all given must match."""
    home.json("enqueue", str(home.put("a.md", article("港口扩建", body="Ferry sails."))))
    home.json("enqueue", str(home.put("b.md", article("澄湖气象台", "2021-11-26 09:30:00"))))
    home.json("enqueue", str(home.put("empty.md", "")))
    home.work()

    def titles(*options: str) -> list[str]:
        return [one["title"] for one in home.lines("tail", *options)]

    assert titles("--q", "港 FERRY") == titles("--date", "2022-03") == ["港口扩建"]
    assert titles("--source", "manual", "--from", "0") == [
        "港口扩建",
        "澄湖气象台",
    ]
    for nothing in (("--tag", "x"), ("--ticker", "A.US"), ("--feed", "x"), ("--language", "en")):
        assert titles(*nothing) == []
    job = home.lines("tail", "--q", "港口")[0]["provenance"]["job"]
    assert titles("--job", job, "--outcome", "published") == ["港口扩建"]
    assert [one["path"] for one in home.lines("quarantine", "list", "--q", "empty")] == ["empty.md"]
    assert home.lines("quarantine", "list", "--reason", "empty", "--q", "a.md") == []
    assert "No refused input matches" in home.run("quarantine", "list", "--feed", "x").output
    assert "No job matches" in home.run("jobs", "--source", "x").output
    assert home.run("quarantine", "list", "--reason", "nosuch").exit_code == 2
    assert home.run("tail", "--date", "yesterday").exit_code == 2
    assert len(home.lines("jobs", "--outcome", "rejected")) == 1
    for outcome in ("rejected", "duplicate"):
        result = home.run("tail", "--outcome", outcome, "--follow", "--json")
        assert (result.exit_code, result.stdout) == (0, "")
        assert "quarantine list" in result.stderr


def test_tail_of_stories(home: Home, redis_client: redis.Redis) -> None:
    """`--story` finds its articles, `--first-of-story` omits near-duplicates, whose lines name the
    first."""
    first, other, copy = (f"20230418-{number:024x}" for number in (1, 2, 3))
    stories: tuple[dict[str, str], ...] = (
        {"story": first},
        {},
        {"story": first, "near_duplicate_of": first, "similarity": "0.92"},
    )
    for article_id, story in zip((first, other, copy), stories, strict=True):
        entry = {"type": "article.published", "id": article_id, "data": f'{{"id": "{article_id}"}}'}
        redis_client.xadd("newsdrop:articles", entry | story)  # type: ignore[arg-type]

    def ids(*args: str) -> list[str]:
        return [record["id"] for record in home.lines("tail", *args)]

    assert ids() == [first, other, copy]
    assert ids("--first-of-story") == [first, other]
    assert ids("--story", first) == [first, copy]
    assert ids("--story", first, "--first-of-story", "--from", "0") == [first]
    assert home.run("tail").stdout.count(f"near-duplicate of {first}") == 1
