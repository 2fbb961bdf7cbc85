"""A look over a feed's tags that decides which parser reads it.

fastfeedparser is 4 to 20 times as fast as feedparser (0.1 to 2.9 ms against 0.4 to 58 ms over the
40 sample feeds) and mends more broken XML, but it

- turns every date into UTC (one without a zone is taken for UTC) and drops what it cannot read,
- keeps one author of an entry, and no author's address,
- does not resolve `xml:base`, and leaves the wrapper around XHTML content,
- makes up a description from the content where an entry has none,
- knows neither the language nor the own address of many feeds.

Where a feed has any of the first four, feedparser reads it; the last is read from its head.
"""

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Survey:
    """What the tags say. `first` is where the first entry begins (the end if there is none).

    `cut` means that the text ends within an entry; `summaries` that entries have them.
    """

    entries: int
    unclosed: int
    first: int
    cut: bool
    summaries: bool
    fast: bool


def survey(text: str) -> Survey:
    """Count tags in one pass; nothing is parsed, so markup quoted in CDATA counts too."""
    entries = closed = summaries = 0
    first = last_open = len(text)
    last_close = -1
    for match in _TAG.finditer(text):
        closing, name = match[1], match[2]
        if name in ("item", "entry"):
            if closing:
                closed += 1
                last_close = match.start()
            elif not entries:
                entries, first, last_open = 1, match.start(), match.start()
            else:
                entries += 1
                last_open = match.start()
        elif entries and not closing:
            summaries += 1
    return Survey(
        entries=entries,
        unclosed=entries - closed,
        first=first,
        cut=bool(entries) and last_close < last_open,
        summaries=summaries > 0,
        fast=summaries in (0, entries) and not _LOST.search(text) and not _naive_date(text),
    )


_TAG = re.compile(r"<(/?)(?:[\w.-]{1,40}:)?(item|entry|description|summary)(?=[\s>])")
_DATE = re.compile(
    r"<(?:\w{1,20}:)?(?:pubDate|published|updated|issued|modified|date|created)(?:\s[^<>]{0,200})?>"
    r"([^<>]{0,80})</"
)
_ZONED = re.compile(r"(?:Z|[+-]\d\d:?\d\d|\bGMT|\bUTC?)\s*\Z")
_LOST = re.compile(
    r"\sxml:base\s*=|\stype\s*=\s*[\"'](?:application/xhtml\+xml|xhtml)|<(?:\w{1,20}:)?uri>"
    r"|</(?:author|dc:creator)>\s{0,200}<(?:author|dc:creator)\b"
)


def _naive_date(text: str) -> bool:
    return any(not _ZONED.search(match[1]) for match in _DATE.finditer(text))
