"""A body: from the HTML of an input to clean HTML, text, pictures, links."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from worker.model import Image, Link
from worker.model.frozen import dataclass
from worker.normalize.body.elements import hidden_in
from worker.normalize.body.images import with_captions
from worker.normalize.body.sanitize import DROPPED, Writer
from worker.normalize.body.tree import Selectors, Use, group_by_class, parse, unwrap_containers
from worker.normalize.body.walk import BodyWalk, NoiseRule, TickerHint
from worker.normalize.strings import clean_text
from worker.normalize.urls import host_of
from worker.sites import BodyRule

HTML_DEPTH = 200
"""Nested elements in a record's HTML. Deeper ones leave their text, pictures and line breaks."""

# References to characters that may be invalid.
_REFERENCE = re.compile(
    "&(?:#[xX]?[0-9a-fA-F]+|shy|lrm|rlm|ZeroWidth|Negative|NoBreak|ApplyF|Invisible|af;|it;|ic;)"
)
_NO_RULE = BodyRule()


@dataclass(frozen=True, slots=True)
class Body:
    """The content of a body. `ticker_hints` are where a site may name securities; `links` are in
    order, each once."""

    text: str
    html: str
    highlights: tuple[str, ...]
    images: tuple[Image, ...]
    links: tuple[Link, ...]
    editor: str | None
    heading: str | None
    ticker_hints: tuple[TickerHint, ...]


class Fragment:
    """A parsed body, not yet cleaned. Raises Rejected(TOO_DEEP), as `tree.parse` does."""

    def __init__(self, html: str) -> None:
        html = clean_text(html)
        # Then each text is cleaned again. Most references are not: WordPress writes its quotes so.
        self._is_dirty = any(map(_is_invalid, set(_REFERENCE.findall(html))))
        self._root = parse(html)

    def image_hosts(self) -> Iterator[str]:
        """The hosts of the pictures, in order: they choose a rule where nothing else does."""
        for node in self._root.iter_elements("img"):
            if host := host_of(node.attr("src") or ""):
                yield host

    def clean(
        self,
        rule: BodyRule = _NO_RULE,
        *,
        base_url: str | None = None,
        ticker_hints: bool = False,
        depth: int = HTML_DEPTH,
    ) -> Body:
        """The body by `rule`, with HTML nested at most `depth` deep."""
        root, writer = self._root, Writer(depth)
        classes = group_by_class(root)
        groups, noise = _prepared(rule)
        uses = {node: use for use, selectors in groups for node in selectors.select(root, classes)}
        uses.update((node, Use.REMOVE) for node in hidden_in(root, classes))
        unwrap_containers(root, uses)
        walk = BodyWalk(
            noise,
            uses,
            writer,
            base_url=base_url,
            ticker_hints=ticker_hints,
            is_dirty=self._is_dirty,
        )
        walk.run(root)
        return Body(
            text="\n".join(walk.lines),
            html="".join(writer.parts).strip(),
            highlights=tuple(walk.highlights),
            images=with_captions(walk.pictures, walk.captions),
            links=tuple(dict.fromkeys(walk.links)),
            editor=walk.editor,
            heading=walk.heading,
            ticker_hints=tuple(walk.ticker_hints),
        )


def extract_text(html: str) -> str:
    """The text of an HTML fragment on one line."""
    return " ".join(Fragment(html).clean().text.split("\n")) if "<" in html or "&" in html else html


@lru_cache(maxsize=256)
def _is_invalid(reference: str) -> bool:
    """Whether a reference, without its `;`, may be to a character that no record holds."""
    if not reference.startswith("&#"):
        return True
    hexadecimal = reference[2] in "xX"
    try:
        char = chr(int(reference[3:], 16) if hexadecimal else int(reference[2:]))
        return clean_text(char) != char
    except (ValueError, OverflowError):  # `&#12ab`, or beyond Unicode
        return True


@lru_cache(maxsize=256)
def _prepared(rule: BodyRule) -> tuple[Sequence[tuple[Use, Selectors]], NoiseRule]:
    """Of an element that several selectors match, the last use counts."""
    remove = [selector for selector in rule.remove if selector not in DROPPED]  # always removed
    groups = ((Use.CAPTION, rule.caption), (Use.BOLD, rule.bold), (Use.REMOVE, remove))
    return [(use, Selectors.of(selectors)) for use, selectors in groups], NoiseRule(
        editor=tuple(map(re.compile, rule.editor)),
        drop_text=re.compile("|".join(f"(?:{pattern})" for pattern in rule.drop_text))
        if rule.drop_text
        else None,
        ignore_images=rule.ignore_images,
    )
