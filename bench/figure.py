"""A figure: the measurement, its target, and the raw data."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `runs` are the raw measurements, as JSON values."""

    name: str
    measured: str
    target: str
    reached: bool
    value: float
    runs: dict[str, Any] = field(default_factory=dict)


def at_least(name: str, value: float, least: float, **more: Any) -> Figure:
    """A ratio that must be `least` or more."""
    return Figure(name, f"{value:.2f} ×", f"≥ {least:g} ×", value >= least, value, **more)


def below(
    name: str, value: float, most: float, show: Callable[[float], str], **more: Any
) -> Figure:
    """A quantity that must stay below `most`."""
    return Figure(name, show(value), f"< {show(most)}", value < most, value, **more)


def seconds(value: float) -> str:
    return f"{value:.3g} s"


def megabytes(value: float) -> str:
    return f"{value:.0f} MB"
