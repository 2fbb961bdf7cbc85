"""A batch's journal: what is in hand, and what became of each article.

Appended while a batch is worked on, so that whoever takes the batch after a crash knows what is
decided (an outcome a line), which entries are finished (`{"done": 3}`), and what its worker had in
hand when it died: an entry noted (`{"hand": 3}`) and not put down (`{"hand": null}`) before the
next one was noted. A torn last line is what a crash leaves: it is not read.
"""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from worker.errors import Reason
from worker.model import FeedRead, Outcome, Status
from worker.model.from_json import dataclass_from

NAME = "journal"


@dataclass(frozen=True, slots=True)
class Progress:
    """What earlier workers left: outcomes, finished entries, deaths by the entry in hand, and
    every entry that ever was in hand: articles of it may have been offered."""

    outcomes: tuple[Outcome, ...] = ()
    done: frozenset[int] = frozenset()
    deaths: Mapping[int, int] = field(default_factory=dict)
    touched: frozenset[int] = frozenset()


class Journal:
    """Appends to one batch's journal. The caller holds the batch's lock."""

    def __init__(self, batch_dir: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(batch_dir / NAME, flags, 0o660)
        if _ends_torn(self._fd):
            self._append(b"\n")
        self._append(b'{"run":%d}\n' % os.getpid())

    def hand(self, entry: int | None) -> None:
        """Note that `entry` is about to be read and parsed; None: nothing is in hand."""
        self._append(b'{"hand":null}\n' if entry is None else b'{"hand":%d}\n' % entry)

    def decided(self, outcomes: Sequence[Outcome], done: Sequence[int]) -> None:
        """Note outcomes, and which entries are finished with them."""
        lines = [orjson.dumps(outcome) for outcome in outcomes]
        lines.extend(b'{"done":%d}' % entry for entry in done)
        if lines:
            self._append(b"\n".join(lines) + b"\n")

    def close(self) -> None:
        os.close(self._fd)

    def _append(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._fd, view) :]


def read(batch_dir: Path) -> Progress:
    """What the journal in `batch_dir` tells; nothing where there is none."""
    outcomes: dict[tuple[int, int], Outcome] = {}
    done: set[int] = set()
    deaths: Counter[int] = Counter()
    in_hand: int | None = None
    touched: set[int] = set()
    for line in _lines(batch_dir / NAME):
        if "run" in line:  # the one before did not come to its end, or put everything down
            if in_hand is not None:
                deaths[in_hand] += 1
            in_hand = None
        elif "hand" in line:
            in_hand = line["hand"]
            if in_hand is not None:
                touched.add(in_hand)
        elif "done" in line:
            done.add(line["done"])
        else:
            outcome = outcome_of(line)
            outcomes[outcome.entry, outcome.ordinal] = outcome
    if in_hand is not None:
        deaths[in_hand] += 1
    return Progress(tuple(outcomes.values()), frozenset(done), deaths, frozenset(touched))


def outcome_of(line: dict[str, Any]) -> Outcome:
    """An outcome from its JSON object; keys of a newer version are passed over."""
    typed = {**line, "status": Status(line["status"]), "warnings": tuple(line.get("warnings", ()))}
    if typed.get("reason") is not None:
        typed["reason"] = Reason(typed["reason"])
    if typed.get("feed") is not None:
        typed["feed"] = dataclass_from(FeedRead, typed["feed"])
    return dataclass_from(Outcome, typed)


def parse_lines(data: Iterable[bytes]) -> Iterator[dict[str, Any]]:
    """The JSON objects of `data`; a line torn by a crash is passed over."""
    for line in data:
        try:
            parsed = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue
        if isinstance(parsed, dict):
            yield parsed


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    try:
        with path.open("rb") as file:
            yield from parse_lines(file)
    except FileNotFoundError:
        return


def _ends_torn(fd: int) -> bool:
    size = os.fstat(fd).st_size
    return size > 0 and os.pread(fd, 1, size - 1) != b"\n"
