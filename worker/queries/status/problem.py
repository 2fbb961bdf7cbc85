"""A problem: a condition that needs attention, in words."""

from dataclasses import dataclass
from typing import Literal
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Problem:
    """`name` is stable. `text` is a sentence, `advice` what to do (it may be empty); both are safe
    to show. `page` is the path of the page that shows what it concerns, '' where none does."""

    level: Literal["note", "warn", "fail"]
    name: str
    text: str
    advice: str = ""
    page: str = ""


def source_page(name: str) -> str:
    return f"/sources/{quote(name, safe='')}"


def sentence(text: str) -> str:
    """`text` with a capital letter, and a full stop unless it ends as a question."""
    return text[:1].upper() + text[1:].removesuffix(".") + "." * (not text.endswith("?"))


def duration(seconds: float) -> str:
    """`12 minutes`."""
    for unit, length in (("days", 86_400), ("hours", 3_600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} seconds"
