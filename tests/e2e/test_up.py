"""`newsdrop up` as a person runs it: everything real, nothing set but the state directory."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.servers import clean_environment
from tests.template import Program, run_newsdrop

PROJECT = Path(__file__).parents[2]
SEED = PROJECT.parent / "shared" / "samples" / "seed.md"
PATIENCE = 90.0

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


class Service:
    """`newsdrop` with a state directory of its own."""

    def __init__(self, folder: Path) -> None:
        self.state = folder / "state"
        self.drop = folder / "in"
        self.output = folder / "output.txt"
        self.environment = clean_environment(
            NEWSDROP_STATE_DIR=str(self.state), NEWSDROP_WORKER_PROCESSES="2", E2E_MARK=folder.name
        )
        self.up: subprocess.Popen[bytes] | None = None
        self.sessions: list[int] = []

    def start(self, *options: str, cwd: Path = PROJECT) -> None:
        """Start `up` and wait until it is ready."""
        python = [sys.executable] if cwd == PROJECT else [sys.executable, "-P"]
        command = [*python, "-m", "worker.cli", "up", "--drop", str(self.drop), *options]
        with self.output.open("wb") as output:
            self.up = Program(
                command, cwd=cwd, env=self.environment, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip
        self.sessions.append(self.up.pid)
        self.until(lambda: "newsdrop is ready." in self.read_output() or self.up.poll() is not None)
        assert self.up.poll() is None, self.read_output()

    def read_output(self) -> str:
        return self.output.read_text()

    def stop(self) -> int:
        assert self.up is not None
        self.up.send_signal(signal.SIGTERM)
        return self.up.wait(PATIENCE)

    def ask(self, *words: str) -> Any:
        """The JSON documents of a command."""
        done = run_newsdrop(
            *words, "--json", environment=self.environment, cwd=PROJECT, timeout=PATIENCE
        )
        done.check_returncode()
        return [json.loads(line) for line in done.stdout.splitlines()]

    def records(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.ask("tail", "--from", "0", "--count", "100")
        return found

    def counts(self) -> dict[str, Any]:
        counted: dict[str, Any] = self.ask("status")[0]["articles"]
        return counted

    def put(self, file: Path, name: str) -> None:
        """Drop a copy as a careful writer does."""
        hidden = self.drop / f".{name}.tmp"
        shutil.copyfile(file, hidden)
        hidden.rename(self.drop / name)

    def leftover_processes(self) -> list[psutil.Process]:
        """Every living process of this service, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            try:
                mark = process.environ().get("E2E_MARK")  # not that of a fork
                is_ours = mark == self.environment["E2E_MARK"]
                is_ours = is_ours or os.getsid(process.pid) in self.sessions
                if is_ours and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except (psutil.Error, ProcessLookupError):
                continue
        return found

    def until(self, what: Callable[[], Any]) -> Any:
        end = time.monotonic() + PATIENCE
        while not (found := what()):
            assert time.monotonic() < end, (
                f"it did not happen in time; up said:\n{self.read_output()}"
            )
            time.sleep(0.3)  # most run a command
        return found


@pytest.fixture
def service() -> Iterator[Service]:
    folder = Path(tempfile.mkdtemp(prefix="nd-e2e-"))
    made = Service(folder)
    yield made
    for process in made.leftover_processes():
        process.kill()
    if made.up is not None:
        made.up.wait(PATIENCE)
    shutil.rmtree(folder, ignore_errors=True)


def test_the_first_run_shows_a_record_and_the_next_steps(service: Service) -> None:
    """Once it is ready it has no problems, and what it prints names the stream. A second run
    reports duplicates; TERM leaves no process."""
    service.start("--examples")
    read_output = service.read_output()
    (status,) = service.ask("status")
    assert "beat" not in {problem["name"] for problem in status["problems"]}
    assert "Ingested 2 example articles" in read_output
    assert "content_text" in read_output
    assert str(service.drop) in read_output
    assert "newsdrop:articles" in read_output
    titles = {record["title"] for record in service.records()}
    assert len(titles) == 2
    assert service.stop() == 0
    assert service.leftover_processes() == []

    service.start("--examples")
    assert "The examples were ingested before" in service.read_output()
    assert len(service.records()) == 2
    assert service.counts()["duplicate"] == 2
    assert service.stop() == 0
    assert service.leftover_processes() == []


def test_strict_refuses_and_accepting_publishes(service: Service, tmp_path: Path) -> None:
    """A strict enqueue refuses an article with a warning; accepted, it is published and counted by
    kind."""
    service.start()
    undated = tmp_path / "undated.md"
    undated.write_text("---\ntitle: Undated\ndate: someday\n---\n<p>Text.</p>\n", "utf-8")
    service.ask("enqueue", str(undated), "--strict")
    (refused,) = service.until(lambda: service.ask("quarantine", "list"))
    assert refused["reason"] == "warning"
    assert service.records() == []
    job = service.ask("quarantine", "retry", "--accept-warnings", refused["id"])[0]["job"]
    service.until(service.records)
    kinds = {"date_missing": 1, "date_unreadable": 1}
    assert service.until(lambda: service.counts()["warnings"]) == kinds
    assert service.ask("jobs", job)[0]["warnings"] == kinds
    assert service.stop() == 0


@pytest.mark.skipif(not SEED.exists(), reason="the shared samples are not here")
def test_a_dropped_file_is_one_record_however_often(service: Service) -> None:
    """The seed is one record, a duplicate under another name, also while processes of `up` are
    killed."""
    service.start()
    service.put(SEED, "seed.md")
    (record,) = service.until(service.records)
    assert record["title"] == "上海市人才工作会议上，李强书记划重点"
    assert record["date_published"] == "2021-11-26T12:26:04Z"
    service.put(SEED, "again.md")
    service.until(lambda: service.counts()["duplicate"] == 1)

    service.up.kill()  # type: ignore[union-attr]
    service.until(lambda: service.leftover_processes() == [])
    service.put(SEED, "while-down.md")
    service.start()
    service.until(lambda: service.counts()["duplicate"] == 2)
    assert len(service.records()) == 1
    assert service.stop() == 0
    assert service.leftover_processes() == []


def test_files_dropped_while_processes_are_killed_arrive(service: Service) -> None:
    """Server and worker are killed in turn while files come: each file ends as one record."""
    (example, _) = sorted((PROJECT / "examples").glob("*.md"))
    text = example.read_text(encoding="utf-8")
    service.start()
    for number in range(30):
        made = service.state.parent / "made.md"
        made.write_text(text.replace("云屿港", f"云屿港{number}号"), encoding="utf-8")
        service.put(made, f"{number}.md")
        if number in (10, 20):
            part = "valkey-server" if number == 10 else "newsdrop-worker"
            for process in service.leftover_processes():
                if process.name() == part:  # of the worker its pool, too
                    process.kill()
    service.until(lambda: len(_safely(service.records)) == 30)
    status = service.until(lambda: _settled(service))
    assert status["articles"]["published"] == 30
    assert service.stop() == 0
    assert service.leftover_processes() == []


def test_it_runs_where_another_worker_lies(service: Service) -> None:
    """In a folder with a `worker.py`, as Celery's users have, the parts are newsdrop's own."""
    elsewhere = service.output.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "worker.py").write_text("raise SystemExit('not this one')\n")
    service.start("--examples", cwd=elsewhere)
    assert "Ingested 2 example articles" in service.read_output()
    assert service.stop() == 0


def _safely(ask: Callable[[], list[Any]]) -> list[Any]:
    """Nothing, while the server is being started again."""
    try:
        return ask()
    except subprocess.CalledProcessError:
        return []


def _settled(service: Service) -> dict[str, Any] | None:
    status: dict[str, Any] = service.ask("status")[0]
    files = status["files"]
    return status if files["archived"] == 30 and not files["waiting"] + files["working"] else None
