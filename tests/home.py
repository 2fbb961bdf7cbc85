"""newsdrop for one test: state directory, drop folder, commands, and a worker on request."""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import typer.testing
from click.testing import Result
from typer.main import get_command
from typer.testing import CliRunner

from worker import settings
from worker.cli.root import app
from worker.pipeline.batch.drain import drain
from worker.pipeline.context import Context, open_context
from worker.pipeline.scan import scan_folders
from worker.pipeline.search import feed_search
from worker.service.lock import up_lock
from worker.service.state import StateDir
from worker.settings.clock import utc_now
from worker.settings.paths import run_file

typer.testing._get_command = cache(get_command)  # type: ignore[attr-defined]  # 26 ms a call


def article(title: str, date: str = "2022-03-04 09:30:00", body: str = "正文第一段。") -> str:
    """An article as a mirror writes it: front matter and an HTML body."""
    return (
        f"\n---\ntitle: '{title}'\ndate: {date}\nauthor: 示例报\n---\n\n<div><p>{body}</p></div> "
    )


@contextmanager
def running_up(state_dir: Path, **content: Any) -> Iterator[Path]:
    """The lock and the run file of a running `up`; the file stays, as after a kill."""
    state = StateDir(state_dir)
    state.prepare()
    file = run_file(state_dir)
    file.write_text(json.dumps(content))
    with up_lock(state):
        yield file


@dataclass
class Home:
    """A user's installation. Commands run in this process; `scan` and `work` stand in for the
    worker."""

    path: Path

    @property
    def state(self) -> Path:
        return self.path / "state"

    @property
    def drop(self) -> Path:
        return self.state / "drop"

    def settings(self) -> settings.Settings:
        return settings.load()

    def context(self) -> Context:
        return open_context(self.settings())

    def run(self, *args: str, stdin: bytes | None = None) -> Result:
        """The result of a command, which may raise nothing but SystemExit."""
        result = CliRunner().invoke(app, list(args), input=stdin, prog_name="newsdrop")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def json(self, *args: str, code: int = 0) -> Any:
        """The one document that a command with `--json` prints."""
        result = self.run(*args, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def lines(self, *args: str, code: int = 0) -> list[Any]:
        """The documents, one a line."""
        result = self.run(*args, "--json")
        assert result.exit_code == code, result.output
        return [json.loads(line) for line in result.stdout.splitlines()]

    def put(self, name: str, text: str | bytes) -> Path:
        """Write a file beside the state directory, for enqueuing."""
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def work(self) -> None:
        context = self.context()
        drain(context.roots, context.deps, seconds=60)
        feed_search(context)

    def settle_and_work(self) -> None:
        """Wait until new files have settled, then scan and ingest."""
        self.settle_and_claim()
        self.work()

    def settle_and_claim(self) -> None:
        """Wait until new files have settled, then scan."""
        time.sleep(self.settings().all_folders()[0].settle_without_event_seconds + 0.1)
        self.scan()

    def scan(self) -> None:
        scan_folders(self.context(), now=utc_now(), notify=lambda: None)
