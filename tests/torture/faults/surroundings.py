"""Disk, clock, writers, and a second service or scheduler."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.fake_clock import NoFakeClock, fake_clock
from tests.torture.field import Field, server
from tests.torture.news import Writer
from tests.torture.round import Round, Unavailable

DAY, SHIFT = 86_400, 8 * 3600


def disk_full(round_: Round) -> None:
    """The disk of drop folder and state directory is full, repeatedly."""
    disk = _small_disk(round_.directory, megabytes=48)
    with disk, server() as redis, (field := Field(round_, redis)).service():
        filler = round_.directory / "filler"
        with Writer(field.news):
            while not round_.is_over:
                time.sleep(round_.random.uniform(0.2, 1))
                round_.happened["times full"] += _fill(filler)
                time.sleep(round_.random.uniform(0.5, 2))
                filler.unlink()
        field.finish()


def clock_steps(round_: Round) -> None:
    """The clock of the service steps by a day or eight hours, ahead and back."""
    clock = round_.directory / "clock"
    clock.write_text("+0")
    try:
        environment = fake_clock(
            round_.directory / "modules", FAKETIME_TIMESTAMP_FILE=str(clock), FAKETIME_NO_CACHE="1"
        )
    except NoFakeClock as error:
        raise Unavailable(str(error)) from error
    with server() as redis, (field := Field(round_, redis)).service(environment=environment):
        with Writer(field.news):
            while not round_.is_over:
                step = round_.random.choice([DAY, -DAY, SHIFT, -SHIFT])
                _set(clock, f"{step:+d}")
                time.sleep(round_.random.uniform(1, 4))
                _set(clock, "+0")
                time.sleep(round_.random.uniform(0.5, 2))
        field.finish()
        batches = [one.batch for one in field.world.context.deps.archive.segments()]
        hours = {batch[:11] for batch in batches}
        round_.happened["other hours that batches are named for"] += len(hours) - 1


def _set(clock: Path, text: str) -> None:
    temporary = clock.with_suffix(".new")
    temporary.write_text(text)
    temporary.rename(clock)


def writers(round_: Round) -> None:
    """Files renamed in, written in place in pieces, and copied in."""
    with server() as redis, (field := Field(round_, redis, settle_seconds=1.5)).service():
        while not round_.is_over:
            kind = round_.random.choice(["renamed in", "written slowly", "copied in"])
            if kind == "renamed in":
                field.news.write(1)
            elif kind == "written slowly":
                field.news.write_slowly(round_.random.uniform(0.05, 0.3))
            else:
                field.news.copy_in()
            round_.happened[kind] += 1
        field.finish()


def two_services(round_: Round) -> None:
    """Two state directories publish to one stream, with articles in common."""
    with server() as redis:
        one, two = Field(round_, redis, name="one"), Field(round_, redis, name="two")
        with one.service() as first, two.service() as second:
            with Writer(one.news), Writer(two.news):
                while not round_.is_over:
                    time.sleep(0.5)
                    for name, title in list(one.news.titles.items())[-3:]:
                        two.news.repeat(f"again-{name}", title)
            round_.happened["starts"] += first.starts + second.starts
            one.finish(two)


def two_schedulers(round_: Round) -> None:
    """Two workers and two schedulers on one state directory."""
    with server() as redis:
        parts = ("worker", "beat", "worker", "beat")
        with (field := Field(round_, redis)).service(parts=parts) as service:
            with Writer(field.news):
                while not round_.is_over:
                    time.sleep(0.5)
            alive = [name for name, process in service.parts if process.poll() is None]
            for name in alive:
                round_.happened[f"{name} processes"] += 1
            field.finish()


@contextmanager
def _small_disk(folder: Path, megabytes: int) -> Iterator[None]:
    """`folder` as a file system of its own."""
    options = ["-t", "tmpfs", "-o", f"size={megabytes}m", "torture", str(folder)]
    if (
        os.getuid()
        or subprocess.run(["mount", *options], capture_output=True, check=False).returncode
    ):
        raise Unavailable("nothing can be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def _fill(filler: Path) -> bool:
    """Write until nothing fits any more."""
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(65_536))
    return shutil.disk_usage(filler.parent).free < 65_536
