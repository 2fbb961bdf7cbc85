"""`dataclass` for records: mypy sees `dataclasses.dataclass`, so nothing assigns to a field.

At run time nothing is checked again: the frozen ones of the standard library call
`object.__setattr__` for each field. An article makes 240 of them: 45 µs, 6 % of reading it.
"""

from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses

    def dataclass(*, frozen: bool, slots: bool) -> Any:
        return dataclasses.dataclass(slots=slots, unsafe_hash=frozen)
