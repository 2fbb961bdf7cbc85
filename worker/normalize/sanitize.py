"""The HTML that a record may hold: one table. Other elements are removed, their text stays."""

import nh3

_CELL = {"colspan", "rowspan"}

ALLOWED: dict[str, set[str]] = {
    # blocks
    "p": set(), "div": set(), "br": set(), "hr": set(), "blockquote": set(), "pre": set(),
    "h1": set(), "h2": set(), "h3": set(), "h4": set(), "h5": set(), "h6": set(),
    "section": set(), "article": set(), "aside": set(), "header": set(), "footer": set(),
    "ul": set(), "ol": {"start"}, "li": set(), "dl": set(), "dt": set(), "dd": set(),
    "figure": set(), "figcaption": set(), "details": set(), "summary": set(), "center": set(),
    "table": set(), "caption": set(), "thead": set(), "tbody": set(), "tfoot": set(),
    "tr": set(), "td": _CELL, "th": _CELL,
    # within a line
    "a": {"href", "title"}, "img": {"src", "alt", "width", "height"},
    "strong": set(), "b": set(), "em": set(), "i": set(), "u": set(), "s": set(), "mark": set(),
    "del": set(), "ins": set(), "small": set(), "sub": set(), "sup": set(), "abbr": {"title"},
    "cite": set(), "q": set(), "code": set(), "kbd": set(), "samp": set(), "var": set(),
    "time": {"datetime"}, "ruby": set(), "rb": set(), "rt": set(), "rp": set(), "wbr": set(),
}  # fmt: skip
"""Element → its attributes. No style, class, id or event handler anywhere."""

DROPPED = frozenset({
    "script", "style", "template", "iframe", "frame", "frameset", "noframes", "object", "embed",
    "applet", "param", "svg", "canvas", "audio", "video", "map", "area",
    "textarea", "select", "option", "optgroup", "datalist", "input", "head", "title", "meta",
    "link", "base", "noembed", "xml",
})  # fmt: skip
"""Elements removed with their content: code, or nothing that a reader sees as text."""

_cleaner = nh3.Cleaner(
    tags=set(ALLOWED),
    attributes={"*": set(), **ALLOWED},  # else lang and title are allowed everywhere
    url_schemes={"http", "https", "mailto"},
    clean_content_tags={"script", "style", "template", "iframe", "object", "svg", "textarea"},
    link_rel=None,
    url_relative="deny",
)


def sanitize(html: str) -> str:
    """`html` with only `ALLOWED` in it. Quadratic in depth: limit that first."""
    return _cleaner.clean(html).strip()
