"""The memory of `newsdrop up` at rest: the sum of the proportional set sizes of its processes.

A proportional set size (PSS) counts a page that n processes share as 1/n in each of them
(/proc/PID/smaps_rollup, proc(5)); so the sum over all processes is what the service takes.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil  # type: ignore[import-untyped]

from bench.figure import Figure, below, megabytes
from bench.place import ROOT, wait_until

_MOST_MB = 250
_PROCESSES = 2
"""The value of `worker.processes` on a machine of two cores; a third process fetches."""

_REST_SECONDS = 15.0


def up_memory(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """The sum, and each part of it."""
    say(f"memory: `newsdrop up` at rest, {_PROCESSES} + 1 pool processes")
    parts = parts_at_rest(3.0 if quick else _REST_SECONDS)
    sizes = {part: round(mb, 1) for part, mb in parts}
    return [below("`newsdrop up` at rest", sum(sizes.values()), _MOST_MB, megabytes, sizes)]


def parts_at_rest(seconds: float) -> list[tuple[str, float]]:
    """(part, MB) of each process of a new `up`, `seconds` after it was ready."""
    with TemporaryDirectory(prefix="nd-") as folder:
        plain = {k: v for k, v in os.environ.items() if not k.startswith("NEWSDROP_")}
        settings = {"NEWSDROP_STATE_DIR": folder, "NEWSDROP_WORKER_PROCESSES": str(_PROCESSES)}
        output = Path(folder) / "output"
        with output.open("wb") as file:
            up = subprocess.Popen(
                [sys.executable, "-m", "worker.cli", "up"],
                env={**plain, **settings}, cwd=ROOT, stdout=file, stderr=file,
            )  # fmt: skip
        try:
            wait_until(lambda: b"newsdrop is ready." in output.read_bytes(), within=120)
            time.sleep(seconds)
            return _parts(psutil.Process(up.pid))
        finally:
            up.send_signal(signal.SIGTERM)
            up.wait(60)


def _parts(up: psutil.Process) -> list[tuple[str, float]]:
    sizes = [("up", _pss_mb(up.pid))]
    for child in up.children():
        part = child.name().removeprefix("newsdrop-")
        sizes.append((part, _pss_mb(child.pid)))
        pool = enumerate(child.children(), start=1)
        sizes += [(f"{part} pool {number}", _pss_mb(process.pid)) for number, process in pool]
    return sizes


def _pss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/{pid}/smaps_rollup has no Pss")
