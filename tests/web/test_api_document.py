"""The examples of docs/api.md, run against a real server."""

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import home
from tests.docs.pages import ROOT, blocks
from tests.home import Home
from tests.http_server import Web
from tests.newsroom import feed, page
from tests.web.served import Served, may_fetch, served
from worker.web.api import routes

__all__ = ["home"]

PAGE = "docs/api.md"
SITE = "https://harbour.example"
HERE = "http://127.0.0.1:8787"
ANY = "…"

MADE_UP = (
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z",
    r"\d{13}-\d+",
    r"(?:enqueue|retry)-\d{8}T\d{6}-[0-9a-f]{6}",
    r"\d{8}T\d{6}\.\d{6}-[0-9a-f]{8}-[\w.-]+",
)
"""What is another one each time: moments, stream entries, jobs, batches and what was refused."""


@pytest.fixture
def site(home: Home, web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """The application over a home, and the site that the document names, on loopback."""
    may_fetch(monkeypatch, web)
    web.pages["/rss"] = feed(1, 2)
    web.pages["/news/1.html"] = page("港口夜航试运行", "第一段。")
    with served(home) as one:
        yield one


def test_every_example_gives_the_documented_answer(site: Served, web: Web, tmp_path: Path) -> None:
    """IDs and times are learned where they first occur."""
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    (tmp_path / "empty.md").touch()
    learned = {SITE: web.url("").rstrip("/"), HERE: site.url}
    shown = iter(blocks(PAGE, "sh", "json"))
    run = 0
    for command in shown:
        assert command.language == "sh", f"{command}: an answer without its command"
        answer = next(shown)
        assert answer.language == "json", f"{command}: its answer is not shown"
        actual = _typed(_with(command.text, learned), tmp_path)
        _compare(str(answer), json.loads(answer.text), json.loads(actual), learned)
        site.home.work()
        run += 1
    assert run > 15


def test_every_endpoint_is_in_the_document() -> None:
    """With its method and an example."""
    text = (ROOT / PAGE).read_text("utf-8")
    commands = " ".join(block.text for block in blocks(PAGE, "sh")).replace("\\\n", " ")
    for route in routes:
        path = route.path.removeprefix("/api/v1").replace(":path", "")  # type: ignore[attr-defined]
        for method in route.methods - {"HEAD"}:  # type: ignore[attr-defined]
            assert f"`{method} {path}`" in text, f"{method} {path}"
        form = re.sub(r"\\\{\w+\\\}", r"[\\w.-]+", re.escape(path))
        assert re.search(rf"/api/v1{form}(?:[?'\s]|$)", commands), f"no example asks {path}"


def _typed(script: str, folder: Path) -> str:
    environment = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", "no_proxy": "*"}
    done = subprocess.run(
        ["bash", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, f"{script}\n{done.stderr}"
    return done.stdout


def _with(text: str, learned: dict[str, str]) -> str:
    """What was learned in the place of what is written; the longer first, as one begins another."""
    for written in sorted(learned, key=len, reverse=True):
        text = text.replace(written, learned[written])
    return text


def _compare(where: str, written: Any, actual: Any, learned: dict[str, str]) -> None:
    if written == ANY:
        return
    if isinstance(written, dict):
        assert isinstance(actual, dict), where
        named = written.keys() - {ANY}
        missing = named - actual.keys()
        more = actual.keys() - named if ANY not in written else set()
        assert not missing, f"{where}: not in the answer: {missing}"
        assert not more, f"{where}: not in the document: {more}"
        for name in named:
            _compare(f"{where}, {name}", written[name], actual[name], learned)
    elif isinstance(written, list):
        assert len(written) == len(actual), where
        for number, (one, other) in enumerate(zip(written, actual, strict=True)):
            _compare(f"{where}, {number}", one, other, learned)
    elif isinstance(written, float):
        assert isinstance(actual, int | float), where
    elif isinstance(written, str):
        _compare_text(where, written, actual, learned)
    else:
        assert written == actual, where


def _compare_text(where: str, written: str, actual: Any, learned: dict[str, str]) -> None:
    form = next((one for one in MADE_UP if re.fullmatch(one, written)), None)
    if form is None:
        assert _with(written, learned) == actual, where
        return
    assert re.fullmatch(form, actual), f"{where}: {actual}"
    assert learned.setdefault(written, actual) == actual or form == MADE_UP[0], where
