"""The articles of a round: most are new, some repeat one, some cannot be read."""

import random
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.world import article

END = "全文完。"
"""The last words of every body: a record without them was published half-written."""


@dataclass
class News:
    """Writes into one drop folder and records it. `titles` and `refused` are by file name."""

    drop: Path
    random: random.Random
    prefix: str = ""
    titles: dict[str, str] = field(default_factory=dict)
    refused: set[str] = field(default_factory=set)
    _count: int = 0

    def write(self, count: int) -> None:
        """`count` files, each renamed into the folder, as a careful writer does."""
        for _ in range(count):
            self._rename_in(*self._next())

    def repeat(self, name: str, title: str) -> None:
        """An article that another writer wrote."""
        self.titles[name] = title
        self._rename_in(name, article(title, END))

    def write_slowly(self, pause_seconds: float) -> None:
        """One file written in place, in pieces."""
        name, data = self._next()
        with (self.drop / name).open("wb", buffering=0) as file:
            for start in range(0, len(data), len(data) // 3 + 1):
                file.write(data[start : start + len(data) // 3 + 1])
                time.sleep(pause_seconds)

    def copy_in(self) -> None:
        """One file copied into the folder."""
        name, data = self._next()
        (self._aside() / name).write_bytes(data)
        shutil.copy(self._aside() / name, self.drop / name)

    def _rename_in(self, name: str, data: bytes) -> None:
        """The disk may be full: then the writer waits."""
        while True:
            with suppress(OSError):
                (self._aside() / name).write_bytes(data)
                (self._aside() / name).rename(self.drop / name)
                return
            time.sleep(0.1)

    def _aside(self) -> Path:
        folder = self.drop.parent / "outside"
        folder.mkdir(exist_ok=True)
        return folder

    def _next(self) -> tuple[str, bytes]:
        self._count += 1
        name = f"{self.prefix}{self._count}.md"
        kind = self.random.random()
        if kind < 0.05:
            self.refused.add(name)
            return name, self.random.randbytes(200) + b"\0"
        repeat = kind < 0.15 and self.titles
        title = self.random.choice(list(self.titles.values())) if repeat else f"快讯{name[:-3]}号"
        self.titles[name] = title
        text = "港口吞吐量增长。" * self.random.randint(1, 40)
        return name, article(title, text + END)


class Writer:
    """A thread that writes a few files repeatedly until it is stopped."""

    def __init__(self, news: News, count: int = 10, every_seconds: float = 0.1) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._write, args=(news, count, every_seconds))

    def _write(self, news: News, count: int, every_seconds: float) -> None:
        while not self._stop.wait(every_seconds):
            news.write(count)

    def __enter__(self) -> "Writer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
