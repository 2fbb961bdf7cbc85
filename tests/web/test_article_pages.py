"""The pages of articles: lists, filters, one article with its timeline, and explanations."""

import re

from tests.cli.conftest import home, lonely
from tests.cli.test_groups import consume
from tests.home import article
from tests.web.pages import enqueue_files, ours, send_form, text, words
from tests.web.served import Served

__all__ = ["home", "lonely", "ours"]


def test_an_article_is_read(ours: Served) -> None:
    """Text with emphasis, origin, key and JSON; pictures are links."""
    body = "<strong>要点在此</strong>，其余如常，港口方面表示这项计划将于明年全面实施。</p><p><img src='https://img.example/a.jpg'>"
    enqueue_files(
        ours, **{"港.md": article("港口", body=body), "再.md": article("港口", body="别的")}
    )
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
    enqueue_files(ours, a=article("甲"), b=article("乙"))
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
    enqueue_files(ours, a=article("港口", body="首段照旧。</p><p>泊位三个，月底启用。"))
    files = [("file", ("b", article("港口", body="首段照旧。</p><p>泊位四个，月底启用。")))]
    ours.post("/enqueue", files=files, data={"force": "true"}, status=202)
    enqueue_files(ours, other=article("图书馆", body="开馆。"))
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
    enqueue_files(
        ours, a=article("港口开放", "2022-03-04"), b=article("图书馆夜读", "2022-03-05 09:30")
    )
    rows = {row["title"]: row["id"] for row in ours.get("/articles")["articles"]}
    day = words(text(ours, f"/articles/{rows['港口开放']}"))
    assert "2022-03-04 " in day
    assert "2022-03-03 16:00 " not in day
    assert "2022-03-05 01:30 " in words(text(ours, f"/articles/{rows['图书馆夜读']}"))


def test_articles_are_filtered(ours: Served) -> None:
    """Filters are in the address and can be removed; facets are links; errors are beside the
    bar."""
    enqueue_files(ours, a=article("港口开放", "2022-03-04 09:30:00"), b=article("图书馆夜读"))
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


def test_articles_are_paged_by_the_stream(ours: Served) -> None:
    """Older ones follow from the last entry shown; an invalid id is an error."""
    enqueue_files(ours, **{f"{n}.md": article(f"第{n}条") for n in range(60)})
    first = text(ours, "/articles")
    assert first.count("<tr data-key") == 50
    older = re.search(r'href="(/articles\?before=[^"]+)">Older', first)
    assert older is not None
    assert text(ours, older[1]).count("<tr data-key") == 10
    assert "not a stream ID" in text(ours, "/articles?before=x", 422)


def test_an_article_is_explained(ours: Served) -> None:
    """By title and date, and by its path."""
    enqueue_files(ours, **{"2022/港.md": article("港口开放", "2022-03-04 09:30:00")})
    by_title = words(text(ours, "/explain?title=港口开放&date=2022-03-04"))
    assert "would be a duplicate" in by_title
    assert "港口开放 + 2022-03-04" in by_title
    assert "2022/港.md" in words(text(ours, "/explain?place=港.md"))
    unknown = text(ours, "/explain?title=港口&date=2022-01-01")
    assert "new: would be published" in words(unknown)
    search = re.search(r'href="(/articles\?outcome=any[^"]+)"', unknown)
    assert search is not None
    assert "港口开放" in text(ours, search[1].replace("&amp;", "&"))
    assert "needs the article's content" in words(text(ours, "/explain?title=x"))


def test_warnings_are_counted_and_linked(ours: Served) -> None:
    """Overview, source and job link to the articles; a button publishes refused ones."""
    job = enqueue_files(ours, **{"a.md": article("无日期", "Invalid Date")})
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
    send_form(ours, f"{page}/retry", page, accept_warnings="yes")
    ours.home.work()
    assert "date missing 2" in words(text(ours, "/"))
