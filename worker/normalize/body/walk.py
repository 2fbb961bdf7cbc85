"""The one walk over a body: reads text, highlights, links and pictures, and writes clean HTML.

One pass, because each further pass over an article costs as much as parsing its dates. The stack
is explicit, so depth costs no recursion.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from turbohtml import Element, Namespace, Node, Text

from worker.model import Image, Link
from worker.model.frozen import dataclass
from worker.normalize.body.elements import BLOCKS, CELLS, HEADINGS
from worker.normalize.body.images import picture_of
from worker.normalize.body.lines import Lines
from worker.normalize.body.sanitize import ALLOWED, DROPPED, End, Writer, attributes_of, nothing
from worker.normalize.body.tree import Use
from worker.normalize.strings import one_line
from worker.normalize.urls import absolute

_NOISE_LIMIT = 300  # characters; a longer paragraph is no editor's line or footer

_REMOVE, _BOLD, _CAPTION = Use.REMOVE, Use.BOLD, Use.CAPTION


@dataclass(frozen=True, slots=True)
class NoiseRule:
    """How to recognise paragraphs and pictures that do not belong to the article."""

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
    """The content of a body, after :meth:`run`. The site's selectors match the elements `uses`."""

    def __init__(
        self,
        noise: NoiseRule,
        uses: dict[Element, Use],
        writer: Writer,
        *,
        base_url: str | None,
        ticker_hints: bool,
        is_dirty: bool,
    ) -> None:
        self.highlights: list[str] = []
        self.links: list[Link] = []
        self.pictures: list[tuple[Element, Image]] = []
        self.captions: list[tuple[Element, str]] = []
        self.ticker_hints: list[TickerHint] = []
        self.editor: str | None = None
        self.heading: str | None = None
        self._noise = noise
        self._uses = uses
        self._writer = writer
        self._base_url = base_url
        self._with_ticker_hints = ticker_hints
        self._text = Lines(writer, is_dirty=is_dirty)
        self.lines = self._text.lines
        self._items: tuple[list[Any], ...] = (
            *(self.lines, self.highlights, self.links, self.pictures, writer.parts),
        )
        self._texts = self._text.texts
        self._bold = self._highlight_start = 0
        self._has_math = False
        self._alone: Element | None = None  # the only element of a table cell

    def run(self, body: Element) -> None:
        """Walk below `body`."""
        stack: list[tuple[Iterator[Node], End]] = []
        children = iter(body)
        add_text, begin = self._text.add, self._element
        method_of, use_of = _METHODS.get, self._uses.get
        while True:
            for node in children:
                if type(node) is Text:  # half the cost of isinstance; it has no subclasses
                    add_text(node.data)
                elif type(node) is Element:
                    method, use = method_of(node.tag), use_of(node)
                    # Two of three elements (`font`, most `span`) are only their content.
                    end = begin(node, method, use) if method or use else nothing
                    if end:
                        stack.append((children, end))
                        children = iter(node)
                        break
            else:
                if not stack:
                    break
                children, end = stack.pop()
                end()
        self._text.end_line()

    # ── elements: each method returns what ends the element; None where it has no content ───────

    def _element(self, node: Element, method: "_Method | None", use: Use | None) -> End | None:
        if use is _REMOVE or method is BodyWalk._drop:
            return None
        if self._has_math and node.namespace is not Namespace.HTML:
            return nothing
        end = (method or BodyWalk._inline)(self, node, node.tag, use)
        return self._captioned(node, end) if end and use is _CAPTION else end

    def _drop(self, node: Element, tag: str, use: Use | None) -> None:
        """No element."""

    def _math(self, node: Element, tag: str, use: Use | None) -> End:
        self._has_math = True
        return nothing

    def _block(self, node: Element, tag: str, use: Use | None) -> End:
        is_alone = node == self._alone  # then it does not begin a line
        if not is_alone:
            self._text.end_line()
        marks = list(map(len, self._items))
        written = tag if tag in ALLOWED else "div"
        end_tag = self._writer.start_block(written, attributes_of(node, written))
        end_bold = self._strong("strong") if use is _BOLD else nothing
        self._text.pre += tag == "pre"

        def end() -> None:
            end_bold()
            end_tag()
            if not is_alone:
                self._text.end_line()
            self._text.pre -= tag == "pre"
            if len(self.lines) == marks[0] + 1 and self._is_noise(self.lines[-1], node, tag):
                for items, mark in zip(self._items, marks, strict=True):
                    del items[mark:]

        return end

    def _cell(self, node: Element, tag: str, use: Use | None) -> End:
        self._text.begin_cell()
        elements = [child for child in node if isinstance(child, Element)]
        self._alone = elements[0] if len(elements) == 1 else None
        end_tag = self._writer.start(tag, attributes_of(node, tag))

        def end() -> None:
            end_tag()
            self._text.end_cell()

        return end

    def _inline(self, node: Element, tag: str, use: Use | None) -> End:
        if use is _BOLD:
            return self._strong("strong")
        return self._writer.start(tag, attributes_of(node, tag)) if tag in ALLOWED else nothing

    def _span(self, node: Element, tag: str, use: Use | None) -> End:
        if use is _BOLD or not self._with_ticker_hints:
            return self._inline(node, tag, use)
        if not (node.attr("id") or "").startswith("stock_"):
            return nothing
        start = len(self._texts)
        return lambda: self.ticker_hints.append(_ticker_hint(node, self._text.since(start)))

    def _bold_run(self, node: Element, tag: str, use: Use | None) -> End:
        return self._strong(tag)

    def _strong(self, tag: str) -> End:
        """Begin a bold run; one directly after another is part of it."""
        end_tag = self._writer.start(tag)
        if self._bold:
            return end_tag
        continues = self._text.after_bold and bool(self.highlights)
        self._bold += 1
        if not continues:
            self._highlight_start = len(self._texts)
        start = self._highlight_start

        def end() -> None:
            end_tag()
            self._bold -= 1
            if text := self._text.since(start):
                if continues:
                    self.highlights.pop()
                self.highlights.append(text)
                self._text.after_bold = self._text.in_line

        return end

    def _link(self, node: Element, tag: str, use: Use | None) -> End:
        if use is _BOLD:
            return self._strong("strong")
        url = absolute(node.attr("href"), self._base_url)
        end_tag = self._writer.start("a", attributes_of(node, "a", {"href": url}))
        if url is None:  # its text stays
            return end_tag
        start = len(self._texts)

        def end() -> None:
            end_tag()
            text = self._text.since(start)
            self.links.append(Link(url, text))
            if self._with_ticker_hints:
                self.ticker_hints.append(_ticker_hint(node, text))

        return end

    def _captioned(self, node: Element, end: End) -> End:
        start = len(self._texts)

        def end_caption() -> None:
            end()
            self.captions.append((node, self._text.since(start)))

        return end_caption

    def _break(self, node: Element, tag: str, use: Use | None) -> None:
        if tag == "br" and self._text.pre:
            self._texts.append("\n")
            self._text.in_line = True
        elif tag != "wbr":
            self._text.end_line()
        self._writer.void(tag)

    def _picture(self, node: Element, tag: str, use: Use | None) -> None:
        image = picture_of(node, self._base_url, self._noise.ignore_images)
        if image is None:
            return
        sizes = {"width": image.width, "height": image.height}
        own = {name: str(size) if size else None for name, size in sizes.items()}
        self._writer.void("img", attributes_of(node, "img", {"src": image.url, **own}))
        self.pictures.append((node, image))

    def _is_noise(self, text: str, node: Element, tag: str) -> bool:
        """Whether the line of a block does not belong to the article."""
        if tag in HEADINGS:
            self.heading = self.heading or text
        elif tag == "figcaption":
            self.captions.append((node, text))
        if len(text) > _NOISE_LIMIT:
            return False
        for pattern in self._noise.editor:
            if match := pattern.fullmatch(text):
                self.editor = self.editor or one_line(match[1], 100) or None
                return True
        drop_text = self._noise.drop_text
        return drop_text is not None and drop_text.search(text) is not None


def _ticker_hint(node: Element, text: str) -> TickerHint:
    href, css_id, css_class, tracking = (
        node.attr(name) or "" for name in ("href", "id", "class", "data-sudaclick")
    )
    return TickerHint(href, css_id, css_class, tracking, text)


_Method = Callable[[BodyWalk, Element, str, Use | None], End | None]
_METHODS: dict[str, _Method] = {
    **dict.fromkeys(ALLOWED, BodyWalk._inline),
    **dict.fromkeys(DROPPED, BodyWalk._drop),
    **dict.fromkeys(BLOCKS, BodyWalk._block),
    **dict.fromkeys(CELLS, BodyWalk._cell),
    **dict.fromkeys(("strong", "b"), BodyWalk._bold_run),
    **dict.fromkeys(("br", "hr", "wbr"), BodyWalk._break),
    "a": BodyWalk._link,
    "span": BodyWalk._span,
    "math": BodyWalk._math,
    "img": BodyWalk._picture,
}
