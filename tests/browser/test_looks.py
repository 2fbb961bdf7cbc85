"""How every page looks: axe-core, a narrow screen, and pictures for people."""

import re
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Watched
from tests.browser.service import Service

PICTURES = Path(__file__).parents[2] / "screenshots"
"""Made where this folder is, for people; git ignores it."""

SIZES = {"wide": (1280, 900), "narrow": (390, 844)}
LOOKS = [("light", "wide"), ("dark", "narrow")]
"""Each scheme's colours and each size's structure once."""

PAGES = {
    "overview": "/",
    "jobs": "/jobs",
    "job": "/jobs",
    "articles": "/articles",
    "article": "/articles",
    "found": "/articles?q=观察",
    "hostile": "/articles?q=反转",
    "explain": "/explain",
    "quarantine": "/quarantine",
    "refused": "/quarantine",
    "matching": "/quarantine/matching",
    "discard": "/quarantine",
    "feeds": "/feeds",
    "feed": "/feeds",
    "edit": "/feeds/harbour/edit",
    "preview": "/feeds",
    "source": "/",
    "consumers": "/consumers",
    "consumer-group": "/consumers",
    "enqueue": "/enqueue",
    "nothing": "/no-such-page",
}
_BEYOND = {
    "job": "main tbody th a",
    "article": "main tbody th a, main tbody td a",
    "refused": "main tbody th a",
    "discard": "main tbody th a",
    "source": "#sources tbody th a",
    "feed": "main tbody th a",
    "consumer-group": "main tbody th a",
}


_WIDER = """() => [...document.querySelectorAll("main *")].filter((it) =>
  it instanceof HTMLElement && (it.getBoundingClientRect().left < 0 || it.clientWidth > 1
  && it.scrollWidth > it.clientWidth + 1 && getComputedStyle(it).overflowX === "visible"))
  .map((it) => it.outerHTML.slice(0, 200))"""
"""What has more in it than it is wide stands over what is beside it."""


@pytest.mark.parametrize(("scheme", "size"), LOOKS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_passes_axe_and_fits_the_screen(
    browser: Browser, service: Service, name: str, scheme: str, size: str
) -> None:
    """Nothing serious for axe-core, nothing wider than its place, no console error, no other
    host."""
    width, height = SIZES[size]
    context = browser.new_context(
        base_url=service.address,
        color_scheme=scheme,  # type: ignore[arg-type]
        viewport={"width": width, "height": height},
        device_scale_factor=1,
    )
    page = context.new_page()
    watched = Watched(page, service.address)
    _open(page, name)
    if name != "nothing":  # the menu is scrolled to its page
        expect(page.locator(".top nav [aria-current]")).to_be_in_viewport(ratio=0.99)
    if PICTURES.is_dir():
        page.screenshot(path=PICTURES / f"{name}-{scheme}-{size}.png", full_page=True)
    found = Axe().run(page).response["violations"]
    serious = [one for one in found if one["impact"] in ("serious", "critical")]
    assert [(one["id"], one["nodes"][0]["html"]) for one in serious] == []
    room = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert room[0] <= room[1], "wider than the screen"
    assert page.evaluate(_WIDER) == []
    if name != "nothing":  # where the console has the 404
        watched.check()
    context.close()


def test_chinese_and_latin_are_in_one_line(page: Page, service: Service) -> None:
    """Numbers in tables have figures of one width, and the page says its language."""
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "en")
    figures = page.locator("main td.num").first
    expect(figures).to_have_css("font-variant-numeric", re.compile("tabular-nums"))


def _open(page: Page, name: str) -> None:
    page.goto(PAGES[name])
    if beyond := _BEYOND.get(name):
        page.locator(beyond).first.click()
        expect(page.locator("h1")).to_be_visible()
    if name == "preview":
        address = page.locator("tr", has_text="harbour").locator(".path").inner_text()
        page.get_by_text("Add a feed").click()
        page.locator("#url").fill(address)
        page.get_by_role("button", name="Preview").click()
        expect(page.get_by_text("3 entries at")).to_be_visible()
    if name == "discard":
        page.get_by_role("link", name=re.compile("Discard")).click()
