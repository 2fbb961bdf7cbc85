"""Authors, editor and publisher: an outlet in the author's field becomes the publisher."""

import re
from collections.abc import Iterator
from html import unescape
from itertools import islice

from worker.model import Person, Publisher, RawArticle
from worker.model.frozen import dataclass
from worker.normalize.strings import one_line, one_line_or_none
from worker.normalize.urls import web_address
from worker.sites import SiteRule
from worker.sites.rules import folded_name, outlet_names

_MAX_AUTHORS = 50
_OUTLET = re.compile(
    r"(?:[日晚晨早时時商]报|[日晚晨早时時商]報|周刊|传媒|财经|之家|在线|电视台|新闻网?|通讯社|融媒体?中心|"
    r"일보|신문|뉴스|방송|네이버|타임스|투데이)$"
)
_STAFF_CODE = re.compile(r"[\s_]+[A-Z]{1,3}\d{2,6}$")  # 周砚 SF098, 周砚_NB6001


@dataclass(frozen=True, slots=True)
class People:
    """Persons and the outlet of an article."""

    authors: tuple[Person, ...]
    editor: str | None
    publisher: Publisher | None


def is_outlet(name: str) -> bool:
    """Whether a name ends as those of newspapers and broadcasters do, in Chinese or Korean."""
    return _OUTLET.search(name) is not None


def find_people(
    raw: RawArticle, rule: SiteRule | None, *, base_url: str | None, editor: str | None
) -> People:
    """The persons and the outlet; `editor` is the one that the body names.

    An author is the outlet if the site's rule or the end of the name says so, or if one of the
    article's categories has the same name (the mirror files an outlet's posts under it and writes
    it as the author) and the input names no publisher (a podcast's author is among its keywords).
    """
    outlets = set(map(folded_name, outlet_names(rule) if rule else ()))
    if raw.publisher is None and not raw.parser.endswith("page"):  # authors are keywords there
        outlets.update(map(folded_name, raw.tags))
    authors: dict[str, Person] = {}
    outlet: Publisher | None = None
    for author in (*raw.authors[:_MAX_AUTHORS], *_authors_in_body(raw.html, rule)):
        name = one_line(author.name, 200)
        url = web_address(author.url, base_url)
        if not name:
            continue
        if folded_name(name) in outlets or is_outlet(name):
            outlet = outlet or Publisher(name, url)
        else:
            authors.setdefault(name, Person(name, url))
    return People(
        authors=tuple(authors.values()),
        editor=_STAFF_CODE.sub("", one_line_or_none(raw.editor, 200) or editor or "") or None,
        publisher=_publisher(raw, rule, outlet, base_url),
    )


def _authors_in_body(html: str, rule: SiteRule | None) -> Iterator[Person]:
    """The names that the site prints into the body (`body.author` of its rule)."""
    for pattern in rule.body.author if rule else ():
        for match in islice(re.finditer(pattern, html), _MAX_AUTHORS):
            yield Person(text if "&" not in (text := match[1]) else unescape(text))


def _publisher(
    raw: RawArticle, rule: SiteRule | None, outlet: Publisher | None, base_url: str | None
) -> Publisher | None:
    """The input's publisher; else an author that is an outlet; else the site's."""
    if raw.publisher and (name := one_line(raw.publisher.name, 200)):
        url = web_address(raw.publisher.url, base_url)
    elif outlet:
        name, url = outlet.name, outlet.url
    elif rule and rule.publisher:
        name, url = rule.publisher, None
    else:
        return None
    if url is None and rule and rule.publisher and folded_name(rule.publisher) == folded_name(name):
        url = rule.publisher_url
    return Publisher(name, url)
