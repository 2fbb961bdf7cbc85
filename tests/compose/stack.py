"""The compose file's services on a real engine, in a project of a test's own."""

import json
import os
import secrets
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
import yaml

PROJECT = Path(__file__).parents[2]
FILE = PROJECT / "docker-compose.yml"
SERVICES: dict[str, Any] = yaml.safe_load(FILE.read_text("utf-8"))["services"]
BASES = ("python:3.11-slim", "redis:8")
"""Nothing is pulled: a test is not a place to fetch hundreds of megabytes unasked."""

PARTS = ("redis", "worker", "beat", "listen", "web")
PATIENCE = 240.0
STREAM = "newsdrop:articles"


def missing() -> str:
    """Why there is nothing to run a stack on; empty where there is."""
    if shutil.which("docker") is None:
        return "docker is not installed"
    if not _answers("docker", "info"):
        return "no container engine runs (docker info)"
    if not compose_command():
        return "neither `docker compose` nor docker-compose is installed"
    missing_images = [image for image in BASES if not _answers("docker", "image", "inspect", image)]
    return (
        f"not on this machine: {' and '.join(missing_images)}; docker pull them"
        if missing_images
        else ""
    )


def compose_command() -> tuple[str, ...]:
    """Compose 2 as Docker's plugin, else the program that was there before it."""
    known = (("docker", "compose"), ("docker-compose",))
    return next((c for c in known if shutil.which(c[0]) and _answers(*c, "version")), ())


def _answers(*command: str) -> bool:
    done = subprocess.run(command, capture_output=True, timeout=60, check=False)
    return done.returncode == 0


@dataclass
class Stack:
    """One compose project; `folder` has what a user has beside the compose file."""

    folder: Path
    name: str = field(default_factory=lambda: f"newsdrop-test-{secrets.token_hex(4)}")
    variables: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.drop.mkdir()
        user = os.getuid()
        self.variables = {
            "NEWSDROP_IMAGE": "newsdrop:compose-test",
            "HOST_UID": str(user or 1000),
            "HOST_GID": str(os.getgid() if user else 1000),
            "HOST_DROP": str(self.drop),
            "HOST_WEB_PORT": "0",  # any that is free
            "HOST_REDIS_PORT": "0",
            "HOST_FLOWER_PORT": "0",
            "HOST_PROMETHEUS_PORT": "0",
            **self.variables,
        }

    @property
    def drop(self) -> Path:
        return self.folder / "drop"

    def compose(self, *words: str, check: bool = True, timeout: float = 600) -> str:
        """What compose prints on standard output."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NEWSDROP_", "HOST_"))}
        command = (*compose_command(), "-p", self.name, *words)
        done = subprocess.run(
            command,
            cwd=PROJECT,
            env={**kept, **self.variables},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done.stdout if check else done.stdout + done.stderr

    def build(self) -> None:
        """As compose does, or with the host's network where its own reaches no package index."""
        output = self.compose("build", "prepare", check=False, timeout=1500)
        if not _answers("docker", "image", "inspect", self.variables["NEWSDROP_IMAGE"]):
            self.variables["BUILD_NETWORK"] = "host"
            output += self.compose("build", "prepare", check=False, timeout=1500)
        assert _answers("docker", "image", "inspect", self.variables["NEWSDROP_IMAGE"]), output

    def up(self, *words: str, profile: str = "", parts: Sequence[str] = PARTS) -> None:
        """Start all services, and wait until each container is healthy."""
        chosen = ("--profile", profile) if profile else ()
        self.compose(*chosen, "up", "-d", "--no-build", *words)
        until(lambda: self.unwell(*parts) == {}, lambda: f"{self.unwell(*parts)}\n{self.logs()}")

    def unwell(self, *parts: str) -> dict[str, str]:
        """The containers whose check is not `healthy`, with its last output."""
        found = {}
        for part in parts or PARTS:
            boxes = self.containers(part)
            if not boxes:
                found[part] = "no container runs"
            for box in boxes:
                state = inspect(box)["State"]
                health = state.get("Health", {})
                if not state["Running"] or health.get("Status") != "healthy":
                    output = [one["Output"] for one in health.get("Log") or []][-1:]
                    found[f"{part} {box[:12]}"] = f"{state['Status']}: {output}"
        return found

    def containers(self, part: str, *, all: bool = False) -> list[str]:  # noqa: A002
        """Their ids; `all`: of those that ended, too."""
        labels = (
            f"label=com.docker.compose.project={self.name}",
            f"label=com.docker.compose.service={part}",
        )
        filters = [word for label in labels for word in ("--filter", label)]
        return docker("ps", "-q", "--no-trunc", *(["-a"] if all else []), *filters).split()

    def execute(self, *words: str) -> str:
        """In beat's container: it has what the others have, and there is one of it."""
        return docker("exec", self.containers("beat")[0], *words)

    def newsdrop(self, *words: str) -> str:
        return self.execute("newsdrop", *words)

    def ask(self, *words: str) -> Any:
        """The JSON document that a command prints."""
        return json.loads(self.newsdrop(*words, "--json"))

    def secret(self, name: str) -> str:
        return self.execute("cat", f"/secrets/{name}").strip()

    def address(self, part: str, port: int) -> tuple[str, int]:
        """Where the host reaches a container's port."""
        ports = inspect(self.containers(part)[0])["NetworkSettings"]["Ports"]
        (bound,) = ports[f"{port}/tcp"]
        return bound["HostIp"], int(bound["HostPort"])

    @contextmanager
    def redis(self) -> Iterator[redis.Redis]:
        """A consumer's way in: the port on loopback, and the password."""
        host, port = self.address("redis", 6379)
        client = redis.Redis(host, port, password=self.secret("redis-password"))
        try:
            yield client
        finally:
            client.close()

    def records(self) -> list[tuple[bytes, dict[bytes, bytes]]]:
        """The stream's entries, all of them."""
        with self.redis() as client:
            return list(client.xrange(STREAM))  # type: ignore[arg-type]

    def settled(self) -> dict[str, Any]:
        """The ledger's counts, once nothing waits in the folder or the spool."""

        def nothing_waits() -> bool:
            left = [p for p in self.drop.rglob("*.md") if ".newsdrop" not in p.parts]
            return not left and self.ask("audit")["waiting"] == 0

        until(nothing_waits, self.logs)
        counts: dict[str, Any] = self.ask("audit")
        return counts

    def put(self, texts: dict[str, str]) -> None:
        """Drop articles as a careful writer does: written elsewhere, then renamed into place."""
        for name, text in texts.items():
            unfinished = self.drop / f".{name}"
            unfinished.write_text(text, "utf-8")
            unfinished.rename(self.drop / name)

    def logs(self) -> str:
        return self.compose("logs", "--no-color", "--tail", "40", check=False)

    def remove(self) -> None:
        """Containers, network and volumes; whatever became of the test."""
        profiles = {one for service in SERVICES.values() for one in service.get("profiles", ())}
        chosen = [word for one in sorted(profiles) for word in ("--profile", one)]
        words = ("down", "--volumes", "--remove-orphans", "--timeout", "5")
        self.compose(*chosen, *words, check=False)


def docker(*words: str, check: bool = True) -> str:
    done = subprocess.run(
        ("docker", *words), capture_output=True, text=True, timeout=120, check=False
    )
    if check:
        assert done.returncode == 0, f"docker {' '.join(words)}\n{done.stderr}"
    return done.stdout


def inspect(box: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(docker("inspect", box))[0]
    return found


def until(holds: Callable[[], bool], why: Callable[[], str], *, every: float = 0.5) -> None:
    """Wait for it, at most PATIENCE seconds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end, f"not within {PATIENCE:.0f} s: {why()}"
        time.sleep(every)
