"""The names that people give to an article's fields, and an article made from such a table.

Front matter (Hexo, Jekyll, Hugo, Zola, Eleventy) and JSON (JSON Feed, schema.org, the WordPress
API, crawlers, our own records) share them: to add a name, add a word to a row.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache

from worker.formats import values
from worker.formats.values import clean, names_of, persons_of, text_of, url_of
from worker.model import Attachment, DateText, Publisher, RawArticle
from worker.model.warning import RecordWarning

FIELDS = {
    "title": "title headline 标题 標題",
    "date": "date 日期 时间 發布日期 发布日期 发布时间 published pubdate publishdate datepublished "
    "pubdatetime publishedat publishtime posttime publicationdate publisheddate releasedate "
    "pubtime posted postdate created createdat createtime createdtime createdate datecreated "
    "timestamp",
    "modified": "updated lastmod modified lastmodified lastmodifiedat datemodified modifiedat "
    "moddatetime updatedat lastupdated dateupdated",
    "author": "author authors byline creator 作者",
    "editor": "editor",
    "publisher": "publisher source sitename outlet 来源 來源",
    "categories": "categories category section articlesection 分类 分類",
    "tags": "tags tag keywords 标签 標籤",
    "language": "lang language locale inlanguage",
    "url": "url canonical canonicalurl link permalink mainentityofpage",
    "external_url": "externalurl originalurl sourceurl",
    "summary": "summary description excerpt abstract 摘要",
    "image": "headimg image cover thumbnail featuredimage featureimage coverimage bannerimage "
    "ogimage thumbnailurl urltoimage imageurl topimage mainimage bannerimg indeximg topimg "
    "heroimage banner thumb",
    "attachments": "attachments enclosures",
    "groups": "taxonomies",
}
"""Field → its names, the most trusted first: lower case, without spaces, dashes, underscores."""

_RANKS = {
    name: (field, rank)
    for field, names in FIELDS.items()
    for rank, name in enumerate(names.split())
}
Row = tuple[int, str, object]
"""Rank of the name, the key as written, its value."""
_NO_ROWS: dict[str, Sequence[Row]] = dict.fromkeys(FIELDS, ())


def article(
    table: Mapping[str, object],
    html: str,
    *,
    parser: str,
    origin: str,
    warnings: Iterable[RecordWarning] = (),
    ignore: frozenset[str] = frozenset(),
) -> RawArticle:
    """The article of a table of fields, with `html` (valid Unicode) as its body.

    `origin` is the prefix of the dates' origin (`front-matter:date`). Keys in `ignore` are
    dropped; keys of no field become `extra`.
    """
    rows, extra = _sorted_rows(table, ignore)
    url = _take(rows["url"], extra, url_of, is_usable=values.is_absolute)[0]
    external = _take(rows["external_url"], extra, url_of, is_usable=values.is_absolute)[0]
    publisher, value = _take(
        rows["publisher"], extra, text_of, is_usable=lambda name: not values.is_absolute(name)
    )
    publisher_url = url_of(value) if isinstance(value, Mapping) else None
    image = _take(rows["image"], extra, url_of)[0]
    if isinstance(inner := extra.get("extra"), Mapping):  # Zola's [extra], our own record
        extra = {**extra, **inner}
        del extra["extra"]
    plain_extra, size_warnings = values.extra_of(extra) if extra else ({}, ())
    return RawArticle(
        parser=parser,
        html=html,
        title=values.html_title(_first(rows["title"]) or "") or None,
        dates=_dates(rows["date"], origin),
        modified=_dates(rows["modified"], origin),
        authors=next((names for _, _, item in rows["author"] if (names := persons_of(item))), ()),
        editor=_first(rows["editor"]),
        publisher=Publisher(publisher, publisher_url) if publisher else None,
        tags=_tags(rows),
        language=_first(rows["language"]),
        url=url,
        external_url=external,
        summary=_first(rows["summary"]),
        image=image,
        attachments=_attachments(rows["attachments"]),
        extra=plain_extra,
        warnings=(*warnings, *size_warnings),
    )


@lru_cache(maxsize=4096)
def field_of(key: str) -> tuple[str, int] | None:
    """The field of a key and the rank of the name, or None."""
    return _RANKS.get(key.lower().replace("_", "").replace("-", "").replace(" ", ""))


def _sorted_rows(
    table: Mapping[str, object], ignore: frozenset[str]
) -> tuple[dict[str, Sequence[Row]], dict[str, object]]:
    """The rows of each field by rank, and the values of no field."""
    rows: dict[str, list[Row]] = {}
    extra: dict[str, object] = {}
    _sort(table, ignore, rows, extra)
    for _, _, group in rows.pop("groups", ()):
        if isinstance(group, Mapping):  # Zola's [taxonomies] holds categories and tags
            _sort(group, frozenset(), rows, extra)
    if "author" not in rows and isinstance(inner := extra.get("extra"), Mapping):  # Zola's [extra]
        _sort({key: inner[key] for key in ("author", "authors") if key in inner}, ignore, rows, {})
    for field_rows in rows.values():
        if len(field_rows) > 1:
            field_rows.sort(key=lambda row: row[0])
    return {**_NO_ROWS, **rows}, extra


def _sort(
    table: Mapping[str, object],
    ignore: frozenset[str],
    rows: dict[str, list[Row]],
    extra: dict[str, object],
) -> None:
    for key, value in table.items():
        if key in ignore:
            continue
        field = field_of(key) if len(key) < 64 else None
        if field and field[0] == "date" and isinstance(value, Mapping):  # MkDocs
            _sort(value, frozenset(), rows, extra)
        elif field:
            rows.setdefault(field[0], []).append((field[1], key, value))
        else:
            extra[key] = value


def _first(rows: Iterable[Row]) -> str | None:
    return next((text for _, _, value in rows if (text := text_of(value))), None)


def _dates(rows: Iterable[Row], origin: str) -> tuple[DateText, ...]:
    return tuple(
        DateText(text, f"{origin}:{clean(key)}")
        for _, key, value in rows
        if (text := text_of(value))
    )


def _tags(rows: Mapping[str, Sequence[Row]]) -> tuple[str, ...]:
    names: list[str] = []
    for field in ("categories", "tags"):
        for _, _, value in rows[field]:
            if isinstance(value, list) and value and all(isinstance(item, int) for item in value):
                continue  # the WordPress API has numbers for them
            # `categories: Tips, Tricks` is not a list anywhere; `tags: a, b` is in Jekyll and Hexo.
            is_one = field == "categories" and isinstance(value, str)
            names += [text_of(value)] if is_one else names_of(value)
    return tuple(dict.fromkeys(filter(None, names)))


def _take(
    rows: Iterable[Row],
    extra: dict[str, object],
    read: Callable[[object], str | None],
    is_usable: Callable[[str], bool] = bool,
) -> tuple[str | None, object]:
    """The first usable text and the value it is from; values of other texts go to `extra`."""
    best: tuple[str | None, object] = (None, None)
    for _, key, value in rows:
        text = read(value)
        if text and best[0] is None and is_usable(text):
            best = text, value
        elif text and text != best[0]:
            extra[key] = value
    return best


def _attachments(rows: Iterable[Row]) -> tuple[Attachment, ...]:
    attachments: list[Attachment] = []
    for _, _, value in rows:
        for item in (value if isinstance(value, list) else [value])[:100]:
            table = item if isinstance(item, Mapping) else {}
            mime_type = text_of(table.get("mime_type") or table.get("type")) or None
            if url := url_of(item):
                attachments.append(Attachment(url, mime_type, text_of(table.get("title")) or None))
    return tuple(attachments)
