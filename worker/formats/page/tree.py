"""The one lxml tree of a page, and reading text and attributes in it."""

import re
from collections.abc import Iterator
from typing import Any, TypeAlias

from lxml import etree, html

from worker.formats.page.size_limits import check_size
from worker.formats.values import clean
from worker.settings import Limits

Element: TypeAlias = Any
"""`lxml.html.HtmlElement`, which has no stubs."""


def page_tree(text: str, limits: Limits) -> Element:
    """The tree of a page, with its comments. Raises Rejected: `too_deep`, `too_large`."""
    text = _NOT_XML.sub(" ", clean(text))
    check_size(text, limits)
    tree = parse_html(text)
    if text.count(_COMMENT) > _FEW_COMMENTS:
        _escape_comments(tree)
    _group_children(tree)
    return tree


def _escape_comments(tree: Element) -> None:
    """In attributes: libxml2 takes quadratic time to write them there (60 KB: 6 s)."""
    for element in tree.iter(etree.Element):
        for name, value in element.items():
            if _COMMENT in value:
                element.set(name, value.replace(_COMMENT, "%3C!--"))


def _group_children(tree: Element) -> None:
    """Put a hundred children each into a `span` where an element has many, with much text between.

    Whoever removes an element joins the text after it to the text before it, by a copy of both: we
    do, the extractors do. So to remove all children of one element takes quadratic time: 15,000 in
    250 KB took 6 s and 2 GB.
    """
    for element in list(tree.iter(etree.Element)):
        if len(element) <= _GROUP or len(element) * _text_between(element) <= _LARGEST_JOIN:
            continue
        children = list(element)
        if element.tag in _STRUCTURES:  # white space says nothing there
            for child in children:
                child.tail = (child.tail or "").strip() or None
            if len(element) * _text_between(element) <= _LARGEST_JOIN:
                continue
        for start in range(0, len(children), _GROUP):
            etree.SubElement(element, "span").extend(children[start : start + _GROUP])


def _text_between(element: Element) -> int:
    return len(element.text or "") + sum(len(child.tail or "") for child in element)


def parse_html(text: str) -> Element:
    """The tree of `text` (valid Unicode); that of an empty page where there is no element."""
    # Bytes with their encoding: libxml2 refuses a string that declares one.
    parser = html.HTMLParser(encoding="utf-8", remove_pis=True, huge_tree=True)
    parser.set_element_class_lookup(_ONE_CLASS)
    try:
        return html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except etree.LxmlError:
        return html.document_fromstring("<html><body></body></html>")


def text_content(element: Element | None) -> str:
    """The text of an element on one line, single spaces; without comments and scripts."""
    return " ".join(" ".join(texts_in(element)).split()) if element is not None else ""


def beginning(element: Element, length: int) -> str:
    """The first `length` characters of `text_content`, at no more cost."""
    texts, size = [], 0
    for text in texts_in(element):
        texts.append(" ".join(text.split()))
        size += len(texts[-1])
        if size > length:
            break
    return " ".join(filter(None, texts))[:length]


def inline_text(element: Element | None) -> str:
    """As `text_content`, but `<b>A</b>pril` stays one word."""
    return " ".join("".join(texts_in(element)).split()) if element is not None else ""


def texts_in(element: Element) -> Iterator[str]:
    """The texts below an element in their order; a line break for `br`."""
    for event, node in etree.iterwalk(element, events=("start", "end", "comment")):
        if event == "start":
            if node.tag == "br":
                yield "\n"
            elif node.text and node.tag not in CODE:
                yield node.text
        elif node is not element and node.tail:
            yield node.tail


def attribute(element: Element | None, name: str) -> str | None:
    """A stripped attribute that is not empty, or None."""
    value = element.get(name) if element is not None else None
    return (value.strip() or None) if value else None


def id_and_class(element: Element) -> str:
    """The names that a page gives an element, separated by a space."""
    return f"{element.get('id', '')} {element.get('class', '')}"


def value_of(element: Element | None) -> str:
    """The value of an element: `content`, `datetime`, or its text with single spaces."""
    if element is None:
        return ""
    value = attribute(element, "content") or attribute(element, "datetime")
    return " ".join(value.split()) if value else text_content(element)


def squeezed_length(text: str) -> int:
    """Characters without white space; a Chinese one counts twice, as it says as much as two."""
    return sum(map(len, text.split())) + len(CJK.findall(text))


CJK = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]")


_ONE_CLASS = etree.ElementDefaultClassLookup(element=html.HtmlElement, comment=html.HtmlComment)
"""lxml.html's own lookup, which has classes for forms, is Python code run for each node: a tenth of
the time for a page."""
_NOT_XML = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that libxml2 reads in HTML, and lxml refuses to write again."""
_COMMENT = "<!--"
_FEW_COMMENTS = 100
_GROUP = 100
_LARGEST_JOIN = 10_000_000
"""Children of one element, times the characters between them: to remove all takes 0.05 s."""
_STRUCTURES = frozenset(
    {"colgroup", "dl", "head", "ol", "select", "table", "tbody", "tfoot", "thead", "tr", "ul"}
)
CODE = frozenset({"script", "style", "template"})
