"""schema.org properties in the markup itself; of several articles on a page, those of its own."""

from worker.formats.page.bylines import person_names
from worker.formats.page.metadata import PageMetadata
from worker.formats.page.tree import Element, value_of
from worker.model import DateText, Publisher


def by_microdata(tree: Element, within: Element | None) -> PageMetadata:
    """Dates, authors and publisher; `within` is an element of the article's text, if it was found.

    A property of another article (a list of related ones with an `itemscope` each) is left out.
    """
    items = _items(tree)

    def prop(name: str) -> Element | None:
        return _nearest([element for item, element in items if item == name], within)

    def dates(name: str) -> tuple[DateText, ...]:
        text = value_of(prop(name))
        return (DateText(text, f"microdata:{name}"),) if text else ()

    author, outlet = prop("author"), prop("publisher")
    publisher = value_of(_name_in(outlet)) if outlet is not None else ""
    return PageMetadata(
        dates=dates("datePublished"),
        modified=dates("dateModified"),
        authors=person_names(value_of(_name_in(author))) if author is not None else (),
        publisher=Publisher(publisher) if publisher else None,
    )


_NAMES = frozenset({"datePublished", "dateModified", "author", "publisher"})


def _items(tree: Element) -> list[tuple[str, Element]]:
    return [
        (name, element)
        for element in tree.xpath("//*[@itemprop]")
        for name in element.get("itemprop").split()
        if name in _NAMES
    ]


def _nearest(elements: list[Element], within: Element | None) -> Element | None:
    """The first of `elements` in the innermost scope around `within` that has one; else the
    first."""
    if within is None or len(elements) < 2:
        return next(iter(elements), None)
    around = {element: depth for depth, element in enumerate([within, *within.iterancestors()])}

    def distance(element: Element) -> int:
        outwards = (element, *element.iterancestors())
        return next((around[outer] for outer in outwards if outer in around), len(around))

    return min(elements, key=distance)


def _name_in(element: Element) -> Element:
    return next(iter(element.xpath('.//*[@itemprop="name"]')), element)
