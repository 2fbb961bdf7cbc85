"""The fences of a head of front matter in all dialects: its beginning and its end.

Hexo (`hexo-front-matter`) closes a head by three or more dashes or semicolons, needs no opening
line (its own scaffold had none until 2016), and reads JSON between semicolons; Hugo and Zola write
TOML between `+++`; YAML itself ends a document by `...`. Pelican's and MultiMarkdown's heads are
lines of keys up to a blank one, Nikola's have two dots before each (in HTML and Markdown within a
comment), Org's `#+`.
"""

import re
from typing import Literal

from worker.errors import Reason, Rejected
from worker.model.frozen import dataclass

MAX_HEAD = 256 * 1024
"""Characters of a head; a longer one has lost its closing line."""

Syntax = Literal["yaml", "toml", "json", "keys"]

_LEADING = re.compile(r"[\s\ufeff\u200b]*")
_COMMENTS = re.compile(r"(?:<!--(?:(?!-->).)*+-->\s*+)*+", re.DOTALL)
_FENCE = re.compile(r"(-{3,}|;{3,}|\+\+\+)[ \t]*(yaml|toml|json)?[ \t]*\r?(?=\n|\Z)")
_SYNTAX: dict[str, Syntax] = {"-": "yaml", "+": "toml", ";": "json"}
_SYNTAX |= {"yaml": "yaml", "toml": "toml", "json": "json"}
_CLOSINGS = {
    "-": re.compile(r"\n(?:-{3,}|\.\.\.)[ \t]*\r?(?=\n|\Z)"),
    "+": re.compile(r"\n\+\+\+[ \t]*\r?(?=\n|\Z)"),
    ";": re.compile(r"\n;{3,}[ \t]*\r?(?=\n|\Z)"),
}
# Lines of a head that has no opening line: keys, what is indented below them, lists, blank lines.
# Possessive: a megabyte of such lines costs one pass.
_LINES = re.compile(
    r"(?:(?:[A-Za-z_][\w-]{0,63}[ \t]*:(?=\s)|[ \t]|-[ \t])[^\n]*+\n|\r?\n)++"
    r"(?=-{3,}[ \t]*\r?(?:\n|\Z))"
)
_KEY = r"[A-Za-z_][\w-]{0,63}[ \t]*:(?=\s)[^\n]*+\n"
_KEYS = re.compile(
    rf"(?:<!--[ \t]*\n)?(?P<sign>\.\. |#\+|){_KEY}(?:(?P=sign){_KEY})++(?:-->[ \t]*)?(?=\n|\Z)"
)
_NO_KEY = re.compile(r"^(?:<!--.*\n|-->.*|\.\. |#\+)", re.MULTILINE)
_KNOWN_KEY = re.compile(
    r"^(title|date|tags|authors?|category|slug|summary|modified|description)[ \t]*:",
    re.MULTILINE | re.IGNORECASE,
)
_JSON_LINE = re.compile(r'"[\w-]{1,64}"[ \t]*:')
_KEY_LINE = re.compile(r"\s*+(?:\{|(?:[A-Za-z_][\w-]{0,63}|\"[\w-]{1,64}\")[ \t]*:)")
# A heading of Setext (`Note: the storm` above dashes) is no head: one of an article has these.
_TITLE = re.compile(r"^(?:title|date)[ \t]*:", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class FencedText:
    """A text with a head: the head without its fences, and the body below it."""

    head: str
    body: str
    syntax: Syntax


def has_head(text: str, start: int) -> bool:
    """Whether front matter begins at `start`, where `text` has its first visible character.

    Three dashes or plus signs are one even if they are never closed: the refusal explains it.
    Four dashes are a rule in Markdown, too, so keys and a closing line must follow them.
    """
    if opening := _FENCE.match(text, start):
        fence = opening[1]
        return fence in ("---", "+++") or (
            _KEY_LINE.match(text, opening.end()) is not None
            and _closing(text, fence[0], opening.end()) is not None
        )
    if lines := _LINES.match(text, start, start + MAX_HEAD):
        return _TITLE.search(text, start, lines.end()) is not None
    if text.startswith("<", start) and not text.startswith("<!--", start):
        return False  # a copy of a feed of half a megabyte took as long as its division
    return _is_bare_json(text, start) or _keys(text.replace("\r\n", "\n"), start) is not None


def after_comments(text: str, start: int) -> int:
    """Where what follows the comments at `start` begins; `start` where there is none."""
    comments = _COMMENTS.match(text, start)
    return comments.end() if comments else start


def split(text: str) -> FencedText:
    """Head and body; the first closing line ends the head.

    Raises Rejected (`front_matter`) where there is none.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    leading = _LEADING.match(text)
    start = leading.end() if leading else 0
    opening = _FENCE.match(text, start)
    if opening is None:
        if keys := _keys(text, start):
            return keys
        start = after_comments(text, start)
        opening = _FENCE.match(text, start)
    if opening:
        sign, start = opening[1][0], opening.end()
    else:
        sign = ";" if _is_bare_json(text, start) else "-"
    closing = _closing(text, sign, start)
    if closing is None:
        fence = sign * 3
        raise Rejected(
            Reason.FRONT_MATTER,
            f"the front matter is opened with `{fence}` and never closed: "
            f"put a line `{fence}` below its last key",
        )
    language = opening[2] if opening else None  # `---toml`, as gray-matter has it
    syntax = _SYNTAX[language or sign]
    return FencedText(text[start : closing.start()], text[closing.end() :], syntax)


def _closing(text: str, sign: str, start: int) -> re.Match[str] | None:
    return _CLOSINGS[sign].search(text, start, start + MAX_HEAD)


def _keys(text: str, start: int) -> FencedText | None:
    """A head of nothing but keys, a title and another known one among them."""
    lines = _KEYS.match(text, start, start + MAX_HEAD)
    head = _NO_KEY.sub("", lines[0]) if lines else ""
    keys = {key.lower() for key in _KNOWN_KEY.findall(head)}
    if lines is None or "title" not in keys or len(keys) < 2:
        return None
    return FencedText(head, text[lines.end() :], "keys")


def _is_bare_json(text: str, start: int) -> bool:
    """Whether JSON without its braces, and a line of semicolons below it, begins at `start`."""
    return bool(_JSON_LINE.match(text, start)) and _closing(text, ";", start) is not None
