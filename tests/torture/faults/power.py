"""A power cut at each call that changes the file system, with unsynced changes dropped."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

from tests.servers import Server
from tests.torture import seam
from tests.torture.field import server
from tests.torture.news import News
from tests.torture.oracle import examine
from tests.torture.round import Round
from tests.world import World
from worker.pipeline.recover import recover
from worker.spool.layout import register_root

FILES = 8
Names = Mapping[tuple[int, str], int]
"""(folder, name) -> what has that name; files and folders are numbered, the top folder is 0."""


@dataclass(frozen=True)
class Moment:
    """A recorded state: every name, and the bytes of every file (None: a folder). `synced` is the
    number of the folder or file that the previous call synced."""

    call: str
    names: Names
    content: Mapping[int, bytes | None]
    synced: int | None
    redis_bytes: int


@dataclass(frozen=True)
class Cut:
    """What the disk may have after the moments so far. `changes` are those of names, each atomic,
    as a rename is; `durable` those whose folder was synced after them."""

    first: Names
    changes: tuple[Mapping[tuple[int, str], int | None], ...]
    durable: frozenset[int]
    committed: int
    synced: Mapping[int, bytes]
    now: Moment

    def rebuild(self, folder: Path, is_there: Callable[[int], bool], random: Random | None) -> None:
        """Write the names of `first` with the durable changes and those that `is_there` accepts.
        Files have their synced bytes; with `random` more of them, up to a place by chance."""
        names: dict[tuple[int, str], int] = dict(self.first)
        for at, change in enumerate(self.changes):
            if at in self.durable or is_there(at):
                for key, number in change.items():
                    names.pop(key, None)
                    if number is not None:
                        names[key] = number
        self._write(folder, 0, names, random)

    def _write(self, folder: Path, top: int, names: Names, random: Random | None) -> None:
        folder.mkdir(parents=True)
        for (parent, name), number in names.items():
            if parent != top:
                continue
            if self.now.content.get(number, b"") is None:
                self._write(folder / name, number, names, random)
            else:
                (folder / name).write_bytes(self._bytes(number, random))

    def _bytes(self, number: int, random: Random | None) -> bytes:
        synced = self.synced.get(number, b"")
        now = self.now.content.get(number)
        if random is None or not now or not now.startswith(synced):
            return synced
        return now[: random.randint(len(synced), len(now))]


@dataclass
class Recorder:
    """Sees the folder before each call. Names are compared from call to call."""

    folder: Path
    redis_bytes: Callable[[], int] = lambda: 0
    moments: list[Moment] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._numbers = {self.folder.stat().st_ino: 0}
        self._next = count(1)
        self._content: dict[int, bytes | None] = {0: None}
        self._is_busy = False
        self._synced: Path | None = None
        self.note("first", ())

    def note(self, name: str, args: tuple[Any, ...]) -> None:
        if self._is_busy:
            return
        self._is_busy = True  # reading a file calls `os` too
        try:
            self.moments.append(self._see(name))
            if name == "fsync":
                self._synced = Path(os.readlink(f"/proc/self/fd/{args[0]}"))
        finally:
            self._is_busy = False

    def _see(self, call: str) -> Moment:
        paths = [path for path in self.folder.rglob("*") if not path.is_symlink()]
        inodes = {path: path.stat().st_ino for path in paths}
        there = {*inodes.values(), self.folder.stat().st_ino}
        # The kernel gives the inode of a file that is gone to a new one.
        self._numbers = {inode: n for inode, n in self._numbers.items() if inode in there}
        names: dict[tuple[int, str], int] = {}
        for path in sorted(paths):
            number = self._numbers.setdefault(inodes[path], -1)
            if number < 0:
                number = self._numbers[inodes[path]] = next(self._next)
            parent = self._numbers[inodes.get(path.parent) or self.folder.stat().st_ino]
            names[parent, path.name] = number
            self._content[number] = path.read_bytes() if path.is_file() else None
        synced = None
        if self._synced is not None:
            with suppress(OSError):
                synced = self._numbers[self._synced.stat().st_ino]
            self._synced = None
        return Moment(call, names, dict(self._content), synced, self.redis_bytes())

    def cuts(self) -> Iterator[Cut]:
        """The disk before each call, from the moments so far. The writer's files are complete."""
        first = self.moments[0]
        synced = {n: data for n, data in first.content.items() if data is not None}
        changes: list[Mapping[tuple[int, str], int | None]] = []
        durable: set[int] = set()
        committed = 0
        for before, now in zip(self.moments, self.moments[1:], strict=False):
            number = now.synced
            if number is not None:
                data = now.content[number]
                if data is None:
                    durable |= {
                        at for at, c in enumerate(changes) if any(key[0] == number for key in c)
                    }
                else:
                    synced = {**synced, number: data}
                committed = len(changes)
            if change := _difference(before.names, now.names):
                changes.append(change)
            yield Cut(first.names, tuple(changes), frozenset(durable), committed, synced, now)


def _difference(before: Names, now: Names) -> Mapping[tuple[int, str], int | None]:
    gone: dict[tuple[int, str], int | None] = {key: None for key in before if key not in now}
    return gone | {key: number for key, number in now.items() if before.get(key) != number}


MODELS = ("names in order", "names of the last sync", "no name unsynced", "some names and bytes")
"""What comes back of the changes of names whose folder was not synced after them: all; those before
the last sync of anything (what a journal commits with it); none; any of them, and a part of the
bytes that were not synced. With the other models only synced bytes come back."""


def rebuild(cut: Cut, model: int, folder: Path, random: Random) -> None:
    if model == 0:
        cut.rebuild(folder, lambda _: True, None)
    elif model == 1:
        cut.rebuild(folder, lambda at: at < cut.committed, None)
    elif model == 2:
        cut.rebuild(folder, lambda _: False, None)
    else:
        cut.rebuild(folder, lambda _: random.random() < 0.5, random)


def power_cuts(round_: Round) -> None:
    """One batch is processed and recorded; then each cut is recovered from, in random order."""
    with server() as redis:
        state = round_.directory / "state"
        register_root.cache_clear()
        world = World(state, redis.url)
        recover(world.context)  # as the tick before did
        news = News(world.drop_dir, round_.random)
        news.write(FILES)
        recorder = Recorder(state, lambda: append_only_file(redis).stat().st_size)
        with seam.before_each(recorder.note, seam.CHANGES):
            world.run()
        recorder.note("end", ())
        whole = append_only_file(redis).read_bytes()
        recorded = list(recorder.cuts())
        cuts = [(n, model) for n in range(len(recorded)) for model in range(len(MODELS))]
        round_.random.shuffle(cuts)
        for number, model in cuts:
            if round_.is_over:
                break
            cut = recorded[number]
            redis.kill()
            append_only_file(redis).write_bytes(whole[: cut.now.redis_bytes])
            redis.start()
            shutil.rmtree(state)
            register_root.cache_clear()
            rebuild(cut, model, state, round_.random)
            after = World(state, redis.url)
            recover(after.context)
            after.run()
            round_.happened[f"cuts, {MODELS[model]}"] += 1
            what = f"cut {number} of {len(recorded)}, before {cut.now.call}, {MODELS[model]}:"
            round_.add(examine((after, news)), what)


def append_only_file(redis: Server) -> Path:
    """The part that the server appends to."""
    return sorted(redis.directory.glob("appendonlydir/*.incr.aof"))[-1]
