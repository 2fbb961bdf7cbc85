"""The pages of feeds and sources: a person adds, edits, previews and pauses feeds on them."""

import re
from typing import Any

from tests.cli.conftest import home, lonely
from tests.home import article
from tests.http_server import Reply, Web
from tests.newsroom import feed
from tests.web.pages import ours, send_form, text, words
from tests.web.served import CHANGES, Served, read_json
from worker.store.connection import connect, redis_url
from worker.store.factory import feed_store

__all__ = ["home", "lonely", "ours"]


def test_feeds_are_added_polled_paused_and_removed(ours: Served, web: Web) -> None:
    """A feed is added by its address, polled now, paused, resumed, its errors reset, and removed
    after a question."""
    web.pages["/rss"] = feed(1, 2)
    led = send_form(ours, "/feeds", "/feeds", url=web.url("/rss"), name="harbour")
    assert led == "/feeds/harbour?done=added"
    assert "harbour" in words(text(ours, led))
    for change, shown_text in (("poll", "polled"), ("reset", "reset"), ("pause", "paused")):
        assert send_form(ours, f"/feeds/harbour/{change}", "/feeds/harbour").endswith(
            f"done={shown_text}"
        )
    assert send_form(ours, "/feeds/harbour/poll", "/feeds").endswith("done=held")
    assert "harbour" in text(ours, "/feeds?show=paused")
    assert "No feed is failing" in text(ours, "/feeds?show=failing")
    assert send_form(ours, "/feeds/harbour/resume", "/feeds").endswith("done=resumed")
    assert "Keep it" in text(ours, "/feeds/harbour/remove")
    assert send_form(ours, "/feeds/harbour/remove", "/feeds") == "/feeds?done=removed"
    text(ours, "/feeds/harbour", 404)


def test_a_feed_is_edited_on_its_page(ours: Served) -> None:
    """Only changes are set; errors keep the typed text; passwords and headers are hidden."""
    keys = {"url": "https://me:secret@a.example/rss", "name": "a", "check": False}
    ours.post("/feeds", {**keys, "headers": {"X-Key": "classified"}}, status=201)
    html = text(ours, "/feeds/a/edit")
    assert "secret" not in html
    assert "classified" not in html
    assert "X-Key" in html
    shown = dict(re.findall(r'<input id="(\w+)" name="\w+"[^>]*? value="([^"]*)"', html))
    changes = {"tags": "港口, 财经", "schedule": "*/5 9-15 * * 1-5", "full_text": "true"}
    fields = {**shown, "scope": "source", **changes, "header": "X-Key="}
    assert send_form(ours, "/feeds/a/edit", "/feeds/a/edit", **fields) == "/feeds/a?done=changed"
    feed = ours.post("/feeds", {**keys, "name": "b"}, 409)["detail"]
    assert "a.example" in feed  # the address kept its password: it is the same feed
    shown = ours.get("/feeds/a")
    assert (shown["tags"], shown["full_text"]) == (["港口", "财经"], True)
    assert shown["schedule"] == changes["schedule"]
    assert "None is set." in text(ours, "/feeds/a/edit")
    token = re.search(r'name="form_token" value="([^"]+)"', html)
    assert token is not None
    fields = {"form_token": token[1], **fields, "header": "", "min_interval_seconds": "soon"}
    answer = ours.client.post("/feeds/a/edit", data=fields)
    assert answer.status_code == 422
    assert "min_interval_seconds: " in words(answer.text)
    assert 'value="soon"' in answer.text


def test_near_of_a_feed_is_set_on_its_page(ours: Served) -> None:
    """The saved value is selected when the form is opened again."""
    ours.post("/feeds", {"url": "https://a.example/rss", "name": "a", "check": False}, status=201)

    def chosen() -> list[str]:
        html = text(ours, "/feeds/a/edit")
        (options,) = re.findall(r'<select id="near".*?</select>', html)
        assert re.findall(r'value="(\w*)"', options) == ["", "off", "mark"]
        return re.findall(r'value="(\w*)" selected', options)

    shown = dict(
        re.findall(
            r'<input id="(\w+)" name="\w+"[^>]*? value="([^"]*)"', text(ours, "/feeds/a/edit")
        )
    )
    assert chosen() == [""]
    for value in ("mark", "off", ""):
        fields = {**shown, "near": value}
        assert (
            send_form(ours, "/feeds/a/edit", "/feeds/a/edit", **fields) == "/feeds/a?done=changed"
        )
        assert chosen() == [value]
    for value in ("mark", "off", None):
        answer = ours.client.patch("/api/v1/feeds/a", json={"near": value}, headers=CHANGES)
        assert read_json(answer, 200).get("near") == value
        assert chosen() == [value or ""]
    answer = ours.client.patch("/api/v1/feeds/a", json={"near": "drop"}, headers=CHANGES)
    assert "choose one of: 'off', 'mark'" in read_json(answer, 422)["detail"]


def test_a_feed_page_counts_its_rechecks(ours: Served) -> None:
    """The form names required keys; page and overview have counts, in both languages."""
    ours.post("/feeds", {"url": "https://a.example/rss", "name": "a", "check": False}, status=201)
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/feeds/a/edit"))
    assert token is not None
    shown = dict(
        re.findall(
            r'<input id="(\w+)" name="\w+"[^>]*? value="([^"]*)"', text(ours, "/feeds/a/edit")
        )
    )
    fields = {**shown, "form_token": token[1], "recheck": "true"}
    answer = ours.client.post("/feeds/a/edit", data=fields)
    assert answer.status_code == 422
    assert "recheck needs full_text = true" in words(answer.text)
    fields |= {"full_text": "true", "on_change": "revise"}
    assert ours.client.post("/feeds/a/edit", data=fields).status_code == 303
    assert "Rechecks none yet" in words(text(ours, "/feeds/a"))
    counts = [("waiting", "a", 7), ("done", "a", 5), ("dropped", "a", 3)]
    ours.home.context().recheck_store.count_rechecks(counts)
    for path in ("/feeds/a", "/"):
        assert "Rechecks 7 waiting, 5 done, 3 dropped" in words(text(ours, path))
        answer = ours.client.get(path, headers={"accept-language": "zh-CN"})
        assert "复查 等待 7，完成 5，放弃 3" in words(answer.text)
    scraped = ours.client.get("/metrics").text
    for line in (
        "waiting 7.0",
        "due 0.0",
        'total{outcome="done"} 5.0',
        'total{outcome="dropped"} 3.0',
    ):
        assert f"newsdrop_rechecks_{line}" in scraped


def test_many_feeds_are_changed_at_once(ours: Served) -> None:
    """Those that are ticked, or all that match: their number is shown first."""
    for number in range(12):
        keys = {"url": f"https://{number}.example/rss", "name": f"feed-{number}", "check": False}
        ours.post("/feeds", {**keys, "tags": ["even"] if number % 2 == 0 else []}, status=201)
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/feeds"))

    def send(path: str, **fields: Any) -> Any:
        assert token is not None
        return ours.client.post(path, data={"form_token": token[1], **fields})

    def names(html: str) -> list[str]:
        return re.findall(r'<input type="hidden" name="feed" value="([^"]+)">', html)

    question_page = send("/feeds/selected", which="matching", query="tag=even")
    assert "6 feeds" in words(question_page.text)
    even = names(question_page.text)
    assert even == [f"feed-{number}" for number in range(0, 12, 2)]
    assert names(send("/feeds/selected", which="selected", feed=["feed-3"]).text) == ["feed-3"]
    assert send("/feeds/selected").headers["location"].endswith("unselected")
    for what, tags in (("pause", ""), ("tag", "港口，财经"), ("untag", "even"), ("poll", "")):
        led = send("/feeds/bulk", what=what, feed=even, tags=tags)
        assert led.headers["location"] == "/feeds?done=changed"
    feeds = {feed["name"]: feed for feed in ours.get("/feeds")["feeds"]}
    assert [name for name in feeds if feeds[name]["status"] == "paused"] == even
    assert feeds["feed-4"]["tags"] == ["港口", "财经"]
    assert feeds["feed-1"]["tags"] == []
    send("/feeds/bulk", what="resume", feed=even)
    assert {feed["status"] for feed in ours.get("/feeds")["feeds"]} == {"new"}
    send("/feeds/bulk", what="remove", feed=even)
    assert len(ours.get("/feeds")["feeds"]) == 6
    assert ours.post("/feeds/tag", {"names": ["feed-1"], "add": ["x"]}) == {"feeds": 1}
    assert send("/feeds/bulk", what="burn", feed=["feed-1"]).status_code == 404
    assert ours.client.post("/feeds/bulk", data={"what": "remove"}).status_code == 403


def test_a_feed_that_cannot_be_added_is_explained(ours: Served, web: Web) -> None:
    """The form keeps its values; a page of several feeds offers a choice."""
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/feeds"))
    assert token is not None
    fields = {"form_token": token[1]}
    answer = ours.client.post("/feeds", data={**fields, "url": web.url("/none"), "name": "x"})
    assert answer.status_code == 502
    assert "404" in answer.text
    assert f'value="{web.url("/none")}"' in answer.text
    links = "".join(
        f'<link rel="alternate" type="application/rss+xml" title="F{n}" href="/{n}">' for n in "12"
    )
    page = f"<html><head>{links}</head><body>x</body></html>".encode()
    web.pages["/page"] = Reply(200, page, {"content-type": "text/html"})
    for name in ("/1", "/2"):
        web.pages[name] = feed(1)
    answer = ours.client.post("/feeds", data={**fields, "url": web.url("/page")})
    assert "Choose one." in answer.text
    assert web.url("/2") in answer.text


def test_a_feed_is_previewed_before_it_is_added(ours: Served, web: Web) -> None:
    """Entries as records, refusals and errors; nothing is stored."""
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/feeds"))
    assert token is not None
    web.pages["/rss"] = feed(*range(1, 13))
    fields = {"form_token": token[1], "url": web.url("/rss"), "tags": "港口， 财经"}
    answer = ours.client.post("/feeds/preview", data=fields)
    seen = words(answer.text)
    assert answer.status_code == 200
    assert "港口日报 12 entries" in seen
    assert "The first 10:" in seen
    assert "港口第1号公告 2021-11-26 9 https://harbour.example/1.html" in seen
    assert "港口第11号公告" not in seen
    assert 'value="港口, 财经"' in answer.text
    assert ours.get("/feeds")["feeds"] == []
    assert ours.get("/articles")["articles"] == []
    answer = ours.client.post("/feeds/preview", data={**fields, "url": web.url("/none")})
    assert (answer.status_code, "404" in answer.text) == (502, True)
    answer = ours.client.post("/feeds/preview", data={**fields, "url": "http://10.0.0.1/rss"})
    assert (answer.status_code, "not public" in answer.text) == (422, True)


def test_feeds_are_listed_failing_first_in_natural_order(ours: Served, web: Web) -> None:
    """feed-2 before feed-10, a failing one above all; words and tags choose."""
    for name, tag in (("feed-10", "港口"), ("feed-2", "财经"), ("feed-9", "财经"), ("z", "财经")):
        web.pages[f"/{name}"] = feed(1)
        keys = {"url": web.url(f"/{name}"), "name": name, "tags": [tag], "check": name != "z"}
        ours.post("/feeds", keys, status=201)
    settings = ours.home.settings()
    store = feed_store(settings)
    connect(redis_url(settings)).hset(store.key("z").decode(), "failures", 3)

    def names(query: str = "") -> list[str]:
        return re.findall(
            r'<th scope="row" class="title">.*?<a href="/feeds/([^"]+)"',
            text(ours, f"/feeds{query}"),
        )

    assert names() == ["z", "feed-2", "feed-9", "feed-10"]
    connect(redis_url(settings)).hset(store.key("feed-9").decode(), "title", "feed-9 ")
    (row,) = re.findall(r'<tr data-key="feed-9">.*?</tr>', text(ours, "/feeds"), re.DOTALL)
    assert words(row).count("feed-9") == 2  # its name, and its address
    assert names("?tag=港口") == ["feed-10"]
    assert names("?q=FEED-9") == ["feed-9"]
    assert names("?show=failing&tag=财经") == ["z"]
    assert "No feed matches." in text(ours, "/feeds?q=none")


def test_a_source_has_a_page_of_its_scans(ours: Served) -> None:
    """Its last scans and newest articles, pause and resume; a feed's page has its polls."""
    assert "Drop a file into" in text(ours, "/sources/drop")
    ours.home.drop.rename(ours.home.path / "away")
    seen = text(ours, "/sources/drop")
    assert "No scan has found a file yet." in seen
    assert "The folder is missing." in seen
    assert "Drop a file into" not in seen
    assert "watching" not in seen
    (ours.home.path / "away").rename(ours.home.drop)
    (ours.home.drop / "one.md").write_text(article("一号"), "utf-8")
    ours.home.settle_and_work()
    seen = words(text(ours, "/sources/drop"))
    assert re.search(r"Took [\d-]+ [\d:]+ UTC 1 1 \d+ B [\d.]+ m?s", seen), seen
    assert send_form(ours, "/sources/drop/pause", "/sources/drop") == "/sources/drop?done=paused"
    assert send_form(ours, "/sources/drop/resume", "/sources/drop") == "/sources/drop?done=resumed"
    assert "newsdrop" in words(text(ours, "/sources/none", 404))
    ours.post("/feeds", {"url": "http://a.example/rss", "name": "a", "check": False}, status=201)
    assert ours.client.get("/sources/a").headers["location"] == "/feeds/a"
    assert "Not polled yet." in text(ours, "/feeds/a")


def test_an_unknown_source_is_refused(ours: Served) -> None:
    """With a mistyped source the key would be another one."""
    question_page = {"title": "Harbour opens", "date": "2022-01-01", "source": "dorp"}
    answer = ours.client.get("/explain", params=question_page)
    assert "no source is named dorp" in answer.text
