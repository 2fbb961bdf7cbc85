"""Reading the archive again on its page and by the API."""

import re
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import home, lonely
from tests.pipeline.test_revisions import RULE
from tests.web.pages import enqueue_files, ours, text, words
from tests.web.served import Served
from tests.world import article
from worker.pipeline.reparse.background import run_slice

__all__ = ["home", "lonely", "ours"]


def send(one: Served, path: str, **fields: Any) -> Any:
    token = re.search(r'name="form_token" value="([^"]+)"', text(one, "/reparse"))
    assert token is not None
    return one.client.post(path, data={"form_token": token[1], **fields})


@pytest.fixture
def changed(ours: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Served:
    """Two articles, one of which another rule reads otherwise by now."""
    enqueue_files(ours, **{"a.md": article("列<b>甲（快讯）"), "b.md": article("乙")})
    rules = tmp_path / "rules"
    rules.mkdir()
    (rules / "sina.toml").write_text(RULE)
    monkeypatch.setenv("NEWSDROP_SITES_DIR", str(rules))
    return ours


def work(one: Served) -> None:
    run_slice(one.home.context(), lambda: None)
    one.home.work()


def test_a_person_compares_and_publishes(changed: Served) -> None:
    """Counts by field and examples with both texts; publishing needs a confirmation."""
    assert 'href="/reparse"' in text(changed, "/articles")
    assert 'href="/reparse?source=manual"' in text(changed, "/sources/manual")
    assert 'value="manual"' in text(changed, "/reparse?source=manual")
    send(changed, "/reparse/compare", source="manual", since="3d")
    page = words(text(changed, "/reparse"))
    assert "Comparison waits for a worker source manual" in page
    assert send(changed, "/reparse/compare").status_code == 409
    assert changed.client.get("/reparse/publish").headers["location"] == "/reparse"
    work(changed)
    html = text(changed, "/reparse")
    page = words(html)
    assert "Articles read 2 2 batches" in page or "Articles read 2 1 batch" in page
    assert "Differ 1 1 stay the same" in page
    assert "title 1" in page
    assert "列<b>甲（快讯）" in page
    assert "<b>甲" not in html
    assert "Publish 1 revision?" in words(text(changed, "/reparse/publish"))
    send(changed, "/reparse/publish")
    work(changed)
    assert "Published as revisions 1" in words(text(changed, "/reparse"))
    revised = changed.get("/articles?outcome=revised")["articles"]
    assert [one["title"] for one in revised] == ["列<b>甲"]


def test_a_form_of_another_site_reads_nothing_again(changed: Served) -> None:
    """Each change needs the page's token; an unknown one is none."""
    for what in ("compare", "publish", "end"):
        assert changed.client.post(f"/reparse/{what}").status_code == 403
    assert send(changed, "/reparse/else").status_code == 404


def test_the_api_does_the_same(changed: Served) -> None:
    """Ordered, refused while it runs, read, ended."""
    assert changed.get("/reparse") == {"order": None, "run": None}
    assert changed.post("/reparse", {"since": "soon"}, 422)["detail"].startswith("soon is not")
    assert changed.post("/reparse", {"source": "manual"}, 202)["order"]["order"]["publish"] is False
    assert changed.post("/reparse", {}, 409)["status"] == 409
    work(changed)
    run = changed.get("/reparse")["run"]
    assert run["state"]["result"]["fields"] == {"title": 1}
    assert run["state"]["result"]["examples"][0]["changes"][0]["new"] == "列<b>甲"
    assert changed.post("/reparse", {"publish": True}, 202)["run"] is None
    work(changed)
    assert changed.get("/reparse")["run"]["state"]["result"]["changed"] == 1
    assert changed.client.delete("/api/v1/reparse", headers={"x-newsdrop": "1"}).json() == {
        "order": None,
        "run": None,
    }
