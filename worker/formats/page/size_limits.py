"""Limits on a page, checked before a tree is built; the visible length of a fragment."""

from collections.abc import Mapping

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.memory import check_memory
from worker.settings import Limits

MAX_ELEMENTS = 30_000
"""In one page, comments counted. The largest of 435 pages has 9,751. 30,000 cost 100 MB and 2 to
4 s; 26,000 cells in one row of a table, 5 s. lxml's `iterwalk` takes quadratic time over comments:
1 s for 100,000."""

MAX_CHARACTERS = 4_000_000
"""Of text, scripts and styles not counted: a long novel. 30 million take 3 GB."""

MAX_ATTRIBUTES = 1_000
"""In one element. libxml2 compares each new one with all before: 80,000 take 12 s."""


def check_size(text: str, limits: Limits) -> None:
    """Refuse a page that is too costly to build a tree of: bs4 and CSS are slow in depth.

    Raises Rejected: `too_deep`, `too_large`.
    """
    feed_html(text, _Guard(limits.html_depth))


def visible_length(html: str) -> int:
    """Characters of text in a fragment, without white space, scripts and styles.

    Counted from parser events: linear in any input, where a tree might not be.
    """
    counter = Events()
    feed_html(html, counter)
    return counter.visible


class Events:
    """A parser target that only counts: 20 times cheaper than the tree."""

    def __init__(self) -> None:
        self.depth = self.characters = self.visible = 0
        self.in_code = False

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        self.depth += 1
        self.in_code = tag in ("script", "style")

    def end(self, tag: str | bytes) -> None:
        self.depth -= 1
        self.in_code = False

    def data(self, data: str | bytes) -> None:
        if not self.in_code:
            self.characters += len(data)
            self.visible += sum(map(len, data.split()))

    def comment(self, text: str | bytes) -> None:
        """lxml requires this method and the next."""

    def close(self) -> None: ...


def feed_html(text: str, target: Events) -> None:
    """Send the parser events of `text` to `target`, up to what libxml2 cannot read."""
    parser = etree.HTMLParser(target=target, huge_tree=True)
    try:
        for start in range(0, len(text), _CHUNK):
            parser.feed(text[start : start + _CHUNK])
        parser.close()
    except etree.LxmlError as error:  # bs4 decides whether there is an article
        check_memory(error)


_CHUNK = 64 * 1024


class _Guard(Events):
    def __init__(self, max_depth: int) -> None:
        super().__init__()
        self.max_depth = max_depth
        self.elements = 0

    def start(self, tag: str | bytes, attrib: Mapping[str | bytes, str | bytes]) -> None:
        super().start(tag, attrib)
        if self.depth > self.max_depth:
            raise Rejected(
                Reason.TOO_DEEP,
                f"the page nests more than {self.max_depth} elements (limits.html_depth): "
                "no article does; drop the article alone",
            )
        self._count()
        if len(attrib) > MAX_ATTRIBUTES:
            raise _too_large(f"{MAX_ATTRIBUTES} attributes in one element")

    def comment(self, text: str | bytes) -> None:
        self._count()

    def data(self, data: str | bytes) -> None:
        if not self.in_code:
            self.characters += len(data)
            if self.characters > MAX_CHARACTERS:
                raise _too_large(f"{MAX_CHARACTERS} characters of text")

    def _count(self) -> None:
        self.elements += 1
        if self.elements > MAX_ELEMENTS:
            raise _too_large(f"{MAX_ELEMENTS} elements and comments")


def _too_large(excess: str) -> Rejected:
    return Rejected(
        Reason.TOO_LARGE, f"the page has more than {excess}: drop the article alone, or in parts"
    )
