"""Live pages: what is sent, when, to how many, and at what cost."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import httpx
import pytest

from tests.cli.conftest import home, lonely
from tests.home import Home, article
from tests.web.served import Served, expire_at_once, served
from worker.store.factory import job_store
from worker.store.jobs import Job, JobKind
from worker.web import live, shared
from worker.web.pages import overview

__all__ = ["home", "lonely"]

PATIENCE = 60.0


@pytest.fixture
def ours(home: Home, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A served installation whose live views are rendered ten times a second."""
    expire_at_once(monkeypatch, 0.1)
    with served(home) as one:
        yield one


@contextmanager
def watching(one: Served, path: str) -> Iterator[Iterator[tuple[str, str]]]:
    """The events of a page: (region, HTML), as they come."""
    with (
        httpx.Client(base_url=one.url, trust_env=False, timeout=PATIENCE) as client,
        client.stream("GET", path) as answer,
    ):
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-store"
        yield events(answer.iter_lines())


def events(lines: Iterator[str]) -> Iterator[tuple[str, str]]:
    name, data = "", []
    for line in lines:
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            data.append(line[6:])
        elif not line and name:
            yield name, "\n".join(data)
            name, data = "", []


def until(seen: Iterator[tuple[str, str]], region: str, text: str) -> list[str]:
    """Read events until the region has the text; all regions that came before."""
    end = time.monotonic() + PATIENCE
    names = []
    for name, html in seen:
        names.append(name)
        if name == region and text in html:
            return names
        assert time.monotonic() < end, f"{region} never had {text}"
    raise AssertionError("the stream ended")


def test_regions_come_once_and_then_as_they_change(ours: Served) -> None:
    """First every region of the page; after a file was enqueued those that show it, no other."""
    with watching(ours, "/live?page=overview") as seen:
        first = {next(seen)[0] for _ in range(len(overview.REGIONS) + 1)}
        assert first == {*overview.REGIONS, live.NOTICE}
        ours.post(
            "/enqueue", files=[("file", ("a.md", article("一"), "text/markdown"))], status=202
        )
        ours.home.work()
        names = until(seen, "figures", '<dd class="accent">1</dd>')
        assert "stream" not in names[:1]
        assert "problems" not in names


def test_a_job_is_watched_to_its_end(ours: Served) -> None:
    """Its progress and its refusals come without a reload."""
    files = [("file", (f"{n}.md", b"" if n == 3 else article(f"{n}"), "t/x")) for n in range(5)]
    job = ours.post("/enqueue", files=files, status=202)["job"]
    with watching(ours, f"/live?job={job}") as seen:
        until(seen, "job", "0 of 5 files")
        ours.home.work()
        regions: dict[str, str] = {}
        while "3.md" not in regions.get("refused", "") or "Done: 5" not in regions.get("job", ""):
            regions.update([next(seen)])
    assert 'data-live="/live?job=' in ours.client.get(f"/jobs/{job}").text


def test_many_readers_share_one_rendering(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Thirty open pages cost one rendering and encoding, and none once they are closed."""
    monkeypatch.setattr(shared, "FRESH_SECONDS", 0.3)
    looks: list[float] = []
    encoded: list[tuple[str, str]] = []
    real, real_event = overview.get_overview, live.ServerSentEvent

    def event(data: str, event: str, **more: Any) -> Any:
        encoded.append((event, data))
        return real_event(data, event=event, **more)

    monkeypatch.setattr(live, "ServerSentEvent", event)
    live._encode.cache_clear()

    def counted(*args: Any) -> Any:
        looks.append(time.monotonic())
        return real(*args)

    monkeypatch.setattr(overview, "get_overview", counted)
    started = time.monotonic()
    ready = threading.Barrier(31)
    done = threading.Event()

    def read() -> None:
        with watching(ours, "/live?page=overview") as seen:
            next(seen)
            ready.wait(PATIENCE)
            done.wait(PATIENCE)

    readers = [threading.Thread(target=read) for _ in range(30)]
    for reader in readers:
        reader.start()
    ready.wait(PATIENCE)
    time.sleep(1)
    taken = time.monotonic() - started
    assert 1 <= len(looks) <= taken / 0.3 + 2
    assert len(encoded) == len(set(encoded)) >= len(overview.REGIONS)
    done.set()
    for reader in readers:
        reader.join(PATIENCE)
    time.sleep(1)
    before = len(looks)
    time.sleep(1)
    assert len(looks) == before


def test_a_slow_view_is_rendered_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rendering takes at most a 25th of the time."""
    import asyncio

    one: shared.Shared[int] = shared.Shared(lambda: time.sleep(0.1) or 1)
    assert asyncio.run(one.get()) == 1
    assert one.fresh_seconds >= 2.5


def test_waiting_readers_share_one_failure(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Redis hangs, they wait for one timeout, not one after the other."""
    from worker.errors import StoreUnavailable
    from worker.web.pages import jobs as module

    looks: list[float] = []

    def hanging(*_: Any) -> Any:
        looks.append(time.monotonic())
        time.sleep(1)
        raise StoreUnavailable("Redis did not answer in time")

    monkeypatch.setattr(module, "find_jobs", hanging)
    failures: list[int] = []

    def ask() -> None:
        failures.append(
            httpx.get(f"{ours.url}/jobs", trust_env=False, timeout=PATIENCE).status_code
        )

    readers = [threading.Thread(target=ask) for _ in range(12)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join(PATIENCE)
    assert failures == [503] * 12
    assert len(looks) < 6  # who came after the first timeout began the next
    monkeypatch.undo()
    assert ours.client.get("/jobs").status_code == 200


def test_a_page_shows_that_it_cannot_be_updated(
    ours: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without Redis its notice says so, and the stream continues with what changed."""
    from worker.errors import StoreUnavailable
    from worker.web.pages import jobs as module

    real = module.find_jobs
    is_away = threading.Event()

    def flaky(*args: Any) -> Any:
        if is_away.is_set():
            raise StoreUnavailable("Redis <does> not answer")
        return real(*args)

    monkeypatch.setattr(module, "find_jobs", flaky)
    with watching(ours, "/live?page=jobs") as seen:
        until(seen, "jobs", "No jobs yet")
        is_away.set()
        until(seen, live.NOTICE, "Redis &lt;does&gt; not answer")
        is_away.clear()
        until(seen, live.NOTICE, "")
        job_store(ours.home.settings()).open(Job("scan-1", JobKind.SCAN, "drop", "new", 10**12))
        name, html = next(seen)
        assert (name, "scan-1" in html) == ("jobs", True)


def test_new_jobs_are_added_to_the_list(ours: Served) -> None:
    """On its first page, without a reload."""
    with watching(ours, "/live?page=jobs") as seen:
        until(seen, "jobs", "No jobs yet")
        store = job_store(ours.home.settings())
        store.open(Job("scan-1", JobKind.SCAN, "drop", "found <b>", 10**12))
        until(seen, "jobs", "found &lt;b&gt;")


def test_streams_are_bounded_and_named(ours: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown page is 404, a stream too many 503; HEAD does not hang."""
    assert ours.client.get("/live?page=nothing").status_code == 404
    assert ours.client.head("/live").status_code == 200
    monkeypatch.setattr(live, "MAX_STREAMS", 1)
    with watching(ours, "/live") as seen:
        next(seen)
        answer = ours.client.get("/live")
        assert (answer.status_code, "close some" in answer.text) == (503, True)
    end = time.monotonic() + PATIENCE
    while True:  # its place is free again
        with ours.client.stream("GET", "/live") as again:
            if again.status_code == 200:
                break
        assert time.monotonic() < end
        time.sleep(0.05)


def test_streams_that_begin_at_once_are_bounded(
    ours: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream counts from its beginning; an ended one makes room."""
    monkeypatch.setattr(live, "MAX_STREAMS", 3)
    host, port = ours.client.base_url.host, ours.client.base_url.port
    assert port is not None
    watched, held = live.Live._shared_view, threading.Event()

    def once_held(*args: Any) -> Any:
        """The first waits for the whole loop, so that the others are called in one turn of it."""
        held.wait(PATIENCE)
        return watched(*args)

    monkeypatch.setattr(live.Live, "_shared_view", once_held)
    head = f"GET /live?page=jobs HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode()
    with ExitStack() as opened:
        sockets = [
            opened.enter_context(socket.create_connection((host, port), timeout=PATIENCE))
            for _ in range(12)
        ]
        for one in sockets:
            one.sendall(head)
        held.set()
        answers = [one.recv(12) for one in sockets]
    assert answers.count(b"HTTP/1.1 200") == 3
    assert answers.count(b"HTTP/1.1 503") == 9
    end = time.monotonic() + PATIENCE
    while _refused(ours):
        assert time.monotonic() < end, "streams that ended still count"
        time.sleep(0.05)


def _refused(one: Served) -> bool:
    with one.client.stream("GET", "/live?page=jobs") as answer:
        return answer.status_code == 503


def test_a_line_break_cannot_forge_an_event(ours: Served) -> None:
    """Text from outside stays in its event's data, whatever line breaks it has."""
    store = job_store(ours.home.settings())
    label = "a\revent: notice\rdata: forged\n\nevent: notice\ndata: forged\n\n"
    store.open(Job("scan-1", JobKind.SCAN, "drop", label, 10**12))
    with watching(ours, "/live?page=jobs") as seen:
        found = dict(next(seen) for _ in range(2))
    assert found[live.NOTICE] == ""
    assert "forged" in json.dumps(found["jobs"])
