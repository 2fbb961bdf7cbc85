"""Articles whose pages are wanted: `<state>/wanted/<name>`, a file each.

An entry of a feed that asks for full text waits here from the moment it was read until its page is
in a batch. The name stands for what the entry is, so that the same entry waits once however often
its feed is read. Redis only says when a page is fetched; what is wanted is told by these files.
"""

import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from worker.errors import SpoolUnavailable
from worker.spool.layout import fsync_dir, translated, write_durably
from worker.stored import made


@dataclass(frozen=True, slots=True)
class Wanted:
    """One wanted page. `capsule` is the feed's entry (:mod:`worker.parse.full_text`), `url` its
    page's address; `source` the feed; `wanted_at` when its document was claimed (RFC 3339, UTC);
    `mark` is hex, and stands in the index for what the entry says."""

    name: str
    source: str
    url: str
    feed_url: str | None
    wanted_at: str
    mark: str
    capsule: bytes


class WantedPages:
    """What is wanted below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "wanted"

    def add(self, pages: Iterable[Wanted]) -> None:
        """Want pages, durably; one that is wanted already stays. Raises SpoolUnavailable."""
        new = [one for one in pages if not (self._dir / one.name).exists()]
        if not new:
            return
        with translated(self._dir):
            self._dir.mkdir(mode=0o770, parents=True, exist_ok=True)
            for one in new:
                head = {**asdict(one), "capsule": None}
                write_durably(self._dir / one.name, orjson.dumps(head) + b"\n" + one.capsule)
            fsync_dir(self._dir)

    def names(self) -> set[str]:
        """All that are wanted."""
        try:
            return {name for name in os.listdir(self._dir) if not name.startswith(".")}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise SpoolUnavailable(f"{self._dir} cannot be listed: check its rights") from error

    def get(self, name: str) -> Wanted | None:
        """None where it is wanted no more, or cannot be read. Raises SpoolUnavailable."""
        try:
            head, _, capsule = (self._dir / name).read_bytes().partition(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpoolUnavailable(
                f"{self._dir / name} cannot be read: check its rights"
            ) from error
        try:
            return made(Wanted, {**orjson.loads(head), "capsule": capsule})
        except (orjson.JSONDecodeError, TypeError):
            return None

    def set_aside(self, name: str) -> bool:
        """Leave a file that cannot be read where it is, and look at it no more; False where it is
        gone."""
        with translated(self._dir):
            try:
                (self._dir / name).rename(self._dir / f".{name}.damaged")
            except FileNotFoundError:
                return False
        return True

    def remove(self, names: Iterable[str]) -> None:
        """Want them no more: they are in a batch."""
        with translated(self._dir):
            for name in names:
                (self._dir / name).unlink(missing_ok=True)
