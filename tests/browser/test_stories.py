"""A story in a browser: its articles, the withdrawn first one, and the reason."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.service import Service, start, wait_until
from tests.home import article
from tests.queries.test_story import COPY, OTHER, WIRE


@pytest.fixture(scope="module")
def stories() -> Iterator[Service]:
    """A newsdrop that marks near-duplicates, with a story whose first article was withdrawn."""
    with tempfile.TemporaryDirectory(prefix="nd-") as directory:
        folder = Path(directory)
        process, service = start(folder / "state", folder / "up.log", NEWSDROP_DEDUPE_NEAR="mark")
        try:
            bodies = {"原稿": WIRE, "转载": COPY, "夜读": OTHER}
            for count, (title, body) in enumerate(bodies.items(), 1):
                service.put(f"{title}.md", article(title, body=body).encode())
                wait_until(lambda count=count: service.published() >= count)  # type: ignore[misc]
            first = service.run("tail", "--from", "0", "--count", "1").split()[-2]
            service.run("retract", first, "--reason", "有误")
            wait_until(lambda: first in _withdrawn(service))
            yield service
        finally:
            process.terminate()
            process.wait(60)


def _withdrawn(service: Service) -> str:
    """The withdrawn articles as the pages list them, from the search index."""
    with suppress(HTTPError):
        return service.get("/api/v1/articles?outcome=withdrawn")
    return ""


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 390)])
def test_from_an_article_to_its_story(
    browser: Browser, stories: Service, scheme: str, width: int
) -> None:
    """The article's page lists its story; the similarity links to the reason; axe finds no
    fault."""
    context = browser.new_context(
        base_url=stories.address,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": 900},
    )
    page = context.new_page()
    watched = Watched(page, stories.address)
    page.goto("/articles")
    page.get_by_role("link", name="转载").click()
    rows = page.locator("#story ~ * tbody tr, #story + * + * tbody tr").filter(has_text="原稿")
    expect(rows.first).to_contain_text("withdrawn")
    expect(page.locator("tr[aria-current=true]")).to_contain_text("转载")
    _check(page, width)
    page.locator("tr[aria-current=true]").get_by_role("link", name="%").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Why these two are one story")
    expect(page.locator("main")).to_contain_text("not kept any more")
    _check(page, width)
    page.goto("/articles?first_of_story=true")
    expect(page.get_by_role("link", name="夜读")).to_be_visible()
    expect(page.get_by_role("link", name="转载")).to_have_count(0)
    watched.check()
    context.close()


def _check(page: Page, width: int) -> None:
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
