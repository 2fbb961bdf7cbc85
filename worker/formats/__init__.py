"""Bytes to RawArticles: what the bytes are is told by their content, then one parser reads them.

To add a format: a module with a parser, a member of :class:`~worker.formats.sniff.Format` and how
it is told, and a row of PARSERS.

==============================  =============================================================
``sniff`` ``decode``            what format bytes are; what text they are
``archive`` ``compressed``      members of archives, opened with limits
``front_matter`` ``yaml_head``  a head in YAML, TOML or JSON over a body
``markdown``                    Markdown or text without a head
``page``                        package: a whole HTML page; a feed entry with its pages
``feed``                        package: RSS, Atom, news sitemaps, and what a poller received
``json``                        package: JSON and NDJSON, one article as an object, JSON Feed
``fields`` ``values`` ``body``  shared: names of fields, values of any shape, bodies to HTML
``bounds``                      how many articles an input may hold, how large, how many bad
==============================  =============================================================
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from worker.errors import Reason, Rejected
from worker.formats.archive import unpack
from worker.formats.bounds import MAX_REFUSALS, bounded, fitting
from worker.formats.compressed import Budget, Exhausted
from worker.formats.decode import decode
from worker.formats.feed.sitemap import parse_sitemap
from worker.formats.front_matter import parse_front_matter
from worker.formats.json.document import parse_json, parse_ndjson
from worker.formats.markdown import parse_markdown
from worker.formats.sniff import Format, container, sniff, sniff_text
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

__all__ = ["MAX_REFUSALS", "PARSERS", "Format", "Parser", "parse_document", "sniff"]

Parsed = Iterator[RawArticle | Refusal]


class Parser(Protocol):
    """Reads decoded text; yields each article, or a Refusal for one of many that is bad."""

    def __call__(
        self, text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
    ) -> Parsed: ...


def parse_document(document: Document, *, profile: Profile, sites: Sites, limits: Limits) -> Parsed:
    """Every article of an input, one at a time.

    Raises Rejected for an input that is bad as a whole, at the first step or (an archive that
    breaks off, one article too many) at a later one; what was yielded before stands.
    """
    if len(document.data) > limits.file_bytes:
        raise Rejected(
            Reason.TOO_LARGE,
            "the file is larger than limits.file_mb: split it, or raise the limit",
        )
    budget = Budget(unpacked_bytes=limits.archive_bytes, members=limits.archive_members)
    reader = _Reader(profile, sites, limits, budget)
    yield from bounded(reader.read(document, 0), limits)


def _feed(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Parsed:
    from worker.formats.feed.rss_atom import (
        parse_feed,  # two feed parsers: 0.2 s that most processes save
    )

    return parse_feed(text, document, profile=profile, sites=sites, limits=limits)


def _page(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Parsed:
    from worker.formats.page.parser import parse_page  # bs4 and trafilatura: 0.5 s and 40 MB

    return parse_page(text, document, profile=profile, sites=sites, limits=limits)


PARSERS: dict[Format, Parser] = {
    Format.FRONT_MATTER: parse_front_matter,
    Format.MARKDOWN: parse_markdown,
    Format.PAGE: _page,
    Format.FEED: _feed,
    Format.SITEMAP: parse_sitemap,
    Format.JSON: parse_json,
    Format.NDJSON: parse_ndjson,
}
"""Who reads which text format; archives are unpacked before."""


class _Reader:
    """Reads one input and what is packed in it, within one budget."""

    def __init__(self, profile: Profile, sites: Sites, limits: Limits, budget: Budget) -> None:
        self._profile = profile
        self._sites = sites
        self._limits = limits
        self._budget = budget

    def read(self, document: Document, depth: int) -> Parsed:
        if not document.data:
            raise Rejected(Reason.EMPTY, "the file is empty: drop it again when it is written")
        kind = container(document.data)
        if kind:
            yield from self._members(document, kind, depth)
            return
        found = decode(document.data, document.charset)
        parser = PARSERS[sniff_text(found.text)]
        articles = parser(
            found.text, document, profile=self._profile, sites=self._sites, limits=self._limits
        )
        yield from (fitting(article, found.warnings) for article in articles)

    def _members(self, document: Document, kind: Format, depth: int) -> Parsed:
        if depth >= self._limits.archive_depth:
            raise Rejected(
                Reason.TOO_DEEP,
                "archives are nested deeper than limits.archive_depth: unpack the inner ones",
            )
        for member in unpack(document.data, kind, self._limits, self._budget):
            if isinstance(member, Refusal):
                yield member
                continue
            inner = replace(document, data=member.data, charset=None)
            if member.name is None:
                yield from self.read(inner, depth + 1)
                continue
            try:
                for article in self.read(replace(inner, name=member.name), depth + 1):
                    yield _within(member.name, article)
            except Exhausted:
                raise
            except Rejected as error:
                yield Refusal(error.reason, f"{member.name}: {error}", member.data)


def _within(name: str, article: RawArticle | Refusal) -> RawArticle | Refusal:
    if isinstance(article, Refusal):
        return replace(article, message=f"{name}: {article.message}")
    return replace(article, member=f"{name}/{article.member}" if article.member else name)
