"""The JSON Schema of the record, made from the model."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from worker.model import SCHEMA_VERSION, Article


def article_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the object in a stream entry's field `data`."""
    schema = _adapter().json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"newsdrop article, schema_version {SCHEMA_VERSION}",
    }


def is_record(found: Mapping[str, Any]) -> bool:
    """Whether it has what this version's record has: another program, or another version, may have
    written it into the stream."""
    try:
        _adapter().validate_python(found)
    except ValidationError:
        return False
    return True


@cache
def _adapter() -> TypeAdapter[Article]:
    return TypeAdapter(Article)
