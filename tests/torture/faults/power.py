"""A power cut at each call that changes the file system, with what was not synced dropped."""

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
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
MODELS = ("names in order", "names of the last sync")
"""Of names, all that came before the cut, or all that came before the last sync of anything (what a
journal commits with it). Of bytes, always only those that were synced."""


@dataclass(frozen=True)
class Tree:
    """Every path below a folder with its inode (None: a folder), and the synced bytes by inode."""

    names: dict[str, int | None]
    synced: dict[int, bytes]
    redis_bytes: int

    def rebuild(self, folder: Path) -> None:
        for name, inode in sorted(self.names.items()):
            path = folder / name
            if inode is None:
                path.mkdir(parents=True, exist_ok=True)
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(self.synced.get(inode, b""))


@dataclass
class Recorder:
    """What would be on disk if the power went before each call."""

    folder: Path
    redis: Server
    synced: dict[int, bytes] = field(default_factory=dict)
    cuts: list[tuple[str, Tree, Tree]] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The writer's files are whole and old.
        self.synced = {
            path.stat().st_ino: path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }
        self._committed = self._tree()
        self._is_busy = False

    def note(self, name: str, args: tuple[Any, ...]) -> None:
        if self._is_busy:
            return
        self._is_busy = True  # reading a file calls `os` too
        try:
            if self.cuts and self.cuts[-1][0] == "fsync":
                self._committed = self._tree()
            self.cuts.append((name, self._tree(), self._committed))
            if name == "fsync":
                path = Path(os.readlink(f"/proc/self/fd/{args[0]}"))
                if path.is_file():
                    self.synced = {**self.synced, path.stat().st_ino: path.read_bytes()}
        finally:
            self._is_busy = False

    def _tree(self) -> Tree:
        names: dict[str, int | None] = {}
        for path in self.folder.rglob("*"):
            inode = path.stat().st_ino if path.is_file() else None
            names[str(path.relative_to(self.folder))] = inode
        return Tree(names, self.synced, append_only_file(self.redis).stat().st_size)


def power_cuts(round_: Round) -> None:
    """One batch is worked on and recorded; then each cut is recovered from, in a random order."""
    with server() as redis:
        state = round_.directory / "state"
        register_root.cache_clear()
        world = World(state, redis.url)
        recover(world.context)  # as the tick before did
        news = News(world.drop_dir, round_.random)
        news.write(FILES)
        recorder = Recorder(state, redis)
        with seam.before_each(recorder.note, seam.CHANGES):
            world.run()
        whole = append_only_file(redis).read_bytes()
        cuts = [(n, model) for n in range(len(recorder.cuts)) for model in range(len(MODELS))]
        round_.random.shuffle(cuts)
        for number, model in cuts:
            if round_.is_over:
                break
            name, in_order, committed = recorder.cuts[number]
            tree = (in_order, committed)[model]
            redis.kill()
            append_only_file(redis).write_bytes(whole[: in_order.redis_bytes])
            redis.start()
            shutil.rmtree(state)
            register_root.cache_clear()
            tree.rebuild(state)
            after = World(state, redis.url)
            recover(after.context)
            after.run()
            round_.happened[f"cuts, {MODELS[model]}"] += 1
            what = f"cut {number} of {len(recorder.cuts)}, before {name}, {MODELS[model]}:"
            round_.add(examine((after, news)), what)


def append_only_file(redis: Server) -> Path:
    """The part that the server appends to."""
    return sorted(redis.directory.glob("appendonlydir/*.incr.aof"))[-1]
