"""The table: one row for each fault."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.torture.round import NOTHING, Figures, Round

COLUMNS = Figures.__slots__


@dataclass
class Row:
    """The sum of a fault's rounds. `skipped` says what this machine lacks."""

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
        return bool(self.skipped) or (self.figures.is_good and self.happened.total() > 0)

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
