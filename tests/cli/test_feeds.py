"""`feeds`: polling, listing and changing feeds by commands."""

import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
import redis
from rich.cells import cell_len
from rich.console import Console

from tests.cli.test_urls import feed
from tests.home import Home
from tests.http_server import Reply, Web
from worker.actions.feed_names import FeedNames, name_from_title, name_from_url
from worker.feeds import managed
from worker.feeds.opml import Outline, write_opml
from worker.pipeline.feeds.poll import fetch, poll
from worker.store.broker import QUEUE, queue_name

ESCAPE = "\x1b[31m\u202e"
"""What would colour a terminal and turn text around."""


@pytest.fixture
def web(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A server that may be fetched from, with a feed."""
    with Web() as server:
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_NETWORKS", "127.0.0.0/8")
        monkeypatch.setenv("NEWSDROP_FETCH_ALLOW_PORTS", str(server.port))
        monkeypatch.setenv("NEWSDROP_FETCH_HOST_INTERVAL_SECONDS", "0")
        server.pages["/feed"] = Reply(body=feed("甲", "乙"))
        yield server


def polled(home: Home) -> None:
    """What beat's tick and the workers would do."""
    context = home.context()
    poll(context, notify=lambda: None)
    fetch(context, notify=lambda: None)
    home.work()


def page(*links: str) -> Reply:
    """A page that names feeds."""
    named = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="{link}" href="{link}">'
        for link in links
    )
    body = f"<html><head>{named}</head><body><p>港口</p></body></html>".encode()
    return Reply(body=body, headers={"content-type": "text/html"})


def configured(home: Home, monkeypatch: pytest.MonkeyPatch, text: str) -> Path:
    """A config file's feeds."""
    path = home.put("feeds.toml", text)
    monkeypatch.setenv("NEWSDROP_FEEDS_FILE", str(path))
    return path


def test_a_feed_is_added_polled_and_listed(home: Home, web: Web) -> None:
    """Added with all its keys, it is polled at once; the list has its counts and its next poll."""
    added = home.json(
        "feeds", "add", web.url("/feed"), "--name", "harbour", "--tag", "port", "--tag", "news",
        "--time-zone", "Asia/Tokyo", "--min-interval", "60", "--max-interval", "600",
    )  # fmt: skip
    assert added == {
        "name": "harbour", "url": web.url("/feed"), "title": "港", "entries": 2, "page": None,
        "is_notified": True,
    }  # fmt: skip
    (before,) = home.lines("feeds", "list")
    assert (before["status"], before["next_poll"]) == ("new", None)
    polled(home)
    (listed,) = home.lines("feeds", "list")
    assert listed["status"] == "ok"
    assert (listed["published"], listed["duplicate"], listed["entries"]) == (2, 0, 2)
    assert listed["interval_seconds"] == 360  # what a feed begins with, shortened
    assert listed["last_new"] < listed["next_poll"]
    assert not listed["configured"]
    assert {tuple(record["tags"]) for record in home.lines("tail", "--from", "0")} == {
        ("port", "news")
    }
    shown = home.run("feeds", "list").stdout
    assert "1 feed\n" in shown
    assert "harbour" in shown


def test_a_title_is_shown_once(home: Home, web: Web) -> None:
    """A title is not repeated where the name was made from it."""
    assert home.run("feeds", "add", web.url("/feed")).stdout.splitlines()[0] == (
        f"港 added: {web.url('/feed')}"
    )
    named = home.run("feeds", "add", web.url("/feed?2"), "--name", "harbour").stdout
    assert named.splitlines()[0] == f"harbour added: {web.url('/feed?2')}  港"


def test_adding_a_feed_wakes_the_workers(home: Home, web: Web, redis_client: redis.Redis) -> None:
    """One wake-up is queued at once; a thousand added feeds do not fill the queue."""
    home.run("feeds", "add", web.url("/feed"))
    queue = queue_name(QUEUE, home.settings().state_dir)
    assert redis_client.llen(queue) == 1
    most = home.settings().max_wakeups()
    for number in range(most + 2):
        home.json("feeds", "add", web.url(f"/{number}"), "--no-check")
    assert redis_client.llen(queue) == most


def test_a_page_that_links_one_feed_adds_that_feed(home: Home, web: Web) -> None:
    """The feed's address is added with the page's user, and the output names the page."""
    web.pages["/page"] = page("/feed")
    added = home.json("feeds", "add", web.url("/page", user="me:geheim"))
    assert (added["url"], added["page"]) == (web.url("/feed"), web.url("/page"))
    assert web.requests[-1].headers["authorization"].startswith("Basic ")
    polled(home)
    assert home.lines("feeds", "list")[0]["published"] == 2


def test_of_several_feeds_a_person_chooses(home: Home, web: Web) -> None:
    """They are listed with what to type, exit 1, and nothing is added."""
    web.pages["/page"] = page("/feed?a=1&amp;b=2", "/comments")
    refused = home.run("feeds", "add", web.url("/page"))
    assert refused.exit_code == 1
    assert f"newsdrop feeds add '{web.url('/feed?a=1&b=2')}'\n" in refused.stdout
    assert f"newsdrop feeds add {web.url('/comments')}\n" in refused.stdout
    found = home.json("feeds", "add", web.url("/page"), code=1)["feeds"]
    assert found == [
        {"url": web.url("/feed?a=1&b=2"), "title": "/feed?a=1&b=2", "kind": "rss"},
        {"url": web.url("/comments"), "title": "/comments", "kind": "rss"},
    ]
    assert home.lines("feeds", "list") == []


def test_what_is_no_feed_is_refused_with_the_reason(home: Home, web: Web) -> None:
    """A page without a feed, an error, a private address; `--no-check` adds it without fetching."""
    web.pages["/page"] = page()
    web.pages["/text"] = Reply(body="港口的消息。".encode())
    reasons = {
        web.url("/page"): "is a page, not a feed, and names none: look for its feed's address in",
        web.url("/text"): "cannot be added: this is text, not a feed: give the address of a feed",
        web.url("/gone"): "answers 404 (not found)",
        "http://10.0.0.1/feed": "is not public",
    }
    for url, reason in reasons.items():
        refused = home.run("feeds", "add", url)
        assert refused.exit_code == 1
        assert reason in refused.stderr
        assert "rel=" not in refused.stderr, "that was looked for"
    assert home.lines("feeds", "list") == []
    assert home.json("feeds", "add", web.url("/gone"), "--no-check")["entries"] is None


def test_headers_stay_with_the_host_they_were_given_for(home: Home, web: Web) -> None:
    """They are sent with the check, never shown, and not to a feed that a page has elsewhere."""
    home.run("feeds", "add", web.url("/feed"), "--header", "X-Key: geheim")
    assert web.requests[-1].headers["x-key"] == "geheim"
    for command in (["list"], ["list", "--json"], ["export"], ["refresh", "--all"]):
        assert "geheim" not in home.run("feeds", *command).output
    web.pages["/page"] = page(web.url("/feed", host="127.0.0.2"))
    refused = home.run("feeds", "add", web.url("/page"), "--header", "X-Key: geheim")
    assert refused.exit_code == 2
    assert "by its own address" in refused.stderr
    wrong = home.run("feeds", "add", web.url("/x"), "--header", "geheim")
    assert (wrong.exit_code, "geheim" in wrong.output) == (2, False)


def test_credentials_are_never_shown(home: Home, web: Web) -> None:
    """Neither a user and password nor a token, in no command's output, failing or not."""
    url = web.url("/feed?token=geheim", user="me:geheim")
    results = [home.run("feeds", "add", url), home.run("feeds", "add", url)]
    web.pages["/feed"] = Reply(500)
    polled(home)
    for command in (["list"], ["list", "--failing"], ["list", "--json"], ["refresh", "--failing"]):
        results.append(home.run("feeds", *command))
    assert all("geheim" not in one.output for one in results)
    listed = home.json("feeds", "list")
    assert (listed["status"], listed["trouble"]) == ("failing", "status")
    exported = home.run("feeds", "export")
    assert "me:geheim" not in exported.output
    assert "token=geheim" in exported.stdout, "without it the address would be none"
    assert "keep the list private" in exported.stderr


def test_wrong_keys_are_refused_before_any_fetch(home: Home, web: Web) -> None:
    """Zone, interval, site and name, each with its error, exit 2."""
    home.json("feeds", "add", web.url("/other"), "--no-check", "--name", "taken")
    wrong = {
        ("--time-zone", "Mars/One"): "IANA",
        ("--min-interval", "0"): "write a number from 10 up",
        ("--schedule", "often"): "cron",
        ("--site", "sinna"): "did you mean sina?",
        ("--name", "a b"): "letters of any script",
        ("--name", "drop"): "already a source named drop",
        ("--name", "taken"): "already a source named taken",
        ("--name", "manual"): "newsdrop itself uses the name manual",
    }
    for options, why in wrong.items():
        refused = home.run("feeds", "add", web.url("/feed"), *options)
        assert refused.exit_code == 2
        assert why in refused.stderr
    again = home.run("feeds", "add", web.url("/other"))
    assert "already a feed of" in again.stderr
    assert "`newsdrop feeds set taken key=value`" in again.stderr
    assert web.requests == []


def test_a_failing_feed_is_listed_with_its_error_and_next_poll(home: Home, web: Web) -> None:
    """How often and how long ago it failed, when it is polled next and why; gaps and moves, too."""
    for name in ("harbour", "bridge", "coast"):
        web.pages[f"/{name}"] = Reply(body=feed("甲", "乙"))
        home.json("feeds", "add", web.url(f"/{name}"), "--name", name)
        polled(home)
    web.pages["/harbour"] = Reply(404)
    web.pages["/bridge"] = Reply(body=feed("丙", "丁"))
    web.pages["/coast"] = Reply(301, headers={"location": "/moved"})
    web.pages["/moved"] = Reply(body=feed("甲", "乙"))
    for _ in range(3):
        for name in ("harbour", "bridge", "coast"):
            home.run("feeds", "refresh", name)
            polled(home)
    shown = home.run("feeds", "list").stdout
    assert re.search(r"harbour failing +\S.* +– +in 20 min", shown)  # no interval now
    assert "harbour: failed 3 times in a row, the last" in shown
    assert "; next try in 20 min\n" in shown
    assert f"    {web.url('/harbour')} answers 404 (not found)" in shown
    assert "bridge: 1 gap, the last " in shown
    assert "ago: entries may have been missed" in shown
    assert f"coast: moved permanently, now polled at {web.url('/moved')}" in shown
    assert "3 feeds: 1 failing\n" in shown
    assert [one["name"] for one in home.lines("feeds", "list", "--failing")] == ["harbour"]
    assert "bridge" not in home.run("feeds", "list", "--failing").stdout
    home.run("feeds", "reset-errors", "harbour")
    assert home.run("feeds", "list", "--failing").stdout == "None of 3 feeds is failing.\n"


def test_text_of_a_feed_cannot_move_the_cursor(home: Home, web: Web) -> None:
    """Titles and addresses from outside are escaped wherever they are printed."""
    title = "&#x202e;港"
    body = feed("甲").replace("港".encode(), title.encode())
    web.pages["/feed"] = Reply(body=body)
    web.pages["/page"] = page(f"/a{ESCAPE}", f"/b{ESCAPE}")
    outputs = [
        home.run("feeds", "add", web.url("/page")).output,
        home.run("feeds", "add", web.url("/page"), "--json").output,
        home.run("feeds", "add", web.url("/feed")).output,
        home.run("feeds", "add", f"http://{ESCAPE}.example/").output,
    ]
    polled(home)
    outputs += [home.run("feeds", "list").output, home.run("feeds", "list", "--json").output]
    odd = home.put("odd.opml", write_opml([Outline("\u202e港", "http://[x/\u202e")], "x"))
    outputs += [home.run("feeds", "import", str(odd)).output]
    for output in outputs:
        assert "\x1b" not in output
        assert "\u202e" not in output


def test_the_list_without_redis(lonely: Home) -> None:
    """The configured feeds are listed with exit 3; adding works and says when polling begins."""
    added = lonely.run("feeds", "add", "https://harbour.example/rss", "--no-check")
    assert added.exit_code == 0
    assert "polling starts when `newsdrop up` runs" in added.stderr
    listed = lonely.run("feeds", "list")
    assert listed.exit_code == 3
    assert "harbour.example" in listed.stdout
    assert "cannot be reached" in listed.stderr
    (one,) = lonely.lines("feeds", "list", code=3)
    assert (one["status"], one["published"]) == ("unknown", None)
    assert "harbour.example unknown" in listed.stdout
    assert lonely.run("feeds", "list", "--failing").exit_code == 3
    assert lonely.run("feeds", "refresh", "--all").exit_code == 3
    assert lonely.run("feeds", "remove", "harbour.example").exit_code == 0


def test_feeds_of_the_config_file_are_removed_there(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names the file, exit 2, and the command removes no other feed."""
    text = '[[feeds]]\nname = "coast"\nurl = "https://coast.example/rss"\n'
    path = configured(home, monkeypatch, text)
    home.json("feeds", "add", "https://harbour.example/rss", "--no-check")
    refused = home.run("feeds", "remove", "harbour.example", "coast")
    assert refused.exit_code == 2
    assert f"coast is defined in {path}: remove it there" in refused.stderr
    assert len(home.lines("feeds", "list")) == 2
    assert home.json("feeds", "remove", "harbour.example") == {"removed": 1}
    assert [one["configured"] for one in home.lines("feeds", "list")] == [True]
    taken = home.run("feeds", "add", "https://x.example/", "--no-check", "--name", "coast")
    assert "already a source" in taken.stderr


def test_feeds_are_removed_while_others_cannot_be_read(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An error in the config file does not prevent removing a feed that a command added."""
    for name in ("harbour", "coast"):
        home.json("feeds", "add", f"https://{name}.example/", "--no-check", "--name", name)
    with managed.edit_feeds(home.state) as mine:
        mine["bridge"] = {"name": "bridge", "url": "ftp://bridge.example/"}
    path = configured(home, monkeypatch, "[[feeds]\n")
    assert home.json("feeds", "remove", "harbour") == {"removed": 1}
    refused = home.run("feeds", "remove", "coast", "nosuch")
    assert (refused.exit_code, "cannot be read as TOML" in refused.stderr) == (2, True)
    path.write_text("")
    assert home.run("feeds", "list").exit_code == 2
    assert home.json("feeds", "remove", "bridge") == {"removed": 1}
    assert [one["name"] for one in home.lines("feeds", "list")] == ["coast"]


def test_feeds_that_cannot_be_read_hide_no_work(
    home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`status` shows the work and the error, before the first poll and after it."""
    path = configured(home, monkeypatch, "[[feeds]\n")
    for expected in (0, 1):
        found = home.json("status")
        assert f"{path} cannot be read as TOML" in found["feeds_problem"]
        assert found["polled"]["feeds"] == expected
        shown = home.run("status")
        assert shown.exit_code == 0
        assert "The feeds cannot be read; the previous ones are still polled." in shown.stdout
        path.write_text(f'[[feeds]]\nname = "harbour"\nurl = "{web.url("/feed")}"\n')
        polled(home)
        assert home.json("status")["feeds_problem"] is None
        path.write_text("[[feeds]\n")


def test_a_feed_without_news_is_not_shown_as_failing(home: Home, web: Web) -> None:
    """Known entries are counted, refused ones listed; the feed's title is shown where the name
    differs."""
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour")
    polled(home)
    body = feed("甲", "乙").replace("<title>港</title>".encode(), b"<title>The Bridge</title>", 1)
    body = body.replace(b"</item>", b"<comments>/c</comments></item>")  # or their marks are known
    web.pages["/bridge"] = Reply(body=body.replace(b"</channel>", b"<item></item></channel>"))
    for name in ("127.0.0.1-4", "the-bridge"):
        home.json("feeds", "add", web.url(f"/bridge?{name}"), "--name", name)
        web.pages[f"/bridge?{name}"] = web.pages["/bridge"]
    polled(home)
    shown = home.run("feeds", "list").stdout
    rows = {line.split()[0]: line.split() for line in shown.splitlines() if line[:1].strip()}
    assert rows["harbour"][-4:] == ["2", "2", "0", "港"]
    assert rows["127.0.0.1-4"][-5:] == ["3", "0", "2", "The", "Bridge"]
    assert rows["the-bridge"][-3:] == ["3", "0", "2"]
    assert "127.0.0.1-4: 1 article refused so far; see newsdrop quarantine list" in shown


def test_a_private_address_names_the_setting_of_the_service(
    home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Setting it for one command does not help."""
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour")
    monkeypatch.delenv("NEWSDROP_FETCH_ALLOW_PORTS")
    polled(home)
    shown = home.run("feeds", "list").stdout
    assert f"list {web.port} in fetch.allow_ports (NEWSDROP_FETCH_ALLOW_PORTS)" in shown
    assert "start `newsdrop up` with it" in shown


def test_unknown_names_are_refused_with_the_nearest(home: Home) -> None:
    """By every command that takes names, before any change."""
    home.json("feeds", "add", "https://harbour.example/rss", "--no-check", "--name", "harbour")
    for command in ("remove", "refresh", "reset-errors"):
        refused = home.run("feeds", command, "harbour", "harbor")
        assert refused.exit_code == 2
        assert "did you mean harbour?" in refused.stderr
    assert len(home.lines("feeds", "list")) == 1
    unnamed = {"refresh": "name the feeds, or --all (or --failing)", "reset-errors": "or --all\n"}
    for command, advice in unnamed.items():
        refused = home.run("feeds", command)
        assert (refused.exit_code, advice in refused.stderr) == (2, True)
    assert home.run("feeds", "refresh", "harbour", "--all").exit_code == 2


def test_feeds_are_sources(home: Home, web: Web) -> None:
    """A feed is paused and resumed by its name, all polling by `feeds`; unknown names are
    refused."""
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour")
    seen = len(web.requests)
    assert home.json("pause", "harbour") == {"source": "harbour", "paused": True}
    polled(home)
    assert len(web.requests) == seen
    assert "harbour paused" in home.run("feeds", "list").stdout
    held = home.run("feeds", "refresh", "harbour").stdout
    assert "1 paused: polled only after `newsdrop resume harbour`\n" in held
    assert "harbour: polled again" in home.run("resume", "harbour").stdout
    home.run("pause", "feeds")
    assert "`newsdrop resume feeds`\n" in home.run("feeds", "refresh", "--all").stdout
    polled(home)
    assert len(web.requests) == seen
    assert "Polling is paused" in home.run("feeds", "list").stdout
    home.run("resume", "feeds")
    polled(home)
    assert len(web.requests) == seen + 1
    assert "did you mean harbour?" in home.run("pause", "harbuor").stderr
    assert home.run("explain", "--title", "甲", "--source", "harbour").exit_code in (0, 1)
    assert home.run("explain", "--title", "甲", "--source", "harbuor").exit_code == 2


def test_a_feed_added_again_is_not_paused(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A removed feed that was paused does not pause a new one of the same name."""
    add = ("feeds", "add", "https://harbour.example/", "--no-check", "--name", "harbour")
    text = '[[feeds]]\nname = "harbour"\nurl = "https://harbour.example/"\n'
    home.json(*add)
    home.run("pause", "harbour")
    home.run("feeds", "remove", "harbour")
    path = configured(home, monkeypatch, text)
    assert home.lines("feeds", "list")[0]["status"] == "new"
    home.run("pause", "harbour")
    path.write_text("")
    home.json(*add)
    assert home.lines("feeds", "list")[0]["status"] == "new"


def test_opml_is_imported_and_exported(home: Home, web: Web) -> None:
    """New addresses are added with tags and unique names; an export imports as nothing new."""
    home.json("feeds", "add", web.url("/feed", user="me:geheim"), "--name", "harbour")
    path = home.put(
        "list.opml",
        write_opml(
            [
                Outline("Harbour", web.url("/feed")),
                Outline("Harbour", "https://a.example/rss", ("port", "news")),
                Outline("海港", "https://www.b.example/rss"),
                Outline("海岸", "https://b.example/rss2"),
                Outline("Broken", "http://[x"),
                Outline("Files", "ftp://a.example/rss"),
                Outline("Bare", "a.example/rss"),
            ],
            "mine",
        ),
    )
    dry = home.json("feeds", "import", str(path), "--dry-run", code=1)
    assert (dry["added"], dry["known"], len(home.lines("feeds", "list"))) == (3, 1, 1)
    report = home.json("feeds", "import", str(path), code=1)
    assert (report["added"], report["known"]) == (3, 1)
    assert [one["title"] for one in report["invalid"]] == ["Broken", "Files", "Bare"]
    tags = {one["name"]: one["tags"] for one in home.lines("feeds", "list")}
    assert tags == {
        "harbour": [],
        "harbour-2": ["port", "news"],
        "海港": [],
        "海岸": [],
    }
    home.run("feeds", "export", str(home.path / "out.opml"))
    assert b"geheim" not in (home.path / "out.opml").read_bytes()
    again = home.run("feeds", "import", "-", stdin=(home.path / "out.opml").read_bytes())
    assert again.stdout == "0 feeds added, 4 already there\n"


def test_a_moved_feed_is_exported_with_its_new_address(home: Home, web: Web) -> None:
    """And an import recognises it by that address."""
    home.json("feeds", "add", web.url("/feed"), "--name", "harbour")
    web.pages["/old"] = web.pages["/feed"]
    web.pages["/feed"] = Reply(301, headers={"location": "/old"})
    for _ in range(3):
        polled(home)
        home.run("feeds", "refresh", "harbour")
    (outline,) = home.lines("feeds", "export")
    assert outline["url"] == web.url("/old")
    exported = home.run("feeds", "export").stdout.encode()
    assert home.run("feeds", "import", "-", stdin=exported).stdout.startswith("0 feeds added, 1 ")


def test_the_list_fits_eighty_columns(
    home: Home, web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long names and notices wrap; the columns of a long list are aligned."""
    output = StringIO()
    narrow = Console(file=output, width=80, markup=False, highlight=False)
    for module in ("feeds.feed_table", "feeds.results", "output"):
        monkeypatch.setattr(f"worker.cli.{module}.console", lambda: narrow)
    monkeypatch.setattr("worker.cli.feeds.feed_table._CHUNK", 1)
    home.run("feeds", "add", web.url("/feed"), "--name", "harbour")
    home.run("feeds", "add", web.url("/gone"), "--no-check", "--name", "x" * 64)
    polled(home)
    home.run("feeds", "refresh", "--all")
    polled(home)
    output.truncate(0)
    home.run("feeds", "list")
    lines = output.getvalue().lstrip("\0").splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert "港" in [line.strip() for line in lines], (
        "there is room for a title beneath its name only"
    )
    at = lines[0].index("interval")
    assert next(line for line in lines if line.startswith("harbour"))[at:].startswith("9 min")
    assert any(line[at:].startswith("–  ") for line in lines if line.startswith("xxx"))


def test_short_names_are_not_wrapped(home: Home) -> None:
    """A column is at least as wide as its head; a Chinese character needs two columns."""
    for name in ("澜港", "北岸渔港快报"):
        home.run("feeds", "add", "https://a.example/" + name, "--name", name, "--no-check")
        lines = home.run("feeds", "list").stdout.splitlines()
        assert lines[0].startswith("feed  ")
        assert f"{name} new  " in lines[1] + lines[2]


def test_an_invalid_list_is_refused(home: Home) -> None:
    """No OPML, no such file, a list without feeds: one sentence, exit 2."""
    for path in (home.put("a.opml", b"no list"), home.path / "nosuch"):
        refused = home.run("feeds", "import", str(path))
        assert refused.exit_code == 2
        assert refused.stderr.startswith("newsdrop: ")


def test_names_are_made_of_titles_or_hosts() -> None:
    """Valid and unique, with the letters of the title in any script; else made from the host."""
    assert name_from_title("Café Harbour: News!") == "cafe-harbour-news"
    assert name_from_title("新浪财经 RSS") == "新浪财经-rss"
    assert name_from_title("がぎ 한국 Ｎｅｗｓ हिन्दी") == "がぎ-한국-news-हिन्दी"
    assert name_from_title("·★") == ""
    assert name_from_url("https://www.harbour.example:8443/rss") == "harbour.example"
    assert name_from_url("rsshub://sina/finance?limit=3") == "sina-finance"
    names = FeedNames(["harbour.example"])
    url = "https://harbour.example/"
    made = [names.free(None, url), names.free("Feeds", url), names.free("·", "http://[::1]/")]
    assert made == ["harbour.example-2", "feeds-2", "1"]
    assert len(names.free("x" * 500, url)) <= 64
