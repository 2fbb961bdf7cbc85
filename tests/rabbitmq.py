"""A real RabbitMQ for the tests: Debian's, on loopback, with all its files below one folder."""

import os
import shutil
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

SCRIPT = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
STARTS_WITHIN = 90.0


def missing() -> str:
    """Why there is no server on this machine; empty if there is one."""
    if not SCRIPT.exists() or not shutil.which("epmd"):
        return "no rabbitmq-server here (Debian's package of that name)"
    return ""


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])


@dataclass
class Rabbit:
    """One node; `start` and `kill` as often as wanted. Its data stays in `directory`."""

    directory: Path
    host: str = "127.0.0.1"
    name: str = "nd@localhost"
    port: int = field(default_factory=free_port)
    dist_port: int = field(default_factory=free_port)
    epmd_port: int = 0
    """Of a running `epmd`; 0: this node starts its own."""
    settings: str = ""
    """Lines of its `rabbitmq.conf`."""
    process: "subprocess.Popen[bytes] | None" = None
    _epmd: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@{self.host}:{self.port}//"

    def start(self) -> "Rabbit":
        self.directory.mkdir(exist_ok=True)
        plugins = self.directory / "plugins"
        plugins.write_text("[].")
        cookie = self.directory / ".erlang.cookie"
        if not cookie.exists():
            cookie.write_text("newsdrop")
            cookie.chmod(0o400)
        (self.directory / "rabbitmq.conf").write_text(self.settings)
        starts_epmd = self.epmd_port == 0
        if starts_epmd:
            self.epmd_port = free_port()
        environment = {
            **os.environ,
            "HOME": str(self.directory),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_EPMD_PORT": str(self.epmd_port),
            "RABBITMQ_NODENAME": self.name,
            "RABBITMQ_NODE_IP_ADDRESS": self.host,
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
            "RABBITMQ_MNESIA_BASE": str(self.directory / "mnesia"),
            "RABBITMQ_LOG_BASE": str(self.directory / "log"),
            "RABBITMQ_PID_FILE": str(self.directory / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(plugins),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_CONFIG_FILE": str(self.directory / "rabbitmq"),
            # One scheduler that sleeps: the machine has other work.
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none",
        }
        output = (self.directory / "output").open("ab")
        if starts_epmd:  # else the node starts one that outlives it
            self._epmd = subprocess.Popen(
                ["epmd", "-port", str(self.epmd_port)],
                env=environment,
                stdout=output,
                stderr=output,
            )
        self.process = subprocess.Popen(
            [str(SCRIPT)], env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            start_new_session=True,
        )  # fmt: skip
        output.close()
        deadline = time.monotonic() + STARTS_WITHIN
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.end()
                raise RuntimeError(f"no RabbitMQ: see {self.directory}/output")
            time.sleep(0.1)
        return self

    def answers(self) -> bool:
        """Whether it greets, as it does when it has started."""
        try:
            with socket.create_connection((self.host, self.port), 1) as connection:
                connection.sendall(b"AMQP\0\0\x09\x01")
                connection.settimeout(5)
                return bool(connection.recv(1))
        except OSError:
            return False

    def kill(self) -> None:
        """End the node as the kernel would, with the processes that it has started."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, 9)
            self.process.wait()
            self.process = None

    def end(self) -> None:
        """End everything."""
        self.kill()
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None
