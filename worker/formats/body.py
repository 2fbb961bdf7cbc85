"""Bodies in HTML, Markdown or plain text: recognised and turned into HTML.

The result is not sanitised; the normalizer does that.
"""

import re
from functools import cache
from html import escape

from markdown_it import MarkdownIt

from worker.errors import Reason, Rejected
from worker.formats.blog_tags import expand_tags
from worker.formats.body_kind import is_html

MAX_MARKDOWN = 400_000
"""Characters of Markdown rendered, a novel: 1 s; at worst 6 s for `![`, 350 MB for table rows."""

MAX_LINES = 200_000
"""Lines of plain text made paragraphs; ten million took gigabytes."""

MAX_MARKUP = 400_000
"""Tags and entities in a body, by their `<` and `&`: 2 s and 150 MB. The largest of the sample
pages has 1,667 elements; 31 MB of `<p>` took 46 s and 3.4 GB, of `&amp;` more than a minute."""

MAX_BODY = 4_000_000
"""Characters of a body, pictures in `data:` addresses not counted: as for a page."""

_DATA_ADDRESS = re.compile(r"data:[^\s\"'<>]*")
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]*(?:\s[^<>]{0,2000})?/?>")


def to_html(body: str) -> str:
    """A post's body, in HTML or Markdown, with the template tags of its blog, as HTML."""
    stripped = body.strip()
    return (
        expand_tags(stripped).strip() if is_html(stripped) else render_markdown(expand_tags(body))
    )


def too_large(html: str) -> str | None:
    """Why a body is too large to be cleaned at bounded cost, and what to do; else None."""
    if len(html) < MAX_MARKUP:
        return None
    if html.count("<") + html.count("&") > MAX_MARKUP:
        return f"the body has more than {MAX_MARKUP} tags and entities, as no article has: split it"
    if len(html) > MAX_BODY and len(_DATA_ADDRESS.sub("", html)) > MAX_BODY:
        return f"the body has more than {MAX_BODY} characters, as no article has: split it"
    return None


def text_to_html(text: str) -> str:
    """A body of unknown kind as HTML: unchanged where it has tags, else a paragraph a line."""
    return text.strip() if _TAG.search(text) else paragraphs(text)


def paragraphs(text: str) -> str:
    """Plain text as HTML, a ``<p>`` for each line that is not blank.

    Raises Rejected (`too_large`) above MAX_LINES lines.
    """
    if text.count("\n") > MAX_LINES or len(rows := text.splitlines()) > MAX_LINES:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the text has more than {MAX_LINES} lines, as no article has: split it",
        )
    rows = [escape(stripped, quote=False) for row in rows if (stripped := row.strip())]
    return "\n".join(f"<p>{row}</p>" for row in rows)


def render_markdown(text: str) -> str:
    """CommonMark with tables and strikethrough; HTML in it stays.

    Raises Rejected (`too_large`) above MAX_MARKDOWN characters.
    """
    if len(text) > MAX_MARKDOWN:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the Markdown body has {len(text)} characters, more than {MAX_MARKDOWN}: split it",
        )
    text = _FOOTNOTE.sub(r"\\[^", _CONTENTS.sub("", text))
    rendered: str = _markdown().render(text)
    return rendered.strip()


# A line for which editors and generators show a table of contents: [TOC], [[toc]], @[TOC](…).
_CONTENTS = re.compile(
    r"^ {0,3}@?\[{1,2}toc\]{1,2}(?:\([^()\n]{0,200}\))?[ \t]*$", re.IGNORECASE | re.MULTILINE
)

_FOOTNOTE = re.compile(r"^\[\^(?=[^\]\n]{1,80}\]:)", re.MULTILINE)
"""A footnote `[^1]: …`: CommonMark reads a link's address in it, and its text would be lost."""


@cache
def _markdown() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
