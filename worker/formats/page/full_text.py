"""An entry of a feed and the page it links to become one article.

What an article is was decided from the entry, before its page was fetched: its title and its date
stay the feed's wherever the feed has them. The body is the page's.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeVar

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import too_large
from worker.formats.decode import decode
from worker.formats.page.entry_bundle import EntryBundle, PagePart, pack, unpack
from worker.formats.page.links import host_of, joined
from worker.formats.page.parser import Page, going_on, linked_page, read_page
from worker.formats.page.size_limits import shown_length
from worker.formats.sniff import Format, container, sniff_text
from worker.formats.values import unique
from worker.logs import get_logger
from worker.model import Attachment, Document, Profile, RawArticle
from worker.settings import Limits
from worker.sites import Sites

logger = get_logger(__name__)

__all__ = ["PARSER", "EntryBundle", "PagePart", "merge", "next_page_of", "pack", "unpack"]

PARSER = "feed+page"
FEED, PAGE, BOTH = "feed", "page", "both"
"""The values of `RawArticle.merged`: whose a field is."""


def merge(capsule: EntryBundle, *, profile: Profile, sites: Sites, limits: Limits) -> RawArticle:
    """The article of an entry and its pages; without a page that can be read, the entry itself.

    `merged` tells of each field that has a value whether it is the feed's or the page's. Whatever
    is wrong with a page is a warning, never an error.
    """
    read, problem = _read(capsule, profile, sites, limits)
    if not read:
        return _alone(capsule.entry, problem or "it was not fetched")
    page = _joined_pages(capsule, read)
    if too_large(page.html):
        return _alone(capsule.entry, "its pages are together larger than an article may be")
    if problem:
        warning = f"a further page could not be had ({problem}): the article is not whole"
        page = replace(page, warnings=(*page.warnings, warning))
    return _merged(capsule.entry, page)


def next_page_of(part: PagePart, *, profile: Profile, sites: Sites, limits: Limits) -> str | None:
    """The page of the same host on which the article in `part` goes on, by its site's rule.

    Costs nothing where the rule of the page's host names no such link. A page behind it may lead
    back: whoever follows stops at an address that was there before.
    """
    rule = sites.named(profile.site) if profile.site else sites.of_host(host_of(part.url))
    if rule is None or not rule.page.next_page:
        return None
    try:
        text = _text(part, limits)[0]
        return linked_page(text, part.url, rule.page.next_page, limits)
    except Exception:  # whatever is wrong with a page, nothing follows it
        return None


_T = TypeVar("_T")


def _text(part: PagePart, limits: Limits) -> tuple[str, tuple[str, ...]]:
    """The text of a page, and what its decoding warns of. Raises Rejected where it is no page."""
    if not part.data.strip():
        raise Rejected(Reason.EMPTY, "the page is empty: open it in a browser")
    if len(part.data) > limits.file_bytes:
        raise Rejected(Reason.TOO_LARGE, "the page is larger than limits.file_mb: raise the limit")
    kind = container(part.data)
    if kind is None:
        found = decode(part.data, part.charset)
        kind = sniff_text(found.text)
        if kind is Format.PAGE:
            return found.text, found.warnings
    raise Rejected(Reason.UNKNOWN_FORMAT, f"this is no page: it is {kind}")


def _read(
    capsule: EntryBundle, profile: Profile, sites: Sites, limits: Limits
) -> tuple[list[Page], str | None]:
    """The pages up to the first that cannot be read, and why there are no more."""
    read: list[Page] = []
    for part in capsule.pages:
        document = Document(part.data, part.url, part.url, part.charset)
        try:
            text, warnings = _text(part, limits)
            page = read_page(text, document, profile=profile, sites=sites, limits=limits)
        except Rejected as error:
            return read, str(error)
        except Exception as error:  # a page's fault, or ours: never the article's
            logger.error("reading met a bug", page=printable(part.url), exc_info=error)
            return read, f"reading it failed with {type(error).__name__}"
        if problem := too_large(page.article.html):
            return read, problem
        told = (*warnings, *page.article.warnings)
        read.append(replace(page, article=replace(page.article, warnings=told)))
    return read, capsule.problem


def _joined_pages(capsule: EntryBundle, read: list[Page]) -> RawArticle:
    """One article of several pages: what the first says, with the bodies of all in their order."""
    first, last = read[0].article, read[-1].next_page
    article = replace(
        first,
        html="\n".join(page.article.html for page in read),
        warnings=_once(warning for page in read for warning in page.article.warnings),
    )
    followed = {part.url for part in capsule.pages}
    return going_on(article, last) if last and last not in followed else article


def _alone(entry: RawArticle, problem: str) -> RawArticle:
    warning = f"the page could not be had ({problem}): this is the feed's own text"
    return replace(entry, warnings=(*entry.warnings, warning))


def _merged(entry: RawArticle, page: RawArticle) -> RawArticle:
    here, there = shown_length(entry.html), shown_length(page.html)
    by_page = there * 2 >= here and bool(there or not here)
    short = f"the page has {there} characters and the feed {here}: this is the feed's own text"
    merge = _Merge({})
    return RawArticle(
        parser=PARSER,
        html=merge.first("body", *((None, page.html) if by_page else (entry.html, None))) or "",
        title=merge.first("title", entry.title, page.title),
        dates=merge.first("date", entry.dates, page.dates) or (),
        authors=merge.first("authors", entry.authors, page.authors) or (),
        # A feed only says its own title; the page names the outlet that the article is of.
        publisher=merge.second("publisher", entry.publisher, page.publisher),
        editor=merge.first("editor", entry.editor, page.editor),
        tags=merge.union("tags", entry.tags, page.tags),
        language=merge.first("language", entry.language, page.language),
        image=merge.first("image", _absolute(entry, entry.image), page.image),
        summary=merge.first("summary", entry.summary, page.summary),
        modified=merge.second("modified", entry.modified, page.modified) or (),
        url=entry.url or page.url,
        external_url=entry.external_url or page.external_url,
        base_url=(page.base_url if by_page else entry.base_url) or entry.base_url or page.base_url,
        feed_url=entry.feed_url,
        attachments=_attachments(entry, page),
        extra={**page.extra, **entry.extra},
        warnings=_once((*entry.warnings, *page.warnings, *(() if by_page else (short,)))),
        site=page.site or entry.site,
        member=entry.member,
        merged=merge.whose,
    )


@dataclass(frozen=True, slots=True)
class _Merge:
    """Chooses of two values, and notes whose was taken."""

    whose: dict[str, str]

    def first(self, name: str, feed: _T | None, page: _T | None) -> _T | None:
        """The feed's, where it has one."""
        if feed or page:
            self.whose[name] = FEED if feed else PAGE
        return feed or page

    def second(self, name: str, feed: _T | None, page: _T | None) -> _T | None:
        """The page's, where it has one."""
        if feed or page:
            self.whose[name] = PAGE if page else FEED
        return page or feed

    def union(self, name: str, feed: tuple[str, ...], page: tuple[str, ...]) -> tuple[str, ...]:
        """The feed's, and those that the page adds."""
        both = unique((*feed, *page))
        if both:
            added = len(both) > len(unique(feed))
            self.whose[name] = (BOTH if added else FEED) if feed else PAGE
        return both


def _absolute(entry: RawArticle, link: str | None) -> str | None:
    """An address of the feed's: in the article it would be taken for one of the page's."""
    return joined(entry.base_url, link) or link


def _attachments(entry: RawArticle, page: RawArticle) -> tuple[Attachment, ...]:
    ours = (replace(one, url=_absolute(entry, one.url) or one.url) for one in entry.attachments)
    found: dict[str, Attachment] = {}
    for one in (*ours, *page.attachments):
        found.setdefault(one.url, one)
    return tuple(found.values())


def _once(warnings: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(warnings))
