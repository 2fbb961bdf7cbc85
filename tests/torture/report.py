"""The table: one row for each fault."""

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests.torture.round import NOTHING, Figures, Round

COLUMNS = Figures.__slots__
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
_BEGIN, _END = "<!-- from the last run of make torture -->", "<!-- to here -->"


@dataclass
class Row:
    """The sum of a fault's rounds. `skipped` names what this machine lacks."""

    fault: str
    rounds: int = 0
    happened: Counter[str] = field(default_factory=Counter)
    figures: Figures = NOTHING
    bad: list[str] = field(default_factory=list)
    seconds: float = 0
    skipped: str = ""

    def add(self, round_: Round) -> None:
        self.rounds += 1
        self.happened += round_.happened
        self.figures += round_.figures
        self.bad += [f"round {self.rounds - 1}: {what}" for what in round_.bad]

    @property
    def is_good(self) -> bool:
        is_proved = self.happened.total() > 0 and not self.bad
        return bool(self.skipped) or (self.figures.is_good and is_proved)

    @property
    def proof(self) -> str:
        if self.skipped:
            return f"skipped: {self.skipped}"
        return ", ".join(f"{n:,} {what}" for what, n in self.happened.items()) or "DID NOT HAPPEN"


def as_text(row: Row) -> str:
    figures = ", ".join(f"{name} {getattr(row.figures, name):,}" for name in COLUMNS)
    mark = "ok " if row.is_good else "RED"
    first = f"{mark} {row.fault}: {row.rounds} rounds, {row.proof}; {figures}; {row.seconds:.0f} s"
    return "\n".join([first, *(f"    {what}" for what in row.bad)])


def as_markdown(rows: Sequence[Row]) -> str:
    head = ("fault", "rounds", "how it is known that it happened", *COLUMNS, "seconds")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * 3 + "---:|" * (len(head) - 3)]
    for row in rows:
        values = [f"{getattr(row.figures, name):,}" for name in COLUMNS]
        cells = [row.fault, str(row.rounds), row.proof, *values, f"{row.seconds:.0f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write(table: str, seed: int, minutes: float, *, is_good: bool) -> None:
    """Put the table of a run into docs/reliability.md."""
    before, _, rest = PAGE.read_text("utf-8").partition(_BEGIN)
    after = rest.partition(_END)[2]
    result = "every figure is 0" if is_good else "**not every figure is 0**"
    text = f"{table}\n\nSeed {seed}, {minutes:.0f} minutes, {os.cpu_count()} cores: {result}."
    PAGE.write_text(f"{before}{_BEGIN}\n\n{text}\n\n{_END}{after}", "utf-8")
