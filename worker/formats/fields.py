"""The names that people give to an article's fields, and an article made from such a table.

Front matter (Hexo, Jekyll, Hugo, Zola, Eleventy) and JSON (JSON Feed, schema.org, the WordPress
API, crawlers, our own records) share them: adding a name is adding a word to one row.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from worker.formats.values import (
    clean,
    extra_of,
    is_absolute,
    names_of,
    persons_of,
    text_of,
    unique,
    url_of,
)
from worker.model import Attachment, DateText, Person, Publisher, RawArticle

FIELDS = {
    "title": "title headline",
    "date": "date published pubdate publishdate datepublished publishedat publishtime posttime "
    "posted created createdat datecreated timestamp",
    "modified": "updated lastmod modified lastmodified lastmodifiedat datemodified modifiedat "
    "updatedat lastupdated dateupdated",
    "author": "author authors byline creator",
    "editor": "editor",
    "publisher": "publisher source sitename outlet",
    "categories": "categories category section articlesection",
    "tags": "tags tag keywords",
    "language": "lang language locale inlanguage",
    "url": "url canonical canonicalurl link permalink",
    "external_url": "externalurl originalurl sourceurl",
    "summary": "summary description excerpt abstract",
    "image": "headimg image cover thumbnail featuredimage featureimage coverimage bannerimage "
    "ogimage thumbnailurl",
    "attachments": "attachments enclosures",
    "groups": "taxonomies",
}
"""Field → its names in order of trust, lower case, without spaces, dashes and underscores."""

_RANKS = {
    name: (field, rank)
    for field, names in FIELDS.items()
    for rank, name in enumerate(names.split())
}


def article(
    table: Mapping[str, object],
    html: str,
    *,
    parser: str,
    origin: str,
    warnings: Iterable[str] = (),
    ignore: frozenset[str] = frozenset(),
) -> RawArticle:
    """The article that a table of fields says, with `html` (valid Unicode) as its body.

    `origin` begins the origin of dates (`front-matter:date`). Keys in `ignore` are dropped;
    what has no field becomes `extra`.
    """
    found, extra = _sort(table, ignore)
    for groups in found.pop("groups", []):
        if isinstance(groups[2], Mapping):  # Zola's [taxonomies] holds categories and tags
            named, others = _sort(groups[2], frozenset())
            for field, rows in named.items():
                found.setdefault(field, []).extend(rows)
            extra.update(others)
    for rows in found.values():
        rows.sort(key=lambda row: row[0])
    url = _address(found.get("url", ()), extra)
    external = _address(found.get("external_url", ()), extra)
    publisher = _publisher(found.get("publisher", ()), extra)
    image = _image(found.get("image", ()), extra)
    if isinstance(inner := extra.get("extra"), Mapping):  # Zola's [extra], our own record
        extra = {**extra, **inner}
        del extra["extra"]
    kept, cut = extra_of(extra) if extra else ({}, ())
    return RawArticle(
        parser=parser,
        html=html,
        title=_first(found.get("title", ())),
        dates=_dates(found.get("date", ()), origin),
        modified=_dates(found.get("modified", ()), origin),
        authors=_authors(found.get("author", ())),
        editor=_first(found.get("editor", ())),
        publisher=publisher,
        tags=_tags(found),
        language=_first(found.get("language", ())),
        url=url,
        external_url=external,
        summary=_first(found.get("summary", ())),
        image=image,
        attachments=_attachments(found.get("attachments", ())),
        extra=kept,
        warnings=(*warnings, *cut),
    )


Row = tuple[int, str, object]
"""Rank of the name, the key as written, its value."""


@lru_cache(maxsize=4096)
def field_of(key: str) -> tuple[str, int] | None:
    """The field that a key names and the rank of the name, or None."""
    return _RANKS.get(key.lower().replace("_", "").replace("-", "").replace(" ", ""))


def _sort(
    table: Mapping[str, object], ignore: frozenset[str]
) -> tuple[dict[str, list[Row]], dict[str, object]]:
    found: dict[str, list[Row]] = {}
    extra: dict[str, object] = {}
    for key, value in table.items():
        if key in ignore:
            continue
        known = field_of(key) if len(key) < 64 else None
        if known:
            found.setdefault(known[0], []).append((known[1], key, value))
        else:
            extra[key] = value
    return found, extra


def _first(rows: Iterable[Row]) -> str | None:
    return next((text for _, _, value in rows if (text := text_of(value))), None)


def _dates(rows: Iterable[Row], origin: str) -> tuple[DateText, ...]:
    return tuple(
        DateText(text, f"{origin}:{clean(key)}")
        for _, key, value in rows
        if (text := text_of(value))
    )


def _authors(rows: Iterable[Row]) -> tuple[Person, ...]:
    return next((persons for _, _, value in rows if (persons := persons_of(value))), ())


def _tags(found: Mapping[str, list[Row]]) -> tuple[str, ...]:
    names: list[str] = []
    for field in ("categories", "tags"):
        for _, _, value in found.get(field, ()):
            if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
                continue  # the WordPress API names them by number
            # `categories: Tips, Tricks` is not a list anywhere; `tags: a, b` is in Jekyll and Hexo.
            plain = field == "categories" and isinstance(value, str)
            names += [text_of(value)] if plain else names_of(value)
    return unique(names)


def _address(rows: Iterable[Row], extra: dict[str, object]) -> str | None:
    """The first absolute address; a site's relative ones (Hugo's `url`) go to `extra`."""
    chosen: str | None = None
    for _, key, value in rows:
        address = url_of(value)
        if address and is_absolute(address) and chosen in (None, address):
            chosen = address
        elif address:
            extra[key] = value
    return chosen


def _publisher(rows: Iterable[Row], extra: dict[str, object]) -> Publisher | None:
    chosen: Publisher | None = None
    for _, key, value in rows:
        name = text_of(value)
        if not name or chosen or is_absolute(name):
            if name and (chosen is None or name != chosen.name):
                extra[key] = value
            continue
        chosen = Publisher(name, url_of(value) if isinstance(value, Mapping) else None)
    return chosen


def _image(rows: Iterable[Row], extra: dict[str, object]) -> str | None:
    chosen: str | None = None
    for _, key, value in rows:
        address = url_of(value)
        if address and chosen is None:
            chosen = address
        elif address and address != chosen:
            extra[key] = value
    return chosen


def _attachments(rows: Iterable[Row]) -> tuple[Attachment, ...]:
    found: list[Attachment] = []
    for _, _, value in rows:
        for item in (value if isinstance(value, list) else [value])[:100]:
            address = url_of(item)
            table = item if isinstance(item, Mapping) else {}
            mime_type = text_of(table.get("mime_type") or table.get("type")) or None
            if address:
                found.append(Attachment(address, mime_type, text_of(table.get("title")) or None))
    return tuple(found)
