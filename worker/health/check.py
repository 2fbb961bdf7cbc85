"""One finding of `doctor`."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Check:
    """`fail` breaks a promise or the service; `warn` is worth knowing. `advice` may be empty."""

    name: str
    level: Literal["ok", "warn", "fail"]
    message: str
    advice: str = ""
