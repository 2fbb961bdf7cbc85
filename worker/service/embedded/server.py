"""The embedded server: its configuration, its socket, and whether it is ready.

:mod:`worker.service.supervise` runs it like any other child; this module gives its files and
arguments. Only this user can open its socket. Nothing is evicted, and every write goes to an
append-only file, synced each second, or before each answer if `redis.durability` is `fsynced`.
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
"""File that names the product which wrote the data: `redis` or `valkey`."""

STOP_SECONDS = 20.0
"""How long a server of a killed `up` may take to write its data before it is killed."""


@dataclass(frozen=True, slots=True)
class Embedded:
    """A server to run: its program, configuration file, socket and loopback port."""

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
        product = (state.server / _PRODUCT).read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        product = ""
    return binary.find(product=product)


def prepare(state: StateDir, binary: Binary, *, port: int | None, fsynced: bool) -> Embedded:
    """Write the server's configuration and remove what a killed `up` left behind.

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
    """After the server's end: remove its folder in /tmp, if it had one."""
    if state.socket.parent != state.run:
        with suppress(OSError):
            state.socket.parent.rmdir()


def is_own(url: str, state: StateDir) -> bool:
    """Whether `url` is the embedded server of `state` (from the run file of an earlier `up`)."""
    parts = urlsplit(url)
    return parts.scheme == "unix" and unquote(parts.path) == str(state.socket)


def answers(path: Path) -> str:
    """The answer of the server at socket `path` to a PING: `ready`, `loading` or `` (none yet)."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(2.0)
        try:
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            answer = client.recv(64)
        except OSError:
            return ""
    if answer.startswith(b"+PONG"):
        return "ready"
    return "loading" if answer.startswith(b"-LOADING") else ""


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
        "set-proc-title no",  # the configuration's path in the command line identifies it
        "appendonly yes",
        f"appendfsync {'always' if fsynced else 'everysec'}",
        # A rewrite copies all data, a fifth of the server's CPU time where it begins at 64 MB. A
        # start reads 256 MB in one or two seconds.
        "auto-aof-rewrite-min-size 256mb",
        "aof-load-truncated yes",  # a write cut off by a power failure does not stop the start
        'save ""',
        "maxmemory-policy noeviction",
        f"hash-max-{packed}-entries 512",
    ]
    return "\n".join(lines) + "\n"


def _check_port(port: int) -> None:
    """Raise ConfigError if the server could not listen there."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            client.bind(("127.0.0.1", port))
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
    """Create `path` for this user only; refuse one that another user created."""
    try:
        path.mkdir(mode=0o700)
    except FileExistsError:
        pass
    except OSError as error:
        raise ConfigError(
            f"cannot create the folder of the server's socket: {printable(path)}: {error.strerror}"
        ) from error
    status = path.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise ConfigError(
            f"{printable(path)} belongs to somebody else, so the server's socket is not put there; "
            "remove it, or choose a shorter state_dir"
        )
    if stat.S_IMODE(status.st_mode) & 0o077:
        path.chmod(0o700)


def _end_leftover(state: StateDir, embedded: Embedded) -> None:
    """Stop a server whose `up` was killed: two servers would corrupt one append-only file."""
    try:
        process = psutil.Process(int(state.server_pid.read_text()))
        is_ours = process.cmdline()[-1:] == [str(embedded.config)]
    except (OSError, ValueError, psutil.Error):
        is_ours = False
    if is_ours:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(psutil.NoSuchProcess):
                process.send_signal(number)
            if _wait_for_end(process, STOP_SECONDS):
                break
    state.server_pid.unlink(missing_ok=True)


def _wait_for_end(process: psutil.Process, seconds: float) -> bool:
    """Wait for its end. A zombie has ended: in a container perhaps nobody reaps it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.05)
    return False
