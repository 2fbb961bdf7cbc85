"""A figure: the measurement, its target, and the parts it consists of."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table.

    `name` is the same in every run of the same size: the history is searched by it. `parts` are
    the quantities behind `value`, by name. `is_low_good` tells which way a change is an
    improvement.
    """

    name: str
    measured: str
    target: str
    reached: bool
    value: float
    parts: dict[str, float] = field(default_factory=dict)
    is_low_good: bool = False

    @property
    def detail(self) -> str:
        """The parts in words."""
        return ", ".join(f"{name} {value:,.4g}" for name, value in self.parts.items())


Parts = dict[str, float]


def at_least(name: str, value: float, least: float, parts: Parts | None = None) -> Figure:
    """A ratio that must be `least` or more."""
    return Figure(name, f"{value:.2f} ×", f"≥ {least:g} ×", value >= least, value, parts or {})


def below(
    name: str, value: float, most: float, show: Callable[[float], str], parts: Parts | None = None
) -> Figure:
    """A quantity that must stay below `most`."""
    reached = value < most
    return Figure(name, show(value), f"< {show(most)}", reached, value, parts or {}, True)


def measured(
    name: str, value: float, show: Callable[[float], str], parts: Parts | None = None
) -> Figure:
    """A cost without a target."""
    return Figure(name, show(value), "–", True, value, parts or {}, True)


def seconds(value: float) -> str:
    return f"{value:.3g} s"


def milliseconds(value: float) -> str:
    return f"{value:.3g} ms"


def megabytes(value: float) -> str:
    return f"{value:.0f} MB"


def nbytes(value: float) -> str:
    return f"{value:,.0f} bytes"
