"""The calls of a batch's way, from claim to archive: each one fails once.

A clean run gives the steps: the calls by name and path, numbers left out (the rename of a batch
into `work/`, a journal's line, the publish script …). Each step fails in each way before any call
that only repeats a step does.
"""

import errno
import os
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.servers import Server
from tests.torture import seam
from tests.torture.field import server
from tests.torture.news import News
from tests.torture.oracle import examine
from tests.torture.round import Round
from tests.world import World, in_child
from worker.errors import Retryable
from worker.spool.layout import register_root

FILES = 5
SIZE_LIMIT = "file size limit"
"""RLIMIT_FSIZE: what is written through a file object, not through `os`, becomes short, too."""
SIZES = (100, 9_000)
_NUMBERS = re.compile(r"[0-9a-f]{6,}|\d+")


def failures(round_: Round) -> None:
    """In a child process: scan and drain with one failing call, then without, and examine."""
    done = set()
    with server(appendonly=False) as redis:
        steps = _steps(round_, redis)
        for failure, number in _trials(round_, steps):
            if round_.is_over:
                break
            if _one(round_, redis, failure, number) and failure != SIZE_LIMIT:
                done.add((failure, steps[number - 1]))
        if done:
            round_.happened["different steps that failed"] += len({step for _, step in done})
            round_.happened["steps in all"] += len(set(steps))


def _trials(round_: Round, steps: list[str]) -> Iterator[tuple[str, int]]:
    """Ways to fail, and the number of the call: first each step once in each way."""
    firsts = {steps.index(step) + 1 for step in set(steps)}
    pairs = [
        (failure, number)
        for failure in seam.FAILURES
        for number, step in enumerate(steps, 1)
        if failure != "short write" or step.startswith("write ")
    ]
    pairs += [(SIZE_LIMIT, round_.random.randint(*SIZES)) for _ in range(len(firsts) // 4)]
    round_.random.shuffle(pairs)
    yield from sorted(pairs, key=lambda pair: pair[1] not in firsts and pair[0] != SIZE_LIMIT)


def _steps(round_: Round, redis: Server) -> list[str]:
    """The step of each call of a run in which nothing fails, in order."""
    world, _ = _open(round_, redis)
    found: list[str] = []
    is_busy = False

    def note(name: str, args: tuple[Any, ...]) -> None:
        nonlocal is_busy
        if not is_busy:
            is_busy = True
            found.append(f"{name} {_shape(args)}")
            is_busy = False

    with seam.before_each(note, seam.CALLS):
        _run(world)
    shutil.rmtree(world.settings.state_dir)
    return found


def _shape(args: tuple[Any, ...]) -> str:
    names = [arg for arg in args[:2] if isinstance(arg, str | os.PathLike)]
    if args and isinstance(args[0], int):
        with suppress(OSError):
            names = [os.readlink(f"/proc/self/fd/{args[0]}")]
    return " ".join(_NUMBERS.sub("#", "/".join(Path(name).parts[-3:])) for name in names)


def _open(round_: Round, redis: Server) -> tuple[World, News]:
    redis.client().flushall()
    register_root.cache_clear()
    world = World(round_.directory / "state", redis.url)
    news = News(world.drop_dir, round_.random)
    news.write(FILES)
    return World(round_.directory / "state", redis.url), news


def _one(round_: Round, redis: Server, failure: str, number: int) -> bool:
    """Whether the failure occurred."""
    world, news = _open(round_, redis)
    mark = round_.directory / "happened"
    in_child(lambda: _work(world, failure, number, mark))
    has_happened = mark.exists()
    if has_happened:
        round_.happened[failure] += 1
        what = f"{failure} at {number}, {mark.read_text()}:"
        mark.unlink()
        for _ in range(2):  # what was moved back is claimed again
            with suppress(Retryable):
                world.run()
        round_.add(examine((world, news)), what)
    shutil.rmtree(world.settings.state_dir)
    return has_happened


def _work(world: World, failure: str, number: int, mark: Path) -> None:
    if failure == SIZE_LIMIT:
        resource.setrlimit(resource.RLIMIT_FSIZE, (number, resource.RLIM_INFINITY))
        for error in _run(world):
            if isinstance(error, OSError) and error.errno == errno.EFBIG:
                mark.write_text("a write")
        return

    def note(name: str) -> None:
        mark.write_text(name)

    with seam.failing(failure, number, note):
        _run(world)


def _run(world: World) -> list[BaseException]:
    """Scan and drain twice; the error and its cause."""
    errors: list[BaseException] = []
    for step in (world.scan, world.drain, world.scan, world.drain):
        try:
            step()
        except (Retryable, OSError) as error:
            errors += filter(None, (error, error.__cause__))
    return errors
