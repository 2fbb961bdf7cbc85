"""Names of elements as feeds mean them: one short prefix a namespace, whatever its address is.

Publishers write the addresses of namespaces in other cases, with other slashes, or with a prefix
that nothing declares. Sources: the specifications named beside each; the spellings were met in
feeds.
"""

from functools import lru_cache
from typing import Final

from lxml import etree

Element = etree._Element

RSS: Final = ""
"""Elements of RSS itself, with no namespace or with one of the old ones of RSS 0.9, 1.0 and 2.0."""

_ADDRESSES: Final = {
    RSS: (
        "purl.org/rss/1.0", "my.netscape.com/rdf/simple/0.9", "channel.netscape.com/rdf/simple/0.9",
        "backend.userland.com/rss", "backend.userland.com/rss2", "blogs.law.harvard.edu/tech/rss",
        "my.netscape.com/publish/formats/rss-0.91.dtd", "purl.org/net/rss1.1",
        "backend.userland.com/rss191", "cyber.law.harvard.edu/rss",
    ),
    "atom": ("www.w3.org/2005/atom", "purl.org/atom/ns", "purl.org/atom"),
    "rdf": ("www.w3.org/1999/02/22-rdf-syntax-ns",),
    "dc": ("purl.org/dc/elements/1.1", "purl.org/dc/elements/1.0"),
    "dcterms": ("purl.org/dc/terms",),
    "content": ("purl.org/rss/1.0/modules/content",),
    "sy": ("purl.org/rss/1.0/modules/syndication",),
    "itunes": (
        "www.itunes.com/dtds/podcast-1.0.dtd", "www.itunes.com/dtds/podcast-1.0",
        "example.com/dtds/podcast-1.0.dtd", "www.itunes.com/dtd/podcast-1.0.dtd",
    ),
    "media": ("search.yahoo.com/mrss", "search.yahoo.com/mrss_", "www.rssboard.org/media-rss"),
    "googleplay": ("www.google.com/schemas/play-podcasts/1.0",),
    "feedburner": ("rssnamespace.org/feedburner/ext/1.0",),
    "pheedo": ("www.pheedo.com/namespace/pheedo",),
    "prism": (
        "prismstandard.org/namespaces/1.2/basic", "prismstandard.org/namespaces/basic/2.0",
        "purl.org/rss/1.0/modules/prism",
    ),
    "yandex": ("news.yandex.ru",),
    "turbo": ("turbo.yandex.ru",),
    "enc": ("purl.oclc.org/net/rss_2.0/enc",),
    "xhtml": ("www.w3.org/1999/xhtml",),
    "xml": ("www.w3.org/xml/1998/namespace",),
}  # fmt: skip

_PREFIXES: Final = {address: prefix for prefix, all_ in _ADDRESSES.items() for address in all_}

UNDECLARED: Final = {
    "atom": "http://www.w3.org/2005/Atom",
    "atom10": "http://www.w3.org/2005/Atom",
    "content": "http://purl.org/rss/1.0/modules/content/",
    "dc": "http://purl.org/dc/elements/1.1/",
    "dcterms": "http://purl.org/dc/terms/",
    "feedburner": "http://rssnamespace.org/feedburner/ext/1.0",
    "googleplay": "http://www.google.com/schemas/play-podcasts/1.0",
    "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
    "media": "http://search.yahoo.com/mrss/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "rss": "http://purl.org/rss/1.0/",
    "sy": "http://purl.org/rss/1.0/modules/syndication/",
    "xhtml": "http://www.w3.org/1999/xhtml",
    "xml": "http://www.w3.org/XML/1998/namespace",
}
"""The namespaces of prefixes that feeds use and do not declare."""


VOID_ELEMENTS: Final = frozenset(
    ["area", "br", "col", "embed", "hr", "img", "input", "meta", "param", "source", "track", "wbr"]
)
"""HTML's elements without an end tag, but for `link`, which feeds have as their own."""


@lru_cache(maxsize=4096)
def name_of(tag: object) -> str:
    """`{address}Local` as `prefix:local`; `local` for RSS's own; `?:local` for any other; empty for
    the tag of what is no element."""
    if not isinstance(tag, str):
        return ""
    if tag[0] != "{":
        return tag.lower()
    address, _, local = tag[1:].partition("}")
    prefix = _PREFIXES.get(_bare(address), "?") if address else RSS
    return f"{prefix}:{local.lower()}" if prefix else local.lower()


MISNAMED_ROOTS: Final = ("?:rss", "?:feed", "atom:rss", "xhtml:rss")


def correct_namespace(root: Element) -> None:
    """Give a feed whose root is in a wrong namespace the names of RSS or Atom: publishers copy a
    wrong default namespace, and every element has it. A prefixed one keeps its own."""
    name = name_of(root.tag)
    if name not in MISNAMED_ROOTS:
        return
    address = etree.QName(root).namespace
    meant = f"{{{UNDECLARED['atom']}}}" if name == "?:feed" else ""
    for element in root.iter(f"{{{address}}}*"):
        if element.prefix and not root.prefix:
            continue
        element.tag = meant + etree.QName(element).localname


def _bare(address: str) -> str:
    """An address without what publishers vary: scheme, case, white space, final slash or `#`."""
    address = address.strip().lower()
    return address.removeprefix("http://").removeprefix("https://").rstrip("/#")
