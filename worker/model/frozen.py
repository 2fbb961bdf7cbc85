"""Frozen dataclasses that are made in a quarter of the time.

An article passes through some 40 of them with 240 fields. The frozen ones of the standard library
call `object.__setattr__` for each field: 45 µs an article, 6 % of reading one. These are frozen for
mypy, which is strict and part of `make lint`; while the program runs nothing checks it again.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

__all__ = ["dataclass"]
_T = TypeVar("_T")

if TYPE_CHECKING:
    from dataclasses import dataclass
else:

    def dataclass(*, frozen: bool, slots: bool) -> Callable[[type[_T]], type[_T]]:
        """`dataclasses.dataclass`, with `frozen` left to mypy. Instances can be hashed."""
        return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)
