"""What `up` prints once it runs: all on a terminal, one line into a log."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from worker.service.welcome import RunningService, welcome
from worker.settings import Settings


@pytest.mark.parametrize(
    ("socket", "port", "command"),
    [
        (None, 7001, "redis-cli -p 7001 XREAD COUNT 10"),
        (Path("/run/nd/s.sock"), None, "redis-cli -s /run/nd/s.sock XREAD COUNT 10"),
    ],
)
def test_the_stream_can_be_read_as_shown(
    tmp_path: Path, socket: Path | None, port: int | None, command: str
) -> None:
    """The printed command names the port or the socket; a log has one line."""
    running = RunningService(Settings(state_dir=tmp_path), "redis://127.0.0.1:7001", socket, port)
    terminal, log = io.StringIO(), io.StringIO()
    for output, is_log in ((terminal, False), (log, True)):
        console = Console(file=output, width=200)
        welcome(running, console, False, lambda _: None, "Ctrl-C stops it.", is_log=is_log)
    assert command in terminal.getvalue()
    assert log.getvalue() == "newsdrop is ready.\n"
