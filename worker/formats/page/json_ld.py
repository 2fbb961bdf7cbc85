"""Articles in JSON-LD, as search engines read them (schema.org/Article and its kinds).

Faults that search engines forgive are forgiven here: CDATA and comment marks around a block,
commas before a bracket, line breaks in strings, entities. `@graph` and `@id` references within one
page are followed.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from html import unescape
from urllib.parse import urlsplit

from worker.formats.page.bylines import person_names
from worker.formats.page.metadata import PageMetadata
from worker.formats.page.passages import letters_in
from worker.formats.page.tree import Element
from worker.formats.values import html_title, names_of, persons_of, text_of, unique, url_of
from worker.model import DateText, Person, Publisher

MAX_NODES = 10_000
"""Objects read, of all blocks together; a news page has fewer than a hundred."""

Node = Mapping[str, object]


def by_json_ld(tree: Element, url: str | None, titles: Iterable[str]) -> PageMetadata:
    """The metadata of the page's article.

    Of several the one at `url`, else the one whose headline is in one of `titles` (the page's
    headings and `title`), else the first. Baidu's Cambrian block, which has no type but `pubDate`
    and `title`, counts as an article. Without an article the dates of the page's WebPage count.
    """
    nodes = list(_nodes(tree))
    by_id = {text_of(node["@id"]): node for node in nodes if "@id" in node and len(node) > 1}
    articles = [node for node in nodes if _is_article(node)]
    if articles:
        return _metadata(_main_article(articles, url, titles), by_id)
    pages = [node for node in nodes if "webpage" in _kinds(node) or "videoobject" in _kinds(node)]
    return _page_dates(pages[0]) if pages else PageMetadata()


_ARTICLES = frozenset(
    ["blogposting", "liveblogposting", "socialmediaposting", "report", "discussionforumposting"]
)
_OUTLETS = ("organization", "corporation", "website")
_NESTED = ("mainEntity", "@graph", "itemListElement", "hasPart")
_MAX_TAGS = 50
_BEFORE = re.compile(r"(?://|/\*)?\s*+<!\[CDATA\[\s*+(?:\*/)?|<!--")
_AFTER = re.compile(r"(?:(?://|/\*)?\s*\]\]>\s*(?:\*/)?|(?://\s*)?-->)$")
_LONGEST_MARK = 50
"""Characters. `_AFTER` is quadratic in white space: 400,000 spaces took an hour."""
# What begins and does not end goes to the end: else each quote or `/*` after it is tried again.
_STRING_OR_FAULT = re.compile(
    r'"(?:[^"\\]|\\(?:.|\Z))*+(?:"|\Z)'
    r"|/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|//[^\n]*"  # comments
    r"|,(?=\s*+[}\]])",  # a comma before a bracket
    re.DOTALL,
)


def _nodes(tree: Element) -> Iterator[Node]:
    pending: list[object] = []
    for script in tree.iter("script"):
        kind = (script.get("type") or "").partition(";")[0].strip().lower()
        if kind == "application/ld+json":
            pending.extend(_values(script.text or ""))
    pending.reverse()
    for _ in range(MAX_NODES):
        if not pending:
            return
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(reversed(node[:MAX_NODES]))
        elif isinstance(node, dict):
            yield node
            pending.extend(node[key] for key in _NESTED if isinstance(node.get(key), dict | list))
            if isinstance(item := node.get("item"), dict):
                pending.append(item)


def _values(block: str) -> Iterator[object]:
    """The values of a block: mostly one, now and then several in a row."""
    text = _without_marks(_without_marks(block.strip())).rstrip(";")
    if text[:7] == "{&quot;" or text[:8] == "[{&quot;":
        text = unescape(text)
    try:
        yield json.loads(text, strict=False)  # line breaks inside strings are the commonest error
        return
    except RecursionError:
        return
    except ValueError:
        text = _STRING_OR_FAULT.sub(_without_fault, text).strip()
    decoder, at = json.JSONDecoder(strict=False), 0
    while at < len(text):
        try:
            value, at = decoder.raw_decode(text, at)
        except (ValueError, RecursionError):
            return
        yield value
        while at < len(text) and text[at] in " \t\r\n,;":
            at += 1


def _without_marks(text: str) -> str:
    """A stripped block without the marks of CDATA or of a comment around it."""
    text = text[match.end() :] if (match := _BEFORE.match(text)) else text
    mark = _AFTER.search(text, max(0, len(text) - _LONGEST_MARK))
    return (text[: mark.start()] if mark else text).strip()


def _without_fault(match: re.Match[str]) -> str:
    return match[0] if match[0].startswith('"') else ""


def _kinds(node: Node) -> set[str]:
    kinds = node.get("@type")
    names = (text_of(kind) for kind in (kinds if isinstance(kinds, list) else [kinds]))
    return {re.split(r"[/:#]", name.lower())[-1] for name in names if name}


def _is_article(node: Node) -> bool:
    kinds = _kinds(node)
    if any(kind.endswith("article") or kind in _ARTICLES for kind in kinds):
        return True
    return not kinds and "pubDate" in node and "title" in node


def _main_article(articles: list[Node], url: str | None, titles: Iterable[str]) -> Node:
    place = _place(url)
    texts = [letters_in(title).casefold() for title in titles]

    def rank(node: Node) -> int:
        if place and place in map(_place, _addresses(node)):
            return 0
        headline = letters_in(_headline(node)).casefold()
        return 1 if headline and any(headline in text for text in texts) else 2

    return min(articles, key=rank)


def _place(url: str | None) -> str | None:
    """Host and path: http and https, and what is after `?` and `#`, are one page."""
    try:
        parts = urlsplit(url or "")
    except ValueError:
        return None
    return f"{(parts.hostname or '').removeprefix('www.')}{parts.path.rstrip('/')}" or None


def _headline(node: Node) -> str:
    return _text(node.get("headline") or node.get("title") or node.get("name"))


def _text(value: object) -> str:
    return " ".join(html_title(text_of(value)).split())


def _metadata(node: Node, by_id: Mapping[str, Node]) -> PageMetadata:
    authors = _resolved(node.get("author") or node.get("creator"), by_id)
    publisher = _resolved(node.get("publisher"), by_id) or _outlet(authors)
    name = "" if _is_no_outlet(publisher) else _text(publisher)
    site = text_of(publisher.get("url")) if isinstance(publisher, dict) else None
    image = _resolved(node.get("image") or node.get("images") or node.get("thumbnailUrl"), by_id)
    return replace(
        _page_dates(node),
        title=_headline(node) or None,
        authors=_persons(authors),
        publisher=Publisher(name, site or None) if name else None,
        tags=unique(
            map(_text, (*names_of(node.get("articleSection")), *names_of(node.get("keywords"))))
        )[:_MAX_TAGS],
        language=text_of(node.get("inLanguage")) or None,
        url=next(iter(_addresses(node)), None),
        summary=_text(node.get("description")) or None,
        image=url_of(image),
        body=text_of(node.get("articleBody")) or None,
    )


def _page_dates(node: Node) -> PageMetadata:
    return PageMetadata(
        dates=_dates(node, "datePublished", "pubDate", "dateCreated", "uploadDate"),
        modified=_dates(node, "dateModified", "upDate"),
    )


def _persons(authors: object) -> tuple[Person, ...]:
    if isinstance(authors, str):
        return person_names(authors)
    items = authors if isinstance(authors, list) else [authors]
    persons = persons_of([item for item in items if not _is_outlet(item)])
    return tuple(
        Person(named.name, person.url) for person in persons for named in person_names(person.name)
    )


def _outlet(authors: object) -> object:
    """The organisation among the authors, which published the article."""
    items = authors if isinstance(authors, list) else [authors]
    return next((item for item in items if _is_outlet(item)), None)


def _is_no_outlet(publisher: object) -> bool:
    """Whether it is a blog's author, as WordPress writes it, or Blogger, which every blog there
    has."""
    return isinstance(publisher, Mapping) and (
        "person" in _kinds(publisher) or _text(publisher) == "Blogger"
    )


def _is_outlet(item: object) -> bool:
    return isinstance(item, Mapping) and any(kind.endswith(_OUTLETS) for kind in _kinds(item))


def _addresses(node: Node) -> tuple[str, ...]:
    links = (url_of(node.get(key)) for key in ("url", "mainEntityOfPage", "@id"))
    return tuple(link for link in links if link and link.startswith(("http://", "https://")))


def _dates(node: Node, *names: str) -> tuple[DateText, ...]:
    texts = ((name, _text(node.get(name))) for name in names)
    return tuple(DateText(text, f"json-ld:{name}") for name, text in texts if text)


def _resolved(value: object, by_id: Mapping[str, Node]) -> object:
    """A value with references to other nodes (`{"@id": "#/person/1"}`) replaced by these."""
    if isinstance(value, list):
        return [_resolved(item, by_id) for item in value[:_MAX_TAGS] if not isinstance(item, list)]
    if isinstance(value, dict) and set(value) <= {"@id", "@type"}:
        return by_id.get(text_of(value.get("@id")), value)
    return value
