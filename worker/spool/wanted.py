"""Articles whose pages are wanted: `<state>/wanted/<name>`, a file each.

An entry of a feed that asks for full text waits here from the moment it was read until its page is
in a batch. The name stands for what the entry is, so that the same entry waits once however often
its feed is read. Redis only says when a page is fetched; what is wanted is told by these files.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from worker.errors import Reason, Rejected, SpoolUnavailable
from worker.model.from_json import dataclass_from
from worker.spool.layout import fsync_dir, translate_errors, write_durably

_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class WantedPage:
    """One wanted page. `capsule` is the feed's entry (see `formats/page/entry_bundle.py`), `url`
    its page's address; `source` the feed; `wanted_at` when its document was claimed (RFC 3339,
    UTC);
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

    def add(self, pages: Iterable[WantedPage]) -> set[str]:
        """Want pages, durably; the names of those that were not wanted yet.

        One that is wanted already stays as it is. Raises SpoolUnavailable.
        """
        new = [one for one in pages if not (self._dir / one.name).exists()]
        if new:
            with translate_errors(self._dir):
                self._dir.mkdir(mode=0o770, parents=True, exist_ok=True)
                for one in new:
                    head = {**asdict(one), "capsule": None}
                    write_durably(self._dir / one.name, orjson.dumps(head) + b"\n" + one.capsule)
                fsync_dir(self._dir)
        return {one.name for one in new}

    def names(self) -> set[str]:
        """All that are wanted; what else lies there is none of ours."""
        try:
            return {name for name in os.listdir(self._dir) if _NAME.fullmatch(name)}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise SpoolUnavailable(f"{self._dir} cannot be listed: check its rights") from error

    def get(self, name: str) -> WantedPage | None:
        """None where it is wanted no more. Raises Rejected where it is no wanted page of ours,
        SpoolUnavailable."""
        data = self.raw(name)
        if data is None:
            return None
        head, _, capsule = data.partition(b"\n")
        try:
            page = dataclass_from(WantedPage, {**orjson.loads(head), "capsule": capsule})
            if not all(isinstance(one, str) for one in (page.source, page.url, page.wanted_at)):
                raise TypeError("not a text")
            bytes.fromhex(page.mark)
            return page
        except (ValueError, TypeError) as error:
            raise Rejected(
                Reason.MALFORMED, "this is no wanted page: let its feed be polled again"
            ) from error

    def raw(self, name: str) -> bytes | None:
        """The file as it is; None where there is none. Raises SpoolUnavailable."""
        try:
            return (self._dir / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpoolUnavailable(
                f"{self._dir / name} cannot be read: check its rights"
            ) from error

    def remove(self, names: Iterable[str]) -> None:
        """Want them no more: they are in a batch."""
        with translate_errors(self._dir):
            for name in names:
                (self._dir / name).unlink(missing_ok=True)
