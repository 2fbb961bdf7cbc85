"""A body: from the HTML of an input to clean HTML, text, pictures, links."""

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from html import unescape

from lxml import etree

from worker.errors import Reason, Rejected
from worker.model import Image, Link
from worker.normalize.flattening import flatten
from worker.normalize.sanitize import sanitize
from worker.normalize.selectors import selectors_of
from worker.normalize.strings import clean_text
from worker.normalize.urls import host_of
from worker.normalize.walk import BodyWalk, NoiseRule, TooDeepError
from worker.sites import BodyRule

HTML_DEPTH = 200
"""Nested elements. lxml's tree ends at 253, or at 2,048 with `huge_tree`."""

_SLACK = 40  # levels that a parser may add to a flat body: implied tbody, p and so on

# References to invalid characters must be replaced before parsing: lxml refuses to write such a
# character into its tree.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});?")
_HIDDEN_REFERENCE = re.compile(
    "&(?:#|shy|lrm|rlm|ZeroWidth|Negative|NoBreak|ApplyF|Invisible|af;|it;|ic;)"
)
# libxml2 is quadratic in the attributes of one tag: 65 s for 200,000. A long tag with few of them
# is a picture as a data: address, and costs nothing.
_HUGE_TAG = re.compile(r"<[^<>]{4000,}")
_MAX_ATTRIBUTES = 200
_COMMON = ("style", "class", "id", "target", "referrerpolicy", "cms-style", "data-sudaclick")
_NO_RULE = BodyRule()


class Body:
    """The content of a body. The parts for a record only (`html`, `images`, `links`) are made on
    demand: a duplicate needs none of them.

    `ticker_hints` are where a site may name securities.
    """

    def __init__(self, walk: BodyWalk, root: etree._Element) -> None:
        self.text = "\n".join(walk.lines)
        self.highlights = tuple(walk.highlights)
        self.editor = walk.editor
        self.heading = walk.heading
        self.ticker_hints = tuple(walk.ticker_hints)
        self._walk = walk
        self._root = root

    @cached_property
    def html(self) -> str:
        """Sanitised. Removing spans and common attributes first saves a quarter of the time; the
        pictures are read before that, because it may remove their captions."""
        _ = self.images
        etree.strip_tags(self._root, "span")
        etree.strip_attributes(self._root, *_COMMON)
        return sanitize(etree.tostring(self._root, encoding="unicode", method="html"))

    @cached_property
    def images(self) -> tuple[Image, ...]:
        return self._walk.images

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """In order, each once."""
        return tuple(dict.fromkeys(self._walk.links))


class Fragment:
    """A parsed body, not yet cleaned."""

    def __init__(self, html: str) -> None:
        html = _HUGE_TAG.sub(_without_attributes, clean_text(html))
        if _HIDDEN_REFERENCE.search(html):
            html = _REFERENCE.sub(_valid_reference, html)
        self._html = html
        self._root = _parse(self._html)

    def image_hosts(self) -> Iterator[str]:
        """The hosts of the pictures, in order: they choose a rule where nothing else does."""
        for node in self._root.iter("img"):
            if host := host_of(node.get("src") or ""):
                yield host

    def clean(
        self,
        rule: BodyRule = _NO_RULE,
        *,
        base_url: str | None = None,
        ticker_hints: bool = False,
        depth: int = HTML_DEPTH,
    ) -> Body:
        """The body by `rule`; callable only once, because the tree is changed.

        A body nested deeper than `depth` is flattened. Raises Rejected(TOO_DEEP) where that
        would cost too much.
        """
        walk = BodyWalk(_noise_rule(rule), base_url, ticker_hints)
        root = self._root
        try:
            walk.run(root, depth)
        except TooDeepError:
            root = _parse(flatten(self._html, depth))
            walk = BodyWalk(_noise_rule(rule), base_url, ticker_hints)
            try:
                walk.run(root, depth + _SLACK)
            except TooDeepError as error:
                raise Rejected(
                    Reason.TOO_DEEP,
                    f"its elements are nested deeper than {depth} (limits.html_depth): flatten it",
                ) from error
        return Body(walk, root)


def text_of(html: str) -> str:
    """The text of an HTML fragment on one line."""
    return " ".join(Fragment(html).clean().text.split("\n")) if "<" in html or "&" in html else html


def _parse(html: str) -> etree._Element:
    """The ``body`` of `html`, without comments."""
    # huge_tree: text nodes over 10 MB, and 2,048 levels, so that the walk notices a tree that lxml
    # cut off: it is deeper than our limit.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    root = etree.fromstring(f"<body>{html}</body>".encode(), parser)
    body = root.find("body") if root is not None else None
    return etree.Element("body") if body is None else body


def _valid_reference(match: re.Match[str]) -> str:
    char = unescape(match[0])
    return match[0] if char and clean_text(char) == char else clean_text(char)


def _without_attributes(match: re.Match[str]) -> str:
    tag = match[0]
    return tag if len(tag.split(None, _MAX_ATTRIBUTES)) <= _MAX_ATTRIBUTES else tag.split()[0]


@lru_cache(maxsize=256)
def _noise_rule(rule: BodyRule) -> NoiseRule:
    return NoiseRule(
        selectors=selectors_of(rule.remove, rule.bold, rule.caption),
        editor=tuple(map(re.compile, rule.editor)),
        drop_text=re.compile("|".join(f"(?:{pattern})" for pattern in rule.drop_text))
        if rule.drop_text
        else None,
        ignore_images=rule.ignore_images,
    )
