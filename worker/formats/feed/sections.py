"""CDATA sections and comments that are never closed: one would hide all entries after it.

Publishers cut texts at a number of characters, and `]]>` with them.
"""

import re
from collections.abc import Iterator

_OPENER = re.compile(r"<!\[CDATA\[|<!--")
CLOSERS = {"<![CDATA[": "]]>", "<!--": "-->"}
"""The end of a section whose text is no markup, by its beginning."""
_ENTRY_END = re.compile(r"</(?:\w{1,20}:)?(?:item|entry)\s*>", re.IGNORECASE)
_HOLDER = re.compile(r"<([A-Za-z_][\w.:-]{0,99})(?:\s[^<>]{0,500})?>\s{0,100}\Z")
_REACH = 700
"""Characters before a section in which its element begins."""


def close_sections(text: str) -> str:
    """`text` with each such CDATA section closed at the end of its element, and the beginning of
    each such comment left out. A section is open where nothing closes it, or where another begins
    after the end of the entry and before the closing: neither can hold its like. Linear in time.
    """
    return "".join(_parts(text)) if "<!" in text else text


def _parts(text: str) -> Iterator[str]:
    openers = {opener: _Next(re.compile(re.escape(opener)), text) for opener in CLOSERS}
    closers = {opener: _Next(re.compile(re.escape(end)), text) for opener, end in CLOSERS.items()}
    entry_ends = _Next(_ENTRY_END, text)
    copied_to = section_end = 0
    for match in _OPENER.finditer(text):
        opener, start, begin = match[0], match.start(), match.end()
        if start < section_end:
            continue
        end, entry_end = closers[opener].after(begin), entry_ends.after(begin)
        following = openers[opener].after(begin)
        if end < len(text) and not entry_end < openers[opener].after(entry_end) < end:
            section_end = end + len(CLOSERS[opener])
            continue
        holder = _HOLDER.search(text[max(0, start - _REACH) : start])
        limit = min(entry_end, following)
        place = text.find(f"</{holder[1]}", begin, limit) if holder and opener != "<!--" else -1
        if place < 0:
            yield text[copied_to:start]
            copied_to = section_end = begin
        else:
            yield f"{text[copied_to:place]}]]>"
            copied_to = section_end = place
    yield text[copied_to:]


class _Next:
    """Where a pattern is found next; the text's length where it is not. Each place is searched for
    once, as long as the questions move forward."""

    def __init__(self, pattern: re.Pattern[str], text: str) -> None:
        self._pattern, self._text = pattern, text
        self._from, self._place = 0, -1

    def after(self, position: int) -> int:
        if not self._from <= position <= self._place:
            match = self._pattern.search(self._text, position)
            self._from, self._place = position, match.start() if match else len(self._text)
        return self._place
