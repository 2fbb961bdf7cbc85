"""The one walk over a body: cleans the tree and reads text, highlights, pictures and links.

One pass, because each further pass over an article costs as much as parsing its dates.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import cast

from worker.model import Image, Link
from worker.normalize.blocks import BLOCKS, CELLS, HEADINGS
from worker.normalize.images import picture_of
from worker.normalize.sanitize import ALLOWED, DROPPED
from worker.normalize.selectors import Selectors, Use
from worker.normalize.strings import line
from worker.normalize.tree import Node, captions_of_pictures, drop, is_alone_in_cell, wrapped
from worker.normalize.urls import absolute

_CELL_END = "\x1f"  # within a line that is being read: no input has it, and a tab would be a blank
_NOISE_LIMIT = 300  # characters; a longer paragraph is never an editor's line or a footer

# What is done with an element. Plain numbers: looking a member of an Enum up costs 0.1 µs, and
# this is asked several times for each element.
_DROP, _BLOCK, _CELL, _IMAGE, _BREAK = range(5)
_KINDS = {
    **dict.fromkeys(DROPPED, _DROP),
    **dict.fromkeys(BLOCKS, _BLOCK),
    **dict.fromkeys(CELLS, _CELL),
    "img": _IMAGE,
    "br": _BREAK,
}
# The sanitiser takes any element with a name out of MathML or SVG for a trap and drops its content,
# also where it is a site's own `<fn>` or `<text>`; so what it does not know goes in as a span.
_INLINE = frozenset({*ALLOWED, "span", "font", "picture", "source"})
_REMOVE, _BOLD, _CAPTION = Use.REMOVE, Use.BOLD, Use.CAPTION


class TooDeepError(Exception):
    """The tree is deeper than the bound, and may lack what lxml left out."""


@dataclass(frozen=True, slots=True)
class Noise:
    """How a rule tells paragraphs and pictures that do not belong to the article."""

    selectors: Selectors
    editor: Sequence[re.Pattern[str]] = ()
    drop_text: re.Pattern[str] | None = None
    ignore_images: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """An element or comment that may name a security: `node` tells which, `text` is its text."""

    href: str
    id: str
    css_class: str
    tracking: str
    text: str


class Walk:
    """What a body holds, after :meth:`run`; the tree is cleaned in place."""

    def __init__(self, noise: Noise, *, base_url: str | None, depth: int, marks: bool) -> None:
        self.lines: list[str] = []
        self.highlights: list[str] = []
        self.links: list[Link] = []
        self.marks: list[Mark] = []
        self.editor: str | None = None
        self.heading: str | None = None
        self._noise = noise
        self._base_url = base_url
        self._depth = depth
        self._with_marks = marks
        self._buffer: list[str] = []
        self._captures: list[list[str]] = []
        self._pictures: list[tuple[Node, Image]] = []
        self._captions: list[tuple[Node, str]] = []
        self._special: dict[Node, Use] = {}
        self._pre = self._bold = self._in_cell = 0
        self._after_bold = False

    def run(self, body: Node) -> None:
        """Walk below `body`. Raises TooDeepError; the tree is then half cleaned."""
        self._special = self._noise.selectors.of_tree(body)
        self._inside(body, self._depth)
        self._end_line()

    @property
    def images(self) -> tuple[Image, ...]:
        """The pictures in order, each address once, with their captions."""
        captions = captions_of_pictures(self._captions)
        found: dict[str, Image] = {}
        for node, image in self._pictures:
            caption = captions.get(node)
            found.setdefault(image.url, replace(image, caption=caption) if caption else image)
        return tuple(found.values())

    # ── the tree ────────────────────────────────────────────────────────────────────────────

    def _inside(self, node: Node, depth: int) -> None:
        if depth < 0:
            raise TooDeepError
        if text := node.text:
            said = self._say(text)
            if said is not text:  # setting it costs more than all else done with it
                node.text = said
        for child in list(node):
            tail = child.tail
            if not tail:
                self._element(child, depth)
                continue
            if len(tail) > 1 and tail.isspace() and not self._pre:
                child.tail = "\n" if "\n" in tail else " "  # before the child may be dropped
            self._element(child, depth)
            said = self._say(tail)
            if said is not tail and child.getparent() is node:
                child.tail = said

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
            self._captions.append((node, line("".join(cast("Iterator[str]", node.itertext())))))

    def _block(self, node: Node, tag: str, use: Use | None, depth: int) -> None:
        alone = self._in_cell and is_alone_in_cell(node)
        if not alone:
            self._end_line()
        before = len(self.lines), len(self.highlights), len(self.links), len(self._pictures)
        self._pre += tag == "pre"
        if tag not in ALLOWED:
            node.tag = "div"
        if use is _BOLD:
            self._strong(wrapped(node), depth)
        else:
            self._inside(node, depth - 1)
        if not alone:
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
        self._inside(node, depth - 1)
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
        elif self._with_marks and node.get("id", "").startswith("stock_"):
            self._marked(node, depth)
        else:
            self._inside(node, depth - 1)

    def _strong(self, node: Node, depth: int) -> None:
        """Read a bold run; one that follows another without a break is part of it."""
        if self._bold:
            self._inside(node, depth - 1)
            return
        joined = self._after_bold and bool(self.highlights)
        self._bold += 1
        text = self._captured(node, depth)
        self._bold -= 1
        if text:
            if joined:
                text = self.highlights.pop() + text
            self.highlights.append(text)
            self._after_bold = bool(self._buffer)

    def _link(self, node: Node, depth: int) -> None:
        written = node.get("href")
        text = self._captured(node, depth)
        url = absolute(written, self._base_url)
        if url is None:
            node.attrib.pop("href", "")  # its text stays: only where it led is unknown
        else:
            if url != written:
                node.set("href", url)
            self.links.append(Link(url, text))
            if self._with_marks:
                self._mark(node, text)

    def _marked(self, node: Node, depth: int) -> None:
        self._mark(node, self._captured(node, depth))

    def _mark(self, node: Node, text: str) -> None:
        get = node.get
        self.marks.append(
            Mark(
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

    def _say(self, text: str) -> str:
        """Read `text`; returned as it should stand in the HTML."""
        if self._pre:
            self._hear(text)
            return text
        if not self._buffer:  # a line begins: no indent, in the HTML neither
            text = text.lstrip() or "\n" * ("\n" in text)
            if not text or text == "\n":
                return text
        elif text.isspace():
            self._hear(" ")
            return "\n" if "\n" in text else " "
        self._after_bold = False
        self._hear(text)
        return text

    def _hear(self, text: str) -> None:
        self._buffer.append(text)
        for capture in self._captures:
            capture.append(text)

    def _captured(self, node: Node, depth: int) -> str:
        capture: list[str] = []
        self._captures.append(capture)
        self._inside(node, depth - 1)
        self._captures.pop()
        return line("".join(capture))

    def _break(self) -> None:
        if self._pre:
            self._hear("\n")
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
                self.editor = self.editor or line(match[1], 100) or None
                return True
        drop = self._noise.drop_text
        return drop is not None and drop.search(text) is not None
