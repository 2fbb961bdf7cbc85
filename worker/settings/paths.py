"""Where a running service keeps things below its state directory, and what it noted there.

Nothing is made here. One place, so that the service that starts the embedded server and the
commands that look for it agree without asking each other.
"""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

_SOCKET = "valkey.sock"
_MAX_SOCKET_BYTES = 100
"""`sun_path` holds 108 bytes on Linux and 104 on macOS, with the closing zero."""


def run_dir(state_dir: Path) -> Path:
    """What lives only while `up` runs: its note, its lock, the server's socket (mode 700)."""
    return state_dir / "run"


def run_file(state_dir: Path) -> Path:
    """Where `up` notes what it was told, for the other commands of the same state directory."""
    return run_dir(state_dir) / "up.json"


def read_run_file(state_dir: Path) -> dict[str, Any]:
    """What `up` noted there; nothing where none runs, or where it is another user's."""
    try:
        told = json.loads(run_file(state_dir).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def read_page_url(state_dir: Path) -> str | None:
    """The address of the page of a running `up`; None where it has none."""
    page = read_run_file(state_dir).get("web")
    return str(page["url"]) if isinstance(page, dict) and page.get("url") else None


def web_key(state_dir: Path) -> Path:
    """What the status page signs its forms and logins with."""
    return run_dir(state_dir) / "web.key"


def server_dir(state_dir: Path) -> Path:
    """The embedded server's own data and log."""
    return state_dir / "server"


def log_dir(state_dir: Path) -> Path:
    """One log file for each child of `up`."""
    return state_dir / "log"


def embedded_socket(state_dir: Path) -> Path:
    """The embedded server's Unix socket: the same answer to everyone who asks.

    It is in :func:`run_dir`, unless that path is too long for the kernel; then in a directory
    of this user's below ``/tmp``, named by the hash of the state directory. Whoever creates that
    directory must check that this user owns it and that its mode is 700.
    """
    state_dir = Path(os.path.abspath(state_dir))  # noqa: PTH100  # resolve() would follow links
    near = run_dir(state_dir) / _SOCKET
    if len(os.fsencode(near)) <= _MAX_SOCKET_BYTES:
        return near
    name = hashlib.sha256(os.fsencode(state_dir)).hexdigest()[:16]
    return Path("/tmp") / f"newsdrop-{os.getuid()}-{name}" / _SOCKET  # noqa: S108
