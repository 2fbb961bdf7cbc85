"""Bytes to RawArticles: detect the format from the content, then parse it.

To add a format: a module with a parser, a member of :class:`~worker.formats.sniff.Format` with its
detection, and a row of PARSERS.
"""

from collections.abc import Callable
from dataclasses import replace

from worker.errors import Reason, Rejected
from worker.formats.archive import unpack
from worker.formats.compressed import Budget, Exhausted
from worker.formats.context import MAX_REFUSALS, ParseContext, Parsed, check_article, limit_articles
from worker.formats.encoding.decode import decode
from worker.formats.feed.sitemap import parse_sitemap
from worker.formats.front_matter import parse_front_matter, parse_markdown
from worker.formats.json.document import parse_json, parse_ndjson
from worker.formats.sniff import Format, container, sniff, sniff_text
from worker.model import Document, RawArticle, Refusal
from worker.model.frozen import dataclass

__all__ = [
    "MAX_REFUSALS", "PARSERS", "Format", "ParseContext", "Parser", "parse_document", "sniff",
]  # fmt: skip

Parser = Callable[[str, Document, ParseContext], Parsed]
"""Reads decoded text; yields each article, or a Refusal for a bad one among many."""


def parse_document(document: Document, context: ParseContext) -> Parsed:
    """Every article of an input, one at a time.

    Raises Rejected for an input that is bad as a whole, at the first step or (a truncated archive,
    one article too many) at a later one; articles yielded before remain valid.
    """
    limits = context.limits
    if len(document.data) > limits.file_bytes:
        raise Rejected(
            Reason.TOO_LARGE, "the file is larger than limits.file_mb: split it, or raise the limit"
        )
    budget = Budget(unpacked_bytes=limits.archive_bytes, members=limits.archive_members)
    yield from limit_articles(_Reader(context, budget).read(document, 0), limits)


def _feed(text: str, document: Document, context: ParseContext) -> Parsed:
    from worker.formats.feed.xml_feed import parse_feed  # lxml: 20 ms, rarely needed

    return parse_feed(text, document, context)


def _page(text: str, document: Document, context: ParseContext) -> Parsed:
    from worker.formats.page.parser import parse_page  # bs4 and trafilatura: 0.5 s and 40 MB

    return parse_page(text, document, context)


PARSERS: dict[Format, Parser] = {
    Format.FRONT_MATTER: parse_front_matter,
    Format.MARKDOWN: parse_markdown,
    Format.PAGE: _page,
    Format.FEED: _feed,
    Format.SITEMAP: parse_sitemap,
    Format.JSON: parse_json,
    Format.NDJSON: parse_ndjson,
}
"""The parser of each text format; archives are unpacked first."""


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads one input and the archives in it, within one budget."""

    context: ParseContext
    budget: Budget

    def read(self, document: Document, depth: int) -> Parsed:
        if not document.data:
            raise Rejected(Reason.EMPTY, "the file is empty: drop it again when it is written")
        if document.data.startswith(b"WARC/"):  # others are divided before they are parsed
            raise Rejected(
                Reason.UNKNOWN_FORMAT,
                "a WARC is read only as a file of its own: drop it out of what it was packed in",
            )
        if kind := container(document.data):
            yield from self._members(document, kind, depth)
            return
        decoded = decode(document.data, document.charset)
        parser = PARSERS[sniff_text(decoded.text)]
        for article in parser(decoded.text, document, self.context):
            yield check_article(article, decoded.warnings)

    def _members(self, document: Document, kind: Format, depth: int) -> Parsed:
        limits = self.context.limits
        if depth >= limits.archive_depth:
            raise Rejected(
                Reason.TOO_DEEP,
                "archives are nested deeper than limits.archive_depth: unpack the inner ones",
            )
        for member in unpack(document.data, kind, limits, self.budget):
            if isinstance(member, Refusal):
                yield member
                continue
            inner = replace(document, data=member.data, charset=None)
            if member.name is None:
                yield from self.read(inner, depth + 1)
                continue
            try:
                for article in self.read(replace(inner, name=member.name), depth + 1):
                    yield _in_member(member.name, article)
            except Exhausted:
                raise
            except Rejected as error:
                yield Refusal(error.reason, f"{member.name}: {error}")


def _in_member(name: str, article: RawArticle | Refusal) -> RawArticle | Refusal:
    if isinstance(article, Refusal):
        return replace(article, message=f"{name}: {article.message}")
    return replace(article, member=f"{name}/{article.member}" if article.member else name)
