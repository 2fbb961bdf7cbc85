"""`newsdrop up`: server, worker, beat, file-event listener and status page, as one service."""

import json
import os
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.text import Text

from worker.errors import ConfigError, Retryable
from worker.escape import printable
from worker.health.preflight import check_places, check_server
from worker.service.child_logs import ChildLog
from worker.service.command_hint import command_hint
from worker.service.detach import detach as run_in_background
from worker.service.embedded import server as embedded
from worker.service.lock import up_lock
from worker.service.notify import notifier
from worker.service.port import ServePage
from worker.service.signals import Signals
from worker.service.state import StateDir
from worker.service.supervise import Child, ChildError, Supervisor
from worker.service.welcome import RunningService, welcome
from worker.settings import Settings
from worker.settings.load import config_file
from worker.settings.paths import read_page_url, run_file
from worker.sites import open_sites
from worker.spool.layout import write_durably
from worker.store.connection import printable_url, socket_url
from worker.store.factory import heartbeats
from worker.translation import gettext
from worker.translation import message as translate

SERVER_SECONDS = 60.0
"""How long the server may not answer at its start, except while it loads its data."""

LOADING_SECONDS = 900.0
HEARTBEAT_SECONDS = 60.0
_ROUND_SECONDS = 0.5
_LOADING_MESSAGE_SECONDS = 1.0
_MIN_DISK_BYTES = 16 * 1024 * 1024  # with less, a server that syncs each write exits

_COLOURS = {"server": "magenta", "worker": "cyan", "beat": "blue", "listen": "green", "web": "blue"}

Wait = Callable[[float], None]
"""Sleeps so many seconds; raises when the service is to stop."""


def run_up(
    settings: Settings,
    *,
    port: int | None = None,
    examples: bool = False,
    detach: bool = False,
    serve_page: ServePage | None = None,
    console: Console,
    config: Path | None = None,
    children: Sequence[Child] | None = None,
) -> int:
    """Run the service until a signal, or return when it is ready with `detach`. An exit code.

    `config` is the file that the children read too; `children` replaces worker, beat, listener and
    status page; without `serve_page` there is no page. Raises ConfigError, and UsageError where
    another `up` runs on the state directory.
    """
    open_sites(settings)  # report a wrong rule here, not in every task
    state = StateDir(settings.state_dir)
    state.prepare()
    _create_folders(settings)
    check_places(settings, _on_waiting(console))
    service = _Service(settings, state, port, config, children, serve_page)
    if not detach:
        return service.run(
            console,
            lambda running, wait: welcome(
                running,
                console,
                examples,
                wait,
                gettext("Ctrl-C stops it."),
                is_log=not (console.is_terminal or examples),
            ),
        )
    run_in_background(
        state,
        lambda on_ready, log: service.run(Console(soft_wrap=True), lambda *_: on_ready(), log),
    )
    stop = translate(
        f"It runs in the background. To stop it: {command_hint('down', config=config)}"
    )
    welcome(service.running(read_page_url(state.path)), console, examples, time.sleep, stop)
    return 0


@dataclass(frozen=True, slots=True)
class _Service:
    settings: Settings
    state: StateDir
    port: int | None
    config: Path | None
    children: Sequence[Child] | None
    serve_page: ServePage | None

    @property
    def is_embedded(self) -> bool:
        """Whether the server is ours: none is configured."""
        url = self.settings.redis.url
        return not url or embedded.is_own(url, self.state)

    def running(self, page: str | None) -> RunningService:
        """The addresses of the running service; `page` is the status page's."""
        if not self.is_embedded:
            url = self.settings.redis.url
            return RunningService(self.settings, url, None, None, self.config, page)
        socket = self.state.socket
        url = socket_url(str(socket))
        return RunningService(self.settings, url, socket, self.port, self.config, page)

    def run(
        self,
        console: Console,
        on_ready: Callable[[RunningService, Wait], None],
        log: ChildLog | None = None,
    ) -> int:
        """Start everything, and wait. In any case the children end and the run file goes. `log` is
        the file of our own output, if it is one."""
        with up_lock(self.state), Signals() as signals:
            supervisor = Supervisor(self.state.logs, _on_warning(console))
            systemd = notifier()

            def wait(seconds: float) -> None:
                deadline = time.monotonic() + seconds
                while True:
                    systemd.alive()
                    signals.sleep(max(0.0, min(_ROUND_SECONDS, deadline - time.monotonic())))
                    if signals.count:
                        raise _StoppedError
                    supervisor.watch()
                    if log is not None:
                        log.trim()
                    if time.monotonic() >= deadline:
                        return

            try:
                running = self._start(supervisor, console, wait)
                on_ready(running, wait)
                systemd.ready(f"runs {', '.join(supervisor.pids())}")
                while True:
                    wait(60)
            except _StoppedError:
                systemd.stopping()
                console.print(Text(gettext("Stopping: current work is finished first."), "dim"))
                return 0
            except ChildError as error:
                console.print(Text(translate(str(error)), "red"))
                return 1
            finally:
                supervisor.stop(should_kill=lambda: signals.count > 1)
                run_file(self.state.path).unlink(missing_ok=True)
                if self.is_embedded:
                    embedded.clear(self.state)
                if signals.count:
                    console.print(gettext("Stopped."))

    def _start(self, supervisor: Supervisor, console: Console, wait: Wait) -> RunningService:
        if self.is_embedded:
            self._start_server(supervisor, console, wait)
        elif self.port is not None:
            raise ConfigError(
                "--port is for the embedded server, but redis.url names another: drop one of them"
            )
        else:
            check_server(self.settings, _on_waiting(console))
            url = printable_url(self.settings.redis.url)
            text = translate(f"Starting the worker on {url} …")
            console.print(Text(text, "dim"), soft_wrap=True)
        children, page = self.children, None
        if children is None:
            # Two thirds of the imports of `up`: a refusal and the process of `--detach` need none.
            from worker.service.parts import default_children

            children, page = default_children(self.settings, self.serve_page)
        running = self.running(page)
        self._write_run_file(running)
        supervisor.environment = self._environment(running.url)
        for child in children:
            supervisor.start(child)
        if self.children is None:
            _wait_for_heartbeats(running, supervisor, wait)
        return running

    def _start_server(self, supervisor: Supervisor, console: Console, wait: Wait) -> None:
        fsynced = self.settings.redis.durability == "fsynced"
        binary = embedded.choose(self.state)
        server = embedded.prepare(self.state, binary, port=self.port, fsynced=fsynced)
        console.print(Text(translate(f"Starting {binary.title} and its worker …"), "dim"))

        def is_disk_full() -> bool:
            return shutil.disk_usage(self.state.server).free < _MIN_DISK_BYTES

        supervisor.start(Child("server", server.argv, stops_last=True, is_external=is_disk_full))
        started = time.monotonic()
        is_announced = False
        while (answer := embedded.answers(server.socket)) != "ready":
            seconds = time.monotonic() - started
            allowed = LOADING_SECONDS if answer == "loading" else SERVER_SECONDS
            if not supervisor.alive("server") or seconds > allowed:
                last = "\n".join(f"  {line}" for line in supervisor.log("server").tail())
                raise ConfigError(
                    f"the server did not start: {binary}. The end of its log:\n{last}"
                )
            if answer == "loading" and not is_announced and seconds > _LOADING_MESSAGE_SECONDS:
                is_announced = True
                text = gettext("The server is loading its data; this can take a while.")
                console.print(Text(text, "dim"))
            wait(0.02)

    def _environment(self, url: str) -> dict[str, str]:
        """Variables with which the children read the same settings."""
        variables = {"NEWSDROP_STATE_DIR": str(self.state.path), "NEWSDROP_REDIS_URL": url}
        if self.settings.drop is not None:
            variables["NEWSDROP_DROP"] = str(self.settings.drop.absolute())
        if self.config is not None:
            variables["NEWSDROP_CONFIG"] = str(self.config.absolute())
        return variables

    def _write_run_file(self, running: RunningService) -> None:
        """Write `up.json`, for other commands on this state directory; only this user may read."""
        content: dict[str, object] = {
            "redis": {"url": running.url},
            "pid": os.getpid(),
            "config": str(config_file(self.config).absolute()),
            "port": running.port,
            "web": {"url": running.page} if running.page else None,
        }
        if broker := self.settings.celery.broker_url:
            content["celery"] = {"broker_url": broker}
        if self.settings.drop is not None:
            content["drop"] = str(self.settings.drop.absolute())
        write_durably(run_file(self.state.path), json.dumps(content).encode(), mode=0o600)


class _StoppedError(Exception):
    """A stop signal came."""


def _wait_for_heartbeats(running: RunningService, supervisor: Supervisor, wait: Wait) -> None:
    """Wait for the worker's heartbeat and the scheduler's tick, at most HEARTBEAT_SECONDS: files
    dropped before are safe. Without the tick `status` warned of a silent scheduler at first."""
    deadline = time.monotonic() + HEARTBEAT_SECONDS
    while time.monotonic() < deadline:
        pid = supervisor.pids().get("worker")
        if pid is not None and _are_heartbeats_there(running, pid):
            return
        wait(0.1)


def _are_heartbeats_there(running: RunningService, worker_pid: int) -> bool:
    try:
        with closing(running.connect()) as client:
            beats = heartbeats(running.settings, client)
            age = beats.tick_age_seconds()
            if age is None or age > running.settings.silent_beat_seconds():
                return False
            return any(worker.pid == worker_pid for worker in beats.list_own_workers())
    except Retryable:
        return False


def _create_folders(settings: Settings) -> None:
    """Create missing drop folders, except those read in place. Raises ConfigError."""
    for folder in settings.all_folders():
        if folder.in_place:
            continue
        try:
            folder.path.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise ConfigError(
                f"cannot create the drop folder {printable(folder.path)}: a file is in its place, "
                "or in that of a folder above it; move it away, or name another folder"
            ) from error
        except OSError as error:
            raise ConfigError(
                f"cannot create the drop folder {printable(folder.path)}: {error.strerror}; "
                "give yourself permission there, or name another folder"
            ) from error


def _on_waiting(console: Console) -> Callable[[str], None]:
    """Show a problem that the service waits for."""
    return lambda sentence: console.print(Text(sentence, "yellow"), soft_wrap=True)


def _on_warning(console: Console) -> Callable[[str, str], None]:
    """Show a child's warning after the child's name in its colour."""

    def show(child: str, message: str) -> None:
        name = Text(f"{child:>6} ", _COLOURS.get(child, "yellow"))
        console.print(name + Text(message), soft_wrap=True)

    return show
