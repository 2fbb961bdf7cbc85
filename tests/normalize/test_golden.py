"""Golden pairs: a file of the main format, and the whole record that is made of it.

`UPDATE_GOLDEN=1 pytest tests/normalize/test_golden.py` writes what is missing or has changed; read
the difference before keeping it.
"""

import json
import os
from pathlib import Path

import jsonschema
import orjson
import pytest
from pydantic import TypeAdapter

from tests.normalize.conftest import SEEN_AT, profile_with
from worker.formats import ParseContext, parse_document
from worker.model import Article, Document, Provenance, RawArticle
from worker.normalize import normalize
from worker.settings import Limits
from worker.sites import Sites

GOLDEN = Path(__file__).parents[1] / "golden" / "normalize"
CASES = sorted(GOLDEN.glob("*.in"))


@pytest.mark.parametrize("case", CASES, ids=lambda path: path.stem)
def test_golden_pair(case: Path, shipped: Sites) -> None:
    """Each input gives exactly the record beside it, valid by the JSON Schema of the model."""
    profile = profile_with()
    document = Document(case.read_bytes(), case.name)
    (raw,) = parse_document(document, ParseContext(profile, shipped, Limits()))
    assert isinstance(raw, RawArticle)
    made = normalize(
        raw,
        profile=profile,
        sites=shipped,
        provenance=Provenance(source="drop", kind="folder", path=case.name),
        first_seen_at=SEEN_AT,
    )
    found = json.loads(orjson.dumps(made.article))
    jsonschema.validate(found, TypeAdapter(Article).json_schema())
    expected = case.with_suffix(".json")
    if os.environ.get("UPDATE_GOLDEN"):
        expected.write_text(json.dumps(found, ensure_ascii=False, indent=1) + "\n", "utf-8")
    assert found == json.loads(expected.read_text("utf-8"))
