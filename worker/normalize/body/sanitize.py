"""The HTML that a record may hold: the table of elements, and the writer that keeps to it.

The writer is the only source of a record's HTML: it writes elements of the table, their attributes
and escaped text, and nothing else. It omits an element that another parser would place elsewhere
than the tree has it (a block in an open paragraph, a link in a link), so what it writes is read
back as it is.
"""

from collections.abc import Mapping

from turbohtml import Element, escape

from worker.normalize.body.elements import BLOCKS, CELLS, HEADINGS
from worker.normalize.strings import clean_text

ALLOWED: dict[str, tuple[str, ...]] = {
    # blocks
    "p": (), "div": (), "br": (), "hr": (), "blockquote": (), "pre": (),
    "h1": (), "h2": (), "h3": (), "h4": (), "h5": (), "h6": (),
    "section": (), "article": (), "aside": (), "header": (), "footer": (),
    "ul": (), "ol": ("start",), "li": (), "dl": (), "dt": (), "dd": (),
    "figure": (), "figcaption": (), "details": (), "summary": (), "center": (),
    "table": (), "caption": (), "thead": (), "tbody": (), "tfoot": (), "tr": (),
    "td": ("colspan", "rowspan"), "th": ("colspan", "rowspan"),
    # within a line
    "a": ("href", "title"), "img": ("src", "alt", "width", "height"),
    "strong": (), "b": (), "em": (), "i": (), "u": (), "s": (), "mark": (),
    "del": (), "ins": (), "small": (), "sub": (), "sup": (), "abbr": ("title",),
    "cite": (), "q": (), "code": (), "kbd": (), "samp": (), "var": (),
    "time": ("datetime",), "ruby": (), "rb": (), "rt": (), "rp": (), "wbr": (),
}  # fmt: skip
"""Element → its attributes, in the order in which they are written. No style, class, id or event
handler anywhere. Of other elements only the content is written."""

DROPPED = frozenset({
    "script", "style", "template", "iframe", "frame", "frameset", "noframes", "object", "embed",
    "applet", "param", "svg", "canvas", "audio", "video", "map", "area",
    "textarea", "select", "option", "optgroup", "datalist", "input", "head", "title", "meta",
    "link", "base", "noembed", "xml",
})  # fmt: skip
"""Elements removed with their content: code, or nothing that a reader sees as text."""

_TABLE_DEPTH = 4  # a table needs room for its tbody, tr and td
# The rules of tree construction (HTML standard, 13.2.6.4) that move or close elements.
_CHILDREN = {
    "table": {"caption", "thead", "tbody", "tfoot"},
    "thead": {"tr"},
    "tbody": {"tr"},
    "tfoot": {"tr"},
    "tr": CELLS,
}
_TABLE_PARTS = frozenset().union(*_CHILDREN.values())
_ITEMS = {"li": ("li",), "dd": ("dd", "dt"), "dt": ("dd", "dt")}
_RUBY = frozenset(("rb", "rp", "rt"))
_ENDED_BY_RUBY = _RUBY | {"dd", "dt", "li", "p"}
_CLOSE_PARAGRAPH = BLOCKS - _TABLE_PARTS
_CONDITIONAL = _CLOSE_PARAGRAPH | _TABLE_PARTS | _RUBY | {"a"}
_NOT_PASSED = (BLOCKS | CELLS) - {"div", "p"}


class Writer:
    """Writes HTML, at most `depth` elements deep, into `parts`.

    `start` and `start_block` return whether the element is written, which its end must be given.
    """

    def __init__(self, depth: int) -> None:
        self.parts: list[str] = []
        self._depth = depth
        self._open: list[str] = []

    def start(self, tag: str, attributes: str = "") -> bool:
        """Begin `tag`, an element of `ALLOWED`; nothing is written where it does not fit."""
        opened = self._open
        if opened and (opened[-1] in _CHILDREN or len(opened) >= self._depth):
            if len(opened) >= self._depth or tag not in _CHILDREN[opened[-1]]:
                return False
        elif tag in _CONDITIONAL and not self._fits(tag):
            return False
        opened.append(tag)
        self.parts.append(f"<{tag}{attributes}>")
        return True

    def end(self, is_written: bool) -> None:
        if is_written:
            self.parts.append(f"</{self._open.pop()}>")

    def start_block(self, tag: str, attributes: str = "") -> bool:
        """`start`, with line breaks in place of a block that does not fit."""
        is_written = self.start(tag, attributes)
        if not is_written:
            self.line_break()
        return is_written

    def end_block(self, is_written: bool) -> None:
        if is_written:
            self.parts.append(f"</{self._open.pop()}>")
        else:
            self.line_break()

    def void(self, tag: str, attributes: str = "") -> None:
        """Write an element without content: `img`, `br`, `hr`, `wbr`."""
        opened = self._open
        if not opened or not (opened[-1] in _CHILDREN or (tag == "hr" and "p" in opened)):
            self.parts.append(f"<{tag}{attributes}>")

    def line_break(self) -> None:
        """A `br`, but not two in succession."""
        if self.parts[-1:] != ["<br>"]:
            self.void("br")

    def text(self, text: str) -> None:
        if text[0] == "\n" and self.parts[-1:] == ["<pre>"]:
            text = text.lstrip("\n")  # a parser ignores the first one
            if not text:
                return
        if "&" in text or "<" in text or ">" in text:  # the three searches: a fifth of `escape`
            text = escape(text, quote=False)
        self.parts.append(text)

    def space(self, text: str) -> None:
        """Write white space, unless there is some already."""
        if not (self.parts and self.parts[-1][-1].isspace()):
            self.parts.append(text)

    def _fits(self, tag: str) -> bool:
        """Whether a parser puts `tag` into the innermost open element."""
        opened = self._open
        if tag in _CLOSE_PARAGRAPH:
            if "p" in opened or (tag in HEADINGS and opened and opened[-1] in HEADINGS):
                return False
            if tag == "table":
                return len(opened) + _TABLE_DEPTH <= self._depth
            return tag not in _ITEMS or not self._ends_item(_ITEMS[tag])
        if tag == "a":
            return "a" not in opened
        if tag in _RUBY:
            return not opened or opened[-1] not in _ENDED_BY_RUBY
        return False  # a part of a table without its table

    def _ends_item(self, items: tuple[str, ...]) -> bool:
        """Whether a list item would end one that is open around it."""
        for tag in reversed(self._open):
            if tag in items or tag in _NOT_PASSED:
                return tag in items
        return False


def attributes_of(node: Element, tag: str, own: Mapping[str, str | None] | None = None) -> str:
    """The attributes of an element that `tag` may have, in order; those in `own` instead of the
    element's: None is omitted."""
    names = ALLOWED[tag]
    if not names:
        return ""
    values: dict[str, str | None] = {
        name: node.attr(name) or "" for name in node.attrs if name in names
    }
    if own:
        values.update(own)
    markup = ""
    for name, value in values.items():
        if value is not None:
            markup += f' {name}="{escape(clean_text(value))}"'
    return markup
