"""A page's day by htmldate, for a page that neither declares nor shows a date."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from functools import cache
from typing import Any

from lxml import etree

from worker.formats.memory import check_memory
from worker.formats.page.passages import Passages, without
from worker.formats.page.published import is_prose
from worker.formats.page.tree import Element
from worker.model import DateText

MAX_TEXTS = 10
"""Texts of one page that dateparser reads: each takes 50 ms, as it tries 200 languages. Of 421
public pages one has three; 200 `time` elements took 14 s."""

_MAX_SPAN = timedelta(days=31)
"""Of 293 public pages htmldate was searched for 31; 4 of its days were wrong, 1 of them a guess
among dates of three months."""

_LATEST = datetime(2100, 1, 1, tzinfo=UTC)
"""Fixed: the day of reading must not decide an article's date."""
_LONGEST_ATTRIBUTE = 2_000
_LARGEST = 2_000_000  # characters that htmldate searches: its 40 patterns take 6 s for 10 million


def search_date(tree: Element, url: str | None, passages: Passages) -> DateText | None:
    """htmldate's answer, a day: it reads attributes, addresses and all texts.

    It does not see the sentences of the article, which are about other days. 1 January is what it
    makes of a year alone. Where its earliest and its latest answer are more than 31 days apart
    nothing says which of them is the article's.
    """
    find_date = _find_date()
    sentences = [run for run in passages.article_runs if is_prose(run.line)]
    try:
        with without(sentences):
            tree = deepcopy(tree)
        _drop_long_attributes(tree)
        if len(etree.tostring(tree, encoding="unicode")) > _LARGEST:
            return None
        days = [
            find_date(
                deepcopy(tree),
                original_date=is_earliest,
                extensive_search=True,
                url=url,
                max_date=_LATEST,
            )
            for is_earliest in (True, False)
        ]
    except Exception as error:  # heuristics over any input: a failure is no result
        check_memory(error)
        return None
    first, last = (date.fromisoformat(day) if day else None for day in days)
    if not first or not last or last - first > _MAX_SPAN or (first.month, first.day) == (1, 1):
        return None
    return DateText(first.isoformat(), "htmldate")


def _drop_long_attributes(tree: Element) -> None:
    """Pictures as `data:` addresses and the state of scripts: no dates, but much to search."""
    for element in tree.iter(etree.Element):
        for name, value in element.items():
            if len(value) > _LONGEST_ATTRIBUTE:
                del element.attrib[name]


class _TooManyTextsError(Exception):
    """The page has more than MAX_TEXTS texts that only dateparser may read."""


class _Parser:
    """dateparser's parser, for MAX_TEXTS texts."""

    def __init__(self, parser: Callable[[], Any]) -> None:
        self._parser = parser  # dateparser is imported when it is called
        self.count = 0

    def get_date_data(self, text: str) -> Any:
        self.count += 1
        if self.count > MAX_TEXTS:
            raise _TooManyTextsError
        return self._parser().get_date_data(text)


@cache
def _parser() -> _Parser:
    from htmldate import extractors

    parser = _Parser(extractors.get_external_parser)
    extractors.get_external_parser = lambda: parser  # type: ignore[assignment]
    return parser


def _find_date() -> Callable[..., str | None]:
    """htmldate's function for one page: what other pages had must not decide this one's day."""
    from htmldate import extractors, find_date  # imported at the first use
    from htmldate.validators import reset_validator_caches

    # Not `reset_caches`: it logs an error for functions of charset-normalizer that have no cache.
    reset_validator_caches()
    extractors.try_date_expr.cache_clear()
    _parser().count = 0
    search: Callable[..., str | None] = find_date
    return search
