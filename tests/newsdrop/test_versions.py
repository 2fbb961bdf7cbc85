"""The rules of versioning of docs/record.md: every reader reads every record of its version."""

import json
from collections.abc import Iterator
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pytest

from newsdrop import consumer
from newsdrop.consumer import Article, Person, Record, Ticker
from worker.model import record as model

GOLDEN = Path(__file__).parents[1] / "golden"
OLD = '{"id": "20230418-00", "schema_version": 1, "title": "t", "authors": [{"name": "周砚"}]}'
FUTURE = """{"id": "20230418-00", "mood": 1, "publisher": {"name": "p", "founded": 1999},
 "tickers": [{"symbol": "605999.SH", "weight": 0.5}], "authors": [{"name": "a", "x": null}]}"""


def read(data: str | bytes) -> Article:
    raw = data.encode() if isinstance(data, str) else data
    return Record("1-1", "article.published", "", 1, "", None, "", raw, 1).article


def golden() -> Iterator[dict[str, Any]]:
    for path in sorted(GOLDEN.rglob("*.json")):
        value = json.loads(path.read_text("utf-8"))
        yield from (
            one for one in (value if isinstance(value, list) else [value]) if "dedupe" in one
        )


def test_an_old_record_is_read_by_a_new_reader() -> None:
    """Fields that came later have their defaults."""
    article = read(OLD)
    assert (article.title, article.authors) == ("t", (Person("周砚"),))
    assert (article.tickers, article.publisher, article.extra) == ((), None, {})


def test_a_new_record_is_read_by_an_old_reader() -> None:
    """Unknown fields are ignored, in the parts of a record, too."""
    article = read(FUTURE)
    assert article.publisher is not None
    assert (article.publisher.name, article.authors) == ("p", (Person("a"),))
    assert article.tickers == (Ticker("605999.SH"),)


def test_no_field_is_lost() -> None:
    """Each golden record is the same after it was read."""
    records = list(golden())
    assert len(records) > 10
    for record in records:
        found = json.loads(json.dumps(asdict(read(json.dumps(record)))))
        assert {name: found[name] for name in record} == record


@pytest.mark.parametrize("data", ["[1]", "1", "not JSON"])
def test_what_is_no_record_is_a_value_error(data: str) -> None:
    """The message says which entry it is."""
    with pytest.raises(ValueError):  # noqa: PT011  json's own, or ours
        read(data)


def test_every_field_has_a_default() -> None:
    """A class of the consumer has the fields of the model's, each with a default."""
    for name in ("Article", "Person", "Publisher", "Image", "Link", "Ticker", "Provenance"):
        ours = getattr(consumer, name)
        assert [f.name for f in fields(ours)] == [f.name for f in fields(getattr(model, name))]
        assert ours()
