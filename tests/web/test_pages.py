"""What the pages show and what their forms do, over real HTTP and a real server."""

import re
from html import unescape
from typing import Any

import pytest

from tests.cli.conftest import home, lonely
from tests.home import article
from tests.http_server import Reply, Web
from tests.newsroom import feed
from tests.web.pages import NASTY, RLO, enqueue_files, ours, send_form, text, words
from tests.web.served import Served
from worker.settings import load
from worker.sources.registry import pause
from worker.store.connection import connect, redis_url
from worker.store.layout import Layout

__all__ = ["home", "lonely", "ours"]


def test_empty_pages_name_the_next_step(ours: Served) -> None:
    """Where nothing is yet each page names the next step."""
    for path, wanted in (
        ("/", "No worker is running"),
        ("/", "Refused 0 none so far"),
        ("/jobs", "Enqueue a file"),
        ("/articles", "drop one into a watched folder"),
        ("/quarantine", "can be retried"),
        ("/feeds", "newsdrop feeds import"),
        ("/enqueue", "watched folder"),
        ("/explain", "title and date"),
    ):
        assert wanted in words(text(ours, path)), path


def test_every_page_has_one_frame(ours: Served) -> None:
    """Title, skip link, one main, one h1, and its place in the navigation."""
    for path in ("/", "/jobs", "/articles", "/quarantine", "/feeds", "/enqueue"):
        html = text(ours, path)
        assert html.count("<h1") == 1
        assert html.count("<main") == 1
        assert 'href="#main"' in html
        assert html.count('aria-current="page"') == 1
        assert re.search(r"<title>[^<]+ · newsdrop</title>", html)
        assert '<html lang="en" ' in html


def test_the_overview_counts(ours: Served) -> None:
    """Outcomes by number, source and minute, with a table beside the bars."""
    enqueue_files(ours, a=article("一"), b=article("一"), c=b"", d=article("二"))
    seen = words(text(ours, "/"))
    assert "Published 2 articles in total" in seen
    assert "Refused 1 see reasons" in seen
    assert "published 2 revised 0 withdrawn 0 duplicate 1 refused 1" in seen
    assert re.search(r"manual just now – 0 2 0 0 1 1", seen)
    html = text(ours, "/")
    assert '<svg viewBox="0 0 720 120"' in html
    assert 'role="img" aria-labelledby="chart-title chart-desc"' in html
    assert "<caption" in html


def test_problems_link_to_their_pages(ours: Served, web: Web) -> None:
    """Failing feeds, a source, workers, articles that differ."""
    web.pages["/rss"] = feed(1)
    ours.post("/feeds", {"url": web.url("/rss"), "name": "harbour"}, status=201)
    ours.home.run("feeds", "refresh", "harbour")
    settings = ours.home.settings()
    connect(redis_url(settings)).sadd(Layout(settings.stream.name, 1).key("feeds", "failing"), "x")
    for source in ("drop", "feeds"):
        pause(settings.state_dir, source)
    enqueue_files(ours, a=article("一"), b=article("一", body="另一段。"))
    region = text(ours, "/").partition('id="problems"')[2].partition('id="figures"')[0]
    links = re.findall(r'<li [^>]*>(?:<p><strong>)?<a href="([^"]+)"', region)
    assert links[:2] == ["/#h-workers", "/feeds?show=failing"]
    assert {"/sources/drop", "/jobs?outcome=duplicate"} <= {*links}
    assert len(links) == region.count("<li ")
    for link in links:
        text(ours, unescape(link))


def test_a_consumers_lag_is_shown(ours: Served) -> None:
    """Each consumer group has its lag beside its name."""
    enqueue_files(ours, a=article("一"), b=article("二"))
    settings = load()
    connect(redis_url(settings)).xgroup_create(settings.stream.name, "indexer", "0")
    assert re.search(r"indexer 0 0 2\b", words(text(ours, "/")))


def test_a_job_is_followed_to_its_refusals(ours: Served) -> None:
    """The list links to the job, the job to each refused file, its reason and retry."""
    job = enqueue_files(
        ours, **{"good.md": article("一"), "bad.md": b"", "worse.md": b"\x00\x01\x02"}
    )
    listed = text(ours, "/jobs")
    assert f'href="/jobs/{job}"' in listed
    assert "person" in words(listed)
    html = text(ours, f"/jobs/{job}")
    assert "Done: 3 files" in words(html)
    assert "bad.md" in html
    assert "the file is empty" in html
    assert html.count(">Retry<") == 2
    led = send_form(ours, f"/jobs/{job}/retry", f"/jobs/{job}")
    assert re.fullmatch(r"/jobs/retry-[\w-]+\?done=retried", led)
    assert "Accepted again" in text(ours, led)
    assert words(text(ours, "/quarantine")).count("The quarantine is empty") == 1
    ours.home.work()
    assert "2 inputs in quarantine" in words(text(ours, "/quarantine"))


def test_a_file_of_many_refused_articles_is_listed_once(ours: Served) -> None:
    """With their number and the first message, on the page and in the terminal."""
    lines = "".join(f"{{'title': {number}}}\n" for number in range(40))
    many = enqueue_files(ours, **{"many.ndjson": '{"title": "一", "content_text": "x"}\n' + lines})
    refused = text(ours, f"/jobs/{many}")
    assert refused.count("many.ndjson</a>") == 1
    assert "× 40" in words(refused)
    shown = ours.home.run("jobs", many).stdout
    assert shown.count("many.ndjson") == 2  # the job's input, and what was refused of it
    assert "malformed × 40\n" in shown
    assert shown.count("line ") == 1  # of the first


def test_many_jobs_are_paged(ours: Served) -> None:
    """Fifty are on a page; the link to the older ones ends with the last."""
    context = ours.home.context()
    from worker.store.factory import job_store
    from worker.store.jobs import Job, JobKind

    store = job_store(context.settings)
    for number in range(60):
        store.open(Job(f"scan-{number}", JobKind.SCAN, "drop", f"job {number}", 10**12 + number))
    first = text(ours, "/jobs")
    assert (first.count("<tr data-key"), "/jobs?cursor=50" in first) == (50, True)
    rest = text(ours, "/jobs?cursor=50")
    assert (rest.count("<tr data-key"), "cursor=100" in rest) == (10, False)
    assert text(ours, "/jobs?cursor=x").count("<tr data-key") == 50


def test_a_zone_is_chosen(ours: Served) -> None:
    """Its cookie is used; an invalid one is refused; no address leads to another site."""
    answer = ours.client.get("/articles", params={"zone": "Asia/Shanghai", "q": "港口"})
    assert answer.headers["location"] == "/articles?q=%E6%B8%AF%E5%8F%A3"
    assert "newsdrop_zone=Asia/Shanghai;" in answer.headers["set-cookie"]
    assert 'data-zone="Asia/Shanghai"' in text(ours, "/articles")
    odd = ours.client.get("/consumers/a%3F%25%00%1B", params={"zone": "UTC"})
    assert odd.headers["location"] == "/consumers/a%3F%25%00%1B"
    links = ours.client.get(odd.headers["location"]).text
    assert 'href="/consumers/a%3F%25%00%1B?zone=UTC"' in links
    assert not {"\x00", "\x1b"} & set(links)
    ours.client.cookies.set("newsdrop_zone", "../etc")
    for zone in ("Mars/Base", "../etc", "a\r\nset-cookie: x=1"):
        assert ours.client.get("/", params={"zone": zone}).status_code == 422
    assert ours.client.get("//elsewhere.example/", params={"zone": "UTC"}).status_code != 303 or (
        not ours.client.get("//elsewhere.example/", params={"zone": "UTC"})
        .headers["location"]
        .startswith("//")
    )
    assert ours.client.get("/api/v1/jobs", params={"zone": "UTC"}).status_code == 400


@pytest.mark.parametrize(("path", "parameter"), [("/articles", "before"), ("/quarantine", "after")])
def test_unusual_parameters_do_not_spoil_the_cache(ours: Served, path: str, parameter: str) -> None:
    """Renderings are cached by their parameters, and an empty one is none."""
    for question_page in (f"{path}?{parameter}=", path):
        assert "Unprocessable" not in text(ours, question_page)


def test_addresses_are_enqueued(ours: Served, web: Web) -> None:
    """Pasted addresses become a job, whose page follows; an invalid one is an error."""
    web.pages["/a.md"] = Reply(200, article("一").encode())
    led = send_form(ours, "/enqueue", addresses=f" {web.url('/a.md')}\n\n")
    assert led.startswith("/jobs/enqueue-")
    ours.home.work()
    assert "Published 1" in words(text(ours, led))
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/enqueue"))
    assert token is not None
    answer = ours.client.post("/enqueue", data={"form_token": token[1], "addresses": "nonsense"})
    assert (answer.status_code, "is not an address" in answer.text) == (422, True)


def test_everything_from_outside_is_escaped(ours: Served) -> None:
    """Markup stays text, and no character reverses the line."""
    good = article("港<script>alert(1)</script>口" + RLO, body="<script>alert(2)</script>正文")
    job = enqueue_files(ours, **{NASTY: b"", "good<b>.md": good})
    (row,) = ours.get("/articles")["articles"]
    (refused,) = ours.get("/quarantine")["refused"]
    pages = ["/", "/jobs", f"/jobs/{job}", "/articles", f"/articles/{row['id']}", "/quarantine"]
    pages += [f"/quarantine/{refused['id']}", f"/quarantine/{refused['id']}/discard"]
    for path in pages:
        html = text(ours, path)
        assert re.findall(r"<script(?! src=)", html) == [], path
        assert RLO not in html, path
        assert "<b>.md" not in html
    for path in ("/articles", "/explain"):
        query = {"q": NASTY, "title": NASTY, "place": NASTY, "date": NASTY}
        html = ours.client.get(path, params=query).text
        assert re.findall(r"<script(?! src=)", html) == []
    for path in ("/jobs/%3Cscript%3E", "/feeds/%3Cscript%3E", "/articles/%3Cscript%3E"):
        assert "<script>" not in text(ours, path, 404)
    assert "well done" not in text(ours, "/quarantine?done=well+done")


def test_the_page_is_cached_for_all_readers(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Within a second many readers cost one rendering."""
    looks = []
    from worker.web.pages import overview as module

    real = module.get_overview

    def counted(*args: Any) -> Any:
        looks.append(1)
        return real(*args)

    monkeypatch.setattr(module, "get_overview", counted)
    monkeypatch.setattr("worker.web.shared.FRESH_SECONDS", 60.0)
    for _ in range(20):
        text(ours, "/")
    assert len(looks) == 1


def test_a_change_is_shown_at_once(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page after a form's POST is rendered again."""
    monkeypatch.setattr("worker.web.shared.FRESH_SECONDS", 60.0)
    enqueue_files(ours, **{"a.md": b""})
    (one,) = ours.get("/quarantine")["refused"]
    assert one["id"] in text(ours, "/quarantine")
    address = f"/quarantine/{one['id']}/discard"
    assert one["id"] not in text(ours, send_form(ours, address, address).partition("?")[0])
