"""What the documents show is run: in their order, by a user's shell, against a running service."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.docs.pages import PAGES, Block, blocks
from tests.docs.terminal import Terminal, bounded
from worker.settings import load

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

ELSEWHERE = {
    "README.zh-CN.md": "has the commands of README.md: test_chinese",
    "docs/operations.md": "stops the service, so it has one of its own: test_operations",
    "docs/api.md": "its examples are run by tests/web",
    "docs/docker.md": "needs a container engine: `make compose-test`",
    "docs/systemd.md": "needs systemd as process 1",
    "docs/reliability.md": "runs for minutes: `make torture`; its short part is tests/torture",
    "docs/monitoring.md": "needs Prometheus; its rules are checked with promtool",
}
"""Pages whose blocks are not run here, and why."""

NOT_RUN = {
    r"^make ": "a fresh clone's first start installs from a registry",
    r"\bup$": "the service runs already",
    r"\.example\b": "nobody has such a name; feeds are polled over loopback in other tests",
    r"--urls|s3://|\bjobs ID": "no such list, bucket or job; tests/cli/test_backfill.py has them",
    r"^celery ": "a second worker; tests/e2e/test_plain_celery.py runs it",
}
"""Lines that are left out of what is run, and why."""

NAMED = re.compile(r'(?:"""|# |<!doctype html>\n<!-- )((?:[\w-]+/)?[\w-]+\.(?:py|toml|html))\b')
"""A block that is a file begins with its name."""

NOTE = re.compile(r"\s+#\s.*$")
"""What a line says beside its command."""

ENDLESS = r"--follow|--watch|^python consumer\.py"
"""Lines that do not end by themselves."""


RUN = [page for page in PAGES if page not in ELSEWHERE and blocks(page, "sh", "python")]


def test_exceptions_are_needed() -> None:
    """Each page of ELSEWHERE has commands, and each rule of NOT_RUN matches a line."""
    assert [page for page in ELSEWHERE if not blocks(page, "sh", "python", "console")] == []
    lines = [line for page in RUN for b in blocks(page, "sh") for line in b.text.splitlines()]
    lines = [NOTE.sub("", line) for line in lines]
    assert [why for why in NOT_RUN if not any(re.search(why, line) for line in lines)] == []


@pytest.mark.parametrize("page", RUN)
def test_the_examples_work(page: str, terminal: Terminal) -> None:
    """Each shell and Python block of the page succeeds, line by line, after those before it."""
    for block in blocks(page, "sh", "python", "toml", "html"):
        if named := NAMED.match(block.text):
            path = terminal.clone / named[1]
            path.parent.mkdir(exist_ok=True)
            path.write_text(block.text)
        elif block.language == "python":
            _succeeds(block, "python - <<'END'\n" + block.text + "END\n", terminal)
        elif block.language == "sh":
            _succeeds(block, bounded(_runnable(block.text), ENDLESS), terminal)


def test_the_readme_describes_the_outcomes(terminal: Terminal) -> None:
    """One record, its copy a duplicate, and an empty file refused."""
    for block in blocks("README.md", "sh")[:2]:
        terminal.type(_runnable(block.text))

    def outcomes() -> bool:
        (article,) = terminal.ask("explain", "examples/more/bridge.md")
        becomes = [(entry["path"], entry["status"]) for entry in article["past"]]
        refused = {item["path"] for item in terminal.ask("quarantine", "list")}
        return ("again.md", "duplicate") in becomes and "empty.md" in refused

    terminal.until(outcomes)
    (bridge,) = terminal.ask("parse", "examples/more/bridge.md")
    records = terminal.ask("tail", "--from", "0", "--count", "1000")
    assert [one["id"] for one in records].count(bridge["id"]) == 1


def _succeeds(block: Block, script: str, terminal: Terminal) -> None:
    try:
        terminal.type(script)
    except AssertionError as error:
        raise AssertionError(f"{block}: {error}") from None


def _runnable(text: str) -> str:
    """Without the lines that are not run."""
    documented = (
        line
        for line in text.splitlines(keepends=True)
        if not any(re.search(why, NOTE.sub("", line.rstrip())) for why in NOT_RUN)
    )
    return "".join(documented)


@pytest.mark.parametrize("block", [b for page in PAGES for b in blocks(page, "toml")], ids=str)
def test_toml_is_what_its_reader_takes(block: Block, tmp_path: Path) -> None:
    """Settings shown are settings; the rest is at least TOML."""
    tables = tomllib.loads(block.text)
    if block.page.startswith("docs/"):
        path = tmp_path / "newsdrop.toml"
        path.write_text(block.text)
        assert load(path, with_run=False)
    assert tables
