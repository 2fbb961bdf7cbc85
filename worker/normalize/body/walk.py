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
from worker.normalize.body.images import drawn_symbol, picture_of
from worker.normalize.body.lines import LONGEST, Lines
from worker.normalize.body.sanitize import ALLOWED, DROPPED, Writer, attributes_of
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
        stack: list[tuple[Iterator[Node], _End, Any]] = []
        children = iter(body)
        add_text, find_pair, use_of = self._text.add, _PAIRS.get, self._uses.get
        while True:
            for node in children:
                if type(node) is Text:  # half the cost of isinstance; it has no subclasses
                    add_text(node.data)
                elif type(node) is Element:
                    tag, use = node.tag, use_of(node)
                    pair = find_pair(tag, _CONTENT)
                    if use or self._has_math:
                        pair = self._pair_of(node, pair, use)
                    begin, end = pair
                    state = begin(self, node, tag)
                    if state is not None:
                        stack.append((children, end, state))
                        children = iter(node)
                        break
            else:
                if not stack:
                    break
                children, end, state = stack.pop()
                end(self, state)
        self._text.end_line()

    def _pair_of(self, node: Element, pair: "_Pair", use: Use | None) -> "_Pair":
        """The methods of an element that a site's selector matches, or that is in a formula."""
        if use is _REMOVE or pair is _DROP:
            return _DROP
        if self._has_math and node.namespace is not Namespace.HTML:
            return _CONTENT
        if use is _BOLD:
            return _IN_BOLD.get(pair, pair)
        return _CAPTIONED if use is _CAPTION else pair

    # ── elements: a pair of methods each. The first returns what the second gets at the element's
    # end, or None where there is no content. Closures in place of the second: an eighth more time.

    def _drop(self, node: Element, tag: str) -> None:
        """No element."""

    def _content(self, node: Element, tag: str) -> bool:
        return True

    def _nothing(self, state: Any) -> None:
        """An end that writes nothing."""

    def _math(self, node: Element, tag: str) -> bool:
        self._has_math = True
        return True

    def _block(self, node: Element, tag: str) -> tuple[Any, ...]:
        is_alone = node == self._alone  # then it does not begin a line
        if self._text.in_line and not is_alone:
            self._text.end_line()
        marks = list(map(len, self._items))
        output_tag = tag if tag in ALLOWED else "div"
        is_written = self._writer.start_block(output_tag, attributes_of(node, output_tag))
        if tag == "pre":
            self._text.pre += 1
        return node, tag, is_alone, marks, is_written

    def _end_block(self, state: tuple[Any, ...]) -> None:
        node, tag, is_alone, marks, is_written = state
        self._writer.end_block(is_written)
        if self._text.in_line and not is_alone:
            self._text.end_line()
        if tag == "pre":
            self._text.pre -= 1
        if len(self.lines) == marks[0] + 1 and self._is_noise(self.lines[-1], node, tag):
            for items, mark in zip(self._items, marks, strict=True):
                del items[mark:]

    def _bold_block(self, node: Element, tag: str) -> tuple[Any, ...]:
        return self._block(node, tag), self._strong(node, "strong")

    def _end_bold_block(self, states: tuple[Any, ...]) -> None:
        block, strong = states
        self._end_strong(strong)
        self._end_block(block)

    def _cell(self, node: Element, tag: str) -> bool:
        self._text.begin_cell()
        elements = [child for child in node if isinstance(child, Element)]
        self._alone = elements[0] if len(elements) == 1 else None
        return self._writer.start(tag, attributes_of(node, tag))

    def _end_cell(self, is_written: bool) -> None:
        self._writer.end(is_written)
        self._text.end_cell()

    def _inline(self, node: Element, tag: str) -> bool:
        return self._writer.start(tag, attributes_of(node, tag))

    def _span(self, node: Element, tag: str) -> tuple[Element, int | None]:
        is_hint = self._with_ticker_hints and (node.attr("id") or "").startswith("stock_")
        return node, len(self._texts) if is_hint else None

    def _end_span(self, state: tuple[Element, int | None]) -> None:
        node, start = state
        if start is not None:
            self.ticker_hints.append(_ticker_hint(node, self._text.since(start)))

    def _strong(self, node: Element, tag: str) -> tuple[bool, int | None, bool]:
        """Begin a bold run; one directly after another is part of it, one in another is nothing."""
        is_written = self._writer.start(tag)
        if self._bold:
            return is_written, None, False
        continues = self._text.after_bold and bool(self.highlights)
        self._bold += 1
        if not continues:
            self._highlight_start = len(self._texts)
        return is_written, self._highlight_start, continues

    def _end_strong(self, state: tuple[bool, int | None, bool]) -> None:
        is_written, start, continues = state
        self._writer.end(is_written)
        if start is None:
            return
        self._bold -= 1
        if continues and len(self.highlights[-1]) >= LONGEST - 1:  # full: not read again
            self._text.after_bold = self._text.in_line
        elif text := self._text.since(start):
            if continues:
                self.highlights.pop()
            self.highlights.append(text)
            self._text.after_bold = self._text.in_line

    def _link(self, node: Element, tag: str) -> tuple[Any, ...]:
        url = absolute(node.attr("href"), self._base_url)
        is_written = self._writer.start("a", attributes_of(node, "a", {"href": url}))
        return node, url, is_written, len(self._texts)

    def _end_link(self, state: tuple[Any, ...]) -> None:
        node, url, is_written, start = state
        self._writer.end(is_written)
        if url is not None:  # else its text stays
            text = self._text.since(start)
            self.links.append(Link(url, text))
            if self._with_ticker_hints:
                self.ticker_hints.append(_ticker_hint(node, text))

    def _caption(self, node: Element, tag: str) -> tuple[Any, ...] | None:
        begin, end = _PAIRS.get(tag, _CONTENT)
        state = begin(self, node, tag)
        return None if state is None else (node, end, state, len(self._texts))

    def _end_caption(self, state: tuple[Any, ...]) -> None:
        node, end, inner, start = state
        end(self, inner)
        self.captions.append((node, self._text.since(start)))

    def _break(self, node: Element, tag: str) -> None:
        if tag == "br" and self._text.pre:
            self._texts.append("\n")
            self._text.in_line = True
        elif tag != "wbr":
            self._text.end_line()
        self._writer.void(tag)

    def _picture(self, node: Element, tag: str) -> None:
        if symbol := drawn_symbol(node):
            self._text.add(symbol)
        elif image := picture_of(node, self._base_url, self._noise.ignore_images):
            width, height = (str(size) if size else None for size in (image.width, image.height))
            own = {"src": image.url, "width": width, "height": height}
            self._writer.void("img", attributes_of(node, "img", own))
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
        return bool((drop_text := self._noise.drop_text) and drop_text.search(text))


def _ticker_hint(node: Element, text: str) -> TickerHint:
    get = node.attr
    tracking = get("data-sudaclick") or ""
    return TickerHint(get("href") or "", get("id") or "", get("class") or "", tracking, text)


_End = Callable[[BodyWalk, Any], None]
_Pair = tuple[Callable[[BodyWalk, Element, str], Any], _End]
_CONTENT: _Pair = BodyWalk._content, BodyWalk._nothing
_DROP: _Pair = BodyWalk._drop, BodyWalk._nothing
_INLINE: _Pair = BodyWalk._inline, lambda walk, is_written: walk._writer.end(is_written)
_BLOCK: _Pair = BodyWalk._block, BodyWalk._end_block
_SPAN: _Pair = BodyWalk._span, BodyWalk._end_span
_LINK: _Pair = BodyWalk._link, BodyWalk._end_link
_PAIRS: dict[str, _Pair] = {
    **dict.fromkeys(ALLOWED, _INLINE),
    **dict.fromkeys(DROPPED, _DROP),
    **dict.fromkeys(BLOCKS, _BLOCK),
    **dict.fromkeys(CELLS, (BodyWalk._cell, BodyWalk._end_cell)),
    **dict.fromkeys(("strong", "b"), (BodyWalk._strong, BodyWalk._end_strong)),
    **dict.fromkeys(("br", "hr", "wbr"), (BodyWalk._break, BodyWalk._nothing)),
    "a": _LINK,
    "span": _SPAN,
    "math": (BodyWalk._math, BodyWalk._nothing),
    "img": (BodyWalk._picture, BodyWalk._nothing),
}
_STRONG: _Pair = lambda walk, node, _: walk._strong(node, "strong"), BodyWalk._end_strong
_CAPTIONED: _Pair = BodyWalk._caption, BodyWalk._end_caption
_IN_BOLD: dict[_Pair, _Pair] = {
    **dict.fromkeys((_CONTENT, _INLINE, _SPAN, _LINK), _STRONG),
    _BLOCK: (BodyWalk._bold_block, BodyWalk._end_bold_block),
}
"""The pair of methods where a site's selector for bold runs matches; others stay."""
