"""`newsdrop up`: server, worker, beat, file-event listener and status page, as one service."""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from worker.errors import ConfigError
from worker.escape import printable
from worker.health.preflight import check_places, check_server
from worker.service.command_hint import command_hint
from worker.service.detach import detach as go_on
from worker.service.embedded import server as embedded
from worker.service.lock import UpLock
from worker.service.notify import notifier
from worker.service.page import open_page
from worker.service.part import PYTHON, part_command
from worker.service.ready import worker_answers
from worker.service.signals import Signals
from worker.service.state import StateDir, state_of
from worker.service.supervise import Child, ChildError, Supervisor
from worker.service.welcome import Reached, welcome
from worker.settings import Settings
from worker.settings.paths import read_page_url, run_file
from worker.sites import open_sites
from worker.store.connection import shown_url, socket_url

SERVER_SECONDS = 60.0
"""How long the server may be silent at its start; loading its data is not silence."""

LOADING_SECONDS = 900.0
WORKER_SECONDS = 60.0
_ROUND_SECONDS = 0.5
_QUIET_SECONDS = 1.0  # of loading, before that is worth a word
_LITTLE_DISK = 16 * 1024 * 1024  # bytes; below it a server that syncs each write ends itself

_COLOURS = {"server": "magenta", "worker": "cyan", "beat": "blue", "listen": "green", "web": "blue"}


def run_up(
    settings: Settings,
    *,
    port: int | None = None,
    examples: bool = False,
    detach: bool = False,
    with_page: bool = True,
    console: Console,
    config: Path | None = None,
    children: Sequence[Child] | None = None,
) -> int:
    """Run the service until a signal, or return when it is ready with `detach`. An exit code.

    `config` is the file that the children shall read too; `children` replaces worker, beat,
    listener and status page; `with_page` leaves out the last. Raises ConfigError, and UsageError
    where another `up` runs on the state directory.
    """
    open_sites(settings)  # a wrong rule is said here, not by every task
    state = state_of(settings.state_dir)
    state.prepare()
    _make_folders(settings)
    check_places(settings, _sayer(console))
    service = _Service(settings, state, port, config, children, with_page)
    if not detach:
        return service.run(
            console,
            lambda reached, wait: welcome(reached, console, examples, wait, "Ctrl-C stops it."),
        )
    go_on(state, lambda ready: service.run(Console(soft_wrap=True), lambda *_: ready()))
    stop = f"It runs in the background; this stops it: {command_hint('down', config=config)}"
    welcome(service.reached(read_page_url(state.path)), console, examples, time.sleep, stop)
    return 0


@dataclass(frozen=True, slots=True)
class _Service:
    settings: Settings
    state: StateDir
    port: int | None
    config: Path | None
    children: Sequence[Child] | None
    with_page: bool

    @property
    def is_embedded(self) -> bool:
        """True if the server is ours to run: none is configured."""
        url = self.settings.redis.url
        return not url or embedded.is_own(url, self.state)

    def reached(self, page: str | None) -> Reached:
        """Where the running service is found; `page` is the status page's address."""
        if not self.is_embedded:
            return Reached(self.settings, self.settings.redis.url, None, None, self.config, page)
        socket = self.state.socket
        url = socket_url(str(socket))
        return Reached(self.settings, url, socket, self.port, self.config, page)

    def run(
        self, console: Console, ready: Callable[[Reached, Callable[[float], None]], None]
    ) -> int:
        """Everything, in order; whatever happens, the children are ended and the note is gone."""
        with UpLock(self.state), Signals() as signals:
            supervisor = Supervisor(self.state.logs, _teller(console))
            systemd = notifier()

            def wait(seconds: float) -> None:
                until = time.monotonic() + seconds
                while True:
                    systemd.alive()
                    signals.sleep(max(0.0, min(_ROUND_SECONDS, until - time.monotonic())))
                    if signals.count:
                        raise _StoppedError
                    supervisor.watch()
                    if time.monotonic() >= until:
                        return

            try:
                reached = self._start(supervisor, console, wait)
                ready(reached, wait)
                systemd.ready(f"runs {', '.join(supervisor.pids())}")
                while True:
                    wait(60)
            except _StoppedError:
                systemd.stopping()
                console.print(Text("Stopping: what is in hand is finished first.", "dim"))
                return 0
            except ChildError as error:
                console.print(Text(str(error), "red"))
                return 1
            finally:
                supervisor.stop(hurry=lambda: signals.count > 1)
                run_file(self.state.path).unlink(missing_ok=True)
                if self.is_embedded:
                    embedded.clear(self.state)
                if signals.count:
                    console.print("Stopped.")

    def _start(
        self, supervisor: Supervisor, console: Console, wait: Callable[[float], None]
    ) -> Reached:
        if self.is_embedded:
            self._start_server(supervisor, console, wait)
        elif self.port is not None:
            raise ConfigError(
                "--port is for the embedded server, but redis.url names another: drop one of them"
            )
        else:
            check_server(self.settings, _sayer(console))
            url = shown_url(self.settings.redis.url)
            console.print(Text(f"Starting the worker on {url} …", "dim"), soft_wrap=True)
        page = open_page(self.settings) if self.with_page and self.children is None else None
        reached = self.reached(page.address if page else None)
        self._note(reached)
        supervisor.environment = self._environment(reached.url)
        children = _default_children(self.settings) if self.children is None else self.children
        if page:
            children = (*children, page.child)
        for child in children:
            supervisor.start(child)
        if self.children is None:
            _wait_for_worker(reached, supervisor, wait)
        return reached

    def _start_server(
        self, supervisor: Supervisor, console: Console, wait: Callable[[float], None]
    ) -> None:
        fsynced = self.settings.redis.durability == "fsynced"
        binary = embedded.choose(self.state)
        server = embedded.prepare(self.state, binary, port=self.port, fsynced=fsynced)
        console.print(Text(f"Starting {binary.called} and its worker …", "dim"))

        def disk_is_full() -> bool:
            return shutil.disk_usage(self.state.server).free < _LITTLE_DISK

        child = Child("server", server.argv, stops_last=True, excuse=disk_is_full)
        supervisor.start(child)
        begun = time.monotonic()
        told = False
        while (answer := embedded.answers(server.socket)) != "ready":
            taken = time.monotonic() - begun
            allowed = LOADING_SECONDS if answer == "loading" else SERVER_SECONDS
            if not supervisor.alive("server") or taken > allowed:
                last = "\n".join(f"  {line}" for line in supervisor.log("server").tail())
                raise ConfigError(
                    f"the server did not start: {binary}. The end of its log:\n{last}"
                )
            if answer == "loading" and not told and taken > _QUIET_SECONDS:
                told = True
                console.print(Text("The server is reading its data; this can take a while.", "dim"))
            wait(0.02)

    def _environment(self, url: str) -> dict[str, str]:
        """What tells the children to read the settings that we have."""
        told = {"NEWSDROP_STATE_DIR": str(self.state.path), "NEWSDROP_REDIS_URL": url}
        if self.settings.drop is not None:
            told["NEWSDROP_DROP"] = str(self.settings.drop.absolute())
        if self.config is not None:
            told["NEWSDROP_CONFIG"] = str(self.config.absolute())
        return told

    def _note(self, reached: Reached) -> None:
        """Write `up.json`, for the other commands of this state directory; for us alone to read."""
        noted: dict[str, object] = {"redis": {"url": reached.url}, "pid": os.getpid()}
        noted["port"] = reached.port
        noted["web"] = {"url": reached.page} if reached.page else None
        if self.settings.drop is not None:
            noted["drop"] = str(self.settings.drop.absolute())
        path = run_file(self.state.path)
        fresh = path.with_suffix(".tmp")
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(noted), encoding="utf-8")
        fresh.replace(path)


class _StoppedError(Exception):
    """A stop signal came."""


def _default_children(settings: Settings) -> tuple[Child, ...]:
    celery = (Child(part, part_command(part, settings)) for part in ("worker", "beat"))
    return (*celery, Child("listen", (*PYTHON, "-m", "worker.cli", "listen")))


def _wait_for_worker(
    reached: Reached, supervisor: Supervisor, wait: Callable[[float], None]
) -> None:
    """Until its heartbeat is there, or WORKER_SECONDS: what is dropped before is not lost."""
    until = time.monotonic() + WORKER_SECONDS
    while time.monotonic() < until:
        pid = supervisor.pids().get("worker")
        if pid is not None and worker_answers(reached.settings, reached.url, pid):
            return
        wait(0.1)


def _make_folders(settings: Settings) -> None:
    """Make the drop folders that are missing; what is read in place is somebody else's to make.

    Raises ConfigError.
    """
    for folder in settings.all_folders():
        if folder.in_place:
            continue
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(
                f"the drop folder {printable(folder.path)} cannot be made: {error.strerror}; "
                "give yourself rights there, or name another folder"
            ) from error


def _sayer(console: Console) -> Callable[[str], None]:
    """Say what is not as it should be and will be waited for."""
    return lambda told: console.print(Text(told, "yellow"), soft_wrap=True)


def _teller(console: Console) -> Callable[[str, str], None]:
    """Show a child's warning, its name in front in a colour of its own."""

    def tell(child: str, message: str) -> None:
        name = Text(f"{child:>6} ", _COLOURS.get(child, "yellow"))
        console.print(name + Text(message), soft_wrap=True)

    return tell
