"""The text of an RSS item: its content and its summary, among the elements that modules add."""

from collections.abc import Iterator

from worker.formats.feed.fields import Fields, video_description
from worker.formats.feed.markup import html_in, markup_in, rss_html
from worker.formats.feed.namespaces import Element
from worker.formats.values import clean

_CONTENTS = (
    *("content:encoded", "content", "fulltext", "encoded", "?:encoded", "yandex:full-text"),
    *("turbo:content", "fullitem"),
)


def texts(fields: Fields) -> tuple[str, str | None, Element]:
    """The content; where there is another text beside it, the summary; the content's element."""
    short, description = fields.markup("description", "dc:description", "abstract")
    beside, summary = fields.markup("atom:summary", "summary")
    full, holder = max(
        _contents(fields), key=lambda pair: len(pair[0]), default=("", fields.element)
    )
    if description is not None and summary is not None and not full:
        full, holder, description = rss_html(short), description, None
    if description is None:
        short, description = beside, summary
    if description is None:
        short, description = fields.markup("itunes:summary")
    if full:
        return full, clean(short) if short and rss_html(short) != full else None, holder
    if description is None:
        short, description = fields.markup("googleplay:description", "itunes:subtitle")
    if description is None and (description := video_description(fields)) is not None:
        short = markup_in(description)
    return rss_html(short), None, fields.element if description is None else description


def _contents(fields: Fields) -> Iterator[tuple[str, Element]]:
    """Every content an item has; the module's `encoded` is HTML, Atom's declares its type."""
    for element in fields.all(*_CONTENTS):
        if value := markup_in(element):
            yield rss_html(value), element
    for element in fields.all("atom:content"):
        if value := html_in(element, element.get("type") or "html", element.get("mode", "")):
            yield value, element
    for element in fields.all("xhtml:body", "xhtml:div", "body"):
        if value := markup_in(element):
            yield value, element
    for element in fields.all("content:items"):  # RSS 1.0's content module, before `encoded`
        for node in element.iter("{*}value"):
            yield rss_html(markup_in(node)), node
