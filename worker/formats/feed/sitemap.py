"""News sitemaps: a site's articles of the last two days, by title, date and address.

The Google News extension of the sitemap protocol (sitemaps.org; namespaces are identified by
address, not by prefix). No tree is built: 31 MB of small elements would take gigabytes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.context import ParseContext, Parsed
from worker.formats.feed.xml_text import safe_xml, utf8
from worker.formats.json.article import dump
from worker.formats.memory import check_memory
from worker.formats.values import clean, html_title, names_of
from worker.model import DateText, Document, Publisher, RawArticle, Refusal
from worker.settings import Limits

PARSER = "sitemap"


def parse_sitemap(text: str, document: Document, context: ParseContext) -> Parsed:
    """The articles of a news sitemap in a file.

    Raises Rejected: what `open_sitemap` raises, and `empty` for a sitemap without any address.
    """
    entries = open_sitemap(text, document, context.limits)
    if not entries:
        raise Rejected(Reason.EMPTY, "the sitemap holds no address: check that it is whole")
    yield from entries


def open_sitemap(text: str, document: Document, limits: Limits) -> list[RawArticle | Refusal]:
    """The articles of a news sitemap, which may have none; one without a title is a Refusal.

    Addresses without news are skipped. Raises Rejected: `unknown_format` for a list of
    sitemaps and for a sitemap of pages only, `malformed` where nothing can be read, `unsafe`,
    `too_large` and `too_many` before anything costly is done.
    """
    reader = _Reader(limits.articles)
    parser = etree.XMLParser(
        target=reader, resolve_entities=False, no_network=True, huge_tree=False
    )
    problem = _feed(parser, _AMPERSAND.sub(_escaped, safe_xml(utf8(text)).decode()).encode())
    if reader.root == "sitemapindex":
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this is a list of sitemaps: name the news sitemap itself, one of those that it lists",
        )
    if problem and not reader.entries:
        raise Rejected(
            Reason.MALFORMED, f"the sitemap cannot be read from {problem} on: correct it"
        )
    if reader.page_count and not reader.entries:
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this is a sitemap of pages, without news: name the site's news sitemap or its feed, "
            "or drop the articles themselves",
        )
    articles = [_article(fields, document) for fields in reader.entries]
    if problem:
        message = (
            f"the sitemap cannot be read from {problem} on: correct the program that writes it"
        )
        articles.append(Refusal(Reason.MALFORMED, message, dump(reader.open or {})))
    return articles


Fields = dict[str, str]

_CHUNK = 64 * 1024
_LONGEST = 100_000
"""Characters of one field; none is longer than an address or a list of keywords."""

_NEWS = "://www.google.com/schemas/sitemap-news/0.9"
_IMAGE = "://www.google.com/schemas/sitemap-image/1.1"
_FIELDS = {name: name for name in ("title", "language", "keywords")}
_FIELDS |= {"publication_date": "date", "name": "publisher"}
# Templates often do not escape `&` in addresses, which is no XML outside CDATA.
_AMPERSAND = re.compile(
    r"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);)",
    re.DOTALL,
)


def _escaped(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith("<") else "&amp;"


def _feed(parser: etree.XMLParser, data: bytes) -> str | None:
    """Parse `data`; the first line that is no XML, or None."""
    try:
        for start in range(0, len(data), _CHUNK):
            parser.feed(data[start : start + _CHUNK])
        parser.close()
    except etree.XMLSyntaxError as error:
        check_memory(error)
        return f"line {error.lineno}"
    return None


@dataclass
class _Reader:
    """A parser target: keeps the fields of news entries, and counts the other addresses."""

    limit: int
    root: str | None = None
    page_count: int = 0
    entries: list[Fields] = field(default_factory=list)
    open: Fields | None = None
    _depth: int = 0
    _is_news: bool = False
    _field: str | None = None
    _text: list[str] = field(default_factory=list)

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        self._depth += 1
        namespace, _, name = str(tag).rpartition("}")
        namespace = namespace.rstrip("/# ")
        if self._depth == 1:
            self.root = name.lower()
        elif self._depth == 2 and name == "url":
            self.open, self._is_news = {}, False
        elif self.open is not None:
            # An undeclared prefix is left out by the parser.
            self._is_news |= name == "news" and (namespace.endswith(_NEWS) or not namespace)
            if not namespace and self._is_news and self._depth > 3:
                namespace = _NEWS
            self._field = _field_of(namespace, name, self._depth)
            self._text = []

    def data(self, data: str | bytes) -> None:
        if self._field:
            self._text.append(str(data))

    def end(self, tag: str | bytes) -> None:
        if self.open is not None and self._field:
            text = " ".join(clean("".join(self._text)[:_LONGEST]).split())
            if text:
                self.open.setdefault(self._field, text)
        self._field = None
        if self._depth == 2 and self.open is not None:
            self._close_entry(self.open)
        self._depth -= 1

    def comment(self, text: str | bytes) -> None:
        """lxml requires this method and the next."""

    def close(self) -> None: ...

    def _close_entry(self, entry: Fields) -> None:
        if self._is_news:
            self.entries.append(entry)
        else:
            self.page_count += 1
        self.open = None
        if len(self.entries) > self.limit:
            raise Rejected(
                Reason.TOO_MANY,
                f"the sitemap has more than {self.limit} articles (limits.articles): split it",
            )


def _field_of(namespace: str, name: str, depth: int) -> str | None:
    if namespace.endswith(_NEWS):
        return _FIELDS.get(name)
    if namespace.endswith(_IMAGE):
        return "image" if name == "loc" else None
    return name if depth == 3 and name in ("loc", "lastmod") else None


def _article(fields: Fields, document: Document) -> RawArticle | Refusal:
    title = html_title(fields.get("title", ""))
    if not title:
        return Refusal(Reason.NO_CONTENT, "the entry has no news:title: give it one", dump(fields))
    date, modified, outlet = map(fields.get, ("date", "lastmod", "publisher"))
    url = fields.get("loc")
    return RawArticle(
        parser=PARSER,
        html="",
        title=title,
        dates=(DateText(date, "sitemap:publication_date"),) if date else (),
        modified=(DateText(modified, "sitemap:lastmod"),) if modified and modified != date else (),
        publisher=Publisher(html_title(outlet)) if outlet else None,
        tags=names_of(html_title(fields.get("keywords", ""))),
        language=fields.get("language"),
        url=url,
        base_url=url or document.url,
        feed_url=document.url,
        image=fields.get("image"),
    )
