"""What a person does with the page, in a real browser."""

import re
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.news import article
from tests.browser.service import PATIENCE, Service
from tests.template import Program

_DROP = """([name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type: "text/markdown" }));
  for (const kind of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(
      new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true }));
  }
}"""


def test_a_file_dropped_on_the_page_becomes_an_article(page: Page) -> None:
    """Dropped, sent, followed to its end without a reload, and read as an article."""
    page.goto("/enqueue")
    page.evaluate(_DROP, ["dropped.md", article(500, "拖放到页面上的文章").decode()])
    expect(page.get_by_text("dropped.md")).to_be_visible()
    page.get_by_role("button", name="Enqueue files").click()
    expect(page).to_have_url(re.compile(r"/jobs/enqueue-"))
    expect(page.get_by_text("Done: 1 file")).to_be_visible()
    page.goto("/articles")
    page.get_by_role("link", name="拖放到页面上的文章").click()
    expect(page.get_by_role("heading", name="拖放到页面上的文章")).to_be_visible()
    expect(page.get_by_role("paragraph").filter(has_text="投资约三亿二千万元")).to_be_visible()


def test_no_buttons_over_an_empty_list(page: Page, service: Service) -> None:
    """Buttons for a selection are shown only while something can be selected."""
    main = page.locator("main")
    for address in ("/quarantine?q=nomatch", "/feeds?q=nomatch", "/quarantine?state=discarded"):
        page.goto(address)
        expect(main.locator(".empty")).to_be_visible()
        expect(main.get_by_role("button", name=re.compile("select|match"))).to_have_count(0)
    page.goto("/consumers/indexer")
    expect(main.get_by_text("Nothing is pending.")).to_be_visible()
    expect(main.get_by_role("button", name="selected")).to_have_count(0)
    for address in ("/quarantine", "/feeds"):
        page.goto(address)
        expect(main.get_by_role("button", name="selected").first).to_be_visible()
    page.goto("/enqueue")
    expect(page.get_by_role("button", name="Enqueue files")).to_be_hidden()
    page.set_input_files(
        "#files",
        {"name": "a.md", "mimeType": "text/markdown", "buffer": b"text"},  # type: ignore[arg-type]
    )
    expect(page.get_by_role("button", name="Enqueue files")).to_be_visible()


def test_a_refused_file_is_explained_and_retried(page: Page) -> None:
    """Its job shows that and why it was refused; a retry is a job of its own."""
    page.goto("/enqueue")
    bad = {"name": "坏文件.md", "mimeType": "text/markdown", "buffer": bytes(range(256)) * 20}
    page.set_input_files("#files", bad)  # type: ignore[arg-type]
    page.get_by_role("button", name="Enqueue files").click()
    expect(page.get_by_text("Done: 1 file")).to_be_visible()
    row = page.get_by_role("row").filter(has_text="坏文件.md")
    expect(row).to_contain_text("not text")
    row.get_by_role("link", name="坏文件.md").click()
    expect(page.get_by_role("heading", name="坏文件.md")).to_be_visible()
    expect(page.get_by_label("The beginning of the file")).to_contain_text("00 01 02 03")
    first = page.url
    page.get_by_role("button", name="Retry").click()
    expect(page.get_by_text("Done: 1 file")).to_be_visible()
    expect(page.get_by_role("row").filter(has_text="坏文件.md")).to_be_visible()
    expect(page).not_to_have_url(first)


def test_a_job_of_two_thousand_files_is_watched(
    page: Page, service: Service, tmp_path: Path
) -> None:
    """The list has it while it runs, and its page comes to the end, neither ever loaded again."""
    for number in range(2000):
        (tmp_path / f"{number}.md").write_bytes(article(10_000 + number, f"第{number}号批量文章"))
    page.goto("/jobs")
    command = [sys.executable, "-m", "worker.cli", "enqueue", str(tmp_path)]
    enqueuing = Program(command, env=service.environment, stdout=subprocess.DEVNULL)
    expect(page.locator("#live")).to_have_text("show new")
    page.locator("#live").click()
    row = page.get_by_role("row").filter(has_text=tmp_path.name)
    expect(row).to_be_visible()
    row.get_by_role("link").first.click()
    expect(page.locator("#progress")).to_be_visible()
    page.evaluate("window.loadedOnce = true")
    assert enqueuing.wait(PATIENCE) == 0
    expect(page.get_by_text(re.compile(r"Done: 2,000 files"))).to_be_visible(timeout=90_000)
    assert page.evaluate("window.loadedOnce") is True
    value, most = page.locator("#progress").evaluate("one => [one.value, one.max]")
    assert value == most == 2000


def test_live_updates_keep_the_scroll_position(page: Page, service: Service) -> None:
    """A live region shows new text, while the focused element keeps the focus."""
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    link = page.locator("main a[href]").first
    link.focus()
    was = page.evaluate("document.activeElement.outerHTML")
    count = page.locator("dd.accent").first
    before = count.inner_text()
    service.put("later.md", article(700, "稍后到来的文章"))
    expect(count).not_to_have_text(before)
    assert page.evaluate("document.activeElement.outerHTML") == was


def test_an_address_that_may_not_be_fetched_is_refused(context: BrowserContext) -> None:
    """The form says what to do and keeps the typed text."""
    page = context.new_page()  # unwatched: the console has a line for an error status
    page.goto("/enqueue")
    page.get_by_label(re.compile("Pages or feeds")).fill("http://10.0.0.1/rss")
    page.get_by_role("button", name="Fetch and enqueue").click()
    expect(page.get_by_role("alert")).to_contain_text("fetch.allow_networks")
    expect(page.get_by_label(re.compile("Pages or feeds"))).to_have_value("http://10.0.0.1/rss")


def test_a_feed_is_polled_at_once(page: Page) -> None:
    """From the list to the feed, and its button."""
    page.goto("/feeds")
    page.get_by_role("link", name="harbour", exact=True).click()
    page.get_by_role("button", name=re.compile("Poll now", re.IGNORECASE)).click()
    expect(page.get_by_role("status").first).to_be_visible()


def test_the_keyboard_alone_is_enough(page: Page) -> None:
    """The first Tab skips the navigation, and the focus is visible."""
    page.goto("/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()


def test_times_are_in_the_readers_zone(page: Page) -> None:
    """In the browser's zone, with the exact moment as a title."""
    page.goto("/articles")
    expect(page.locator("#zone")).to_contain_text("Tokyo")
    expect(page.locator("main time").first).to_have_attribute(
        "title", re.compile(r"in Asia/Tokyo, .* UTC")
    )


def test_a_zone_is_chosen(page: Page) -> None:
    """The chosen zone is kept for all pages, and the page keeps its filters."""
    page.goto("/articles?source=drop")
    page.locator("#zone").click()
    page.get_by_label("Time zone").fill("America/New_York")
    page.get_by_role("button", name="Use this zone").click()
    expect(page).to_have_url(re.compile(r"/articles\?source=drop$"))
    expect(page.locator("#zone")).to_contain_text("America/New_York")
    exact = page.locator("main time").first
    expect(exact).to_have_attribute("title", re.compile(r"in America/New_York, .* UTC"))
    page.goto("/jobs")
    expect(page.locator("#zone")).to_contain_text("America/New_York")


_SHIFTS = """() => {
  window.shifts = [];
  const name = (node) => (node?.parentElement || node)?.outerHTML.slice(0, 200) || "gone";
  new PerformanceObserver((list) => window.shifts.push(
    ...list.getEntries().map((it) => [it.value, it.sources.map((source) => name(source.node))])))
    .observe({ type: "layout-shift" });
}"""
_DIGIT = 0.01
"""The shift of a figure that gets a digit and widens its column: a row that moves has more."""

_LIVE = {
    "overview": "/",
    "jobs": "/jobs",
    "articles": "/articles",
    "quarantine": "/quarantine",
    "feeds": "/feeds",
    "feed": "/feeds/harbour",
    "source": "/sources/drop",
    "consumers": "/consumers",
}
_WAITING = {"jobs", "articles", "quarantine", "source", "feeds", "consumers"}
"""The pages of `_LIVE` that get new rows below."""


def test_new_rows_move_nothing(browser: Browser, service: Service, tmp_path: Path) -> None:
    """New rows do not move what is read, until the reader shows them."""
    with ExitStack() as open_pages:
        pages = {}
        for name, address in _LIVE.items():  # a context each: a browser has 6 connections a host
            context = open_pages.enter_context(browser.new_context(base_url=service.address))
            pages[name] = context.new_page()
            pages[name].goto(address)
            expect(pages[name].locator("#live")).to_have_text("live")
            pages[name].evaluate(_SHIFTS)
        service.put("moving.md", article(710, "新到的一行"))
        service.put("moving.bin", bytes(range(256)) * 30)
        by_hand = tmp_path / "by-hand.md"
        by_hand.write_bytes(article(711, "提交的一行"))
        service.run("enqueue", str(by_hand))
        service.run("groups", "create", "moving")
        service.run("feeds", "add", "http://127.0.0.1:9/moving", "--name", "moving", "--no-check")
        for name in sorted(_WAITING):
            expect(pages[name].locator("#live"), name).to_have_text("show new")
        expect(pages["articles"].get_by_role("link", name="新到的一行")).to_have_count(0)
        for name, page in pages.items():
            shifts = [it for it in page.evaluate("window.shifts") if it[0] >= _DIGIT]
            assert shifts == [], name
        jobs = pages["jobs"]
        expect(jobs.get_by_role("row").filter(has_text="by-hand.md")).to_have_count(0)
        jobs.locator("#live").click()
        expect(jobs.get_by_role("row").filter(has_text="by-hand.md")).to_be_visible()
        expect(jobs.locator("#live")).to_have_text("live")


def test_a_row_changes_while_others_wait(page: Page, service: Service, tmp_path: Path) -> None:
    """A visible job is updated while a newer one waits to be shown."""
    page.goto("/jobs")
    published = page.locator('tr[data-key^="scan-drop"] td.num').first
    before = published.inner_text()
    waiting = tmp_path / "waiting.md"
    waiting.write_bytes(article(712, "等待的一行"))
    service.run("enqueue", str(waiting))
    expect(page.locator("#live")).to_have_text("show new")
    service.put("counted.md", article(713, "计入的一行"))
    expect(published).not_to_have_text(before)
    expect(page.get_by_role("row").filter(has_text="waiting.md")).to_have_count(0)


_PROBLEM = """() => {
  const region = document.getElementById("problems");
  const fresh = document.createElement("template");
  const problems = '<li class="problem p-fail">It fails.</li>'.repeat(5);
  fresh.innerHTML = `<ul class="problems">${problems}</ul>`;
  return holdHeight(region, fresh.content);
}"""


def test_problems_that_appear_move_nothing(page: Page) -> None:
    """The first is read where all was well; the others wait below it."""
    page.goto("/")
    expect(page.locator("#live")).to_have_text("live")
    page.evaluate(_SHIFTS)
    assert page.evaluate(_PROBLEM) is True
    expect(page.get_by_text("It fails.").first).to_be_in_viewport(ratio=1)
    page.wait_for_timeout(300)
    assert [it for it in page.evaluate("window.shifts") if it[0] >= _DIGIT] == []


def test_all_of_it_works_without_the_script(browser: Browser, service: Service) -> None:
    """Reading, sending a file and discarding a refused one are plain pages and forms."""
    context = browser.new_context(base_url=service.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/enqueue")
    data = {"name": "plain.md", "mimeType": "text/markdown", "buffer": article(800, "无脚本上传")}
    page.set_input_files("#files", data)  # type: ignore[arg-type]
    page.get_by_role("button", name="Enqueue files").click()
    expect(page).to_have_url(re.compile(r"/jobs/enqueue-"))
    page.goto("/quarantine")
    page.get_by_role("link", name="program.bin").click()
    page.get_by_role("link", name=re.compile("Discard")).click()
    page.get_by_role("button", name=re.compile("Discard")).click()
    page.goto("/quarantine")
    expect(page.get_by_role("link", name="program.bin")).to_have_count(0)
    context.close()
