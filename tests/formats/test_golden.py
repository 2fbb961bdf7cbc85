"""Golden pairs: `tests/golden/<format>/<case>.in` and what is read from it, as JSON.

`UPDATE_GOLDEN=1 pytest tests/formats/test_golden.py` writes what is missing or has changed; read
the difference before keeping it.
"""

import json
import os
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from worker.errors import Rejected
from worker.model import RawArticle, Refusal

GOLDEN = Path(__file__).parents[1] / "golden"
FORMATS = ("front-matter", "markdown", "feed", "sitemap", "json", "ndjson")
CASES = sorted(path for name in FORMATS for path in (GOLDEN / name).glob("*.in"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_golden_pair(case: Path, read: Any) -> None:
    """Each input gives exactly the raw articles, refusals and warnings written beside it."""
    try:
        found: Any = [_shown(article) for article in read(case.read_bytes())]
    except Rejected as error:
        found = {"rejected": error.reason, "message": str(error)}
    found = json.loads(json.dumps(found))
    expected = case.with_suffix(".json")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert found == json.loads(expected.read_text("utf-8"))


def _shown(article: RawArticle | Refusal) -> dict[str, Any]:
    """The fields that differ from their defaults."""
    if isinstance(article, Refusal):
        return {
            "refused": article.reason,
            "message": article.message,
            "raw": article.raw and article.raw.decode("utf-8", "backslashreplace"),
        }
    values = asdict(article)
    return {
        field.name: values[field.name]
        for field in fields(article)
        if values[field.name] not in (field.default, {})
    }
