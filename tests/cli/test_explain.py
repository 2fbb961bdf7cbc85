"""`explain` and `parse`: what newsdrop makes of an input, and why."""

import json
import os
import time

import pytest
import redis

from tests.cli.test_urls import HTML, PAGE, feed
from tests.home import Home, article
from tests.http_server import Reply, Web
from tests.warcs import page, record
from worker.api import parse
from worker.cli.explain import OUTCOMES
from worker.errors import Rejected
from worker.model import Status
from worker.pipeline.feeds.poll import fetch, poll


def test_parse_prints_the_record_and_publishes_nothing(home: Home) -> None:
    """The record of a file, of standard input too; the stream stays empty."""
    text = article("甲")
    record = home.json("parse", str(home.put("a.md", text)))
    assert "ingested_at" not in record  # nothing was published
    assert (record["title"], record["date"]) == ("甲", "2022-03-04")
    piped = home.run("parse", "-", "--json", stdin=text.encode())
    assert json.loads(piped.stdout)["id"] == record["id"]
    assert json.loads(home.run("parse", str(home.path / "a.md")).stdout)["title"] == "甲"
    assert home.json("status")["stream"]["length"] == 0


def test_parse_exits_1_for_what_would_be_refused(home: Home) -> None:
    """The reason is that of the quarantine; the good articles of the file are printed."""
    bad = home.put("bad.ndjson", '{"title":"甲","content_text":"正文"}\n{"title":\n')
    first, second = home.lines("parse", str(bad), code=1)
    assert first["title"] == "甲"
    assert second["refused"]
    assert "refused" in home.run("parse", str(home.put("empty.md", b""))).stderr


def test_parse_reads_a_warc_of_any_size(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages with addresses, bad records with reasons, and counts; `newsdrop.parse` reads it,
    too."""
    monkeypatch.setenv("NEWSDROP_LIMITS_FILE_MB", "1")
    large = record("request", os.urandom(1_500_000))
    path = home.put("crawl.warc", b"".join([large, page(0), page(1, length=9), page(2)]))
    result = home.run("parse", str(path), "--json")
    assert result.exit_code == 1
    first, bad, last = map(json.loads, result.stdout.splitlines())
    assert [first["url"], last["url"]] == [f"https://news.example/{n}" for n in (0, 2)]
    assert first["provenance"]["fetched_at"] == "2024-05-01T10:00:00.000Z"
    assert bad["refused"] == "broken_archive"
    assert "https://news.example/1" in bad["message"]
    counts = "2 pages and 1 damaged records in the WARC; not read: request 1"
    assert counts in result.stderr.replace("\n", " ")
    with pytest.raises(Rejected, match=r"news\.example/1"):
        parse(path)
    home.json("enqueue", str(path))
    home.work()
    past = [entry for one in home.lines("explain", str(path)) for entry in one["past"]]
    assert counts in [entry["message"] for entry in past]
    exported = home.json("archive", "export", "--warc", str(home.path / "all.warc.gz"))
    assert (exported["records"], exported["expired"]) == (2, 0)
    assert len(parse(home.path / "all.warc.gz")) == 2
    assert home.run("archive", "export", "--warc", str(home.path / "all.warc.gz")).exit_code == 2


def test_a_file_too_large_is_not_read_whole(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """`parse` and `explain` read no more than a worker would."""
    monkeypatch.setenv("NEWSDROP_LIMITS_FILE_MB", "1")
    path = str(home.put("big.md", article("甲", body="长" * 400_000)))
    for command in ("parse", "explain"):
        result = home.run(command, path)
        assert result.exit_code == 2
        assert "limits.file_mb" in result.stderr


def test_parse_never_waits_at_a_fifo(home: Home) -> None:
    """A file that is not regular is a usage error, and is not opened."""
    os.mkfifo(home.path / "pipe")
    assert home.run("parse", str(home.path / "pipe")).exit_code == 2
    assert home.run("parse", str(home.path)).exit_code == 2
    assert home.run("parse", str(home.path / "missing")).exit_code == 2


def test_explain_shows_key_match_and_origin(home: Home) -> None:
    """For another file of the same title and date: its key, since when it is known, and its
    origin."""
    home.json("enqueue", "--source", "drop", str(home.put("original.md", article("甲：乙"))))
    home.work()
    mirrored = home.put("mirror.md", article("甲_乙", body="别的正文。"))
    (explained,) = home.lines("explain", str(mirrored))
    assert explained["known"]
    assert explained["same_content"] is False
    assert explained["known_since"].endswith("Z")
    assert explained["in_stream"]["source"] == "drop"
    assert explained["past"][0]["path"] == "original.md"
    shown = home.run("explain", str(mirrored)).stdout
    assert "original.md" in shown
    assert "different content" in shown
    (by_title,) = home.lines("explain", "--title", "甲：乙", "--date", "2022-03-04")
    assert by_title["id"] == explained["id"]


def test_explain_offers_what_has_the_words(home: Home) -> None:
    """Who knows a part of a title gets the articles that have it, with their ids, by `--title` and
    without; a refused file names its place in quarantine, and there is no more to it than that."""
    long = article("云屿港启用全自动码头", body="船舶等待时间缩短四成。")
    good, bad = home.put("a.md", long), home.put("bad.md", b"")
    home.json("enqueue", str(good), str(bad))
    home.work()
    (known,) = home.lines("tail")
    for words in (["全自动码头"], ["--title", "全自动码头"], ["等待时间"]):
        result = home.run("explain", *words)
        assert result.exit_code != 0
        assert "exists here" not in result.output
        assert f"2022-03-04  云屿港启用全自动码头\n    {known['id']}" in result.stdout
    assert known["id"] not in home.run("explain", "火车站").stdout
    assert home.run("explain", "全自动码头", "--json").stdout == ""
    (refused,) = home.lines("quarantine", "list")
    assert f"newsdrop quarantine show {refused['id']}" in home.run("explain", str(bad)).stdout


def test_explain_says_since_when_an_article_is_there(home: Home) -> None:
    """It was first seen when its file was claimed, and not later than it was published."""
    path = home.put("a.md", article("甲"))
    home.json("enqueue", str(path))
    time.sleep(0.1)  # it waits for a worker
    home.work()
    (explained,) = home.lines("explain", str(path))
    (record,) = home.lines("tail")
    shown = home.run("explain", str(path)).stdout
    assert f"first seen  {record['first_seen_at']}" in shown
    assert record["first_seen_at"] < explained["known_since"]


def test_explain_answers_after_the_stream_was_trimmed_and_redis_lost(
    home: Home, redis_client: redis.Redis
) -> None:
    """The archive's journals still show when and from where an article came."""
    home.json("enqueue", str(home.put("a.md", article("甲"))))
    home.work()
    redis_client.xtrim("newsdrop:articles", maxlen=0)
    (explained,) = home.lines("explain", "--title", "甲", "--date", "2022-03-04")
    assert explained["known"]
    assert explained["in_stream"] is None
    assert explained["past"][0]["status"] == "published"
    assert "trimmed, in the archive" in home.run("explain", str(home.path / "a.md")).stdout
    redis_client.flushall()
    (explained,) = home.lines("explain", "--title", "甲", "--date", "2022-03-04")
    assert explained["known"] is False
    assert explained["past"][0]["path"] == "a.md"


def test_explain_knows_files_that_are_gone(home: Home) -> None:
    """By the path a file had: published, refused with its reason, or still waiting."""
    good, bad = home.put("x/a.md", article("甲")), home.put("x/bad.md", b"")
    home.json("enqueue", "--move", str(good), str(bad))
    (waiting,) = home.lines("explain", str(good))
    assert waiting["waiting_in"]
    home.work()
    (explained,) = home.lines("explain", str(good))
    assert (explained["title"], explained["known"]) == ("甲", True)
    (refused,) = home.lines("explain", "bad.md")
    assert refused["reason"] == "empty"
    assert "refused, empty" in home.run("explain", "bad.md").stdout
    never = home.run("explain", "never.md")
    assert never.exit_code == 2
    assert "none with that path was ever accepted" in never.stderr


def test_an_entry_that_waits_for_its_page_is_explained(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the feed's address while it waits; by its page's address, too, once it is published."""
    with Web() as web:
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(web.port))
        monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")
        link = web.url("/page")
        listed = feed("甲").replace("https://harbour.example/甲".encode(), link.encode())
        web.pages["/feed"] = Reply(body=listed)
        web.pages["/page"] = Reply(body=PAGE.encode(), headers=HTML)
        address = web.url("/feed?token=geheim", user="me:geheim")
        web.pages["/feed?token=geheim"] = web.pages["/feed"]
        home.json("feeds", "add", address, "--name", "harbour", "--full-text")
        context = home.context()
        poll(context, notify=lambda: None)
        fetch(context, notify=lambda: None)
        home.work()
        shown = home.run("explain", address).stdout
        assert "waiting for its page" in shown
        assert "new: published once its page is fetched" in shown
        assert "geheim" not in shown
        (waiting,) = home.lines("explain", address)
        fetch(context, notify=lambda: None)
        home.work()
        (explained,) = home.lines("explain", link)
    assert (explained["id"], explained["known"]) == (waiting["id"], True)
    assert [one["status"] for one in explained["past"]] == ["deferred", "published"]


def test_every_outcome_has_a_word() -> None:
    """Every outcome in a journal has a text for people."""
    assert set(OUTCOMES) == set(Status)


def test_an_address_without_accepted_input(home: Home) -> None:
    """The message quotes the address as given; nothing is fetched. A title given as a path gets
    advice."""
    never = home.run("explain", "https://harbour.example/x")
    assert never.exit_code == 2
    assert "nothing was ever accepted from https://harbour.example/x" in never.stderr
    assert "--title and --date" in never.stderr
    assert "--title and --date" in home.run("explain", "港口启用新码头").stderr


def test_an_enqueued_address_is_found_while_it_waits_and_when_refused(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By exactly that address: one with the same ending is another one."""
    with Web() as web:
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(web.port))
        web.pages["/empty"] = Reply(body=b" ")
        home.json("enqueue", web.url("/empty"))
        (waiting,) = home.lines("explain", web.url("/empty"))
        home.work()
        (refused,) = home.lines("explain", web.url("/empty"))
        assert waiting["waiting_in"]
        assert refused["reason"] == "empty"
        assert home.run("explain", web.url("/empt")).exit_code == 2


def test_an_invalid_date_is_refused_with_the_format(home: Home) -> None:
    """Day, month and year in another order may mean two days."""
    wrong = home.run("explain", "--title", "甲", "--date", "32.11.2026")
    assert wrong.exit_code == 2
    assert "32.11.2026 is not a valid date: write it as YYYY-MM-DD" in wrong.stderr


def test_explain_without_redis_reads_the_archive(lonely: Home) -> None:
    """The key is printed, with a note that Redis does not answer, and exit 3."""
    path = lonely.put("a.md", article("甲"))
    (explained,) = lonely.lines("explain", str(path), code=3)
    assert explained["id"].startswith("20220304-")
    assert explained["known"] is None
    assert "only the archive was searched" in lonely.run("explain", str(path)).stderr


def test_explain_of_a_title_without_a_date_needs_the_file(home: Home) -> None:
    """Such a key holds the content, which a title alone does not give."""
    result = home.run("explain", "--title", "甲")
    assert result.exit_code == 1
    assert "give --date, or a PATH" in result.stderr
    assert home.run("explain").exit_code == 2
    assert home.run("explain", "a.md", "--title", "甲").exit_code == 2
