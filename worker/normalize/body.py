"""A body: from the HTML of an input to clean HTML, text, pictures, links."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from html import unescape

from lxml import etree

from worker.errors import Reason, Rejected
from worker.model import Image, Link
from worker.normalize.deep import made_shallow
from worker.normalize.sanitize import sanitize
from worker.normalize.selectors import selectors_of
from worker.normalize.strings import fit
from worker.normalize.urls import host_of
from worker.normalize.walk import Mark, Noise, TooDeepError, Walk
from worker.sites import BodyRule

HTML_DEPTH = 200
"""Elements within each other. lxml's tree ends at 253, or at 2,048 with `huge_tree`."""

_SLACK = 40  # levels that a parser may add to a body made shallow: it implies tbody, p and such

# References to characters that are not fit for a record: once the HTML is parsed they are in the
# tree, where lxml refuses to write them back.
_REFERENCE = re.compile(r"&(?:#[0-9]{1,9}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z][A-Za-z0-9]{1,31});?")
_HIDDEN_REFERENCE = re.compile(
    "&(?:#|shy|lrm|rlm|ZeroWidth|Negative|NoBreak|ApplyF|Invisible|af;|it;|ic;)"
)
# libxml2 takes time by the square of the attributes of one tag: 65 s for 200,000. A long tag with
# few of them is a picture as a data: address, and costs nothing.
_HUGE_TAG = re.compile(r"<[^<>]{4000,}")
_MOST_ATTRIBUTES = 200
_COMMON = ("style", "class", "id", "target", "referrerpolicy", "cms-style", "data-sudaclick")
_NO_NOISE = BodyRule()


@dataclass(frozen=True)
class Body:
    """What a body holds. What only a record needs (`html`, `images`, `links`) is made when it is
    asked for: an article that is known already needs none of it.

    `marks` are where a site may name securities.
    """

    text: str
    highlights: tuple[str, ...]
    editor: str | None
    heading: str | None
    marks: tuple[Mark, ...]
    _walk: Walk
    _root: etree._Element

    @cached_property
    def html(self) -> str:
        """Sanitised. What the sanitiser would take away anyway goes before, in a quarter less time
        for both; the pictures are looked at first, because their captions may be in it."""
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
        html = _HUGE_TAG.sub(_without_attributes, fit(html))
        if _HIDDEN_REFERENCE.search(html):
            html = _REFERENCE.sub(_fit_reference, html)
        self._html = html
        self._root = _parse(self._html)

    def image_hosts(self) -> Iterator[str]:
        """The hosts of the pictures, in order: what chooses a rule where nothing else does."""
        for node in self._root.iter("img"):
            if host := host_of(node.get("src") or ""):
                yield host

    def clean(
        self,
        rule: BodyRule = _NO_NOISE,
        *,
        base_url: str | None = None,
        marks: bool = False,
        depth: int = HTML_DEPTH,
    ) -> Body:
        """The body by `rule`; once only, because the tree is changed.

        Nested deeper than `depth` it is read again by bs4, and what is deeper is lifted up.
        Raises Rejected(TOO_DEEP) where that would cost too much.
        """
        try:
            walk = self._walk(self._root, rule, base_url, marks, depth)
            root = self._root
        except TooDeepError:
            root = _parse(made_shallow(self._html, depth))
            try:
                walk = self._walk(root, rule, base_url, marks, depth + _SLACK)
            except TooDeepError as error:
                raise Rejected(
                    Reason.TOO_DEEP,
                    f"its elements are nested deeper than {depth} (limits.html_depth): flatten it",
                ) from error
        return self._body(walk, root)

    def _walk(
        self, root: etree._Element, rule: BodyRule, base_url: str | None, marks: bool, depth: int
    ) -> Walk:
        walk = Walk(_noise(rule), base_url=base_url, depth=depth, marks=marks)
        walk.run(root)
        return walk

    def _body(self, walk: Walk, root: etree._Element) -> Body:
        return Body(
            text="\n".join(walk.lines),
            highlights=tuple(walk.highlights),
            editor=walk.editor,
            heading=walk.heading,
            marks=tuple(walk.marks),
            _walk=walk,
            _root=root,
        )


def text_of(html: str) -> str:
    """The text of a piece of HTML on one line, as for a summary that holds some."""
    return " ".join(Fragment(html).clean().text.split("\n")) if "<" in html or "&" in html else html


def _parse(html: str) -> etree._Element:
    """The ``body`` of `html`, without comments."""
    # huge_tree: no text node is too long (else 10 MB), and 2,048 levels, so that what is left
    # out always leaves a tree deeper than our bound: the walk sees it.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, remove_comments=True)
    root = etree.fromstring(f"<body>{html}</body>".encode(), parser)
    body = root.find("body") if root is not None else None
    return etree.Element("body") if body is None else body


def _fit_reference(match: re.Match[str]) -> str:
    char = unescape(match[0])
    return match[0] if char and fit(char) == char else fit(char)


def _without_attributes(match: re.Match[str]) -> str:
    tag = match[0]
    return tag if len(tag.split(None, _MOST_ATTRIBUTES)) <= _MOST_ATTRIBUTES else tag.split()[0]


@lru_cache(maxsize=256)
def _noise(rule: BodyRule) -> Noise:
    return Noise(
        selectors=selectors_of(rule.remove, rule.bold, rule.caption),
        editor=tuple(map(re.compile, rule.editor)),
        drop_text=re.compile("|".join(f"(?:{one})" for one in rule.drop_text))
        if rule.drop_text
        else None,
        ignore_images=rule.ignore_images,
    )
