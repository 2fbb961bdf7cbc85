"""Dataclasses out of JSON that another version of newsdrop may have written."""

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from functools import cache
from types import UnionType
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

_T = TypeVar("_T")
_LAST_MS = 62_135_596_800_000
"""As far from 1970 as the year 1, the first that Python's dates have."""


def dataclass_from(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """A `kind` (a dataclass) of `values`; keys that this version does not know are passed over.

    So an upgrade can be undone, and machines can be upgraded one by one. Raises TypeError where
    `values` is no object, a field without a default is missing, or a value is of another type than
    its field: a damaged file must not fail later, far from where it was read. Items of lists and
    objects are not checked.
    """
    if not isinstance(values, Mapping):
        raise TypeError(f"{kind.__name__} is not an object")
    accepted = _accepted(cast("Hashable", kind))
    for name, types in accepted.items():
        if name in values and not isinstance(values[name], types):
            raise TypeError(f"{name} has a value of another type")
    return kind(**{name: value for name, value in values.items() if name in accepted})


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
def _accepted(kind: Any) -> dict[str, tuple[type, ...]]:
    """Field -> the types that its value may have, as it is in JSON or converted already."""
    hints = get_type_hints(kind)
    return {field.name: tuple(_types_of(hints[field.name])) for field in fields(kind)}


def _types_of(hint: Any) -> set[type]:
    origin = get_origin(hint)
    if origin in (Union, UnionType):
        return {kind for member in get_args(hint) for kind in _types_of(member)}
    if origin is Literal:
        return {type(value) for value in get_args(hint)}
    kind: Any = origin or hint
    if not isinstance(kind, type):  # Any
        return {object}
    if issubclass(kind, Enum):
        return {kind, str}
    if is_dataclass(kind):
        return {kind, dict}
    return {kind, *({tuple: (list,), float: (int,)}.get(kind, ()))}
