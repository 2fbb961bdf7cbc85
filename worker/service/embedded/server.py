"""The embedded server: its configuration, its door, and telling when it is ready.

It is run by :mod:`worker.service.supervise` like any other child; what is here only says with
which files and arguments. Its socket is open to this user only. Nothing is evicted and every
write goes to an append-only file, synced each second, or before each answer where
`redis.durability` is `fsynced`.
"""

import os
import signal
import socket
import stat
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import psutil  # type: ignore[import-untyped]

from worker.errors import ConfigError
from worker.escape import printable
from worker.service.embedded import binary
from worker.service.embedded.binary import Binary
from worker.service.state import StateDir
from worker.store.connection import socket_url

_PRODUCT = "product"
"""Of which kind the server is whose data this is: `redis` or `valkey`."""

STOP_SECONDS = 20.0
"""How long a leftover server may take to write its data before it is killed."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A server about to be run: its program, configuration file, socket and loopback port."""

    binary: Binary
    config: Path
    socket: Path
    port: int | None

    @property
    def argv(self) -> tuple[str, ...]:
        return (str(self.binary.path), str(self.config))

    @property
    def url(self) -> str:
        return socket_url(str(self.socket))


def choose(state: StateDir) -> Binary:
    """The server to run on this state directory. Raises ConfigError."""
    try:
        wrote = (state.server / _PRODUCT).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        wrote = ""
    return binary.find(wrote=wrote)


def prepare(state: StateDir, binary: Binary, *, port: int | None, fsynced: bool) -> Embedded:
    """Write the server's configuration and clear away what a killed predecessor left.

    The caller holds the state directory's lock. Raises ConfigError.
    """
    embedded = Embedded(binary, state.server / "server.conf", state.socket, port)
    _private_folder(embedded.socket.parent)
    _end_leftover(state, embedded)
    if port is not None:
        _check_port(port)
    embedded.socket.unlink(missing_ok=True)
    embedded.config.write_text(_configuration(state, embedded, fsynced), encoding="utf-8")
    (state.server / _PRODUCT).write_text(binary.product + "\n", encoding="ascii")
    return embedded


def clear(state: StateDir) -> None:
    """After the server's end: take away the folder of /tmp, where there was need of one."""
    if state.socket.parent != state.run:
        with suppress(OSError):
            state.socket.parent.rmdir()


def is_own(url: str, state: StateDir) -> bool:
    """True if `url` is the embedded server of `state` (as an `up` before this one noted it)."""
    parts = urlsplit(url)
    return parts.scheme == "unix" and unquote(parts.path) == str(state.socket)


def answers(path: Path) -> str:
    """What the server at socket `path` says to a PING: `ready`, `loading` or `` (nothing yet)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(2.0)
        try:
            door.connect(str(path))
            door.sendall(b"PING\r\n")
            said = door.recv(64)
        except OSError:
            return ""
    if said.startswith(b"+PONG"):
        return "ready"
    return "loading" if said.startswith(b"-LOADING") else ""


def _configuration(state: StateDir, embedded: Embedded, fsynced: bool) -> str:
    packed = "listpack" if embedded.binary.version >= (7,) else "ziplist"  # renamed in 7.0
    lines = [
        "# written by `newsdrop up` at each start; changes are lost",
        f"port {embedded.port or 0}",
        "bind 127.0.0.1",
        "protected-mode yes",
        f"unixsocket {_quoted(embedded.socket)}",
        "unixsocketperm 700",
        f"dir {_quoted(state.server)}",
        f"pidfile {_quoted(state.server_pid)}",
        'logfile ""',
        "daemonize no",
        "set-proc-title no",  # the configuration's path in the command line tells whose it is
        "appendonly yes",
        f"appendfsync {'always' if fsynced else 'everysec'}",
        "aof-load-truncated yes",  # a write cut off by a power failure does not stop the start
        'save ""',
        "maxmemory-policy noeviction",
        f"hash-max-{packed}-entries 512",
    ]
    return "\n".join(lines) + "\n"


def _check_port(port: int) -> None:
    """Raise ConfigError where the server could not listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConfigError(
                f"port {port} of 127.0.0.1 cannot be used ({error.strerror}): choose another with "
                "--port"
            ) from error


def _quoted(path: Path) -> str:
    r"""A path as the server's configuration reads it: in quotes, odd bytes as ``\xNN``."""
    plain = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
        for byte in os.fsencode(path)
    )
    return '"' + "".join(plain) + '"'


def _private_folder(path: Path) -> None:
    """Make `path` for this user only; refuse one that somebody else put there."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(
            f"no folder for the server's socket: {printable(path)}: {error.strerror}"
        ) from error
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ConfigError(
            f"{printable(path)} belongs to somebody else, so the server's socket is not put there; "
            "remove it, or choose a shorter state_dir"
        )
    if stat.S_IMODE(found.st_mode) & 0o077:
        path.chmod(0o700)


def _end_leftover(state: StateDir, embedded: Embedded) -> None:
    """Stop a server whose `up` was killed: two servers on one append-only file would spoil it."""
    try:
        process = psutil.Process(int(state.server_pid.read_text()))
        ours = process.cmdline()[-1:] == [str(embedded.config)]
    except (OSError, ValueError, psutil.Error):
        ours = False
    if ours:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
            if _ended(process, STOP_SECONDS):
                break
    state.server_pid.unlink(missing_ok=True)


def _ended(process: psutil.Process, seconds: float) -> bool:
    """Wait for its end. A zombie has ended: in a container perhaps nobody buries it."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
