"""The JSON Schema of the record, made from the model."""

from typing import Any

from pydantic import TypeAdapter

from worker.model import SCHEMA_VERSION, Article


def article_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the object in a stream entry's field `data`."""
    schema = TypeAdapter(Article).json_schema(mode="serialization")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"newsdrop article, schema_version {SCHEMA_VERSION}",
    }
