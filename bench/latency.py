"""The figure of latency: from the rename into the folder to the reader of the stream.

`newsdrop up` as a user runs it, with its own server; ten files a second are renamed into the drop
folder, while a separate reader waits with XREAD and records when each title arrives.
"""

import json
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import corpus
from bench.figure import Figure, below, seconds
from bench.place import running, wait_until
from worker.store.connection import connect
from worker.store.stream import Stream

FILES = 200
EVERY = 0.1  # seconds
WARM = 5
_WARM_FROM = 10_000_000


def latency(quick: bool, say: Callable[[str], None]) -> list[Figure]:
    """p50 and p99 of 200 files; `quick` drops 50."""
    count = 50 if quick else FILES
    say(f"latency: {count} files, {1 / EVERY:.0f} a second")
    with TemporaryDirectory(prefix="nd-") as directory:
        folder = Path(directory)
        state, fresh = folder / "state", folder / "fresh"
        corpus.write(fresh, range(count))
        corpus.write(folder / "warm", range(_WARM_FROM, _WARM_FROM + WARM))
        environment = {"NEWSDROP_STATE_DIR": str(state), "PYTHONUNBUFFERED": "1"}
        command = [sys.executable, "-m", "worker.cli", "up", "--json"]
        with running(command, environment, folder / "up.log"):
            waits = _measure(state, folder / "warm", fresh)
    waits.sort()
    p50, p99 = (waits[int(len(waits) * share)] for share in (0.5, 0.99))
    return [
        below("drop to stream at 10 files/s, p50", p50, 0.3, seconds),
        below("drop to stream at 10 files/s, p99", p99, 1.0, seconds),
    ]


def _measure(state: Path, warm: Path, fresh: Path) -> list[float]:
    """Seconds from rename to reader, for each file of `fresh`."""
    state_file, drop = state / "run" / "up.json", state / "drop"
    wait_until(lambda: state_file.exists() and drop.is_dir(), within=60)
    client = connect(json.loads(state_file.read_text())["redis"]["url"])
    wait_until(lambda: any(client.scan_iter("*workers*")), within=60)
    stream = Stream(client, "newsdrop:articles")
    for path in sorted(warm.iterdir()):
        path.rename(drop / path.name)
    wait_until(lambda: stream.get_info().length == WARM, within=60)

    arrived: dict[str, float] = {}
    files = sorted(fresh.iterdir())
    reader = threading.Thread(
        target=_read, args=(stream, stream.get_info().last_id, len(files), arrived)
    )
    reader.start()
    dropped: dict[str, float] = {}
    begun = time.monotonic()
    for number, path in enumerate(files):
        time.sleep(max(0.0, begun + number * EVERY - time.monotonic()))
        dropped[path.name] = time.monotonic()
        path.rename(drop / path.name)
    reader.join()
    client.close()
    return [arrived[name] - at for name, at in dropped.items()]


def _read(stream: Stream, last: str, count: int, arrived: dict[str, float]) -> None:
    """Record when each record is read, until all are or none arrives for a minute."""
    quiet_since = time.monotonic()
    while len(arrived) < count and time.monotonic() - quiet_since < 60:
        for entry in stream.follow(last, block_ms=1000):
            arrived[json.loads(entry.data)["provenance"]["path"]] = quiet_since = time.monotonic()
            last = entry.stream_id
