"""Probing an address that is to become a feed: it is fetched once before it is added."""

from dataclasses import dataclass, replace

from worker.errors import Reason, Rejected, UsageError
from worker.feeds.feed import Feed
from worker.fetch import Fetcher, FetchRequest, FetchResponse, printable_url
from worker.formats import ParseContext
from worker.formats.encoding.decode import decode
from worker.formats.feed.discovery import FeedLink, feeds_in_page
from worker.formats.feed.polled import FeedFile, read_feed
from worker.formats.sniff import Format, sniff_text
from worker.model import Document
from worker.settings import Settings
from worker.sites import Sites
from worker.sources.feeds import ACCEPT
from worker.sources.fetch_once import require_success, run


@dataclass(frozen=True, slots=True)
class ProbedFeed:
    """A feed that can be read. `page` names its address, if a page does; for display. `file` is
    what was received."""

    feed: Feed
    title: str | None
    entries: int
    page: str | None = None
    file: FeedFile | None = None


def probe(settings: Settings, sites: Sites, feed: Feed) -> ProbedFeed | tuple[FeedLink, ...]:
    """The feed at the address of `feed`, or the one that the page there names; several feeds for a
    person to choose from.

    robots.txt is about pages: a feed is made to be polled, and its page is fetched once. Raises
    FetchFailed; Rejected where there is no readable feed; UsageError where the feed's headers would
    be sent to another host than they were given for.
    """
    return run(_probe(settings, sites, feed))


async def _probe(settings: Settings, sites: Sites, feed: Feed) -> ProbedFeed | tuple[FeedLink, ...]:
    address = feed.address(settings.fetch.rsshub_base)
    async with Fetcher(settings.fetch) as fetcher:
        answer = await _answer(fetcher, feed, address)
        try:
            return _read(settings, sites, feed, answer)
        except Rejected as error:
            links = _feeds_of_page(answer, address) if error.reason is Reason.UNKNOWN_FORMAT else ()
            if not links:
                raise _no_feed(printable_url(address), answer, error) from error
        if len(links) > 1:
            return links
        there = links[0].url
        if feed.headers and fetcher.target(there).origin != fetcher.target(address).origin:
            raise UsageError(
                f"the feed of that page is at another host, {printable_url(there)}, which must not "
                "get these headers: add it by its own address"
            )
        feed = replace(feed, url=there)
        probed = _read(settings, sites, feed, await _answer(fetcher, feed, there))
        return replace(probed, page=printable_url(address))


async def _answer(fetcher: Fetcher, feed: Feed, address: str) -> FetchResponse:
    request = FetchRequest(address, headers=tuple(feed.headers.items()), accept=ACCEPT)
    return require_success(await fetcher.get(request))


def _read(settings: Settings, sites: Sites, feed: Feed, answer: FetchResponse) -> ProbedFeed:
    document = Document(answer.body, printable_url(answer.url), answer.url, answer.charset)
    context = ParseContext(feed.profile(settings), sites, settings.limits)
    file = read_feed(document, context)
    return ProbedFeed(feed, file.title, len(file.entries), file=file)


def _no_feed(shown: str, answer: FetchResponse, error: Rejected) -> Rejected:
    """`error` with its address; a page without a feed gets other advice than text."""
    if error.reason is Reason.UNKNOWN_FORMAT and _is_page(answer):
        what = "is a page, not a feed, and names none: look for its feed's address in the site's"
        return Rejected(error.reason, f"{shown} {what} help")
    return Rejected(error.reason, f"{shown} cannot be added: {error}")


def _is_page(answer: FetchResponse) -> bool:
    try:
        return sniff_text(decode(answer.body, answer.charset).text) is Format.PAGE
    except Rejected:
        return False


def _feeds_of_page(answer: FetchResponse, address: str) -> tuple[FeedLink, ...]:
    """The feeds that a page names; without a redirect, with the credentials of `address`."""
    base = answer.url if answer.redirects else address
    try:
        return feeds_in_page(Document(answer.body, "", base, answer.charset))
    except Rejected:
        return ()
