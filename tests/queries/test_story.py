"""Stories as a person sees them: on pages, in the API, on the command line, and why."""

import re
import time
from collections.abc import Iterator

import pytest
import redis

from tests.home import Home, article
from tests.web.pages import enqueue_files, text, words
from tests.web.served import Served, served
from worker.normalize.stories.folding import simplify
from worker.queries.comparison import MAX_PASSAGES, common_passages
from worker.queries.story import read_story
from worker.readmodel.database import current_file, open_reader, remove
from worker.readmodel.search import list_story

SENTENCES = (
    "云屿港务局周一宣布，三号码头的自动化改造比原计划提前两个月完成。",
    "新的岸桥由岚川重工制造，每小时可以装卸四十二个集装箱，比旧设备多出一半。",
    "港务局局长周砚说，船舶平均等待时间已从十九小时缩短到十一小时。",
    "码头工人中有一百六十人接受了培训，改为在控制室里操作设备。",
    "下一步将改造五号码头，预计明年三月动工，总投资为七亿元。",
)
WIRE = "".join(SENTENCES)
COPY = f"本报讯　{WIRE}（本报记者整理）"
TRADITIONAL = WIRE.translate(
    str.maketrans("务码动计划两个岚时装卸设备长说", "務碼動計劃兩個嵐時裝卸設備長說")
)
OTHER = (
    "澄湖市图书馆从本周起延长夜间开放时间，读者可以在馆内停留到晚上十一点。"
    "馆长李在山表示，去年冬天的试行吸引了许多学生和下夜班的护士，座位常常坐满。"
    "图书馆还在一楼开设了咖啡角，并把儿童阅览室搬到采光更好的南侧。"
)


@pytest.fixture
def marked(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A served home in which near-duplicates are marked."""
    monkeypatch.setenv("NEWSDROP_DEDUPE_NEAR", "mark")
    with served(home) as one:
        yield one


def fill(one: Served, **bodies: str) -> dict[str, str]:
    """Publish an article of each body, in order; title -> id."""
    for title, body in bodies.items():
        enqueue_files(one, **{f"{title}.md": article(title, body=body)})
    return {row["title"]: row["id"] for row in one.get("/articles")["articles"]}


def test_a_story_is_shown_first_seen_first(marked: Served) -> None:
    """Each article's page lists its story with similarities; lists filter by story."""
    ids = fill(marked, 原稿=WIRE, 别的新闻=OTHER, 转载=COPY)
    page = words(text(marked, f"/articles/{ids['转载']}"))
    story = page[page.index("The same story") : page.index("Timeline")]
    assert story.index("原稿") < story.index("转载")
    assert "2 articles with nearly the same text" in story
    assert "first" in story
    assert "%" in story
    assert "The same story" not in text(marked, f"/articles/{ids['别的新闻']}")
    found = marked.get(f"/articles?story={ids['原稿']}")["articles"]
    assert [row["title"] for row in found] == ["转载", "原稿"]
    firsts = marked.get("/articles?first_of_story=true")["articles"]
    assert [row["title"] for row in firsts] == ["别的新闻", "原稿"]
    listed = words(text(marked, f"/articles?story={ids['原稿']}&first_of_story=true"))
    assert "转载" not in listed
    assert "Near-duplicates: left out" in listed


def test_lists_count_the_other_articles_of_a_story(
    marked: Served, redis_client: redis.Redis
) -> None:
    """In newest entries, searches and the archive, in both languages; revisions count once."""
    ids = fill(marked, 原稿=WIRE, 别的新闻=OTHER, 转载=COPY, 再次转载=f"据云屿日报报道：{WIRE}")
    form = ("file", ("转载.md", article("转载", body=f"{COPY}编后"), "text/markdown"))
    marked.post("/enqueue", files=[form], data={"force": "true"}, status=202)
    marked.home.work()
    counts = {"原稿": 2, "别的新闻": 0, "转载": 2, "再次转载": 2}

    def listed(address: str) -> dict[str, int]:
        rows = marked.get(address)["articles"]
        return {row["title"]: row["story_others_count"] for row in rows}

    def shown(address: str) -> list[str]:
        link = rf'<a class="small" href="/articles\?story={ids["原稿"]}">([^<]*)</a>'
        return re.findall(link, text(marked, address))

    assert listed("/articles") == listed("/articles?outcome=any") == counts
    assert set(shown("/articles")) == {"also told by 2 other articles"}
    found = {
        row["title"]: row["story"] for row in marked.get("/articles?source=manual")["articles"]
    }
    assert found["原稿"] == {"id": ids["原稿"], "near_duplicate_of": None, "similarity": None}
    assert found["转载"]["near_duplicate_of"] == ids["原稿"]
    assert 0.5 < found["转载"]["similarity"] <= 1
    redis_client.flushall()
    counts.pop("别的新闻")
    assert listed(f"/articles?story={ids['原稿']}") == counts
    marked.client.headers["Accept-Language"] = "zh"
    assert shown(f"/articles?story={ids['原稿']}")[0] == "同一报道：另外 2 篇文章"


def test_lists_without_the_read_model(marked: Served) -> None:
    """Without it the newest entries are listed; a near-duplicate has at least one other article."""
    fill(marked, 原稿=WIRE, 转载=COPY)
    path = current_file(marked.home.settings().state_dir)
    assert path is not None
    for damage in (lambda: path.write_bytes(b"no database" * 500), lambda: remove(path)):
        damage()
        rows = marked.get("/articles")["articles"]
        assert {row["title"]: row["story_others_count"] for row in rows} == {"转载": 1, "原稿": 0}


def test_large_stories_are_counted_in_part(marked: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the others at most MAX_OF_STORY are read and counted."""
    for module in ("worker.queries.articles", "worker.readmodel.search"):
        monkeypatch.setattr(f"{module}.MAX_OF_STORY", 2)
    fill(marked, **{f"转载{one}": f"{COPY}{one}" for one in "甲乙丙丁戊"})
    rows = marked.get("/articles")["articles"]
    assert {row["story_others_count"] for row in rows} == {2}
    with open_reader(marked.home.settings().state_dir) as db:
        assert len(list_story(db, rows[0]["story"]["id"])) == 3


def test_why_two_articles_are_one_story(marked: Served) -> None:
    """The reason and the passages that both have, on the page, in the API and on the terminal."""
    ids = fill(marked, 原稿=WIRE, 转载=COPY)
    path = f"/articles/{ids['转载']}/compare/{ids['原稿']}"
    found = marked.get(path)
    assert found["is_same_story"] is True
    assert found["similarity"] > 0.8
    assert WIRE[:40] in found["passages"][0]
    page = text(marked, path)
    assert WIRE[:40] in page
    assert "Why these two are one story" in page
    shown = marked.home.run("explain", ids["转载"]).stdout
    assert f"near-duplicate of {ids['原稿']}" in shown
    assert WIRE[:20] in shown.replace("\n", "").replace(" ", "")
    assert f"the first of {ids['原稿']}" in marked.home.run("explain", ids["原稿"]).stdout


def test_why_two_articles_are_not_one_story(marked: Served) -> None:
    """Other or short texts, the same article twice, a missing one."""
    report = (
        "Shares on the Northport exchange moved little today, as traders waited for the figures of "
        "the harbour board. The main index closed at {} points after a quiet session, in which {} "
        "companies rose and {} fell; turnover of all listed companies reached {} million crowns."
    )
    days = [report.format(n, n + 1, n + 2, n + 3) for n in (1200, 7100)]
    notes = (
        "This release mends the reading of feeds whose dates have no zone, and no longer opens a "
        "second connection to a host that answers slowly. Packages for all systems are attached. "
        "Thanks to everybody who sent reports, tried the builds and translated the messages."
    )
    bodies = {
        "周一日报": days[0],
        "周二日报": days[1],
        "工具 rc1": notes,
        "工具 rc2": notes,
    }
    ids = fill(
        marked,
        原稿=WIRE,
        别的新闻=OTHER,
        短讯="快讯。",
        样稿="Lorem ipsum dolor sit amet. " * 9,
        **bodies,
    )

    def reason(first: str, second: str) -> str:
        found = marked.get(f"/articles/{ids[first]}/compare/{ids[second]}")
        assert found["is_same_story"] in (False, None)
        return str(found["reason"])

    assert "a story needs 50%" in reason("原稿", "别的新闻")
    assert "too short" in reason("原稿", "短讯")
    assert "a placeholder" in reason("原稿", "样稿")
    assert "numbers in their titles differ" in reason("工具 rc1", "工具 rc2")
    assert "numbers are the same" in reason("周一日报", "周二日报")
    marked.get(f"/articles/{ids['原稿']}/compare/{ids['原稿']}", status=404)
    marked.get(f"/articles/{ids['原稿']}/compare/20220304-{'0' * 24}", status=404)
    result = marked.home.run("explain", ids["原稿"], "--with", ids["别的新闻"])
    assert "two stories" in result.stdout
    assert marked.home.run("explain", ids["原稿"], "--with", "nobody").exit_code != 0


def test_the_first_was_withdrawn(marked: Served) -> None:
    """It stays in the story, marked; later copies name the first valid article."""
    ids = fill(marked, 原稿=WIRE, 转载=COPY)
    assert marked.home.run("retract", ids["原稿"], "--reason", "有误").exit_code == 0
    marked.home.work()
    ids = (
        fill(marked, 再次转载=f"据云屿日报报道：{WIRE}", 三次转载=f"编者按：{WIRE}转自网络。") | ids
    )
    page = words(text(marked, f"/articles/{ids['三次转载']}"))
    story = page[page.index("The same story") : page.index("Timeline")]
    assert story.index("原稿 withdrawn") < story.index("转载")
    own = read_story(marked.home.settings(), ids["原稿"])
    assert own is not None
    assert [one.is_withdrawn for one in own.articles] == [True, False, False, False]
    assert {one.near_duplicate_of for one in own.articles[3:]} == {ids["再次转载"]}
    compared = marked.get(f"/articles/{ids['转载']}/compare/{ids['原稿']}")
    assert compared["is_same_story"] is True
    assert "not kept any more" in compared["reason"]


def with_address(one: Served, title: str, url: str, date: str, body: str) -> str:
    """Publish an article with an address; its id."""
    text = article(title, f"{date} 09:30:00", body).replace("author:", f"url: {url}\nauthor:")
    enqueue_files(one, **{f"{title}.md": text})
    found: str = one.get("/articles?count=1")["articles"][0]["id"]
    return found


def test_one_address_is_one_story(marked: Served) -> None:
    """Equal address and day with a cut or extended headline, whatever tracking the address has."""
    title, day = "云屿港三号码头自动化改造提前两个月完成", "2022-03-04"
    first = with_address(marked, title, "https://www.port.example/n/77.html", day, "快讯。")
    for cut, url in {
        f"{title[:14]}…": "https://www.port.example/n/77.html?utm_source=rss",
        f"{title}_港口新闻_云屿网": "http://m.port.example/n/77.html?from=timeline",
        f"{title}（图）": "https://amp.port.example/n/77.html#pic",
    }.items():
        other = with_address(marked, cut, url, day, f"另一段摘要：{cut}")
        found = marked.get(f"/articles/{other}/compare/{first}")
        assert (found["is_same_story"], found["similarity"]) == (True, None)
        assert "the same address and day" in found["reason"]
        entry = marked.get(f"/articles/{other}")["explained"]["story"]
        assert entry == {"id": first, "near_duplicate_of": first, "similarity": None}


def test_an_address_alone_joins_nothing(marked: Served) -> None:
    """Another day, another title, a front page, another parameter: as live pages and lists have."""
    url, day = "https://www.port.example/live", "2022-03-04"
    with_address(marked, "云屿港每日船期通报与航道信息", url, day, "快讯。")
    for title, other_url, date in (
        ("云屿港每日船期通报与航道信息", url, "2022-03-05"),
        ("澄湖气象台发布大风蓝色预警信号", url, day),
        ("云屿港每日船期通报与航道信息二", f"{url}?id=2", day),
        ("云屿港每日船期通报与航道信息三", "https://www.port.example/", day),
    ):
        other = with_address(marked, title, other_url, date, f"快讯：{title}。")
        story = marked.get(f"/articles/{other}")["explained"]["story"]
        assert story is None or story["near_duplicate_of"] is None


def test_off_marks_nothing(home: Home) -> None:
    """Without `near` the page has no story, and a comparison says why."""
    with served(home) as one:
        ids = fill(one, 原稿=WIRE, 转载=COPY)
        assert "The same story" not in text(one, f"/articles/{ids['转载']}")
        found = one.get(f"/articles/{ids['转载']}/compare/{ids['原稿']}")
        assert found["is_same_story"] is None
        assert 'set near = "mark"' in found["reason"]


def test_passages_are_bounded() -> None:
    """The longest first, at most five of 300 characters; large and repetitive texts are quick."""
    passages, share = common_passages(f"甲{WIRE}", f"{WIRE}乙")
    assert passages == (WIRE,)
    assert share > 0.9
    assert simplify(TRADITIONAL) == WIRE
    assert common_passages(TRADITIONAL, WIRE)[0] == (TRADITIONAL,)
    assert common_passages(WIRE, OTHER) == ((), 0.0)
    assert common_passages("", WIRE) == ((), 0.0)
    many = [f"{number:04}{SENTENCES[number % 5]}" for number in range(400)]
    found, _ = common_passages("".join(many), "".join(reversed(many)))
    assert len(found) <= MAX_PASSAGES
    started = time.monotonic()
    (same,), _ = common_passages("一" * 1_000_000, "一" * 1_000_000)
    assert time.monotonic() - started < 30
    assert len(same) == 301
