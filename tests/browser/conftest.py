"""A real browser on a real service. Where no Chromium is installed, all of it is skipped."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import redis
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    expect,
    sync_playwright,
)

from tests.browser.news import HOSTILE, REFUSED, article
from tests.browser.service import Service, start, wait_until
from tests.http_server import Reply, Web
from tests.newsroom import feed

_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser")
CHROMIUM = next(filter(None, map(shutil.which, _PROGRAMS)), None)
"""The shell needs half the CPU time of the whole browser."""

FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs a browser."""
    skip = pytest.mark.skip(
        reason="no Chromium is installed: apt-get install chromium-headless-shell"
    )
    for item in items:
        if "/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.timeout(300))  # the first one waits for service and browser
            if CHROMIUM is None:
                item.add_marker(skip)


@pytest.fixture(scope="package")
def service() -> Iterator[Service]:
    """A newsdrop with articles, duplicates, refused files and two feeds, one of which fails."""
    with tempfile.TemporaryDirectory(prefix="nd-") as directory, Web() as web:
        web.pages["/rss"] = feed(1, 2, 3)
        web.pages["/gone"] = Reply(status=410)
        folder = Path(directory)
        process, service = start(
            folder / "state",
            folder / "up.log",
            NEWSDROP_FETCH_ALLOW_NETWORKS="127.0.0.0/8",
            NEWSDROP_FETCH_ALLOW_PORTS=str(web.port),
            NEWSDROP_FETCH_HOST_INTERVAL_SECONDS="0",
        )
        try:
            _fill(service, web)
            yield service
        finally:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One for all tests here, and closed after the last: its loop must not be there for others."""
    expect.set_options(timeout=60_000)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser, service: Service) -> Iterator[BrowserContext]:
    """A person's browser, without a past."""
    context = browser.new_context(
        base_url=service.address, locale="en-GB", timezone_id="Asia/Tokyo"
    )
    context.set_default_timeout(60_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, service: Service) -> Iterator[Page]:
    """A page whose console has no errors and that requests only its own host."""
    page = context.new_page()
    watched = Watched(page, service.address)
    yield page
    watched.check()


class Watched:
    """The console messages of a page, and the hosts that it requested."""

    def __init__(self, page: Page, address: str) -> None:
        self.console_lines: list[str] = []
        self.hosts: set[str] = set()
        self._own = urlsplit(address).netloc
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.console_lines.append(str(error)))
        page.on("request", lambda request: self.hosts.add(urlsplit(request.url).netloc))
        page.on("dialog", lambda dialog: self.console_lines.append(f"a dialog: {dialog.message}"))

    def check(self) -> None:
        assert self.console_lines == []
        assert self.hosts <= {self._own, ""}

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.console_lines.append(message.text)


def _fill(service: Service, web: Web) -> None:
    for number in range(30):
        service.put(f"article-{number}.md", article(number))
    service.put("hostile.md", HOSTILE)
    service.put("again.md", article(3) + b"\n")
    for name, data in REFUSED.items():
        service.put(name, data)
    service.run("feeds", "add", web.url("/rss"), "--name", "harbour", "--tag", "港口")
    service.run("feeds", "add", web.url("/gone"), "--name", "gone", "--no-check")
    wait_until(lambda: service.published() >= 34)
    service.run("groups", "create", "indexer")
    group = "alerts-of-all-the-markets-2021"
    service.run("groups", "create", group)
    with redis.Redis(unix_socket_path=str(service.state / "run" / "valkey.sock")) as client:
        client.xreadgroup(group, "one", {"newsdrop:articles": ">"}, count=3)
