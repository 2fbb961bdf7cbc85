"""A batch's manifest: what each numbered entry was called, and who brought it, when.

Written and synced before the files are renamed in, so that a batch always knows its names.
What was copied is not a file each but lies in one, the pack, and the manifest says where.
JSON lines: a head, then one line an entry. Names that are not UTF-8 keep their bytes as lone
surrogates (PEP 383), which JSON writes as ``\\udcNN``.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from worker.errors import SpoolUnavailable
from worker.stored import made

NAME = "manifest"
PACK = "pack"


@dataclass(frozen=True, slots=True)
class Head:
    """What is true of the whole batch. `claimed_at` is RFC 3339, UTC."""

    batch: str
    source: str
    kind: str
    claimed_at: str
    job: str | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a batch: its number, and its path below the folder it came from.

    `offset` and `size` say where its bytes are in the batch's pack; without an offset it is a
    file of its own, named by its number.
    """

    number: int
    path: str
    offset: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Manifest:
    head: Head
    entries: tuple[Entry, ...]


def dump(head: Head, entries: Iterable[Entry]) -> bytes:
    """The manifest of a batch."""
    lines = [json.dumps(asdict(head))]
    for entry in entries:
        packed = () if entry.offset is None else (entry.offset, entry.size)
        lines.append(json.dumps([entry.number, entry.path, *packed]))
    return ("\n".join(lines) + "\n").encode("ascii")


def load(batch_dir: Path) -> Manifest:
    """The manifest in `batch_dir`. Raises SpoolUnavailable where it cannot be read."""
    try:
        first, *rest = (batch_dir / NAME).read_text("ascii").splitlines()
        entries = tuple(Entry(*json.loads(line)) for line in rest)
        return Manifest(made(Head, json.loads(first)), entries)
    except (OSError, ValueError, TypeError) as error:
        raise SpoolUnavailable(f"the manifest of batch {batch_dir.name} cannot be read") from error
