"""The text of a page's article, by two extractors and a vote between them.

Character F1 of trafilatura alone, of readability-lxml alone and of the vote: 150 pages of the
trafilatura set .936, .879, .935; 50 of article-extraction-benchmark .972, .962, .978; 24 of
readability .944, .986, .981; 14 Chinese pages .888, .962, .970.
"""

import logging
from copy import deepcopy
from functools import cache
from types import ModuleType
from typing import Any

from lxml import etree

from worker.formats.memory import check_memory, is_out_of_memory
from worker.formats.page.passages import letters_in, shingles
from worker.formats.page.tree import CJK, Element, parse_html, texts_in

_AGREE = 0.6  # of trafilatura's text must be in readability's that replaces it by a longer one
_LONGER = 1.5
_WITHIN = 0.95  # of readability's text must be in trafilatura's that it replaces by a shorter one
_SAME_TEXT = 0.7  # likewise, of a Chinese page; what makes it longer is a menu or a footer
_LARGE = 3_000
"""Elements, above which trafilatura does not compare its text with those of its own readability and
of justext: justext takes quadratic time over short paragraphs, 3 s for 6,700."""
_SHORTEST, _SHORTER = 0.4, 0.7  # of trafilatura's length: between them readability is believed


def article_text(tree: Element) -> str:
    """The text of the article in `tree`, whose comments go; empty where there is none."""
    # Neither extractor expects comments in a tree that it did not build itself.
    etree.strip_tags(tree, etree.Comment)
    return _elect(_by_trafilatura(tree), _by_readability(tree))


def _elect(trafilatura: str, readability: str) -> str:
    """The text of one of the two extractors.

    trafilatura's lists of words for menus and adverts are European: of Chinese pages it takes
    disclaimers and related articles, so there readability is believed wherever both saw one text.
    """
    first, second = letters_in(trafilatura), letters_in(readability)
    if not first or not second:
        return trafilatura or readability
    first_shingles, second_shingles = shingles(first), shingles(second)
    common = len(first_shingles & second_shingles)
    ratio = len(second) / len(first)
    if common >= _AGREE * len(first_shingles) and ratio >= _LONGER:
        return readability
    if second_shingles and 3 * len(CJK.findall(second)) > len(second):
        share = _SAME_TEXT if ratio <= 1 else _WITHIN
        return readability if common >= share * len(second_shingles) else trafilatura
    is_within = common >= _WITHIN * len(second_shingles)
    return readability if is_within and _SHORTEST <= ratio <= _SHORTER else trafilatura


def _by_trafilatura(tree: Element) -> str:
    try:
        is_large = tree.xpath("count(//*)") > _LARGE
        return _trafilatura().extract(tree, include_comments=False, fast=is_large) or ""
    except Exception as error:  # heuristics over any input: a failure is no result
        check_memory(error)
        return ""


def _by_readability(tree: Element) -> str:
    try:
        return "".join(texts_in(parse_html(_readability()(tree).summary(html_partial=True))))
    except Exception as error:
        check_memory(error)
        return ""


class _Failures(logging.Handler):
    """Drops what the libraries log, which is parts of pages; the record has a warning for what
    matters. A failed allocation that they catch and log is raised again: it would pass for a page
    without content."""

    def emit(self, record: logging.LogRecord) -> None:
        values = record.args if isinstance(record.args, tuple) else ()
        for value in (*values, *(record.exc_info or ())):
            if isinstance(value, BaseException) and is_out_of_memory(value):
                raise value


def _watch_log(name: str) -> None:
    logger = logging.getLogger(name)
    logger.handlers, logger.propagate = [_Failures()], False
    logger.setLevel(logging.WARNING)


@cache
def _trafilatura() -> ModuleType:
    """Imported at the first use: it costs a second and memory, and most workers never need it."""
    import trafilatura

    for name in ("trafilatura", "htmldate", "justext"):
        _watch_log(name)
    module: ModuleType = trafilatura
    return module


@cache
def _readability() -> type[Any]:
    from readability import Document

    _watch_log("readability")

    class TreeDocument(Document):  # type: ignore[misc]
        """It changes its tree, and needs the page again where it removed too much.

        The HTML is read for its text alone, so attributes and links are not sanitized: that was a
        third of the time.
        """

        def _parse(self, tree: Element) -> Element:
            page = deepcopy(tree)
            etree.strip_elements(page, "script", "style", "link", with_tail=False)
            return page

        def get_clean_html(self) -> str:
            return str(etree.tostring(self._html(), encoding="unicode", method="html"))

    return TreeDocument
