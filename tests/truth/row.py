"""A row of the table: what is measured, newsdrop, its best peer, and the goal."""

from collections.abc import Iterable
from dataclasses import dataclass

NONE = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """Figures as text; `peer` and `goal` are NONE where there is none."""

    what: str
    newsdrop: str
    peer: str = NONE
    goal: str = NONE


def table(rows: Iterable[Row]) -> str:
    """The rows as a Markdown table."""
    lines = [("what", "newsdrop", "best peer", "must reach")]
    lines += [(row.what, row.newsdrop, row.peer, row.goal) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    lines.insert(1, tuple("-" * width for width in widths))
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |"
        for line in lines
    )


def share(right: int, total: int) -> str:
    """`97.0 % of 166`."""
    return f"{100 * right / total:.1f} % of {total}" if total else NONE
