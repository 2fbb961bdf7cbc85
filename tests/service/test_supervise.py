"""The supervisor's own rules, with stand-in children."""

import time
from pathlib import Path

import pytest

from worker.service import supervise
from worker.service.supervise import MAX_RESTARTS, Child, Supervisor


def test_wrong_settings_do_not_stop_a_service_that_worked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part that cannot start after its settings were edited waits for their correction, and the
    reason is shown; server, page and the other parts continue."""
    monkeypatch.setattr(supervise, "WORKED_SECONDS", 0.1)
    monkeypatch.setattr(supervise, "_MAX_BACKOFF_SECONDS", 0.05)
    mistake, shown = tmp_path / "mistake", list[str]()
    script = f"test -e {mistake} && echo unknown setting x && exit 2; sleep 1000"
    supervisor = Supervisor(tmp_path, lambda _, message: shown.append(message))
    supervisor.start(Child("part", ["sh", "-c", script]))

    def watch(until_count: int) -> None:
        deadline = time.monotonic() + 60
        while len(shown) < until_count and time.monotonic() < deadline:
            supervisor.watch()
            time.sleep(0.02)

    try:
        time.sleep(0.2)
        supervisor.watch()
        mistake.touch()
        supervise._kill_group(supervisor.pids()["part"])
        watch(MAX_RESTARTS + 3)
        assert "cannot start: unknown setting x" in shown[-1]
        mistake.unlink()
        deadline = time.monotonic() + 60
        while not supervisor.alive("part") and time.monotonic() < deadline:
            supervisor.watch()
            time.sleep(0.02)
        assert supervisor.alive("part")
    finally:
        supervisor.stop(should_kill=lambda: True)
