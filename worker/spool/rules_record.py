"""The site rules in force: their revision, and why newer files are not. Status and health read this
record, which is small; only workers load rules."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from worker.model.from_json import dataclass_from
from worker.spool.layout import write_durably

NAME = "site-rules.json"


@dataclass(frozen=True, slots=True)
class RulesRecord:
    """`since` is when workers began to use this `revision` (RFC 3339, UTC). `problem` says in words
    why the present files are not used ('' if they are).

    `rules` is the JSON of :class:`worker.sites.SitesReader`: a process that starts while a file has
    an error uses these rules.
    """

    revision: str
    since: str
    count: int
    problem: str = ""
    rules: str = ""


def read_rules_record(state_dir: Path) -> RulesRecord | None:
    """The record; None if no worker has written one that this version can read."""
    try:
        return dataclass_from(RulesRecord, orjson.loads((state_dir / NAME).read_bytes()))
    except (OSError, ValueError, TypeError, AttributeError):
        return None


def write_rules_record(state_dir: Path, record: RulesRecord) -> None:
    """Raises OSError."""
    write_durably(state_dir / NAME, orjson.dumps(record))
