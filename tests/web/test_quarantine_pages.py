"""The pages of refused inputs: why each was refused, and what a person does with them."""

import re
from html import unescape
from typing import Any

from tests.cli.conftest import home, lonely
from tests.home import article
from tests.web.pages import enqueue_files, ours, send_form, text, words
from tests.web.served import Served

__all__ = ["home", "lonely", "ours"]


def test_quarantine_and_jobs_have_the_same_bar(ours: Served) -> None:
    """Filters are in addresses, links and live updates, with translated labels."""
    enqueue_files(ours, a=article("港口开放"), **{"empty.md": "", "none.md": "no article"})
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
    enqueue_files(ours, **{f"{n}.md": "" for n in range(3)}, **{"none.md": "no article"})
    shown = text(ours, "/quarantine/matching?reason=empty")
    assert "3 inputs match" in words(shown)
    fields = dict(re.findall(r'name="(form_token|query|until)" value="([^"]*)"', shown))
    enqueue_files(ours, **{"later.md": ""})

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


def test_discarded_inputs_are_restored(ours: Served) -> None:
    """From their list; an input whose file was published later says so."""
    enqueue_files(ours, **{f"{n}.md": "" for n in range(2)}, **{"none.md": "no article"})
    assert 'href="/quarantine?reason=empty">empty <b>2</b></a>' in text(ours, "/quarantine")
    ids = [one["id"] for one in ours.get("/quarantine")["refused"]]
    ours.post("/quarantine/discard", {"ids": ids})
    assert ours.get("/quarantine")["total"] == 0
    shown = text(ours, "/quarantine?state=discarded&reason=empty")
    assert "Retry" not in words(shown[shown.index("<tbody>") :])
    shown = text(ours, "/quarantine/matching?state=discarded&reason=empty")
    fields = dict(re.findall(r'name="(form_token|query|until)" value="([^"]*)"', shown))
    fields["query"] = unescape(fields["query"])
    send_form(ours, "/quarantine/matching", "/quarantine", **fields, what="restore")
    assert {one["path"] for one in ours.get("/quarantine")["refused"]} == {"0.md", "1.md"}
    assert ours.post("/quarantine/restore", {"ids": ids}, status=404)["detail"]
    enqueue_files(ours, **{"0.md": article("补写的")})
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
    enqueue_files(ours, **{"many.ndjson": many})
    found = ours.get("/quarantine")
    assert ([one["path"] for one in found["refused"]], found["later"]) == (["many.ndjson"], {})


def test_the_page_of_a_bulk_discard_speaks_of_discarding_only(ours: Served) -> None:
    """What is ticked is discarded there; only the page of all that match offers a retry, too."""
    enqueue_files(ours, **{"0.md": ""})
    (refused,) = ours.get("/quarantine")["refused"]
    token = re.search(r'name="form_token" value="([^"]+)"', text(ours, "/quarantine"))
    assert token is not None
    ticked = {"form_token": token[1], "id": refused["id"], "what": "ask"}
    shown = words(ours.client.post("/quarantine/selected", data=ticked).text)
    assert ("Retry" in shown, "can be restored for" in shown) == (False, True)
    assert "Retry accepts them again" in words(text(ours, "/quarantine/matching?reason=empty"))


def test_a_refused_input_is_previewed_and_discarded(ours: Served) -> None:
    """Reason, text or dump, and a question before it is removed."""
    enqueue_files(
        ours, **{"a.md": "only <b>words</b>, nothing that says what it is", "b.bin": b"\x00\x01MZ"}
    )
    by_name = {one["path"]: one["id"] for one in ours.get("/quarantine")["refused"]}
    shown = text(ours, f"/quarantine/{by_name['a.md']}")
    assert "only &lt;b&gt;words" in shown
    assert "00 01 4d 5a" in text(ours, f"/quarantine/{by_name['b.bin']}")
    address = f"/quarantine/{by_name['a.md']}/discard"
    assert "can be restored for 7 days" in text(ours, address)
    assert send_form(ours, address, address) == "/quarantine?done=discarded"
    text(ours, f"/quarantine/{by_name['a.md']}", 404)
    assert "Discarded" in text(ours, "/quarantine?done=discarded")
    assert "empty" not in words(text(ours, "/quarantine?reason=not_text").partition("<table")[2])


def test_a_refused_file_is_retried(ours: Served) -> None:
    """Retry accepts it again as a job of its own."""
    enqueue_files(ours, **{"a.md": b""})
    (one,) = ours.get("/quarantine")["refused"]
    led = send_form(ours, f"/quarantine/{one['id']}/retry", "/quarantine")
    assert led.endswith("?done=retried")
    assert "retry" in words(text(ours, led))
