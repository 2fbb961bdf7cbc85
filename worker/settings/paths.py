"""Names of files and folders below the state directory, and readers of the run file.

Nothing is created here. The service that starts the embedded server and the commands that look for
it both use these functions.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

from worker.settings.flock import is_locked

_SOCKET = "valkey.sock"
_MAX_SOCKET_BYTES = 100
"""`sun_path` holds 108 bytes on Linux and 104 on macOS, with the closing zero."""


def run_dir(state_dir: Path) -> Path:
    """Files that exist only while `up` runs: run file, lock, the server's socket (mode 700)."""
    return state_dir / "run"


def run_file(state_dir: Path) -> Path:
    """The settings of the running `up`, for other commands with the same state directory."""
    return run_dir(state_dir) / "up.json"


def lock_file(state_dir: Path) -> Path:
    """Locked (`flock`) while an `up` runs; contains that process's pid."""
    return run_dir(state_dir) / "up.lock"


def is_up_running(state_dir: Path) -> bool:
    """Whether an `up` holds the lock: the kernel releases it however its holder ends. True where
    that cannot be known."""
    try:
        return is_locked(lock_file(state_dir))
    except OSError as error:
        return not isinstance(error, FileNotFoundError)


def read_run_file(state_dir: Path) -> dict[str, Any]:
    """The content of the run file; empty where no `up` runs, or where it is another user's. An `up`
    that was killed has left its file, which names a server that ended with it."""
    if not is_up_running(state_dir):
        return {}
    try:
        content = json.loads(run_file(state_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def read_page_url(state_dir: Path) -> str | None:
    """The address of a running `up`'s status page; None where it has none."""
    page = read_run_file(state_dir).get("web")
    return str(page["url"]) if isinstance(page, dict) and page.get("url") else None


def read_config_path(state_dir: Path) -> Path | None:
    """The config file of a running `up`; None where none runs."""
    config = read_run_file(state_dir).get("config")
    return Path(config) if isinstance(config, str) else None


def web_key(state_dir: Path) -> Path:
    """The key with which the status page signs its forms and logins."""
    return run_dir(state_dir) / "web.key"


def server_dir(state_dir: Path) -> Path:
    """Configuration and data of the embedded server."""
    return state_dir / "server"


def log_dir(state_dir: Path) -> Path:
    """One log file for each child of `up`."""
    return state_dir / "log"


def embedded_socket(state_dir: Path) -> Path:
    """The embedded server's Unix socket, the same for every caller.

    It is in :func:`run_dir`, unless that path is too long for the kernel; then in a directory of
    this user below ``/tmp``, named by the hash of the state directory. A process that creates
    that directory must check that this user owns it and that its mode is 700.
    """
    state_dir = Path(os.path.abspath(state_dir))  # noqa: PTH100  # resolve() would follow links
    near = run_dir(state_dir) / _SOCKET
    if len(os.fsencode(near)) <= _MAX_SOCKET_BYTES:
        return near
    name = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:16]
    return Path("/tmp") / f"newsdrop-{os.getuid()}-{name}" / _SOCKET  # noqa: S108
