"""The children's logs: what of them is shown, and that they stay small."""

import os
from pathlib import Path

import pytest

from worker.service import child_logs
from worker.service.child_logs import ChildLog, warning_in


@pytest.mark.parametrize(
    ("line", "warning"),
    [
        ("[2026-01-31 10:00:00,000: WARNING/MainProcess] slow", "slow"),
        ("[2026-01-31 10:00:00,000: ERROR/ForkPoolWorker-1] bad", "bad"),
        ("[2026-01-31 10:00:00,000: INFO/MainProcess] WARNING is a word", None),
        ('{"event": "full", "level": "error", "timestamp": "t", "source": "s"}', "full (source s)"),
        (
            '{"event": "put off", "level": "warning", "task": "t", "error": "no room", "pid": 7}',
            "put off: no room (task t)",
        ),
        (
            '{"event": "a bug", "level": "error", '
            '"exception": [{"exc_type": "E", "exc_value": "x"}]}',
            "a bug: E: x",
        ),
        ('{"event": "fine", "level": "info"}', None),
        ("{not json", None),
        ("81:M 31 Jan 2026 10:00:00.000 # Out of memory", "Out of memory"),
        ("81:M 31 Jan 2026 10:00:00.000 # WARNING Memory overcommit must be enabled!", None),
        ("81:M 31 Jan 2026 10:00:00.000 * Ready to accept connections", None),
        ("2026-01-31T10:00:00Z [warning  ] disk is full", "disk is full"),
        ("plain words about a WARNING", None),
    ],
)
def test_which_lines_are_warnings(line: str, warning: str | None) -> None:
    """Warnings of Celery, the server and structlog are distinguished from other lines."""
    assert warning_in(line) == warning


def test_each_warning_is_shown_once(tmp_path: Path) -> None:
    """Not those of an earlier run, incomplete lines or repetitions."""
    line = "[t: WARNING/Main] {}\n"
    (tmp_path / "a.log").write_text(line.format("old"))
    log = ChildLog(tmp_path, "a")
    with log.open() as file:
        file.write(line.format("one").encode() * 3 + line.format("two").encode())
        file.write(b"[t: WARNING/Main] ha")
        assert list(log.warnings()) == ["one", "two"]
        file.write(b"lf\n")
    assert list(log.warnings()) == ["half"]
    assert list(log.warnings()) == []


def test_what_was_escaped_is_not_escaped_again(tmp_path: Path) -> None:
    """A JSON line's event was escaped when it was written: one backslash stays one."""
    log = ChildLog(tmp_path, "a")
    with log.open() as file:
        file.write(rb'{"event": "lost\\nagain \u001b", "level": "warning"}' + b"\n")
    assert list(log.warnings()) == [r"lost\nagain \x1b"]


def test_a_large_log_is_rotated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is kept once as `.1`; the child keeps writing to the same file."""
    monkeypatch.setattr(child_logs, "MAX_BYTES", 1000)
    log = ChildLog(tmp_path, "a")
    with log.open() as file:
        file.write(b"x" * 999 + b"\n\n")
        list(log.warnings())
        log.trim()
        file.write(b"[t: WARNING/Main] after\n")
    assert (tmp_path / "a.log.1").stat().st_size == 1001
    assert log.path.read_text() == "[t: WARNING/Main] after\n"
    assert list(log.warnings()) == ["after"]


@pytest.mark.parametrize("fate", ["removed", "moved", "a folder"])
def test_a_log_that_loses_its_name_is_still_read(tmp_path: Path, fate: str) -> None:
    """Its warnings are shown, one more says what happened, and nothing ends the service."""
    log = ChildLog(tmp_path, "a")
    with log.open() as file:
        if fate == "moved":
            log.path.rename(tmp_path / "a.log.1")
        else:
            log.path.unlink()
        if fate == "a folder":
            log.path.mkdir()
        file.write(b"[t: WARNING/Main] after\n")
        moved, after = log.warnings()
        assert "was moved or removed" in moved
        assert after == "after"
        assert list(log.warnings()) == []
    assert log.tail() == []
    log.close()


def test_only_a_removed_log_is_truncated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else can make room of it; one that was moved is history that somebody keeps."""
    monkeypatch.setattr(child_logs, "MAX_BYTES", 10)
    log = ChildLog(tmp_path, "a")
    with log.open() as file:
        file.write(b"x" * 20)
        rotated = log.path.rename(tmp_path / "a.log.1")
        log.trim()
        assert rotated.stat().st_size == 20
        rotated.unlink()
        log.trim()
        assert os.fstat(file.fileno()).st_size == 0
    log.close()


def test_the_tail_is_escaped(tmp_path: Path) -> None:
    """The last lines, for an error message, cannot move a cursor."""
    (tmp_path / "a.log").write_text("1\n2\n3 \033[2J\n")
    assert ChildLog(tmp_path, "a").tail(2) == ["2", "3 \\x1b[2J"]
