"""What a terminal of 80 columns shows: whole lines, and nothing that is none."""

from io import StringIO

import pytest
import redis
from rich.cells import cell_len
from rich.console import Console

from tests.home import Home, article
from worker.store.workers import Heartbeats, WorkerInfo

NARROW = 80


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What `tail` and `jobs` print to a terminal of 80 columns."""
    output = StringIO()
    narrow = Console(file=output, width=NARROW, markup=False, highlight=False)
    for module in ("tail", "jobs", "status.command", "status.report", "status.tables", "output"):
        monkeypatch.setattr(f"worker.cli.{module}.console", lambda: narrow)
    return output


def test_a_record_with_tickers_fits(home: Home, shown: StringIO) -> None:
    """A title of usual length has a line for itself; id, source and tickers lie beneath."""
    body = "云屿港(605999)、海陆通(301999)与澄湖股份(605998)昨日同时公告。"
    home.put("a.md", article("云屿港启用全自动码头，船舶等待时间缩短四成", body=body))
    home.run("enqueue", str(home.path / "a.md"))
    home.work()
    home.run("tail")
    lines = shown.getvalue().splitlines()[2:]  # after what `enqueue` says
    assert "605999.SH" in shown.getvalue()
    assert len(lines) == 2
    assert max(cell_len(line) for line in lines) <= NARROW


def test_jobs_leave_out_zero_counts(home: Home, shown: StringIO) -> None:
    """A finished job has no `0 open` and no `0 refused`; it names what was enqueued."""
    path = home.put("a.md", article("一"))
    home.run("enqueue", str(path))
    home.work()
    home.run("jobs")
    printed = shown.getvalue().partition("newsdrop jobs")[2]
    assert "1 file: 1 published\n" in printed
    assert path.name in "".join(printed.split())
    assert max(cell_len(line) for line in printed.splitlines()) <= NARROW


def test_the_status_fits(home: Home, shown: StringIO, redis_client: redis.Redis) -> None:
    """Problems are folded between words, the hour has fewer bars, folders lie beneath."""
    worker = WorkerInfo("newsdrop@here-1", 1, "here", 3, 1)
    Heartbeats(redis_client, stream=home.settings().stream.name).beat(worker)
    home.put("in/a.md", article("一"))
    home.put("in/b.md", b"")
    home.run("enqueue", str(home.path / "in"))
    home.work()
    (home.drop / "link.md").symlink_to("/etc/hostname")
    home.scan()
    printed = shown.getvalue()
    home.run("status")
    lines = shown.getvalue().removeprefix(printed).splitlines()
    assert max(cell_len(line) for line in lines) <= NARROW
    assert next(n for n, line in enumerate(lines) if line.startswith("drop ")) < 24, "a live view"
    (hour,) = [line for line in lines if "/min" in line]
    assert hour.rstrip().endswith("2 in the last hour")
    assert sum(line.startswith("drop: ") for line in lines) == 1


def test_a_pipe_gets_no_filling(home: Home) -> None:
    """Piped lines end with their last word: filled to 160 columns they would wrap on a terminal."""
    for command in ("doctor", "status", "audit", "jobs"):
        lines = home.run(command).stdout.splitlines()
        assert [line for line in lines if line != line.rstrip()] == [], command


def test_a_long_path_shows_its_end(home: Home, shown: StringIO) -> None:
    """A job is identified by its file's name, however deep the folder is."""
    home.run("enqueue", str(home.put(f"{'deep/' * 30}last.md", article("一"))))
    home.run("jobs")
    assert "deep/last.md" in "".join(shown.getvalue().split())  # folded where the terminal ends
