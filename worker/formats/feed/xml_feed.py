"""RSS and Atom: one path for feeds from files and from polls.

The text becomes one tree (:mod:`worker.formats.feed.tree`), an adapter for each dialect makes
entries of it, and an entry becomes an article when it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lxml import etree

from worker.errors import Reason, Rejected
from worker.formats.context import LookUp, ParseContext, Parsed, too_many
from worker.formats.feed import atom, rss
from worker.formats.feed.division import divide, insert_entries
from worker.formats.feed.entries import Head, article_of
from worker.formats.feed.namespaces import MISNAMED_ROOTS, Element, correct_namespace, name_of
from worker.formats.feed.tree import feed_tree, strict_root
from worker.formats.feed.xml_text import safe_xml, utf8
from worker.formats.sniff import FEED_ROOTS, feed_start, prolog
from worker.model import Document, RawArticle, Refusal
from worker.settings import Limits


@dataclass(frozen=True, slots=True)
class XmlFeed:
    """A feed's own fields, and its entries as elements. `is_cut`: the last one is not whole."""

    head: Head
    elements: list[Element]
    is_atom: bool
    is_cut: bool
    feed_url: str | None
    raws: Sequence[bytes] = ()
    """The text of each entry of a feed of which only those not in `is_known` were parsed."""
    is_known: Sequence[bool] = ()

    def read(self, number: int) -> RawArticle | Refusal:
        """An entry; one without title and text, or cut off, is a Refusal."""
        element = self.elements[number]
        if self.is_cut and number == len(self.elements) - 1:
            message = (
                "the feed was cut off in this entry: drop the whole file again; "
                "a polled feed is fetched again"
            )
            return Refusal(Reason.MALFORMED, message)
        dialect = atom if self.is_atom else rss
        try:
            entry = dialect.entry(element, self.head, self.feed_url)
            return article_of(entry, self.head, self.feed_url)
        except Rejected as error:  # no other entry's fault
            return Refusal(error.reason, str(error))

    def raw(self, number: int) -> bytes:
        if self.raws:
            return self.raws[number]
        return etree.tostring(self.elements[number], encoding="utf-8", with_tail=False)

    def guid(self, number: int) -> str:
        """The key of an entry within its feed: its guid, else its address and title."""
        texts = {"guid": "", "id": "", "link": "", "title": ""}
        for child in self.elements[number]:
            name = name_of(child.tag).removeprefix("atom:")
            if name in texts and not texts[name]:
                texts[name] = (child.text or child.get("href") or "").strip()
                if texts["guid"]:  # lxml makes an object of each child: 0.1 ms a feed
                    return texts["guid"]
        return texts["id"] or "\0".join((texts["link"], texts["title"]))


def parse_feed(text: str, document: Document, context: ParseContext) -> Parsed:
    """The entries of a feed in a file.

    Raises Rejected: what `open_feed` raises, and `empty` for a feed without entries.
    """
    feed = open_feed(text, document, context.limits)
    if not feed.elements:
        raise Rejected(
            Reason.EMPTY, "the feed holds no entry that can be read: check that it is whole"
        )
    yield from map(feed.read, range(len(feed.elements)))


def open_feed(
    text: str, document: Document, limits: Limits, look_up: LookUp | None = None
) -> XmlFeed:
    """The feed `text`, which may have no entries. With `look_up` known ones need not be readable.

    Raises Rejected: `unsafe` for entities that are no short texts, `too_many` and `too_large` for
    what would cost too much, `malformed` where there is no element.
    """
    text = text[feed_start(text) :].lstrip("\ufeff\u200b \t\r\n")
    if look_up and (feed := _with_new_entries(text.encode(), document, limits, look_up)):
        return feed
    # Before a tree is built: one of 4 million empty items takes 1 GB. Quoted markup may count, too.
    if text.count("<item") + text.count("<entry") > 2 * limits.articles:
        raise too_many(limits)
    tree = feed_tree(safe_xml(utf8(text)))
    correct_namespace(tree.root)
    feed = _feed_of(tree.root, document, is_cut=tree.is_cut)
    if len(feed.elements) > limits.articles:
        raise too_many(limits)
    return feed


def open_divided(
    data: bytes, document: Document, limits: Limits, look_up: LookUp
) -> XmlFeed | None:
    """The feed in `data`, plain UTF-8, of which only new entries are decoded; None where it is no
    feed, or has to be decoded and parsed as a whole. Raises Rejected, as `open_feed`."""
    head = data[:_PROLOG].decode("latin-1")
    is_feed = prolog(head)[0] in FEED_ROOTS and "<?xml" not in head[1:]
    if not is_feed or head[:1] != "<" or head.startswith("<!--"):
        return None
    return _with_new_entries(data, document, limits, look_up)


_PROLOG = 4_000
"""Bytes in which the root element has to begin."""


def _with_new_entries(
    data: bytes, document: Document, limits: Limits, look_up: LookUp
) -> XmlFeed | None:
    """The feed with its known entries in outline; None where it has to be parsed as a whole."""
    division = divide(data, limits.articles)
    root = strict_root(safe_xml(utf8(division.outline))) if division else None
    if division is None or root is None or name_of(root.tag) in MISNAMED_ROOTS:
        return None
    feed = _feed_of(root, document)
    if len(feed.elements) != len(division.entries):
        return None
    is_known = look_up(division.entries)
    new = [number for number, is_old in enumerate(is_known) if not is_old]
    if not insert_entries(feed.elements, division.entries, new):
        return None
    return replace(feed, raws=division.entries, is_known=is_known)


def _feed_of(root: Element, document: Document, *, is_cut: bool = False) -> XmlFeed:
    is_atom = name_of(root.tag).removeprefix("atom:") == "feed"
    dialect = atom if is_atom else rss
    elements = atom.entries(root) if is_atom else rss.items(root)
    return XmlFeed(dialect.head(root, document.url), elements, is_atom, is_cut, document.url)
