"""What `up` prints once it runs: all on a terminal, one line into a log."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from worker.service.welcome import RunningService, welcome
from worker.settings import Folder, Settings
from worker.store.connection import socket_url


@pytest.mark.parametrize(
    ("socket", "port", "program", "shown"),
    [
        (None, 7001, "redis-cli", "redis-cli -p 7001 XREAD COUNT 10"),
        (Path("/run/nd/s.sock"), None, "redis-cli", "redis-cli -s /run/nd/s.sock XREAD COUNT 10"),
        (Path("/run/nd/s.sock"), None, "valkey-cli", "valkey-cli -s /run/nd/s.sock XREAD COUNT"),
        (Path("/run/nd/s.sock"), None, None, "newsdrop:articles  unix:///run/nd/s.sock"),
    ],
)
def test_the_stream_can_be_read_as_shown(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    socket: Path | None,
    port: int | None,
    program: str | None,
    shown: str,
) -> None:
    """The printed command names an installed program and the port or the socket; where none is
    installed, the address of the stream is shown. A log has one line."""
    monkeypatch.setenv("PATH", str(tmp_path))
    if program:
        (tmp_path / program).touch(0o755)
    url = socket_url(str(socket)) if socket else "redis://127.0.0.1:7001"
    running = RunningService(Settings(state_dir=tmp_path), url, socket, port)
    terminal, log = io.StringIO(), io.StringIO()
    for output, is_log in ((terminal, False), (log, True)):
        console = Console(file=output, width=200)
        welcome(running, console, False, lambda _: None, "Ctrl-C stops it.", is_log=is_log)
    assert shown in terminal.getvalue()
    assert log.getvalue() == "newsdrop is ready.\n"


def test_a_folder_is_printed_as_it_can_be_used_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A path that is relative in the settings is printed whole: another terminal has another
    directory."""
    monkeypatch.chdir(tmp_path)
    settings = Settings(state_dir=tmp_path, folders=(Folder(name="财经", path=Path("inbox")),))
    terminal = io.StringIO()
    running = RunningService(settings, "redis://127.0.0.1:7001", None, None)
    welcome(running, Console(file=terminal, width=200), False, lambda _: None, "", is_log=False)
    assert str(tmp_path / "inbox") in terminal.getvalue()
