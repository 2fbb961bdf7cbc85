"""Wanted pages: `<state>/wanted/<name>`, a file each.

An entry of a feed that asks for full text waits here from the moment it was read until its page is
in a batch. The name is derived from the entry, so that an entry waits once however often its feed
is read. Redis only decides when a page is fetched; these files decide what is wanted.
"""

import os
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from worker.errors import Reason, Rejected, SpoolUnavailable
from worker.model.from_json import dataclass_from
from worker.spool.layout import fsync_dir, make_folder, translate_errors, write_durably

_NAME = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class WantedPage:
    """One wanted page. `url` is its address, `source` its feed; `wanted_at` is when the feed's
    document was claimed (RFC 3339, UTC); `mark` is hex: the index entry of the feed entry;
    `bundle` is the feed entry (see `formats/page/entry_bundle.py`)."""

    name: str
    source: str
    url: str
    feed_url: str | None
    wanted_at: str
    mark: str
    bundle: bytes


class WantedPages:
    """The wanted pages below one state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._dir = state_dir / "wanted"

    def add(self, pages: Iterable[WantedPage]) -> set[str]:
        """Add pages, durably; the names of the new ones.

        A page that is wanted already stays as it is. Raises SpoolUnavailable.
        """
        new = [page for page in pages if not (self._dir / page.name).exists()]
        if new:
            with translate_errors(self._dir):
                make_folder(self._dir)
                for page in new:
                    head = {key: value for key, value in asdict(page).items() if key != "bundle"}
                    write_durably(self._dir / page.name, orjson.dumps(head) + b"\n" + page.bundle)
                fsync_dir(self._dir)
        return {page.name for page in new}

    def names(self) -> set[str]:
        """All wanted pages; other files in the directory are ignored."""
        try:
            return {name for name in os.listdir(self._dir) if _NAME.fullmatch(name)}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise SpoolUnavailable(f"{self._dir} cannot be listed: check its rights") from error

    def get(self, name: str) -> WantedPage | None:
        """None where it is not wanted any more. Raises Rejected where the file is not a wanted
        page, SpoolUnavailable."""
        data = self.raw(name)
        if data is None:
            return None
        head, _, bundle = data.partition(b"\n")
        try:
            page = dataclass_from(WantedPage, {**orjson.loads(head), "bundle": bundle})
            if not all(isinstance(text, str) for text in (page.source, page.url, page.wanted_at)):
                raise TypeError("not a text")
            bytes.fromhex(page.mark)
            return page
        except (ValueError, TypeError) as error:
            raise Rejected(
                Reason.MALFORMED, "this is not a wanted page: poll its feed again"
            ) from error

    def raw(self, name: str) -> bytes | None:
        """The file's bytes; None where there is none. Raises SpoolUnavailable."""
        try:
            return (self._dir / name).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SpoolUnavailable(
                f"{self._dir / name} cannot be read: check its rights"
            ) from error

    def remove(self, names: Iterable[str]) -> None:
        """Remove pages: they are in a batch."""
        with translate_errors(self._dir):
            for name in names:
                (self._dir / name).unlink(missing_ok=True)
