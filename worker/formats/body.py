"""Bodies in HTML, Markdown or plain text: recognised and turned into HTML.

The result is not sanitised; the normalizer does that.
"""

import re
from collections.abc import Callable
from functools import cache
from html import escape
from types import SimpleNamespace

from markdown_it import MarkdownIt
from markdown_it.helpers import parseLinkLabel
from markdown_it.rules_inline import StateInline

from worker.errors import Reason, Rejected
from worker.formats.blog_tags import expand_tags
from worker.formats.body_kind import is_html

MAX_MARKDOWN = 400_000
"""Characters of Markdown rendered, a novel: 1 s; at worst 2.5 s, for `__a`."""

MAX_MARKDOWN_LINES = 40_000
"""Lines of Markdown rendered: as many items of a list, or tables, take 1.7 s."""

MAX_OPEN_BRACKETS = 5_000
"""Of `[` without an end in one text: markdown-it takes 35 µs to look for the end of each, and does
not look for more of them. 400 KB of `![` took 5 s."""

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

    Raises Rejected (`too_large`) above MAX_MARKDOWN characters or MAX_MARKDOWN_LINES lines.
    """
    if text.count("\n") > MAX_MARKDOWN_LINES:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the Markdown body has more than {MAX_MARKDOWN_LINES} lines: split it",
        )
    if len(text) > MAX_MARKDOWN:
        raise Rejected(
            Reason.TOO_LARGE,
            f"the Markdown body has {len(text)} characters, more than {MAX_MARKDOWN}: split it",
        )
    text = _FOOTNOTE.sub(r"\\[^", _CONTENTS.sub("", text))
    rendered: str = _markdown().render(_in_commonmark(text))
    return rendered.strip()


# A line for which editors and generators show a table of contents: [TOC], [[toc]], @[TOC](…).
_CONTENTS = re.compile(
    r"^ {0,3}@?\[{1,2}toc\]{1,2}(?:\([^()\n]{0,200}\))?[ \t]*$|^[*+-] toc[ \t]*\n\{:toc[^}\n]*\}",
    re.IGNORECASE | re.MULTILINE,
)

_FOOTNOTE = re.compile(r"^\[\^(?=[^\]\n]{1,80}\]:)", re.MULTILINE)
"""A footnote `[^1]: …`: CommonMark reads a link's address in it, and its text would be lost."""


_FENCED = re.compile(
    r"(^ {0,3}(`{3,}+|~{3,}+)[^\n`]*+\n(?:.*?^ {0,3}\2[`~]*[ \t]*$|.*\Z))", re.MULTILINE | re.DOTALL
)


def _in_commonmark(text: str) -> str:
    """`text` with what other dialects have beside CommonMark in its own signs."""
    parts = enumerate(_FENCED.split(text))  # text, fenced code, its fence, text, …
    return "".join(part if n % 3 else _respelled(part) for n, part in parts if n % 3 < 2)


def _respelled(text: str) -> str:
    for sign, pattern, replacement in _DIALECTS:
        if sign in text:
            text = pattern.sub(replacement, text)
    return text


def _emphasis(match: re.Match[str]) -> str:
    """Emphasis that begins or ends with punctuation beside Chinese, which CommonMark misses."""
    text, tag, inner = match.string, "strong" if len(match[1]) > 1 else "em", match[2]
    is_open = not inner[0].isalnum() and text[match.start() - 1 : match.start()] > "\u2e7f"
    is_end = not inner[-1].isalnum() and text[match.end() : match.end() + 1] > "\u2e7f"
    return f"<{tag}>{inner}</{tag}>" if is_open or is_end else match[0]


_DIALECTS: tuple[tuple[str, re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = tuple(
    (sign, re.compile(pattern, re.MULTILINE), replacement)
    for sign, pattern, replacement in (
        ("##", r"^(#{2,6})(?=[^\s#])", r"\1 "),
        # containers of VuePress, MyST and Pandoc; callouts
        (":::", r"^ {0,3}:{3,}[ \t]*(?:\{[^}\n]*\}|[\w-]+)?[ \t]*(.*)$", r"\n\1\n"),
        ("[!", r"^( {0,3}>[ \t]*)\[!\w{1,20}\][+-]?[ \t]*", r"\1"),
        # attributes of kramdown and Pandoc
        ("){", r"(\]\([^()\n]{1,500}\))\{[^{}\n]{1,200}\}", r"\1"),
        ("{", r"[ \t]{0,3}\{[:#.][^{}\n]{1,200}\}(?=[ \t]*$)", ""),
        # Obsidian's links and pictures
        (
            "![[",
            r"!\[\[([^][|\n]{1,200}\.(?:png|jpe?g|gif|webp|svg))(?:\|[^][\n]*)?\]\]",
            r"![](<\1>)",
        ),
        ("[[", r"(?<!`)!?\[\[[^][|\n]{1,200}\|([^][\n]+)\]\](?!\()", r"\1"),
        ("[[", r"(?<!`)!?\[\[([^][|\n]{0,99}[^\W\d_][^][|\n]{0,99})\]\](?!\()", r"\1"),
        # pictures with a size or blanks in their address
        ("](", r"(!\[[^\]\n]{0,500}\]\([^()\s<>]+)[ \t]+=\d*%?x\d*%?(?=\))", r"\1"),
        ("](", r"(!\[[^\]\n]{0,500}\]\()([^()<>\"'\s]+(?: [^()<>\"'\s]+)+)(?=\))", r"\1<\2>"),
        ("", r"(?<!\*)(\*\*?(?!\*)|__)(?=\S)([^*\n]{1,500}?)(?<=\S)\1(?!\*)", _emphasis),
    )
)


@cache
def _markdown() -> MarkdownIt:
    markdown = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    helpers = SimpleNamespace(**{**vars(markdown.helpers), "parseLinkLabel": _label_end})
    markdown.helpers = helpers  # type: ignore[assignment]
    return markdown


def _label_end(state: StateInline, start: int, disable_nested: bool = False) -> int:
    """markdown-it's search for the `]` of a link, up to MAX_OPEN_BRACKETS that have none."""
    open_count = state.env.get("open_brackets", 0)
    if open_count >= MAX_OPEN_BRACKETS:
        return -1
    end = parseLinkLabel(state, start, disable_nested)
    if end < 0:
        state.env["open_brackets"] = state.env.get("open_brackets", 0) + 1
    return end
