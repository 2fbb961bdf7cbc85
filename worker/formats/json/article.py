"""One article as a JSON object: a crawler's, schema.org, the WordPress API, our own record."""

from collections.abc import Mapping

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.body import paragraphs, render_markdown, text_to_html
from worker.formats.fields import article, field_of
from worker.formats.values import clean, text_of
from worker.model import RawArticle, Refusal

_HTML_KEYS = ("content_html", "contentHtml", "html", "body_html", "bodyHtml")
_MARKDOWN_KEYS = ("content_markdown", "markdown", "md")
_ANY_KEYS = ("content", "body", "articleBody", "article_body", "text", "article", "full_text")
_TEXT_KEYS = ("content_text", "contentText", "plain_text", "body_text")
_BODY_KEYS = (*_HTML_KEYS, *_MARKDOWN_KEYS, *_ANY_KEYS, *_TEXT_KEYS)

_DERIVED = frozenset(
    {"id", "schema_version", "date", "highlights", "date_precision", "date_source", "images"}
    | {"links", "tickers", "word_count", "dedupe", "provenance", "first_seen_at", "ingested_at"}
    | {"warnings"}
)
"""Fields of our own record that are computed again."""


def parse_object(value: Mapping[str, object], *, parser: str = "json") -> RawArticle:
    """The article of an object.

    Raises Rejected (`unknown_format`) for an object with neither a title nor a body.
    """
    own = "schema_version" in value and "provenance" in value
    if isinstance(value.get("title"), Mapping):
        value = _wordpress(value)
    html, body_keys = _body(value)
    if not body_keys and not any(_is_title(key) for key in value):
        raise Rejected(
            Reason.UNKNOWN_FORMAT,
            "this JSON object has neither a title nor a body: name them `title` and "
            "`content_html` (or `content_text`)",
        )
    ignore = frozenset(body_keys) | (_DERIVED if own else frozenset())
    return article(value, clean(html), parser=parser, origin=parser, ignore=ignore)


def _wordpress(post: Mapping[str, object]) -> dict[str, object]:
    """A post of the WordPress API: its author, terms and picture are numbers, and objects below
    `_embedded` where they were requested (`?_embed`). `date` is in the site's zone, which the post
    does not tell; `date_gmt` is in UTC."""
    embedded = post.get("_embedded")
    embedded = embedded if isinstance(embedded, Mapping) else {}
    terms = embedded.get("wp:term")
    groups = terms if isinstance(terms, list) else []
    replaced = {"author", "categories", "tags", "featured_media", "_embedded", "_links"}
    replaced |= {"date_gmt", "modified_gmt"}
    times = ((name, post.get(f"{name}_gmt")) for name in ("date", "modified"))
    return {
        **{key: value for key, value in post.items() if key not in replaced},
        **{name: f"{time.rstrip('Z')}Z" for name, time in times if isinstance(time, str) and time},
        "author": embedded.get("author"),
        "tags": [item for group in groups if isinstance(group, list) for item in group],
        "image": _source_url(embedded.get("wp:featuredmedia")),
    }


def _source_url(media: object) -> object:
    first = media[0] if isinstance(media, list) and media else None
    return first.get("source_url") if isinstance(first, Mapping) else None


def parse_item(item: object, *, parser: str) -> RawArticle | Refusal:
    """The article of one item of a list, or why that one is refused."""
    if not isinstance(item, dict):
        return Refusal(
            Reason.MALFORMED,
            f"an item of the list is not an object ({printable(text_of(item), 60)}): "
            "make it one with `title` and `content_html`",
        )
    try:
        return parse_object(item, parser=parser)
    except Rejected as error:
        return Refusal(error.reason, str(error))
    except RecursionError:
        return Refusal(Reason.TOO_DEEP, "the item is nested too deep: flatten it")


def dump(value: object) -> bytes:
    """`value` as JSON, for a refusal; as Python shows it where orjson finds a lone surrogate."""
    try:
        return orjson.dumps(value)
    except TypeError:
        return repr(value).encode("ascii", "backslashreplace")


def _is_title(key: str) -> bool:
    field = field_of(key)
    return field is not None and field[0] == "title"


def _body(value: Mapping[str, object]) -> tuple[str, tuple[str, ...]]:
    """The body as HTML, and all keys of bodies; HTML goes before Markdown and text."""
    present = tuple(key for key in _BODY_KEYS if key in value)
    for key in present:
        text = _content(value[key])
        if not text:
            continue
        if key in _HTML_KEYS:
            return text, present
        if key in _MARKDOWN_KEYS:
            return render_markdown(text), present
        return (paragraphs(text) if key in _TEXT_KEYS else text_to_html(text)), present
    return "", present


def _content(value: object) -> str:
    """The text of a body: a string, a table around one, or a list of paragraphs."""
    if isinstance(value, list):
        return "\n".join(filter(None, (text_of(item) for item in value)))
    if isinstance(value, Mapping) and isinstance(rendered := value.get("rendered"), str):
        return rendered
    return text_of(value)
