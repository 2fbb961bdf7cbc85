"""Dataclasses out of JSON that another version of newsdrop may have written."""

from collections.abc import Hashable, Mapping
from dataclasses import fields
from functools import cache
from typing import Any, TypeVar, cast

_T = TypeVar("_T")


def dataclass_from(kind: type[_T], values: Mapping[str, Any]) -> _T:
    """A `kind` (a dataclass) of `values`; keys that this version does not know are passed over.

    So an upgrade can be undone, and machines can be upgraded one by one. Raises TypeError where
    a field without a default is missing.
    """
    known = _names(cast("Hashable", kind))
    return kind(**{name: value for name, value in values.items() if name in known})


@cache
def _names(kind: Any) -> frozenset[str]:
    return frozenset(field.name for field in fields(kind))
