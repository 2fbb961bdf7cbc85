"""Invalid settings and environments for each way to start. Real processes, without a traceback."""

import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.servers import Server
from tests.service.parts import COMMANDS, PROJECT, older, run_command, running

pytestmark = pytest.mark.e2e

NOT_A_PLACE = "/proc/newsdrop"
"""Cannot be made, not even by root."""

NOT_WRITABLE = "/proc/sys"
"""Is there and cannot be written, not even by root."""


@dataclass(frozen=True)
class Wrong:
    """What is set, and the expected message."""

    message: str
    environment: dict[str, str]


Make = Callable[["Scene"], Wrong]


class Scene:
    """A state directory and a server of a test's own."""

    def __init__(self, path: Path, start: Callable[..., Server]) -> None:
        self.path = path
        self.start = start
        self.drop = path / "drop"
        self.drop.mkdir()
        (path / "state").mkdir()

    def environment(self, url: str | None = None, **more: str) -> dict[str, str]:
        return {
            "NEWSDROP_STATE_DIR": str(self.path / "state"),
            "NEWSDROP_DROP": str(self.drop),
            "NEWSDROP_REDIS_URL": url or self.start().url,
            "NEWSDROP_WORKER_PROCESSES": "1",
            "NEWSDROP_SPOOL_MIN_FREE_MB": "1",
            "NEWSDROP_WEB_PORT": "0",
            "NEWSDROP_LOG_FORMAT": "console",
            **more,
        }

    def config(self, text: str) -> str:
        path = self.path / "own.toml"
        path.write_text(text, "utf-8")
        return str(path)


@pytest.fixture
def scene(tmp_path: Path, own_server: Callable[..., Server]) -> Scene:
    return Scene(tmp_path, own_server)


def _password(scene: Scene) -> Wrong:
    server = scene.start(options=("--requirepass", "right"))
    url = server.url.replace("unix://", "unix://:wrong@")
    return Wrong("Redis refuses the user or password: correct redis.url", scene.environment(url))


def _no_password(scene: Scene) -> Wrong:
    server = scene.start(options=("--requirepass", "right"))
    return Wrong("Redis requires a password: put it into", scene.environment(server.url))


def _evicts(scene: Scene) -> Wrong:
    server = scene.start(options=("--maxmemory-policy", "allkeys-lru"))
    message = "run CONFIG SET maxmemory-policy noeviction"
    return Wrong(message, scene.environment(server.url))


def _no_place(scene: Scene) -> Wrong:
    message = "choose another with NEWSDROP_STATE_DIR"
    return Wrong(message, scene.environment(NEWSDROP_STATE_DIR=NOT_A_PLACE))


def _not_writable(scene: Scene) -> Wrong:
    message = "choose another with NEWSDROP_STATE_DIR"
    return Wrong(message, scene.environment(NEWSDROP_STATE_DIR=NOT_WRITABLE))


def _no_locks(scene: Scene) -> Wrong:
    tampered = {
        "PYTHONPATH": str(PROJECT / "tests" / "service" / "nolocks"),
        "NO_LOCKS_BELOW": str(scene.drop),
    }
    message = "allows no locks: No locks available: two workers would take the same batch"
    return Wrong(message, scene.environment(**tampered))


def _lying_locks(scene: Scene) -> Wrong:
    tampered = _no_locks(scene).environment
    message = (
        "allows no locks: they exclude no other process: two workers would take the same batch"
    )
    return Wrong(message, {**tampered, "NO_LOCKS": "lies"})


def _unknown_key(scene: Scene) -> Wrong:
    path = scene.config("[stream]\nmax_lenght = 3\n")
    message = "unknown setting stream.max_lenght; did you mean stream.max_length?"
    return Wrong(message, scene.environment(NEWSDROP_CONFIG=path))


def _newer(scene: Scene) -> Wrong:
    path = scene.config('version = 9\n[new]\nkey = "x"\n')
    message = "has settings of version 9, but this newsdrop knows version 1: update newsdrop"
    return Wrong(message, scene.environment(NEWSDROP_CONFIG=path))


def _unknown_variable(scene: Scene) -> Wrong:
    message = "unknown environment variable NEWSDROP_REDIS_URI; did you mean NEWSDROP_REDIS_URL?"
    return Wrong(message, scene.environment(NEWSDROP_REDIS_URI="redis://x"))


def _no_secret(scene: Scene) -> Wrong:
    path = str(scene.path / "none")
    message = "redis.password_file: "
    url = "redis://127.0.0.1:1/0"
    return Wrong(message, scene.environment(url, NEWSDROP_REDIS_PASSWORD_FILE=path))


REFUSED: dict[str, Make] = {
    "wrong password": _password,
    "no password": _no_password,
    "eviction on": _evicts,
    "state directory that cannot be": _no_place,
    "state directory that cannot be written": _not_writable,
    "drop folder without locks": _no_locks,
    "drop folder whose locks exclude no process": _lying_locks,
    "unknown key": _unknown_key,
    "newer config": _newer,
    "unknown variable": _unknown_variable,
    "password file that is not there": _no_secret,
}

STAGES = (
    ("unknown key", "newer config", "unknown variable"),
    ("state directory that cannot be", "state directory that cannot be written"),
    ("drop folder without locks", "drop folder whose locks exclude no process"),
    ("wrong password", "no password", "eviction on", "password file that is not there"),
)
"""The rows by the function that finds them: settings, state directory, locks, server. A part that
does not call one of them refuses none of its rows, so each part has one row of each."""

PAIRS = [
    (stage[at % len(stage)], name) for stage in STAGES for at, name in enumerate(COMMANDS)
]  # fmt: skip
LOOKED_AT = [
    (row, ("healthcheck", "doctor")[at % 2]) for stage in STAGES for at, row in enumerate(stage)
]

OLDER = "older server"
OF_THE_SERVER = ("wrong password", "no password", "eviction on", OLDER)


SHOWN = {
    "state directory that cannot be": "state directory",
    "state directory that cannot be written": "state directory",
    "drop folder whose locks exclude no process": "allows no locks: they exclude no other process",
    "drop folder without locks": "No locks available",
    "stopped Redis": "Redis cannot be reached",
}
"""What those say who look at it while nothing begins, where that is not the same sentence."""


def _stopped(scene: Scene) -> Wrong:
    server = scene.start()
    server.stop()
    return Wrong(
        "check that it is running (work begins when it serves)", scene.environment(server.url)
    )


def _drop_read_only(scene: Scene) -> Wrong:
    message = f"the drop folder {NOT_WRITABLE} cannot be written"
    return Wrong(message, scene.environment(NEWSDROP_DROP=NOT_WRITABLE))


WAITED_FOR: dict[str, Make] = {
    "stopped Redis": _stopped,
    "drop folder that cannot be written": _drop_read_only,
}


def refused(name: str, wrong: Wrong) -> None:
    if name in ("celery", "up"):  # they start other processes
        with running(name, wrong.environment) as part:
            code, message = part.ended(), part.output
    else:
        done = run_command(wrong.environment, name)
        code, message = done.returncode, done.stdout + done.stderr
    assert code == 2, message
    assert message.count(wrong.message) == 1, message
    assert "newsdrop: " in message
    assert "Traceback" not in message


def waited_for(name: str, wrong: Wrong) -> None:
    with running(name, wrong.environment) as part:
        part.until(wrong.message)
        assert part.stop() in (0, -signal.SIGTERM), part.output  # it had perhaps just begun
        assert "Traceback" not in part.output


def is_checked(row: str, name: str, wrong: Wrong) -> None:
    """The page starts with a server that must be refused: its checks report it."""
    (waited_for if name == "web" and row in OF_THE_SERVER else refused)(name, wrong)


def test_each_row_and_each_part_is_tried() -> None:
    """Every row is of one stage and meets a part; every part meets every stage."""
    assert sorted(row for stage in STAGES for row in stage) == sorted(REFUSED)
    assert {row for row, _ in PAIRS} == set(REFUSED)
    assert len(PAIRS) == len(STAGES) * len(COMMANDS)


@pytest.mark.parametrize(("row", "name"), PAIRS)
def test_refused_in_one_sentence(row: str, name: str, scene: Scene) -> None:
    """What a person has to change ends each part at once: exit code 2, what to do, no traceback."""
    is_checked(row, name, REFUSED[row](scene))


@pytest.mark.parametrize("name", COMMANDS)
def test_an_older_server_is_refused(name: str, scene: Scene) -> None:
    """A server older than 6.2 is named with its version, and what to use."""
    with older(scene.start()) as url:
        message = "Redis 5.0.7 is too old: use 6.2 or newer, or Valkey"
        is_checked(OLDER, name, Wrong(message, scene.environment(url)))


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("row", WAITED_FOR)
def test_temporary_problems_are_waited_for(row: str, name: str, scene: Scene) -> None:
    """One sentence; the part continues and ends on TERM."""
    waited_for(name, WAITED_FOR[row](scene))


@pytest.mark.parametrize(
    ("row", "command"), [*LOOKED_AT, ("stopped Redis", "healthcheck"), ("stopped Redis", "doctor")]
)
def test_the_healthcheck_shows_it(row: str, command: str, scene: Scene) -> None:
    """`healthcheck` and `doctor` fail, and say what a person has to change, without a traceback."""
    wrong = {**REFUSED, **WAITED_FOR}[row](scene)
    done = run_command(wrong.environment, command)
    assert done.returncode != 0, done.stdout
    assert "Traceback" not in done.stderr
    message = " ".join(f"{done.stdout} {done.stderr}".split())
    for words in SHOWN.get(row, wrong.message).split(": "):
        assert words in message


@pytest.mark.parametrize("command", ["healthcheck", "doctor"])
def test_the_healthcheck_shows_an_older_server(command: str, scene: Scene) -> None:
    """The same of a server older than 6.2."""
    with older(scene.start()) as url:
        done = run_command(scene.environment(url), command)
    assert done.returncode != 0
    assert "Redis 5.0.7 is too old" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_server_that_comes_back_wrong_is_refused(scene: Scene) -> None:
    """Unavailable at the start, evicting later: the worker checks again."""
    server = scene.start(options=("--maxmemory-policy", "allkeys-lru"))
    server.stop()
    with running("worker", scene.environment(server.url)) as part:
        part.until("work begins when it serves")
        server.start()
        assert part.ended() == 2, part.output
        assert "CONFIG SET maxmemory-policy noeviction" in part.output
        assert "Traceback" not in part.output
