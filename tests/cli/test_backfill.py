"""Back-fill as people run and see it: `enqueue`, `jobs`, the page and the API."""

import pytest
import redis

from tests.cli.conftest import home, lonely
from tests.home import Home
from tests.web.served import served
from worker.store.factory import address_backlog
from worker.store.layout import Layout

__all__ = ["home", "lonely"]


def enqueue(home: Home, *options: str) -> str:
    file = home.put("list.txt", "\n".join(f"https://h{n}.example/{n}" for n in range(1200)))
    done = home.json("enqueue", "--urls", str(file), *options)
    assert done["addresses"] == 1200
    return str(done["job"])


def test_a_list_is_enqueued_and_followed(home: Home) -> None:
    """`jobs` shows how much is fetched, pauses and resumes it."""
    job = enqueue(home, "--source", "drop")
    assert "0 of 1,200 fetched, more are listed" in home.run("jobs", job).stdout
    assert "1,200" in home.run("jobs").stdout
    view = home.json("jobs", job, "--pause")
    assert view["fetching"]["is_paused"]
    assert view["source"] == "drop"
    assert "0 of 1,200 fetched, paused" in home.run("jobs", job).stdout
    assert not home.json("jobs", job, "--resume")["fetching"]["is_paused"]
    assert home.run("jobs", "--pause").exit_code == 2
    shown = home.run("enqueue", "--urls", str(home.path / "list.txt")).stdout
    assert "1,200 addresses, job enqueue-" in shown
    home.run("enqueue", "--urls", "-", stdin=b"https://harbour.example/a")
    assert home.lines("jobs")[0]["label"] == "standard input"
    assert "not fetched" not in home.run("jobs").stdout


def test_what_cannot_be_fetched_is_shown(home: Home, redis_client: redis.Redis) -> None:
    """Where jobs are listed, and not counted as fetched: in the terminal and on the pages."""
    job = enqueue(home)
    values = {"listed": 1200, "unfetched": 0, "unfetchable": 17}
    redis_client.hset(Layout(home.settings().stream.name, 1).job(job), mapping=values)
    redis_client.hdel(Layout(home.settings().stream.name, 1).job(job), "listing")
    assert "1,183 of 1,200 fetched, 17 cannot be fetched" in home.run("jobs", job).stdout
    head, row = home.run("jobs").stdout.splitlines()[:2]
    assert "not fetched" in head
    assert " 17 " in row
    assert [found["id"] for found in home.lines("jobs", "--outcome", "rejected")] == [job]
    with served(home) as one:
        assert "1,183 of 1,200 fetched" in one.client.get(f"/jobs/{job}").text
        assert "17 not fetched" in one.client.get("/jobs").text


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "nothing to enqueue: name a file"),
        (["s3://news/a", "b.md"], "is enqueued alone"),
        (["s3://news/a", "--wait"], "is enqueued alone"),
        (["s3://news/a"], "no [[buckets]] table of the settings has the bucket news"),
    ],
)
def test_what_cannot_be_enqueued(home: Home, arguments: list[str], says: str) -> None:
    """One sentence says what to do."""
    result = home.run("enqueue", *arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())


def test_without_redis(lonely: Home) -> None:
    """A list is not stored in the spool: it needs Redis, and the error says so."""
    file = lonely.put("list.txt", "https://a.example/")
    result = lonely.run("enqueue", "--urls", str(file))
    assert result.exit_code == 3
    assert "Redis" in result.stderr


def test_the_page_and_the_api(home: Home) -> None:
    """Both show the progress, pause and resume."""
    job = enqueue(home)
    backlog = address_backlog(home.settings())
    with served(home) as one:
        assert one.post(f"/jobs/{job}/pause", {})["fetching"]["is_paused"]
        assert backlog.is_paused(job)
        page = one.client.get("/jobs").text
        assert "0 of 1,200 fetched" in page
        assert '<span class="tag t-warn">paused</span>' in page
        page = one.client.get(f"/jobs/{job}").text
        assert "0 of 1,200 fetched" in page
        assert f'action="/jobs/{job}/resume"' in page
        assert not one.post(f"/jobs/{job}/resume", {})["fetching"]["is_paused"]
        assert not backlog.is_paused(job)
        assert one.post("/jobs/none/pause", {}, 404)


def test_the_api_enqueues_as_the_command_does(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists of addresses in a form, a bucket in JSON; what is wrong is refused as a whole."""
    config = home.put(
        "mine.toml",
        '[[buckets]]\nname = "old"\nurl = "s3://news/"\nanonymous = true\ninterval_seconds = 0\n',
    )
    monkeypatch.setenv("NEWSDROP_CONFIG", str(config))
    lists = [("files", ("a.txt", b"\xef\xbb\xbfhttps://a.example/1\n# no\nhttps://a.example/1\n"))]
    lists.append(("files", ("b.txt", b"https://b.example/2")))
    with served(home) as one:
        job = one.post("/enqueue", files=lists, data={"urls": "true"}, status=202)
        assert job["addresses"] == 2
        assert one.get(f"/jobs/{job['job']}")["fetching"]["unfetched"] == 2
        job = one.post("/enqueue", {"addresses": ["s3://news/2021/"]}, 202)
        assert job["source"] == "old"
        assert one.get(f"/jobs/{job['job']}")["fetching"]["is_listing"]
        for body in (["s3://news/a", "s3://news/b"], ["s3://other/"]):
            assert one.post("/enqueue", {"addresses": body}, 422)
        bad = [("files", ("a.txt", b"https://a.example/1\n/etc/passwd"))]
        problem = one.post("/enqueue", files=bad, data={"urls": "true"}, status=422)
        assert problem["detail"].startswith("line 2 is not an address")
        assert len(one.get("/jobs")["jobs"]) == 2
