"""Whether a body is HTML or Markdown: by what is outside of its elements.

Markdown may begin with a tag or a comment (`<meta …>`, `<!-- toc -->`, a picture), and HTML may
have lines that begin with `- `. Text tells them apart: in HTML it is inside elements; in Markdown
paragraphs, headings and lists are outside, with blank lines between them.
"""

import re
from collections import Counter

_SURVEYED = 100_000
"""Characters examined: the beginning of a body shows its kind."""

_COMMENT = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)
_ELEMENT_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)(?=[\s>/])[^<>]*>")
_AUTOLINK = re.compile(r"<(?:https?:|mailto:|[^\s<>@]{1,100}@)", re.IGNORECASE)
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"}
)
_WRAPPERS = frozenset({"div", "article", "section", "main", "body"})
_MARKDOWN_SIGN = re.compile(
    r"^(?:#{1,6}[ \t]|[-*+][ \t]|\d{1,9}[.)][ \t]|>|```|~~~|={3,}$|\|)"
    r"|\]\(|`[^`\n]+`|\*\*\w|^\[[^\]\n]{1,200}\]:",
    re.MULTILINE,
)
_BLOCK_TAG = re.compile(
    r"</?(?:p|br|div|h[1-6]|ul|ol|table|figure|section|article)\b", re.IGNORECASE
)
_WRAPPER_TAGS = {name: re.compile(rf"<(/?){name}[\s>]", re.IGNORECASE) for name in _WRAPPERS}
_BLANK_LINE = re.compile(r"\n[ \t]*\n\s*")


def is_html(body: str) -> bool:
    """Whether a body is HTML, not Markdown with some HTML in it.

    Rendering HTML as Markdown would turn indented lines into code blocks; Markdown taken for HTML
    would show its signs. One wrapping element (as the mirrors write) is HTML whatever is inside.
    """
    body = body.strip()
    text = body[:_SURVEYED]
    if text.startswith("<!--"):
        text = _COMMENT.sub("", text).strip()
    if not text.startswith("<") or _AUTOLINK.match(text):
        has_block = "\n\n" not in text and _BLOCK_TAG.search(text)
        return bool(has_block and not _MARKDOWN_SIGN.search(text))
    if name := _wrapper(text, body):
        if _is_open_to_the_end(name, text):
            return True
        return not any(map(_MARKDOWN_SIGN.search, _outside(text, is_cut=len(body) > _SURVEYED)))
    outside = _outside(text, is_cut=len(body) > _SURVEYED)
    return not any(part and not part.startswith("<") for part in outside)


def _wrapper(text: str, body: str) -> str | None:
    """The element that `text` begins with, where it wraps others and `body` ends with its like."""
    tag = _ELEMENT_TAG.match(text)
    name = tag[2].lower() if tag else ""
    return name if name in _WRAPPERS and body[-len(name) - 3 :].lower() == f"</{name}>" else None


def _is_open_to_the_end(name: str, text: str) -> bool:
    """Whether the element that `text` begins with is not closed before the end."""
    depth = 0
    slashes = _WRAPPER_TAGS[name].findall(text)
    for number, slash in enumerate(slashes, 1):
        depth += -1 if slash else 1
        if not depth:
            return number == len(slashes) and text[-len(name) - 3 :].lower() == f"</{name}>"
    return True


def _outside(text: str, *, is_cut: bool) -> list[str]:
    """The parts between blank lines that begin outside of any element."""
    text = _COMMENT.sub("", text)
    ends = _element_ends(text, len(text) if is_cut else None)
    parts: list[str] = []
    position = 0  # the end of the element around
    starts = [0, *(match.end() for match in _BLANK_LINE.finditer(text))]
    spans = iter(sorted(ends.items()))
    span = next(spans, None)
    for start, stop in zip(starts, [*starts[1:], len(text)], strict=True):
        while span is not None and span[0] < start:
            position = max(position, span[1])
            span = next(spans, None)
        if start >= position:
            parts.append(text[start:stop].strip())
    return parts


def _element_ends(text: str, end_of_open: int | None) -> dict[int, int]:
    """Where each element begins → where it ends; those never closed end at `end_of_open`."""
    ends: dict[int, int] = {}
    open_tags: list[tuple[str, int]] = []
    open_count: Counter[str] = Counter()
    for tag in _ELEMENT_TAG.finditer(text):
        name = tag[2].lower()
        if name in _VOID:
            continue
        if not tag[1]:
            open_tags.append((name, tag.start()))
            open_count[name] += 1
        elif open_count[name]:
            while True:  # elements that were not closed end with the one around them
                inner, start = open_tags.pop()
                open_count[inner] -= 1
                if inner == name:
                    ends[start] = tag.end()
                    break
    if end_of_open is not None:
        ends.update((start, end_of_open) for _, start in open_tags)
    return ends
