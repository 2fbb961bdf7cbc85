"""The made-up site of config/sites/README.md: its rule changes what the page says."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.docs.pages import blocks
from tests.home import Home

PAGE = "config/sites/README.md"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.setenv("NEWSDROP_STATE_DIR", str(tmp_path / "state"))
    return Home(tmp_path)


def test_the_rule_of_the_document_changes_what_is_read(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It removes the advert and another line and adds the publisher; the article stays the same."""
    (page,) = blocks(PAGE, "html")
    (rule,) = blocks(PAGE, "toml")
    saved = home.put("page.html", page.text)
    before = record(home, saved)
    monkeypatch.setenv("NEWSDROP_SITES_DIR", str(home.put("rules/port.toml", rule.text).parent))
    after = record(home, saved)

    for noise in ("港口日报数字版上线", "投稿与线索"):
        assert noise in before["content_text"]
        assert noise not in after["content_text"]
    assert before["publisher"] == {"name": "港口日报", "url": None}
    assert after["publisher"] == {"name": "港口日报", "url": "https://www.port.example"}
    assert (before["editor"], after["editor"]) == ("林望", "林望")
    assert (before["warnings"], after["warnings"]) == ([], [])
    assert after["id"] == before["id"]
    assert (after["title"], after["date_published"]) == (
        "三号码头夜间恢复作业", "2024-06-12T13:40:00Z",
    )  # fmt: skip


def record(home: Home, page: Path) -> dict[str, Any]:
    result = home.run("parse", str(page), "--json")
    assert result.exit_code == 0, result.output
    read: dict[str, Any] = json.loads(result.stdout)
    return read
