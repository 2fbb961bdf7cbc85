"""What the pages show and what their forms do, over real HTTP and a real server."""

import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest

from tests.cli.conftest import home, lonely
from tests.cli.test_groups import consume
from tests.home import Home, article
from tests.http_server import Reply, Web
from tests.newsroom import feed
from tests.web.served import CHANGES, Served, expire_at_once, may_fetch, read_json, served
from worker.settings import load
from worker.sources.registry import pause
from worker.store.connection import connect, redis_url
from worker.store.factory import feed_store
from worker.store.layout import Layout

__all__ = ["home", "lonely"]

RLO = "\u202e"
NASTY = f"<script>alert(1)</script>\"'&{RLO}evil"


@pytest.fixture
def ours(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A home that is served, and may fetch from the test's own web server."""
    may_fetch(monkeypatch, web)
    expire_at_once(monkeypatch)
    with served(home) as one:
        yield one


def text(one: Served, path: str, status: int = 200) -> str:
    answer = one.client.get(path)
    assert answer.status_code == status, answer.text
    return answer.text


def words(html: str) -> str:
    """What a reader sees, roughly: without tags, spaces folded."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def sent(one: Served, path: str, form: str = "", **fields: str) -> str:
    """Send a form of the page `form`; the address of the page that follows."""
    token = re.search(r'name="form_token" value="([^"]+)"', text(one, form or "/enqueue"))
    assert token is not None
    answer = one.client.post(path, data={"form_token": token[1], **fields})
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


def enqueued(one: Served, **files: str | bytes) -> str:
    """Enqueue files by the API and work on them: the job's id."""
    forms = [("file", (name, data, "text/markdown")) for name, data in files.items()]
    job: str = one.post("/enqueue", files=forms, status=202)["job"]
    one.home.work()
    return job


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
    enqueued(ours, a=article("一"), b=article("一"), c=b"", d=article("二"))
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
    enqueued(ours, a=article("一"), b=article("一", body="另一段。"))
    region = text(ours, "/").partition('id="problems"')[2].partition('id="figures"')[0]
    links = re.findall(r'<li [^>]*>(?:<p><strong>)?<a href="([^"]+)"', region)
    assert links[:2] == ["/#h-workers", "/feeds?show=failing"]
    assert {"/sources/drop", "/jobs?outcome=duplicate"} <= {*links}
    assert len(links) == region.count("<li ")
    for link in links:
        text(ours, unescape(link))


def test_a_consumers_lag_is_shown(ours: Served) -> None:
    """Each consumer group has its lag beside its name."""
    enqueued(ours, a=article("一"), b=article("二"))
    settings = load()
    connect(redis_url(settings)).xgroup_create(settings.stream.name, "indexer", "0")
    assert re.search(r"indexer 0 0 2\b", words(text(ours, "/")))


def test_a_job_is_followed_to_its_refusals(ours: Served) -> None:
    """The list links to the job, the job to each refused file, its reason and retry."""
    job = enqueued(ours, **{"good.md": article("一"), "bad.md": b"", "worse.md": b"\x00\x01\x02"})
    listed = text(ours, "/jobs")
    assert f'href="/jobs/{job}"' in listed
    assert "person" in words(listed)
    html = text(ours, f"/jobs/{job}")
    assert "Done: 3 files" in words(html)
    assert "bad.md" in html
    assert "the file is empty" in html
    assert html.count(">Retry<") == 2
    led = sent(ours, f"/jobs/{job}/retry", f"/jobs/{job}")
    assert re.fullmatch(r"/jobs/retry-[\w-]+\?done=retried", led)
    assert "Accepted again" in text(ours, led)
    assert words(text(ours, "/quarantine")).count("The quarantine is empty") == 1
    ours.home.work()
    assert "2 inputs in quarantine" in words(text(ours, "/quarantine"))


def test_a_file_of_many_refused_articles_is_listed_once(ours: Served) -> None:
    """With their number and the first message, on the page and in the terminal."""
    lines = "".join(f"{{'title': {number}}}\n" for number in range(40))
    many = enqueued(ours, **{"many.ndjson": '{"title": "一", "content_text": "x"}\n' + lines})
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


def test_an_article_is_read(ours: Served) -> None:
    """Text with emphasis, origin, key and JSON; pictures are links."""
    body = "<strong>要点在此</strong>，其余如常，港口方面表示这项计划将于明年全面实施。</p><p><img src='https://img.example/a.jpg'>"
    enqueued(ours, **{"港.md": article("港口", body=body), "再.md": article("港口", body="别的")})
    (row,) = ours.get("/articles")["articles"]
    html = text(ours, f"/articles/{row['id']}")
    assert re.search(r'<h1 lang="zh[^"]*">港口</h1>', html)
    assert (
        "<p><strong>要点在此</strong>，其余如常，港口方面表示这项计划将于明年全面实施。</p>" in html
    )
    assert "<img" not in html
    assert 'href="https://img.example/a.jpg" rel="noopener noreferrer nofollow"' in html
    seen = words(html)
    assert "港.md" in seen
    assert re.search(
        r"duplicate of revision 1 · manual 再\.md · raw file · job different content", seen
    )
    answer = ours.client.get(f"/articles/{row['id']}.json").json()
    assert (answer["id"], answer["title"]) == (row["id"], "港口")


def test_a_dead_letter_is_not_acknowledged(ours: Served) -> None:
    """The timeline shows it as a dead letter of its group, and only that record."""
    enqueued(ours, a=article("甲"), b=article("乙"))
    ours.post("/groups", {"group": "nlp"}, 201)
    failed = consume(ours.home, 2, is_bad=True)[0]
    states = {
        row["title"]: ours.get(f"/articles/{row['id']}")["deliveries"][0]["state"]
        for row in ours.get("/articles")["articles"]
    }
    assert sorted(states.values()) == ["acknowledged", "dead"]
    html = text(ours, f"/articles/{failed.id}")
    assert '<a href="/consumers/nlp">dead letter</a>' in html


def test_an_article_has_one_timeline(ours: Served) -> None:
    """Each step has its raw file and its changes; another article's batch has none."""
    enqueued(ours, a=article("港口", body="首段照旧。</p><p>泊位三个，月底启用。"))
    files = [("file", ("b", article("港口", body="首段照旧。</p><p>泊位四个，月底启用。")))]
    ours.post("/enqueue", files=files, data={"force": "true"}, status=202)
    enqueued(ours, other=article("图书馆", body="开馆。"))
    rows = {row["title"]: row["id"] for row in ours.get("/articles")["articles"]}
    html = text(ours, f"/articles/{rows['港口']}")
    steps = re.findall(r'<li class="step s-(\w+)"', html)
    assert steps == ["seen", *(["claimed", "parsed", "published"]), "claimed", "parsed", "revised"]
    assert "<del>泊位<mark>三</mark>个，月底启用。</del><ins>泊位<mark>四</mark>个" in html
    first, second = re.findall(r'href="(/articles/[^"]+/raw/[^"]+)" download', html)
    answer = ours.client.get(first)
    assert "泊位三个" in answer.text
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "泊位四个" in ours.client.get(f"/api/v1{second}").text
    for path in (first.replace(rows["港口"], rows["图书馆"]), first[: first.rindex("/")] + "/7"):
        assert ours.client.get(path).status_code == 404
    for batch in ("20260101T000000.000000-0a-..", "..%2F..", "20260101T000000.000000-a-..%2Fx"):
        assert ours.client.get(f"/articles/{rows['港口']}/raw/{batch}/0").status_code == 404


def test_an_article_of_a_day_has_no_time(ours: Served) -> None:
    """Where the source gives only a day, that day is shown, not its midnight in UTC."""
    enqueued(ours, a=article("港口开放", "2022-03-04"), b=article("图书馆夜读", "2022-03-05 09:30"))
    rows = {row["title"]: row["id"] for row in ours.get("/articles")["articles"]}
    day = words(text(ours, f"/articles/{rows['港口开放']}"))
    assert "2022-03-04 " in day
    assert "2022-03-03 16:00 " not in day
    assert "2022-03-05 01:30 " in words(text(ours, f"/articles/{rows['图书馆夜读']}"))


def test_articles_are_filtered(ours: Served) -> None:
    """Filters are in the address and can be removed; facets are links; errors are beside the
    bar."""
    enqueued(ours, a=article("港口开放", "2022-03-04 09:30:00"), b=article("图书馆夜读"))
    rows = {row["title"]: row for row in ours.get("/articles")["articles"]}
    wanted = f"/articles/{rows['港口开放']['id']}"
    found = ours.client.get("/articles", params={"q": rows["港口开放"]["id"]})
    assert found.headers["location"] == wanted
    page = text(ours, "/articles?q=夜读&source=manual")
    assert "图书馆夜读" in page
    assert "港口开放" not in page
    assert 'data-live="/live?q=%E5%A4%9C%E8%AF%BB&amp;source=manual&amp;page=articles"' in page
    assert 'href="/articles?source=manual" aria-label="Remove the filter Words"' in page
    assert 'href="/articles?date=2022-03-04"' in text(ours, "/articles")
    assert 'href="/articles?source=manual"' in text(ours, wanted)
    assert "No article matches." in text(ours, "/articles?q=没有")
    assert "is not a date to filter by" in text(ours, "/articles?date=yesterday")
    assert "is not a date to filter by" in text(ours, "/articles?date=2026-13")
    assert "No article matches." in text(ours, "/articles?outcome=rejected")


def test_quarantine_and_jobs_have_the_same_bar(ours: Served) -> None:
    """Filters are in addresses, links and live updates, with translated labels."""
    enqueued(ours, a=article("港口开放"), **{"empty.md": "", "none.md": "no article"})
    page = text(ours, "/quarantine?reason=empty&q=empty")
    assert "empty.md" in page
    assert "none.md" not in page
    assert 'data-live="/live?reason=empty&amp;q=empty&amp;page=quarantine"' in page
    assert ">Reason</label>" in page
    chinese = ours.client.get("/quarantine?reason=empty", headers={"accept-language": "zh"}).text
    assert ">原因</label>" in chinese
    assert "原因: 空文件" in chinese
    assert "No input matches." in text(ours, "/quarantine?source=nobody")
    for unknown in ("reason=nosuch", "state=gone"):
        page = text(ours, f"/quarantine?{unknown}")
        assert f"no refused input can pass the filter {unknown}" in page
        assert '<a href="/quarantine">Show all refused inputs</a>' in page
    assert "is not a date to filter by" in text(ours, "/quarantine?date=x")
    assert "No job matches." in text(ours, "/jobs?q=nosuch")
    assert 'data-live="/live?source=manual&amp;page=jobs"' in text(ours, "/jobs?source=manual")
    assert "is not a date to filter by" in text(ours, "/jobs?date=x")


def test_refused_inputs_are_discarded_and_retried_together(ours: Served) -> None:
    """Selected or all matching ones, after a count by reason; newer ones stay."""
    enqueued(ours, **{f"{n}.md": "" for n in range(3)}, **{"none.md": "no article"})
    shown = text(ours, "/quarantine/matching?reason=empty")
    assert "3 inputs match" in words(shown)
    fields = dict(re.findall(r'name="(form_token|query|until)" value="([^"]*)"', shown))
    enqueued(ours, **{"later.md": ""})

    def send(path: str, **more: Any) -> Any:
        return ours.client.post(path, data={**fields, **more}, headers={"origin": ours.url})

    def left() -> set[str]:
        return {one["path"] for one in ours.get("/quarantine")["refused"]}

    assert send("/quarantine/matching", what="discard").headers["location"].endswith("discarded")
    assert left() == {"none.md", "later.md"}
    ids = [one["id"] for one in ours.get("/quarantine")["refused"]]
    question_page = send("/quarantine/selected", what="ask", id=ids)
    assert "Discard 2 inputs?" in words(question_page.text)
    assert len(left()) == 2
    assert (
        send("/quarantine/selected", what="retry", id=ids[:1])
        .headers["location"]
        .startswith("/jobs/")
    )
    assert len(left()) == 1
    assert send("/quarantine/selected", what="discard", id=ids[1:]).status_code == 303
    assert left() == set()
    assert send("/quarantine/selected", what="retry").headers["location"].endswith("unselected")


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


def test_discarded_inputs_are_restored(ours: Served) -> None:
    """From their list; an input whose file was published later says so."""
    enqueued(ours, **{f"{n}.md": "" for n in range(2)}, **{"none.md": "no article"})
    assert 'href="/quarantine?reason=empty">empty <b>2</b></a>' in text(ours, "/quarantine")
    ids = [one["id"] for one in ours.get("/quarantine")["refused"]]
    ours.post("/quarantine/discard", {"ids": ids})
    assert ours.get("/quarantine")["total"] == 0
    shown = text(ours, "/quarantine?state=discarded&reason=empty")
    assert "Retry" not in words(shown[shown.index("<tbody>") :])
    shown = text(ours, "/quarantine/matching?state=discarded&reason=empty")
    fields = dict(re.findall(r'name="(form_token|query|until)" value="([^"]*)"', shown))
    fields["query"] = unescape(fields["query"])
    sent(ours, "/quarantine/matching", "/quarantine", **fields, what="restore")
    assert {one["path"] for one in ours.get("/quarantine")["refused"]} == {"0.md", "1.md"}
    assert ours.post("/quarantine/restore", {"ids": ids}, status=404)["detail"]
    enqueued(ours, **{"0.md": article("补写的")})
    (void,) = ours.get("/quarantine")["later"].values()
    assert void["status"] == "published"
    assert (
        f'void</span> The same source brought this file again: <a href="/articles/{void["id"]}"'
        in (text(ours, "/quarantine"))
    )


def test_an_input_of_many_articles_is_never_void(ours: Served) -> None:
    """The articles of a file that were published say nothing about the one that was refused."""
    good = [f'{{"title": "第{number}条", "content_text": "正文"}}' for number in range(3)]
    many = "\n".join(['{"title": "", "content_text": ""}', *good])
    enqueued(ours, **{"many.ndjson": many})
    found = ours.get("/quarantine")
    assert ([one["path"] for one in found["refused"]], found["later"]) == (["many.ndjson"], {})


def test_the_page_of_a_bulk_discard_speaks_of_discarding_only(ours: Served) -> None:
    """What is ticked is discarded there; only the page of all that match offers a retry, too."""
    enqueued(ours, **{"0.md": ""})
    (refused,) = ours.get("/quarantine")["refused"]
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/quarantine"))
    assert token is not None
    ticked = {"form_token": token[1], "id": refused["id"], "what": "ask"}
    shown = words(ours.client.post("/quarantine/selected", data=ticked).text)
    assert ("Retry" in shown, "can be restored for" in shown) == (False, True)
    assert "Retry accepts them again" in words(text(ours, "/quarantine/matching?reason=empty"))


def test_articles_are_paged_by_the_stream(ours: Served) -> None:
    """Older ones follow from the last entry shown; an invalid id is an error."""
    enqueued(ours, **{f"{n}.md": article(f"第{n}条") for n in range(60)})
    first = text(ours, "/articles")
    assert first.count("<tr data-key") == 50
    older = re.search(r'href="(/articles\?before=[^"]+)">Older', first)
    assert older is not None
    assert text(ours, older[1]).count("<tr data-key") == 10
    assert "not a stream ID" in text(ours, "/articles?before=x", 422)


@pytest.mark.parametrize(("path", "parameter"), [("/articles", "before"), ("/quarantine", "after")])
def test_unusual_parameters_do_not_spoil_the_cache(ours: Served, path: str, parameter: str) -> None:
    """Renderings are cached by their parameters, and an empty one is none."""
    for question_page in (f"{path}?{parameter}=", path):
        assert "Unprocessable" not in text(ours, question_page)


def test_an_article_is_explained(ours: Served) -> None:
    """By title and date, and by its path."""
    enqueued(ours, **{"2022/港.md": article("港口开放", "2022-03-04 09:30:00")})
    by_title = words(text(ours, "/explain?title=港口开放&date=2022-03-04"))
    assert "would be a duplicate" in by_title
    assert "港口开放 + 2022-03-04" in by_title
    assert "2022/港.md" in words(text(ours, "/explain?place=港.md"))
    assert "new: would be published" in words(text(ours, "/explain?title=x&date=2022-01-01"))
    assert "needs the article's content" in words(text(ours, "/explain?title=x"))


def test_a_refused_input_is_previewed_and_discarded(ours: Served) -> None:
    """Reason, text or dump, and a question before it is removed."""
    enqueued(
        ours, **{"a.md": "only <b>words</b>, nothing that says what it is", "b.bin": b"\x00\x01MZ"}
    )
    by_name = {one["path"]: one["id"] for one in ours.get("/quarantine")["refused"]}
    shown = text(ours, f"/quarantine/{by_name['a.md']}")
    assert "only &lt;b&gt;words" in shown
    assert "00 01 4d 5a" in text(ours, f"/quarantine/{by_name['b.bin']}")
    address = f"/quarantine/{by_name['a.md']}/discard"
    assert "can be restored for 7 days" in text(ours, address)
    assert sent(ours, address, address) == "/quarantine?done=discarded"
    text(ours, f"/quarantine/{by_name['a.md']}", 404)
    assert "Discarded" in text(ours, "/quarantine?done=discarded")
    assert "empty" not in words(text(ours, "/quarantine?reason=not_text").partition("<table")[2])


def test_warnings_are_counted_and_linked(ours: Served) -> None:
    """Overview, source and job link to the articles; a button publishes refused ones."""
    job = enqueued(ours, **{"a.md": article("无日期", "Invalid Date")})
    for path in ("/", f"/jobs/{job}"):
        assert "warnings: date missing 1" in words(text(ours, path)), path
        assert 'href="/articles?warning=date_missing"' in text(ours, path)
    answer = ours.post("/enqueue", files=[("file", ("b.md", article("乙", "?"), "text/markdown"))],
                       data={"strict": "true"}, status=202)  # fmt: skip
    assert answer["files"] == 1
    ours.home.work()
    [refused] = ours.home.lines("quarantine", "list")
    page = f"/quarantine/{refused['id']}"
    assert "Publish with its warnings" in text(ours, page)
    sent(ours, f"{page}/retry", page, accept_warnings="yes")
    ours.home.work()
    assert "date missing 2" in words(text(ours, "/"))


def test_a_refused_file_is_retried(ours: Served) -> None:
    """Retry accepts it again as a job of its own."""
    enqueued(ours, **{"a.md": b""})
    (one,) = ours.get("/quarantine")["refused"]
    led = sent(ours, f"/quarantine/{one['id']}/retry", "/quarantine")
    assert led.endswith("?done=retried")
    assert "retry" in words(text(ours, led))


def test_feeds_are_added_polled_paused_and_removed(ours: Served, web: Web) -> None:
    """A feed is added by its address, polled now, paused, resumed, its errors reset, and removed
    after a question."""
    web.pages["/rss"] = feed(1, 2)
    led = sent(ours, "/feeds", "/feeds", url=web.url("/rss"), name="harbour")
    assert led == "/feeds/harbour?done=added"
    assert "harbour" in words(text(ours, led))
    for change, shown_text in (("poll", "polled"), ("reset", "reset"), ("pause", "paused")):
        assert sent(ours, f"/feeds/harbour/{change}", "/feeds/harbour").endswith(
            f"done={shown_text}"
        )
    assert sent(ours, "/feeds/harbour/poll", "/feeds").endswith("done=held")
    assert "harbour" in text(ours, "/feeds?show=paused")
    assert "No feed is failing" in text(ours, "/feeds?show=failing")
    assert sent(ours, "/feeds/harbour/resume", "/feeds").endswith("done=resumed")
    assert "Keep it" in text(ours, "/feeds/harbour/remove")
    assert sent(ours, "/feeds/harbour/remove", "/feeds") == "/feeds?done=removed"
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
    assert sent(ours, "/feeds/a/edit", "/feeds/a/edit", **fields) == "/feeds/a?done=changed"
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
        assert sent(ours, "/feeds/a/edit", "/feeds/a/edit", **fields) == "/feeds/a?done=changed"
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
    assert sent(ours, "/sources/drop/pause", "/sources/drop") == "/sources/drop?done=paused"
    assert sent(ours, "/sources/drop/resume", "/sources/drop") == "/sources/drop?done=resumed"
    assert "newsdrop" in words(text(ours, "/sources/none", 404))
    ours.post("/feeds", {"url": "http://a.example/rss", "name": "a", "check": False}, status=201)
    assert ours.client.get("/sources/a").headers["location"] == "/feeds/a"
    assert "Not polled yet." in text(ours, "/feeds/a")


def test_addresses_are_enqueued(ours: Served, web: Web) -> None:
    """Pasted addresses become a job, whose page follows; an invalid one is an error."""
    web.pages["/a.md"] = Reply(200, article("一").encode())
    led = sent(ours, "/enqueue", addresses=f" {web.url('/a.md')}\n\n")
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
    job = enqueued(ours, **{NASTY: b"", "good<b>.md": good})
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
    enqueued(ours, **{"a.md": b""})
    (one,) = ours.get("/quarantine")["refused"]
    assert one["id"] in text(ours, "/quarantine")
    address = f"/quarantine/{one['id']}/discard"
    assert one["id"] not in text(ours, sent(ours, address, address).partition("?")[0])


def test_an_unknown_source_is_refused(ours: Served) -> None:
    """With a mistyped source the key would be another one."""
    question_page = {"title": "Harbour opens", "date": "2022-01-01", "source": "dorp"}
    answer = ours.client.get("/explain", params=question_page)
    assert "no source is named dorp" in answer.text
