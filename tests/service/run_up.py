"""`up` with stand-in children, as a process for the tests: `run_up.py STATE_DIR [options]`."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from worker.errors import NewsdropError
from worker.service import life, up
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
    told = parser.parse_args()
    children = [
        Child(name, tuple(json.loads(words)), watchdog=told.watchdog)
        for name, _, words in (text.partition("=") for text in told.child)
    ]
    options: dict[str, Any] = {"state_dir": told.state} | (
        {"redis.url": told.url} if told.url else {}
    )
    options |= {"sites_dir": told.sites} if told.sites else {}
    serve_page = None
    if told.watchdog:
        life.START_SECONDS = 20.0  # type: ignore[misc]
    if not (told.child or told.down):  # their imports cost more than all else that the tests do
        from worker.service import parts
        from worker.web.serve import run_web

        serve_page = run_web
        if told.watchdog:
            parts.WATCHDOG_SECONDS = told.watchdog  # type: ignore[misc]
    console = Console(markup=False, highlight=False, soft_wrap=True)
    try:
        settings = load(options=options)
        if told.down:
            return run_down(settings, console)
        return up.run_up(
            settings,
            port=told.port,
            detach=told.detach,
            console=console,
            serve_page=serve_page,
            children=children or None,
        )
    except NewsdropError as error:
        print(error, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
