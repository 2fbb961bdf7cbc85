"""Dataclasses out of JSON that another version of newsdrop may have written."""

from collections.abc import Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

_T = TypeVar("_T")
_LAST_MS = 62_135_596_800_000
"""As far from 1970 as the year 1, the first that Python's dates have."""


def dataclass_from(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """A `kind` (a dataclass) of `values`; keys that this version does not know are passed over.

    So an upgrade can be undone, and machines can be upgraded one by one. Raises TypeError where
    a field without a default is missing.
    """
    names = _names(cast("Hashable", kind))
    return kind(**{name: value for name, value in values.items() if name in names})


def checked_from(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """:func:`dataclass_from` for values that another program may have written: TypeError for one
    that is not of its field's type (`int`, `str` or `bool`), and for a number beyond any time."""
    instance = dataclass_from(kind, values)
    for name, field_type in _types(cast("Hashable", kind)).items():
        value = getattr(instance, name)
        if type(value) is not field_type or (field_type is int and abs(value) > _LAST_MS):
            raise TypeError(f"{name} has a value of another type")
    return instance


@cache
def _types(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))
