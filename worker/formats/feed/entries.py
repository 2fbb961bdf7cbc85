"""A feed's own fields, and an entry before it is an article: the model of RSS and Atom."""

import re
from collections.abc import Sequence

from worker.errors import Reason, Rejected
from worker.formats.feed.markup import with_drawn_text
from worker.formats.values import unique
from worker.model import Attachment, DateText, Person, Publisher, RawArticle
from worker.model.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Head:
    """A feed's own fields. `link` is its site's address, `address` its own (`rel="self"`); both are
    absolute if a base is known. `min_interval_seconds` is the interval that it asks for, or 0.
    """

    title: str | None = None
    link: str | None = None
    address: str | None = None
    language: str | None = None
    authors: tuple[Person, ...] = ()
    min_interval_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a feed; addresses are absolute. `html` is the content, `summary` text or HTML
    beside it, `base` the address of relative links within `html`."""

    title: str | None = None
    html: str = ""
    summary: str | None = None
    url: str | None = None
    base: str | None = None
    guid: str | None = None
    published: tuple[DateText, ...] = ()
    updated: tuple[DateText, ...] = ()
    authors: tuple[Person, ...] = ()
    publisher: Publisher | None = None
    tags: Sequence[str] = ()
    language: str | None = None
    image: str | None = None
    attachments: tuple[Attachment, ...] = ()


def article_of(entry: Entry, head: Head, feed_url: str | None) -> RawArticle:
    """The article of an entry; fields that it lacks are its feed's.

    Raises Rejected (`no_content`) for an entry without title and text.
    """
    if not entry.title and not entry.html:
        raise Rejected(
            Reason.NO_CONTENT, "the entry has neither a title nor a text: give it one of them"
        )
    publisher = Publisher(head.title, head.link) if head.title else None
    dates = (*entry.published, *entry.updated)
    first = dates[0].text if dates else ""
    return RawArticle(
        parser="feed",
        html=with_drawn_text(_without_footer(entry.html)),
        title=entry.title,
        dates=dates,
        modified=tuple(date for date in entry.updated if entry.published and date.text != first),
        authors=entry.authors or head.authors,
        publisher=entry.publisher or publisher,
        tags=unique(entry.tags),
        language=(head.language if entry.language is None else entry.language) or None,
        url=entry.url,
        base_url=entry.base or entry.url or head.link or feed_url,
        feed_url=head.address or feed_url,
        guid=entry.guid,
        summary=_without_footer(entry.summary) if entry.summary else None,
        image=entry.image,
        attachments=entry.attachments,
        extra={"guid": entry.guid} if entry.guid and entry.guid != entry.url else {},
    )


# What plugins of WordPress add to each post of a feed: a link to the post, and one to its site.
_FOOTER = re.compile(
    r"(?:<p\b[^<>]*>)?[^<>]{0,10}<a\b[^<>]*>[^<>]*</a>[^<>]{0,3}"
    r"(?:first appeared on|appeared first on|最先出[现現]在|最早出現於)"
    r"[^<>]{0,3}<a\b[^<>]*>[^<>]*</a>[^<>]{0,3}(?:</p>)?(?=(?:\s|<[^<>]*>)*$)"
)
_TO_END = re.compile(r"[^<>]{0,3}(?:\s|<[^<>]*>)*+$")
_END = 3_000  # characters in which it is looked for
_FOOTER_WORDS = ("appeared", "最先出", "最早出")


def _without_footer(html: str) -> str:
    after_links = html.rfind("</a>") + 4
    # Most have text after their last link; to see that takes a fifth of the time of the search.
    if after_links < 4 or not _TO_END.match(html, after_links):
        return html
    end = html[-_END:]
    if not any(word in end for word in _FOOTER_WORDS):  # the pattern takes 0.4 ms
        return html
    return html[:-_END] + _FOOTER.sub("", end)
