"""Articles in JSON-LD, as search engines read them (schema.org/Article and its kinds).

Blocks that are no JSON are skipped; `@graph` and `@id` references within one page are followed.
"""

import json
from collections.abc import Iterator, Mapping

from bs4 import BeautifulSoup

from worker.formats.page.bylines import person_names
from worker.formats.page.metadata import Said
from worker.formats.values import names_of, persons_of, text_of, unique, url_of
from worker.model import DateText, Person, Publisher

MAX_NODES = 10_000
"""Objects of all blocks together that are looked at; a news page has fewer than a hundred."""


def by_json_ld(soup: BeautifulSoup, url: str | None) -> Said:
    """What the page's article says; of several the one whose address is `url`, else the first.

    Baidu's Cambrian block, which has no type but `pubDate` and `title`, counts as an article.
    """
    nodes = list(_nodes(soup))
    known = {text_of(node["@id"]): node for node in nodes if "@id" in node and len(node) > 1}
    articles = [node for node in nodes if _is_article(node)]
    if not articles:
        return Said()
    chosen = next((node for node in articles if url and url in _addresses(node)), articles[0])
    return _said(chosen, known)


_KINDS = {
    "blogposting",
    "liveblogposting",
    "socialmediaposting",
    "report",
    "discussionforumposting",
}
_MAX_TAGS = 50
_MAX_BYLINE = 2_000


def _nodes(soup: BeautifulSoup) -> Iterator[Mapping[str, object]]:
    waiting: list[object] = []
    for script in soup.find_all("script", type="application/ld+json"):
        try:
            # strict=False: line breaks inside strings are the commonest error by far
            waiting.append(json.loads(script.get_text().strip().rstrip(";"), strict=False))
        except (ValueError, RecursionError):
            continue
    waiting.reverse()
    for _ in range(MAX_NODES):
        if not waiting:
            return
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node[:MAX_NODES]))
        elif isinstance(node, dict):
            yield node
            waiting.extend(node[key] for key in ("mainEntity", "@graph") if key in node)


def _is_article(node: Mapping[str, object]) -> bool:
    kinds = node.get("@type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        name = text_of(kind).lower().rsplit("/", 1)[-1]
        if name.endswith("article") or name in _KINDS:
            return True
    return kinds is None and "pubDate" in node and "title" in node


def _said(node: Mapping[str, object], known: Mapping[str, Mapping[str, object]]) -> Said:
    authors = _resolved(node.get("author") or node.get("creator"), known)
    publisher = _resolved(node.get("publisher"), known)
    name = text_of(publisher)
    image = _resolved(node.get("image") or node.get("images") or node.get("thumbnailUrl"), known)
    return Said(
        title=text_of(node.get("headline") or node.get("title") or node.get("name")) or None,
        dates=_dates(node, "datePublished", "pubDate", "dateCreated", "uploadDate"),
        modified=_dates(node, "dateModified", "upDate"),
        authors=_persons(authors),
        publisher=Publisher(name, _site(publisher)) if name else None,
        tags=unique((*names_of(node.get("articleSection")), *names_of(node.get("keywords"))))[
            :_MAX_TAGS
        ],
        language=text_of(node.get("inLanguage")) or None,
        url=next(iter(_addresses(node)), None),
        summary=" ".join(text_of(node.get("description")).split()) or None,
        image=url_of(image),
        body=text_of(node.get("articleBody")) or None,
    )


def _persons(authors: object) -> tuple[Person, ...]:
    if isinstance(authors, str):
        # The patterns of person_names are quadratic in a run of spaces: 20,000 took 5 s.
        return person_names(" ".join(authors[:_MAX_BYLINE].split()))
    return persons_of(authors)


def _addresses(node: Mapping[str, object]) -> tuple[str, ...]:
    found = (url_of(node.get(key)) for key in ("url", "mainEntityOfPage", "@id"))
    return tuple(link for link in found if link and link.startswith(("http://", "https://")))


def _dates(node: Mapping[str, object], *names: str) -> tuple[DateText, ...]:
    said = ((name, text_of(node.get(name))) for name in names)
    return tuple(DateText(text, f"json-ld:{name}") for name, text in said if text)


def _resolved(value: object, known: Mapping[str, Mapping[str, object]]) -> object:
    """A value with references to other nodes (`{"@id": "#/person/1"}`) replaced by these."""
    if isinstance(value, list):
        return [_resolved(item, known) for item in value[:_MAX_TAGS] if not isinstance(item, list)]
    if isinstance(value, dict) and set(value) <= {"@id", "@type"}:
        return known.get(text_of(value.get("@id")), value)
    return value


def _site(publisher: object) -> str | None:
    return text_of(publisher.get("url")) or None if isinstance(publisher, dict) else None
