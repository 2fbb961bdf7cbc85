"""The names of a site at the ends of its titles: known ones, and what looks like one."""

import re
from collections.abc import Collection, Sequence

from worker.formats.page.passages import letters_in
from worker.formats.page.tree import CJK
from worker.formats.values import html_title
from worker.normalize.title import LONGEST

SEPARATOR = re.compile(r"\s+[-–—|·•»«›:/~]+\s+|\s*(?:\||｜|»|::|_|－)\s*|\s+[-–—]{1,2}(?=\w)")
"""What is between the parts of a title."""


def without_site(title: str, sites: Sequence[str]) -> str:
    """`title` as plain text without the site's name at its end or beginning."""
    text = " ".join(html_title(title).split())
    if len(text) > LONGEST:  # each of its signs might be cut off alone, at the cost of all
        return text
    names = [name for site in sites if len(name := title_key(site)) > 2]
    while (shorter := _cut_once(_without_names(text, names), names)) != text:
        text = shorter
    return text


def without_outlet(text: str) -> str:
    """`text` without what looks like an unknown site's or section's name at its end."""
    while match := _OUTLET.search(text):
        if not _is_longer(text[: match.start()], match[1] or match[2]):
            break
        text = text[: match.start()]
    return text


def outlet_behind(
    title: str, page: str, host: str | None, first_lines: Collection[str] = ()
) -> str | None:
    """The outlet that `page`, a page's title, names last, after the article's `title`.

    Only what is like the host (`The Quay Post` at quaypost.example), is one of the page's
    `first_lines`, its logo, or ends as the names of Chinese outlets do; others are sections.
    """
    parts = _ENDS.split(page.partition(title)[2]) if title else []
    name = parts[-1].strip("-–—›/ ") if len(parts) > 1 else ""
    key, labels = title_key(name), [label for label in (host or "").split(".") if len(label) > 3]
    is_like_host = any(label in key or key in label for label in map(title_key, labels))
    is_outlet = is_like_host or name in first_lines or _CHINESE.search(name)
    return name if 2 < len(key) <= 30 and is_outlet else None


def title_key(text: str) -> str:
    """The letters and digits of a title, by which titles are compared."""
    return letters_in(text).casefold()


def is_wide(text: str, size: int) -> bool:
    """Whether a text of more than `size` letters has Chinese ones, which say more."""
    return len(text) > size and CJK.search(text) is not None


_MARK = re.compile(
    r"\s+[^\w\s]{1,2}\s+|[:：]\s*(?=\w)|(?<=[\u3000-\u9fff])[-—–]{1,2}(?=\w)|[|｜»_]"
)
_WORD = r"(?:[A-ZА-Я]\w*|of|the|and|&)"
_OUTLET = re.compile(
    rf"\s+[-–—·•]\s+({_WORD}(?:(?:\s|(?=&)|(?<=&)){_WORD}){{0,3}})$|"
    r"\s?[-–—]{1,2}\s?([\w·]{1,8}(?:[网網]|[报報]|在线|[频頻]道|论坛|論壇|博客|社[区區]|新闻|[网網]站|"
    r"ニュース|新聞))$"
)
_ENDS = re.compile(r"\s+[-–—·•]+\s+|\s*[_|｜»]+\s*|(?<=[\u3000-\u9fff\uff00-\uffef])[-–—]+")
_CHINESE = re.compile(
    r"[\u4e00-\u9fff](?:[网網]|[报報]|在线|線上|新[闻聞]|财经|財經|通[讯訊]社|[周週]刊|杂志|雜誌|"
    r"电视台|電視[台臺])$"
)
_STRONG = re.compile(r"[|｜»_]|::")


def _without_names(text: str, names: Sequence[str]) -> str:
    """`text` without a whole name of the site at its beginning, or at its end with what follows,
    whatever sign is between; a word before a colon may be the subject."""
    marks = list(_MARK.finditer(text))
    ends = [match.start() for match in marks[1:]] + [len(text)]
    for mark, end in zip(marks, ends, strict=False):
        name = text[mark.end() : end]
        is_name = title_key(name) in names and (":" not in mark[0] or " " in name)
        if is_name and mark.start() > len(text) - end:
            return text[: mark.start()].rstrip()
    first = text[: marks[0].start()] if marks else ""
    is_name = title_key(first) in names and (":" not in marks[0][0] or " " in first)
    return text[marks[0].end() :].lstrip() if is_name else text


def _cut_once(text: str, names: Sequence[str]) -> str:
    separators = list(SEPARATOR.finditer(text))
    if not separators:
        return "" if title_key(text) in names else text
    first, last = separators[0], separators[-1]
    if _is_site(text[last.end() :], names) or (
        _STRONG.search(last[0]) and _is_longer(text[: last.start()], text[last.end() :])
    ):
        return text[: last.start()].rstrip()
    return text[first.end() :].lstrip() if _is_site(text[: first.start()], names) else text


def _is_site(segment: str, names: Sequence[str]) -> bool:
    key = title_key(segment)
    if not key:
        return True
    return (len(key) > 2 or is_wide(key, 1)) and any(
        key == n or (len(key) < 40 and (key in n or n in key)) for n in names
    )


def _is_longer(title: str, segment: str) -> bool:
    """Whether `segment` is short beside the `title`, as a site's name is."""
    return len(title) >= 2 * len(segment) or (len(title.split()) > 3 and len(segment.split()) < 4)
