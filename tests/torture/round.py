"""One round: its seed, its bounds and its findings."""

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path


class Unavailable(Exception):
    """This machine lacks what the fault needs."""


@dataclass(frozen=True, slots=True)
class Figures:
    """Files, but for `doubled` (stream entries) and `unaccounted` (both)."""

    accepted: int = 0
    published: int = 0
    duplicate: int = 0
    quarantined: int = 0
    waiting: int = 0
    lost: int = 0
    doubled: int = 0
    unaccounted: int = 0

    def __add__(self, other: "Figures") -> "Figures":
        return Figures(*(getattr(self, f) + getattr(other, f) for f in Figures.__slots__))

    @property
    def is_good(self) -> bool:
        return not (self.waiting or self.lost or self.doubled or self.unaccounted)


NOTHING = Figures()


@dataclass
class Round:
    """`seed` decides all that is random in the round; `seconds` bound its fault, not its end.

    `happened` counts the events that prove the fault; `figures` is the sum of all examinations.
    What still waits `patience_seconds` after the fault is over counts against it.
    """

    seed: str
    directory: Path
    seconds: float
    patience_seconds: float = 60
    happened: Counter[str] = field(default_factory=Counter)
    figures: Figures = NOTHING
    bad: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        self.begin()

    def begin(self) -> None:
        """Its time begins now: all is running."""
        self._end = time.monotonic() + self.seconds

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self._end

    def add(self, figures: Figures, what: str = "") -> None:
        self.figures += figures
        if not figures.is_good:
            self.bad.append(f"{what} {figures}".strip())
