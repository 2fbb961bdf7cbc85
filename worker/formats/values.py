"""Values from YAML, TOML, JSON and feeds, turned into the strings and lists of the model.

Every function accepts anything: a list instead of a string, a table, a number, a lone surrogate.
None raises.
"""

import datetime
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from html import unescape
from html.entities import html5
from itertools import islice
from typing import Any, TypeVar

from worker.model import Person
from worker.model.warning import RecordWarning, WarningKind, warn

MAX_EXTRA_BYTES = 16 * 1024
"""About how much `extra` of one article may hold; the rest is dropped, with a warning."""

_T = TypeVar("_T")
_MAX_DEPTH = 8
_INLINE_TAG = re.compile(
    r"</?(a|b|i|u|p|div|h[1-6]|em|strong|span|font|sub|sup|small|code|img|wbr)"
    r"(\s[^<>=]{0,500}=[^<>]{0,500}|\s?/)?(?:\s[^<>]{0,500})?>",
    re.IGNORECASE,
)
_BREAK = re.compile(r"<br(?:\s[^<>]{0,500})?/?>", re.IGNORECASE)
_CLOSED = re.compile(r"</([a-z][a-z1-6]{0,5})>", re.IGNORECASE)
_NO_REFERENCE = re.compile(r"&([A-Za-z][A-Za-z0-9]*+)(?!;)(=?)")
_MAX_NAMES = 200
_MAX_TEXT = 10_000
_MAIL_PART = r"[^\s@<>()\[\],;:\"'\u2e80-\uffff]{1,100}"
_MAIL = re.compile(rf"[(<\[]?\s?(?:mailto:|@)?{_MAIL_PART}@{_MAIL_PART}\s?[)>\]]?")
_LONGEST_PERSON = 500
_BY = re.compile(
    r"^(?:[Bb]y (?=[A-Z])|(?:本[报報])?(?:[记記]者|作者|撰文|通[讯訊][员員])[\s:：/／|｜]\s*(?=\S))"
)
_BETWEEN_NAMES = re.compile(r",? (?:and|und|&) | [/|] |[,;] |[、，；]|(?<=[一-鿿])[/|](?=[一-鿿])")
_DASH = re.compile(r"(?:^|\s)-\s?")
_TEXT_KEYS = ("value", "text", "#text", "name", "title", "label", "term")
_URL_KEYS = (
    "url", "src", "href", "path", "link", "uri", "feature", "contentUrl", "@id", "teaser", "image",
)  # fmt: skip


def clean(text: str) -> str:
    """`text` as valid Unicode: surrogate pairs joined, lone ones and NULs replaced by U+FFFD."""
    if text.isascii():
        return text.replace("\x00", "\ufffd") if "\x00" in text else text
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text.replace("\x00", "\ufffd")


def text_of(value: object, depth: int = 0) -> str:
    """The text of a value: of a list its items with spaces between, of a table its text field."""
    if isinstance(value, str):
        return clean(value).strip()
    if isinstance(value, Mapping) and depth <= _MAX_DEPTH:
        if isinstance(rendered := value.get("rendered"), str):  # the WordPress API
            return html_title(clean(rendered).strip())
        texts = (text_of(value.get(key), depth + 1) for key in _TEXT_KEYS)
        return next(filter(None, texts), "")
    if isinstance(value, list | tuple) and depth <= _MAX_DEPTH:
        return " ".join(filter(None, (text_of(item, depth + 1) for item in value[:_MAX_NAMES])))
    return _scalar(value)


_TAG = re.compile(r"</?[A-Za-z][^<>]*>")


def html_title(title: str) -> str:
    """A title in HTML (Atom's `type="html"`, by custom any RSS title, WordPress) as text.

    A tag within it that has no attribute with a value and is not closed is text: `The <b> element`,
    `a<b and c>d`.
    """
    if "<" in title:
        closed = {"wbr", *(name.lower() for name in _CLOSED.findall(title))}
        title = _INLINE_TAG.sub(
            lambda tag: "" if not tag.start() or tag[2] or tag[1].lower() in closed else tag[0],
            _BREAK.sub(" ", title),
        ).strip()
    return html_unescape(title).strip() if "&" in title else title


def html_text(html: str) -> str:
    """A title that certainly is HTML as text: all its tags are left out."""
    return " ".join(html_unescape(_TAG.sub("", _BREAK.sub(" ", html))).split())


def html_unescape(text: str) -> str:
    """Text with HTML's references replaced. One without `;` counts only where nothing belongs to
    it: `&copy 2020` is a sign, `?page=1&copy=2` and `R&notes` are not."""
    return unescape(_NO_REFERENCE.sub(_escaped_ampersand, text) if "&" in text else text)


def _escaped_ampersand(match: re.Match[str]) -> str:
    is_reference = match[1] in html5 and not match[2]
    return match[0] if is_reference else f"&amp;{match[1]}{match[2]}"


def names_of(value: object) -> tuple[str, ...]:
    """A string, or (nested) lists of them, as unique names in order, at most _MAX_NAMES.

    A single string is split at commas, Western or Chinese, and at the dashes of a list that YAML
    does not see (` -a`). Unbounded, four million tags in a file took 8 s, 0.9 GB and one record of
    31 MB.
    """
    if isinstance(value, str):
        if value.startswith("-"):
            value = _DASH.sub(",", value[:_MAX_TEXT])
        for commas in (",，、", ";"):
            if any(comma in value for comma in commas):
                return unique(re.split(f"[{commas}]", value, maxsplit=_MAX_NAMES)[:_MAX_NAMES])
        if value.startswith("#") and value.count("#") == len(words := value.split()) > 1:
            return unique(word.removeprefix("#") for word in words[:_MAX_NAMES])
    if isinstance(value, list):
        value = value[:_MAX_NAMES]
        if all(isinstance(item, str) and "，" not in item for item in value):
            return unique(value)  # most lists, in a third of the time
    return unique(islice(_flat(value), _MAX_NAMES))


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Names stripped of white space, without empty and repeated ones."""
    return tuple(dict.fromkeys(filter(None, [clean(name).strip() for name in names])))


def first_of(values: Iterable[_T | None]) -> _T | None:
    """The first value that is not empty."""
    return next((value for value in values if value), None)


def persons_of(value: object) -> tuple[Person, ...]:
    """Authors: names, tables with a name and an address, or lists of either."""
    persons: dict[str, Person] = {}
    for item in _items(value):
        if isinstance(item, Mapping):
            name = text_of(item.get("name")) or text_of(item)
            url = _first_str(item, ("url", "link", "uri", "href"))
        else:
            name, url = text_of(item), None
        for part in listed_names(person_name(name)) if name else ():
            persons.setdefault(part, Person(part, url))
    return tuple(persons.values())


def person_name(text: str) -> str:
    """A name without the mail address before or behind it, in whatever brackets, or a link with the
    name; an address alone stays as it is, and so do several."""
    name = text = " ".join(clean(text).split()).removesuffix(" ()")
    if "@" in text[:_LONGEST_PERSON]:
        without, count = _MAIL.subn("", text[:_LONGEST_PERSON])
        name = without.strip(" \"',;:-") if count == 1 else text
    if name[:1] == "(" and name.find(")") == len(name) - 1:  # RFC 822: a comment
        name = name[1:-1].strip()
    name = name or text
    is_markup = "<" in name or "&" in name
    return html_text(name.replace("</a>,", "</a>;")) if is_markup else name


def listed_names(text: str) -> list[str]:
    """The names in a list of full names; `Lee, Ann` and `Ann Lee, Harbour News` are one. Chinese
    names are never turned round."""
    text = _BY.sub("", text)
    names = _BETWEEN_NAMES.split(text)
    if all(name > "一" for name in names):
        return names
    is_list = len(names) > 2 or (len(names) == 2 and "," not in text)
    return names if is_list and all(" " in name or name > "一" for name in names) else [text]


def url_of(value: object) -> str | None:
    """The address in a value: a string, or the address field of a table, or a list of either."""
    for item in _items(value):
        if isinstance(item, str) and (text := clean(item).strip()):
            return text
        if isinstance(item, Mapping) and (address := _first_str(item, _URL_KEYS)):
            return address
    return None


def is_absolute(url: str) -> bool:
    return url[:8].lower().startswith(("http://", "https://", "//"))


def extra_of(items: Mapping[str, object]) -> tuple[dict[str, Any], tuple[RecordWarning, ...]]:
    """Values of no field as JSON values of bounded size and depth, and a warning if cut."""
    extra: dict[str, Any] = {}
    room = MAX_EXTRA_BYTES
    dropped_count = 0
    for key, value in items.items():
        size, plain = _plain(value, 0, room - len(key))
        if size + len(key) > room:
            dropped_count += 1
            continue
        room -= size + len(key)
        extra[clean(key)] = plain
    if not dropped_count:
        return extra, ()
    text = f"{dropped_count} unknown fields were too large and are left out"
    return extra, (warn(WarningKind.CUT, text),)


def _scalar(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    # Beyond 64 bits a number is no date and no id, and str() of a huge one is quadratic.
    if isinstance(value, int) and value.bit_length() <= 64:
        return str(value)
    if isinstance(value, float) and math.isfinite(value):
        return repr(value)
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    return ""


def _plain(value: object, depth: int, room: int) -> tuple[int, Any]:
    """The size of a value and the value for JSON; a size above `room` if it is too large."""
    if isinstance(value, str):
        return len(text := clean(value)), text
    if value is None or isinstance(value, bool):
        return 4, value
    if (isinstance(value, int) and value.bit_length() < 64) or (
        isinstance(value, float) and math.isfinite(value)
    ):
        return 8, value
    if isinstance(value, Mapping | list | tuple):
        if depth >= _MAX_DEPTH or len(value) > room:
            return room + 1, None
        return _plain_group(value, depth, room)
    return len(text := text_of(value)), text


def _plain_group(
    value: Mapping[Any, object] | list[object] | tuple[object, ...], depth: int, room: int
) -> tuple[int, Any]:
    size = 0
    names: list[str] = []
    items: list[Any] = []
    pairs = value.items() if isinstance(value, Mapping) else (("", item) for item in value)
    for key, item in pairs:
        names.append(text_of(key))
        item_size, plain = _plain(item, depth + 1, room - size)
        items.append(plain)
        size += item_size + len(names[-1]) + 1
        if size > room:
            return room + 1, None
    return size, dict(zip(names, items, strict=True)) if isinstance(value, Mapping) else items


def _items(value: object) -> list[object] | tuple[object, ...]:
    return value[:_MAX_NAMES] if isinstance(value, list | tuple) else (value,)


def _flat(value: object, depth: int = 0) -> Iterator[str]:
    if isinstance(value, list | tuple) and depth < _MAX_DEPTH:
        for item in value[:_MAX_NAMES]:
            yield from _flat(item, depth + 1)
    elif isinstance(value, Mapping) and len(value) == 1 and not text_of(value):
        yield from (f"{key}: {text_of(text)}" for key, text in value.items())  # `- C: a language`
    else:
        yield from text_of(value).split("，", _MAX_NAMES)[:_MAX_NAMES]


def _first_str(table: Mapping[Any, object], keys: Iterable[str]) -> str | None:
    texts = (clean(text).strip() for key in keys if isinstance(text := table.get(key), str))
    return next(filter(None, texts), None)
