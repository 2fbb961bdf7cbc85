"""A feed entry and the page it links to become one article.

The article's identity was decided from the entry, before its page was fetched: title and date are
the feed's wherever the feed has them. The body is the page's.
"""

from dataclasses import dataclass, replace
from typing import TypeVar

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import too_large
from worker.formats.context import ParseContext
from worker.formats.encoding.decode import decode
from worker.formats.memory import check_memory
from worker.formats.page.entry_bundle import EntryBundle, PagePart
from worker.formats.page.links import host_of, resolve_link
from worker.formats.page.parser import (
    Page,
    first_match,
    linked_page,
    read_page,
    with_next_page_warning,
)
from worker.formats.page.size_limits import visible_length
from worker.formats.sniff import Format, container, sniff_text
from worker.formats.values import unique
from worker.logs import get_logger
from worker.model import Attachment, Document, RawArticle
from worker.model.warning import RecordWarning, WarningKind, warn
from worker.settings import Limits
from worker.sites import SiteRule

logger = get_logger(__name__)

PARSER = "feed+page"
FEED, PAGE, BOTH = "feed", "page", "both"
"""The values of `RawArticle.merged`: where a field comes from."""


def merge(bundle: EntryBundle, context: ParseContext) -> RawArticle:
    """The article of an entry and its pages; without a readable page, the entry itself.

    `merged` says of each field with a value whether it comes from the feed or the page. A problem
    with a page is a warning, never an error.
    """
    pages, problem = _read_pages(bundle, context)
    if not pages:
        return _entry_only(bundle.entry, problem or "it was not fetched")
    page = _joined_pages(bundle, pages)
    if too_large(page.html):
        return _entry_only(bundle.entry, "its pages are together larger than an article may be")
    if problem:
        text = f"a further page could not be fetched ({problem}): the article is not whole"
        warning = warn(WarningKind.INCOMPLETE, text)
        page = replace(page, warnings=(*page.warnings, warning))
    return _merged(bundle.entry, page)


def next_page_of(part: PagePart, context: ParseContext) -> str | None:
    """The page of the same host on which the article in `part` continues, by its site's rule.

    No tree is built where the rule of the host has no selector for that link. A next page may link
    back: the caller stops at an address it has seen.
    """
    rule = _rule_of(part, context)
    if rule is None or not rule.page.next_page:
        return None
    try:
        text = _page_text(part, context.limits)[0]
        return linked_page(text, part.url, rule.page.next_page, context.limits)
    except Exception as error:  # whatever is wrong with a page, it has no next page
        check_memory(error)
        return None


def removal_notice_of(part: PagePart, context: ParseContext) -> str | None:
    """The selector of the site's rule that finds a notice on the page that its article was removed;
    None if there is none."""
    rule = _rule_of(part, context)
    if rule is None or not rule.page.removed:
        return None
    try:
        text = _page_text(part, context.limits)[0]
        return first_match(text, rule.page.removed, context.limits)
    except Exception as error:  # whatever is wrong with a page, it has no notice
        check_memory(error)
        return None


def _rule_of(part: PagePart, context: ParseContext) -> SiteRule | None:
    profile, sites = context.profile, context.sites
    return sites.named(profile.site) if profile.site else sites.of_host(host_of(part.url))


_T = TypeVar("_T")


def _page_text(part: PagePart, limits: Limits) -> tuple[str, tuple[RecordWarning, ...]]:
    """The text of a page and the decoder's warnings. Raises Rejected where it is no page."""
    if not part.data.strip():
        raise Rejected(Reason.EMPTY, "the page is empty: open it in a browser")
    if len(part.data) > limits.file_bytes:
        raise Rejected(Reason.TOO_LARGE, "the page is larger than limits.file_mb: raise the limit")
    kind = container(part.data)
    if kind is None:
        decoded = decode(part.data, part.charset)
        kind = sniff_text(decoded.text)
        if kind is Format.PAGE:
            return decoded.text, decoded.warnings
    raise Rejected(Reason.UNKNOWN_FORMAT, f"this is not a page: it is {kind}")


def _read_pages(bundle: EntryBundle, context: ParseContext) -> tuple[list[Page], str | None]:
    """The pages up to the first that cannot be read, and why there are no more."""
    pages: list[Page] = []
    for part in bundle.pages:
        document = Document(part.data, part.url, part.url, part.charset)
        try:
            text, warnings = _page_text(part, context.limits)
            page = read_page(text, document, context)
        except Rejected as error:
            return pages, str(error)
        except Exception as error:  # a page's fault, or ours: never the article's
            check_memory(error)
            logger.error("reading met a bug", page=printable(part.url), exc_info=error)
            return pages, f"reading it failed with {type(error).__name__}"
        if problem := too_large(page.article.html):
            return pages, problem
        warnings = (*warnings, *page.article.warnings)
        pages.append(replace(page, article=replace(page.article, warnings=warnings)))
    return pages, bundle.problem


def _joined_pages(bundle: EntryBundle, pages: list[Page]) -> RawArticle:
    """One article of several pages: the fields of the first, the bodies of all in order."""
    next_page = pages[-1].next_page
    warnings = (warning for page in pages for warning in page.article.warnings)
    article = replace(
        pages[0].article,
        html="\n".join(page.article.html for page in pages),
        warnings=tuple(dict.fromkeys(warnings)),
    )
    if next_page is None or next_page in {part.url for part in bundle.pages}:
        return article
    return with_next_page_warning(article, next_page)


def _entry_only(entry: RawArticle, problem: str) -> RawArticle:
    text = f"the page could not be fetched ({problem}): this is the feed's own text"
    warning = warn(WarningKind.FEED_TEXT, text)
    return replace(entry, warnings=(*entry.warnings, warning))


def _merged(entry: RawArticle, page: RawArticle) -> RawArticle:
    feed_length, page_length = visible_length(entry.html), visible_length(page.html)
    is_page_body = page_length * 2 >= feed_length and bool(page_length or not feed_length)
    warnings = (*entry.warnings, *page.warnings)
    if not is_page_body:
        lengths = f"the page has {page_length} characters and the feed {feed_length}"
        text = f"{lengths}: this is the feed's own text"
        warnings = (*warnings, warn(WarningKind.FEED_TEXT, text))
    merge = _Merge({})
    bodies = (None, page.html) if is_page_body else (entry.html, None)
    return RawArticle(
        parser=PARSER,
        html=merge.feed_first("body", *bodies) or "",
        title=merge.feed_first("title", entry.title, page.title),
        dates=merge.feed_first("date", entry.dates, page.dates) or (),
        authors=merge.feed_first("authors", entry.authors, page.authors) or (),
        # A feed names only itself; the page names the outlet of the article.
        publisher=merge.page_first("publisher", entry.publisher, page.publisher),
        editor=merge.feed_first("editor", entry.editor, page.editor),
        tags=merge.union("tags", entry.tags, page.tags),
        language=merge.feed_first("language", entry.language, page.language),
        image=merge.feed_first("image", _absolute(entry, entry.image), page.image),
        summary=merge.feed_first("summary", entry.summary, page.summary),
        modified=merge.page_first("modified", entry.modified, page.modified) or (),
        url=entry.url or page.url,
        canonical_url=page.canonical_url if is_page_body else None,
        external_url=entry.external_url or page.external_url,
        base_url=(page.base_url if is_page_body else entry.base_url)
        or entry.base_url
        or page.base_url,
        feed_url=entry.feed_url,
        guid=entry.guid,
        attachments=_attachments(entry, page),
        extra={**page.extra, **entry.extra},
        warnings=tuple(dict.fromkeys(warnings)),
        site=page.site or entry.site,
        member=entry.member,
        merged=merge.origins,
    )


@dataclass(frozen=True, slots=True)
class _Merge:
    """Chooses between two values, and records which one it chose."""

    origins: dict[str, str]

    def feed_first(self, name: str, feed: _T | None, page: _T | None) -> _T | None:
        """The feed's value, where it has one."""
        if feed or page:
            self.origins[name] = FEED if feed else PAGE
        return feed or page

    def page_first(self, name: str, feed: _T | None, page: _T | None) -> _T | None:
        """The page's value, where it has one."""
        if feed or page:
            self.origins[name] = PAGE if page else FEED
        return page or feed

    def union(self, name: str, feed: tuple[str, ...], page: tuple[str, ...]) -> tuple[str, ...]:
        """The feed's values, then those that only the page has."""
        both = unique((*feed, *page))
        if both:
            has_more = len(both) > len(unique(feed))
            self.origins[name] = (BOTH if has_more else FEED) if feed else PAGE
        return both


def _absolute(entry: RawArticle, link: str | None) -> str | None:
    """An address relative to the feed; in the article the page's base would apply."""
    return resolve_link(entry.base_url, link) or link


def _attachments(entry: RawArticle, page: RawArticle) -> tuple[Attachment, ...]:
    by_url: dict[str, Attachment] = {}
    for item in entry.attachments:
        url = _absolute(entry, item.url) or item.url
        by_url.setdefault(url, replace(item, url=url))
    for item in page.attachments:
        by_url.setdefault(item.url, item)
    return tuple(by_url.values())
