"""The one walk over a body: cleans the tree and reads text, highlights, pictures and links.

One pass, because each further pass over an article costs as much as parsing its dates.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from worker.model import Image, Link
from worker.normalize.images import picture_of
from worker.normalize.sanitize import ALLOWED, DROPPED
from worker.normalize.selectors import Selectors, Use
from worker.normalize.strings import one_line
from worker.normalize.tree import (
    BLOCKS,
    CELLS,
    HEADINGS,
    Node,
    drop,
    is_alone_in_cell,
    picture_captions,
    wrap_in_strong,
)
from worker.normalize.urls import absolute

_CELL_END = "\x1f"  # ends a cell within a line: no input has it, and a tab would become a space
_NOISE_LIMIT = 300  # characters; a longer paragraph is no editor's line or footer

# How an element is handled. Plain numbers: the lookup of an Enum's member costs 0.1 µs, several
# times for each element.
_DROP, _BLOCK, _CELL, _IMAGE, _BREAK = range(5)
_KINDS = {
    **dict.fromkeys(DROPPED, _DROP),
    **dict.fromkeys(BLOCKS, _BLOCK),
    **dict.fromkeys(CELLS, _CELL),
    "img": _IMAGE,
    "br": _BREAK,
}
# The sanitiser drops the content of any element with a name from MathML or SVG, also of a site's
# own `<fn>` or `<text>`; so unknown elements become spans.
_INLINE = frozenset({*ALLOWED, "span", "font", "picture", "source"})
_REMOVE, _BOLD, _CAPTION = Use.REMOVE, Use.BOLD, Use.CAPTION


class TooDeepError(Exception):
    """The tree is deeper than the limit, and lxml may have cut it off."""


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """How to recognise paragraphs and pictures that do not belong to the article."""

    selectors: Selectors
    editor: Sequence[re.Pattern[str]] = ()
    drop_text: re.Pattern[str] | None = None
    ignore_images: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class TickerHint:
    """An element that may name a security: its attributes and its text."""

    href: str
    id: str
    css_class: str
    tracking: str
    text: str


class BodyWalk:
    """The content of a body, after :meth:`run`, which cleans the tree in place."""

    def __init__(self, noise: NoiseRule, base_url: str | None, ticker_hints: bool) -> None:
        self.lines: list[str] = []
        self.highlights: list[str] = []
        self.links: list[Link] = []
        self.ticker_hints: list[TickerHint] = []
        self.editor: str | None = None
        self.heading: str | None = None
        self._noise = noise
        self._base_url = base_url
        self._with_ticker_hints = ticker_hints
        self._buffer: list[str] = []
        self._captures: list[list[str]] = []
        self._pictures: list[tuple[Node, Image]] = []
        self._captions: list[tuple[Node, str]] = []
        self._special: dict[Node, Use] = {}
        self._pre = self._bold = self._in_cell = 0
        self._after_bold = False

    def run(self, body: Node, depth: int) -> None:
        """Walk below `body`. Raises TooDeepError below `depth`, with the tree half cleaned."""
        self._special = self._noise.selectors.of_tree(body)
        self._children(body, depth)
        self._end_line()

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures in order, each address once, with their captions."""
        captions = picture_captions(self._captions)
        by_url: dict[str, Image] = {}
        for node, image in self._pictures:
            caption = captions.get(node)
            by_url.setdefault(image.url, replace(image, caption=caption) if caption else image)
        return tuple(by_url.values())

    # ── the tree ────────────────────────────────────────────────────────────────────────────

    def _children(self, node: Node, depth: int) -> None:
        if depth < 0:
            raise TooDeepError
        if text := node.text:
            clean = self._read_text(text)
            if clean is not text:  # setting it costs more than the rest
                node.text = clean
        for child in list(node):
            tail = child.tail
            if not tail:
                self._element(child, depth)
                continue
            if len(tail) > 1 and tail.isspace() and not self._pre:
                child.tail = "\n" if "\n" in tail else " "  # before the child may be dropped
            self._element(child, depth)
            clean = self._read_text(tail)
            if clean is not tail and child.getparent() is node:
                child.tail = clean

    def _element(self, node: Node, depth: int) -> None:
        tag = node.tag
        if tag.__class__ is not str:  # a processing instruction
            drop(node)
            return
        use = self._special.get(node) if self._special else None
        if use is None:
            use = self._noise.selectors.match(node, tag)
        kind = _KINDS.get(tag)
        if kind == _DROP or use is _REMOVE:
            drop(node)
        elif kind == _BLOCK:
            self._block(node, tag, use, depth)
        elif kind is None:
            self._inline(node, tag, use, depth)
        elif kind == _IMAGE:
            self._picture(node)
        elif kind == _BREAK:
            self._break()
        else:
            self._cell(node, depth)
        if use is _CAPTION:
            self._captions.append((node, one_line("".join(cast("Iterator[str]", node.itertext())))))

    def _block(self, node: Node, tag: str, use: Use | None, depth: int) -> None:
        is_alone = self._in_cell and is_alone_in_cell(node)
        if not is_alone:
            self._end_line()
        before = len(self.lines), len(self.highlights), len(self.links), len(self._pictures)
        self._pre += tag == "pre"
        if tag not in ALLOWED:
            node.tag = "div"
        if use is _BOLD:
            self._strong(wrap_in_strong(node), depth)
        else:
            self._children(node, depth - 1)
        if not is_alone:
            self._end_line()
        self._pre -= tag == "pre"
        if len(self.lines) == before[0] + 1:
            text = self.lines[-1]
            if tag in HEADINGS:
                self.heading = self.heading or text
            elif tag == "figcaption":
                self._captions.append((node, text))
            if self._is_noise(text):
                del self.lines[before[0] :]
                del self.highlights[before[1] :]
                del self.links[before[2] :]
                del self._pictures[before[3] :]
                drop(node)

    def _cell(self, node: Node, depth: int) -> None:
        if self._buffer:
            self._buffer.append(_CELL_END)
        self._in_cell += 1
        self._children(node, depth - 1)
        self._in_cell -= 1
        if self._buffer:
            self._buffer.append(" ")

    def _inline(self, node: Node, tag: str, use: Use | None, depth: int) -> None:
        if use is _BOLD:
            node.tag = tag = "strong"
        elif tag not in _INLINE:
            node.tag = "span"
        if tag == "a":
            self._link(node, depth)
        elif tag in {"strong", "b"}:
            self._strong(node, depth)
        elif self._with_ticker_hints and node.get("id", "").startswith("stock_"):
            self._add_ticker_hint(node, self._read_captured(node, depth))
        else:
            self._children(node, depth - 1)

    def _strong(self, node: Node, depth: int) -> None:
        """Read a bold run; one directly after another is part of it."""
        if self._bold:
            self._children(node, depth - 1)
            return
        continues = self._after_bold and bool(self.highlights)
        self._bold += 1
        text = self._read_captured(node, depth)
        self._bold -= 1
        if text:
            if continues:
                text = self.highlights.pop() + text
            self.highlights.append(text)
            self._after_bold = bool(self._buffer)

    def _link(self, node: Node, depth: int) -> None:
        href = node.get("href")
        text = self._read_captured(node, depth)
        url = absolute(href, self._base_url)
        if url is None:
            node.attrib.pop("href", "")  # its text stays
        else:
            if url != href:
                node.set("href", url)
            self.links.append(Link(url, text))
            if self._with_ticker_hints:
                self._add_ticker_hint(node, text)

    def _add_ticker_hint(self, node: Node, text: str) -> None:
        get = node.get
        self.ticker_hints.append(
            TickerHint(
                href=get("href", ""),
                id=get("id", ""),
                css_class=get("class", ""),
                tracking=get("data-sudaclick", ""),
                text=text,
            )
        )

    def _picture(self, node: Node) -> None:
        image = picture_of(node, self._base_url, self._noise.ignore_images)
        if image is None:
            drop(node)
            return
        node.set("src", image.url)
        for name, size in (("width", image.width), ("height", image.height)):
            if size is None:
                node.attrib.pop(name, "")
            else:
                node.set(name, str(size))
        self._pictures.append((node, image))

    # ── the text ────────────────────────────────────────────────────────────────────────────

    def _read_text(self, text: str) -> str:
        """Read `text`; returns it as it should be in the HTML."""
        if self._pre:
            self._append(text)
            return text
        if not self._buffer:  # a line begins: no indent, also in the HTML
            text = text.lstrip() or "\n" * ("\n" in text)
            if not text or text == "\n":
                return text
        elif text.isspace():
            self._append(" ")
            return "\n" if "\n" in text else " "
        self._after_bold = False
        self._append(text)
        return text

    def _append(self, text: str) -> None:
        self._buffer.append(text)
        for capture in self._captures:
            capture.append(text)

    def _read_captured(self, node: Node, depth: int) -> str:
        capture: list[str] = []
        self._captures.append(capture)
        self._children(node, depth - 1)
        self._captures.pop()
        return one_line("".join(capture))

    def _break(self) -> None:
        if self._pre:
            self._append("\n")
        else:
            self._end_line()

    def _end_line(self) -> None:
        if not self._buffer:
            return
        for capture in self._captures:
            capture.append(" ")
        self._after_bold = False
        text = "".join(self._buffer)
        self._buffer.clear()
        if self._pre:
            self.lines += filter(None, (row.rstrip() for row in text.split("\n")))
        elif _CELL_END in text:
            cells = (" ".join(cell.split()) for cell in text.split(_CELL_END))
            if row := "\t".join(cells).strip():
                self.lines.append(row)
        elif text := " ".join(text.split()):
            self.lines.append(text)

    def _is_noise(self, text: str) -> bool:
        if len(text) > _NOISE_LIMIT:
            return False
        for pattern in self._noise.editor:
            if match := pattern.fullmatch(text):
                self.editor = self.editor or one_line(match[1], 100) or None
                return True
        drop_text = self._noise.drop_text
        return drop_text is not None and drop_text.search(text) is not None
