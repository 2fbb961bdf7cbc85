"""Hostile bodies in a real browser: nothing of the HTML that a record has runs."""

import random
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route

from tests.normalize.conftest import body
from tests.normalize.test_clean_html import PIECES
from tests.normalize.test_sanitize import HOSTILE

# Every handler and script of the bodies calls one of these.
COUNT = "window.runs = 0; window.alert = window.a = () => { window.runs += 1; }; 0"
# A handler, an address that is a script, an element that loads a document: what could run later.
LEFT = """() => [...document.body.querySelectorAll("*")].filter(node =>
  ["SCRIPT", "IFRAME", "OBJECT", "EMBED", "STYLE", "LINK", "META", "FORM"].includes(node.tagName)
  || node.namespaceURI !== "http://www.w3.org/1999/xhtml"
  || [...node.attributes].some(({name, value}) => name.startsWith("on") || name === "style"
       || /^\\s*(javascript|data|vbscript):/i.test(value))).map(node => node.outerHTML)"""


@pytest.fixture
def empty(browser: Browser) -> Iterator[Page]:
    """A page without a service; every request is refused, so that all `onerror` handlers run."""
    context = browser.new_context()
    page = context.new_page()
    page.add_init_script(COUNT)
    page.route("**/*", _refuse)
    page.goto("about:blank")
    yield page
    context.close()


def test_a_hostile_body_runs_in_this_page(empty: Page) -> None:
    """The page and the bodies are right for the test: a body that is not cleaned does run."""
    assert _runs(empty, "<img src=https://a.cn/x onerror=alert(1)>") == 1
    assert _runs(empty, "<script>alert(1)</script>") == 1
    assert empty.evaluate(LEFT)


def test_no_script_of_a_record_runs(empty: Page) -> None:
    """All hostile bodies and 2,000 random ones run nothing, and keep no element that could."""
    choose = random.Random(1)
    fuzzed = ["".join(choose.choices(PIECES + tuple(HOSTILE), k=12)) for _ in range(2000)]
    cleaned = [body(html, base_url="https://a.cn/").html for html in (*HOSTILE, *fuzzed)]
    for start in range(0, len(cleaned), 100):
        parts = cleaned[start : start + 100]
        assert _runs(empty, "".join(f"<div>{html}</div>" for html in parts)) == 0
        assert empty.evaluate(LEFT) == []


def _runs(page: Page, html: str) -> int:
    """How many handlers and scripts of `html` run."""
    page.evaluate(COUNT)
    page.set_content(f"<!doctype html><body>{html}", wait_until="load")
    page.wait_for_timeout(50)
    return int(page.evaluate("window.runs"))


def _refuse(route: Route) -> None:
    if route.request.url.startswith("about:"):
        route.continue_()
    else:
        route.abort()
