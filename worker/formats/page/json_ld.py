"""Articles in JSON-LD, as search engines read them (schema.org/Article and its kinds).

Blocks that are no JSON are skipped; `@graph` and `@id` references within one page are followed.
"""

import json
from collections.abc import Iterator, Mapping

from bs4 import BeautifulSoup

from worker.formats.page.bylines import person_names
from worker.formats.page.metadata import PageMetadata
from worker.formats.values import names_of, persons_of, text_of, unique, url_of
from worker.model import DateText, Person, Publisher

MAX_NODES = 10_000
"""Objects read, of all blocks together; a news page has fewer than a hundred."""


def by_json_ld(soup: BeautifulSoup, url: str | None) -> PageMetadata:
    """The metadata of the page's article; of several the one at `url`, else the first.

    Baidu's Cambrian block, which has no type but `pubDate` and `title`, counts as an article.
    """
    nodes = list(_nodes(soup))
    by_id = {text_of(node["@id"]): node for node in nodes if "@id" in node and len(node) > 1}
    articles = [node for node in nodes if _is_article(node)]
    if not articles:
        return PageMetadata()
    chosen = next((node for node in articles if url and url in _addresses(node)), articles[0])
    return _metadata(chosen, by_id)


_KINDS = frozenset(
    ["blogposting", "liveblogposting", "socialmediaposting", "report", "discussionforumposting"]
)
_MAX_TAGS = 50
_MAX_BYLINE = 2_000


def _nodes(soup: BeautifulSoup) -> Iterator[Mapping[str, object]]:
    pending: list[object] = []
    for script in soup.find_all("script", type="application/ld+json"):
        try:
            # strict=False: line breaks inside strings are the commonest error by far
            pending.append(json.loads(script.get_text().strip().rstrip(";"), strict=False))
        except (ValueError, RecursionError):
            continue
    pending.reverse()
    for _ in range(MAX_NODES):
        if not pending:
            return
        node = pending.pop()
        if isinstance(node, list):
            pending.extend(reversed(node[:MAX_NODES]))
        elif isinstance(node, dict):
            yield node
            pending.extend(node[key] for key in ("mainEntity", "@graph") if key in node)


def _is_article(node: Mapping[str, object]) -> bool:
    kinds = node.get("@type")
    for kind in kinds if isinstance(kinds, list) else [kinds]:
        name = text_of(kind).lower().rsplit("/", 1)[-1]
        if name.endswith("article") or name in _KINDS:
            return True
    return kinds is None and "pubDate" in node and "title" in node


def _metadata(
    node: Mapping[str, object], by_id: Mapping[str, Mapping[str, object]]
) -> PageMetadata:
    authors = _resolved(node.get("author") or node.get("creator"), by_id)
    publisher = _resolved(node.get("publisher"), by_id)
    name = text_of(publisher)
    image = _resolved(node.get("image") or node.get("images") or node.get("thumbnailUrl"), by_id)
    return PageMetadata(
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
    links = (url_of(node.get(key)) for key in ("url", "mainEntityOfPage", "@id"))
    return tuple(link for link in links if link and link.startswith(("http://", "https://")))


def _dates(node: Mapping[str, object], *names: str) -> tuple[DateText, ...]:
    texts = ((name, text_of(node.get(name))) for name in names)
    return tuple(DateText(text, f"json-ld:{name}") for name, text in texts if text)


def _resolved(value: object, by_id: Mapping[str, Mapping[str, object]]) -> object:
    """A value with references to other nodes (`{"@id": "#/person/1"}`) replaced by these."""
    if isinstance(value, list):
        return [_resolved(item, by_id) for item in value[:_MAX_TAGS] if not isinstance(item, list)]
    if isinstance(value, dict) and set(value) <= {"@id", "@type"}:
        return by_id.get(text_of(value.get("@id")), value)
    return value


def _site(publisher: object) -> str | None:
    return text_of(publisher.get("url")) or None if isinstance(publisher, dict) else None
