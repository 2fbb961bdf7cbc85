"""The content of a feed's text element: text, escaped HTML, or HTML as elements."""

import base64
import binascii
import re
from collections.abc import Iterator
from html import escape

from lxml import etree

from worker.formats.body import paragraphs, text_to_html
from worker.formats.feed.namespaces import VOID_ELEMENTS, Element
from worker.formats.values import clean, html_title, html_unescape

_TAG = re.compile(r"</?[A-Za-z][^<>]*>")
_TAGS = re.compile(rf"(?:\s+|{_TAG.pattern})*+")
_HTML_TAG = re.compile(
    r"<(?:p|div|span|section|article|figure|table|ul|ol|h[1-6]|blockquote|a|b|strong|em|i)\b[^<>]*>",
    re.IGNORECASE,
)
_HTML_TYPES = ("html", "text/html", "escaped")
_XHTML_TYPES = ("xhtml", "application/xhtml+xml", "xml")
_SVG = re.compile(r"<svg\b.*?(?:</svg\s*>|\Z)", re.IGNORECASE | re.DOTALL)
_SVG_TEXT = re.compile(r"<(title|desc|text)\b[^<>]*>([^<]+)", re.IGNORECASE)
_NO_DECLARATION = re.compile(r"<!(?!--|\[|doctype)", re.IGNORECASE)
_SECTION = re.compile(r"<!\[CDATA\[(.*?)(?:\]\]>|\Z)", re.DOTALL)  # one within another
_TEXT_TYPES = ("text", "text/plain", "")


def text_in(element: Element) -> str:
    """All text, that of child elements included; white space at the ends is left out."""
    if len(element) == 0:
        return _own_text(element)
    return "".join(map(str, element.itertext())).strip()


def markup_in(element: Element) -> str:
    """The content as HTML source: as written where it is one text, child elements as tags."""
    if len(element) == 0:
        return _own_text(element)
    return "".join(_written(element)).strip()


def _own_text(element: Element) -> str:
    """The text of an element without others; without the mark of a section that was escaped."""
    text = (element.text or "").strip()
    return (
        text[9:].removesuffix("]]>").removesuffix("]]&gt;").strip()
        if text.startswith("<![CDATA[")
        else text
    )


def _written(element: Element) -> Iterator[str]:
    """Depth is bounded by the parser, so recursion is."""
    yield escape(element.text or "", quote=False)
    for child in element:
        name = etree.QName(child).localname
        attributes = "".join(
            f' {etree.QName(str(key)).localname}="{escape(str(value))}"'
            for key, value in child.attrib.items()
        )
        yield f"<{name}{attributes}>"
        if name not in VOID_ELEMENTS or len(child) or child.text:
            yield from _written(child)
            yield f"</{name}>"
        yield escape(child.tail or "", quote=False)


def title_in(element: Element, kind: str = "html") -> str:
    """A title as text: `kind` is the Atom type, and HTML by custom in RSS."""
    if len(element):
        for line_break in element.iter("br", "{*}br"):
            line_break.tail = " " + (line_break.tail or "")
        return " ".join(text_in(element).split())
    text = text_in(element)
    return text if kind in (*_TEXT_TYPES, *_XHTML_TYPES) else html_title(text)


def html_in(element: Element, kind: str, mode: str = "") -> str:
    """The HTML of an Atom text construct or content of type `kind` (RFC 4287, 3.1.1, 4.1.3.3; Atom
    0.3 has `mode` and media types); empty for a type that is neither text nor HTML."""
    kind = kind.lower().split(";")[0].strip()
    if mode == "base64":
        return _decoded(text_in(element), kind)
    if len(element):
        return markup_in(_without_div(element) if kind == "xhtml" else element)
    if kind in _HTML_TYPES or mode == "escaped":
        return rss_html(markup_in(element))
    if kind in _XHTML_TYPES or kind.endswith(("+xml", "/xml")):
        return markup_in(element)
    if kind in _TEXT_TYPES or kind.startswith("text/"):
        return paragraphs(text_in(element))
    return _decoded(text_in(element), kind)


def _without_div(element: Element) -> Element:
    """XHTML's `div` is no part of the content (RFC 4287, 3.1.1.3)."""
    only = element[0] if len(element) == 1 and not (element.text or "").strip() else element
    return only if etree.QName(only).localname == "div" else element


def rss_html(value: str) -> str:
    """RSS content is HTML even without tags: its entities are decoded."""
    if "!" in value:  # of `<!' …` a browser makes a comment that hides what follows
        value = _NO_DECLARATION.sub("&lt;!", value)
        if "<![CDATA[" in value:  # takes less than half of the expression's time
            value = _SECTION.sub(r"\1", value)
    html = text_to_html(value)
    if html == value:
        return html
    plain = html_unescape(value)  # once more, where its author escaped it twice
    return plain if looks_like_html(plain) else paragraphs(plain)


def looks_like_html(text: str) -> bool:
    """Whether `text` begins and ends with tags, as no text about tags does."""
    text = text.strip()
    return text.endswith(">") and bool(_HTML_TAG.match(text)) and "</" in text


def with_drawn_text(html: str) -> str:
    """Where a body is nothing but drawings, the titles and texts in them: no record has an SVG."""
    tags = _TAGS.match(html)  # most bodies have a text after a few: the others are searched
    if not (tags and _SVG.search(tags[0])) or _TAG.sub("", _SVG.sub("", html)).strip():
        return html
    labels = (match[2] for svg in _SVG.finditer(html) for match in _SVG_TEXT.finditer(svg[0]))
    return "\n".join(f"<p>{text}</p>" for text in labels)


def _decoded(text: str, kind: str) -> str:
    """Base64 (RFC 4287: any type that is neither text nor XML) as HTML; empty for other bytes."""
    if kind.startswith(("image/", "audio/", "video/")):
        return ""
    try:
        data = base64.b64decode("".join(text.split()), validate=True)
        plain = clean(data.decode("utf-8"))  # XML has no NUL, this may
    except (binascii.Error, ValueError):
        return ""
    return paragraphs(plain) if kind == "text/plain" else rss_html(plain)
