"""Who wrote, who edited, who published: outlets that stand in an author's field told apart."""

from dataclasses import dataclass

from worker.model import Person, Publisher, RawArticle
from worker.normalize.strings import line, line_or_none
from worker.normalize.urls import web_address
from worker.sites import SiteRule
from worker.sites.rules import folded_name, outlet_names

_MOST = 50


@dataclass(frozen=True, slots=True)
class People:
    """Persons and the outlet of an article."""

    authors: tuple[Person, ...]
    editor: str | None
    publisher: Publisher | None


def people_of(
    raw: RawArticle, rule: SiteRule | None, *, base_url: str | None, editor: str | None
) -> People:
    """The persons and the outlet; `editor` is whom the body names.

    An author is the outlet if the site's rule says so, or if one of the article's categories has
    the same name (the mirror files an outlet's posts under it and writes it as the author).
    """
    outlets = set(map(folded_name, outlet_names(rule) if rule else ()))
    outlets.update(map(folded_name, raw.tags))
    authors: dict[str, Person] = {}
    found: Publisher | None = None
    for author in raw.authors[:_MOST]:
        name = line(author.name, 200)
        url = web_address(author.url, base_url)
        if not name:
            continue
        if folded_name(name) in outlets:
            found = found or Publisher(name, url)
        else:
            authors.setdefault(name, Person(name, url))
    return People(
        authors=tuple(authors.values()),
        editor=line_or_none(raw.editor, 200) or editor,
        publisher=_publisher(raw, rule, found, base_url),
    )


def _publisher(
    raw: RawArticle, rule: SiteRule | None, found: Publisher | None, base_url: str | None
) -> Publisher | None:
    """As the input says; else an author that is one; else whose site it is."""
    if raw.publisher and (name := line(raw.publisher.name, 200)):
        url = web_address(raw.publisher.url, base_url)
    elif found:
        name, url = found.name, found.url
    elif rule and rule.publisher:
        name, url = rule.publisher, None
    else:
        return None
    if url is None and rule and rule.publisher and folded_name(rule.publisher) == folded_name(name):
        url = rule.publisher_url
    return Publisher(name, url)
