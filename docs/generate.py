"""Writes the tables of `record.md` from the model (`make docs`); a test tells when they are old."""

import enum
import re
import types
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from worker.model import record

PAGE = Path(__file__).parent / "record.md"
PARTS = (
    record.Article,
    record.Person,
    record.Publisher,
    record.Image,
    record.Link,
    record.Attachment,
    record.Ticker,
    record.Dedupe,
    record.Provenance,
)
_TABLES = re.compile(r"(?<=<!-- from the model -->\n).*(?=<!-- to here -->)", re.DOTALL)


def page(text: str) -> str:
    """`text`, the whole page, with its tables written anew."""
    return _TABLES.sub(lambda _: "\n" + "\n".join(map(_table, PARTS)) + "\n", text)


def _table(part: type) -> str:
    about = (part.__doc__ or "").partition("\n\n")[0].replace("\n    ", " ")
    hints = get_type_hints(part, include_extras=True)
    rows = [
        f"| `{f.name}` | {_type(hints[f.name])} | {_told(hints[f.name])} |" for f in fields(part)
    ]
    head = ["| field | type | what it is |", "|---|---|---|"]
    return "\n".join([f"### {part.__name__}", "", about, "", *head, *rows, ""])


def _told(hint: Any) -> str:
    said = (getattr(item, "description", None) for item in getattr(hint, "__metadata__", ()))
    return next(filter(None, said))


def _type(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _type(inner[0])
    if origin in (Union, types.UnionType):
        return " or ".join(map(_type, inner))
    if origin is tuple:
        return f"list of {_type(inner[0])}"
    if is_dataclass(hint):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        inner, origin = tuple(member.value for member in hint), Literal
    if origin is Literal:
        return ", ".join(f"`{value}`" for value in inner)
    return {str: "string", int: "integer", dict: "object", type(None): "null"}[origin or hint]


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text("utf-8")), "utf-8")
