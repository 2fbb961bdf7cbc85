"""`up` with stand-in children, as a process for the tests: `run_up.py STATE_DIR [options]`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from worker.errors import NewsdropError
from worker.service import up, watchdog_socket
from worker.service.lock import run_down
from worker.service.supervise import Child
from worker.settings import load


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("state", type=Path)
    parser.add_argument("--child", action="append", default=[], help="NAME=JSON list of words")
    parser.add_argument("--watchdog", type=float)
    parser.add_argument("--port", type=int)
    parser.add_argument("--url", default="")
    parser.add_argument("--sites", type=Path)
    parser.add_argument("--detach", action="store_true")
    parser.add_argument("--down", action="store_true")
    given = parser.parse_args()
    children = [
        Child(name, tuple(json.loads(words)), watchdog=given.watchdog)
        for name, _, words in (text.partition("=") for text in given.child)
    ]
    options: dict[str, Any] = {"state_dir": given.state} | (
        {"redis.url": given.url} if given.url else {}
    )
    options |= {"sites_dir": given.sites} if given.sites else {}
    serve_page = None
    if given.watchdog:
        watchdog_socket.START_SECONDS = 20.0  # type: ignore[misc]
    if not (given.child or given.down):  # their imports cost more than all else that the tests do
        from worker.service import parts
        from worker.web.serve import run_web

        serve_page = run_web
        if given.watchdog:
            parts.WATCHDOG_SECONDS = given.watchdog  # type: ignore[misc]
    console = Console(markup=False, highlight=False, soft_wrap=True)
    try:
        settings = load(options=options)
        if given.down:
            return run_down(settings, console)
        return up.run_up(
            settings,
            port=given.port,
            detach=given.detach,
            console=console,
            serve_page=serve_page,
            children=children or None,
        )
    except NewsdropError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
