"""Text files: front matter in YAML (`---`), TOML (`+++`) or JSON (`;;;`) above a body, or Markdown.

The mirrors this project reads write YAML by string concatenation, so a head that is not YAML is
read key by key, and every `{` and `}` arrives as an entity.
"""

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import replace

import orjson

from worker.errors import Reason, Rejected
from worker.escape import printable
from worker.formats.blog_tags import expand_tags
from worker.formats.body import render_markdown, to_html
from worker.formats.context import ParseContext, Parsed
from worker.formats.fields import article, field_of
from worker.formats.head_fence import Syntax, split
from worker.formats.memory import check_memory
from worker.formats.mirror import has_run_time, with_braces
from worker.formats.values import clean, html_text, names_of
from worker.formats.yaml_head import Unreadable, load, load_by_key
from worker.model import Document, RawArticle
from worker.model.warning import RecordWarning, WarningKind, warn

_LONG_DOTTED_KEY = re.compile(r"(?:\.[ \t]*(?:[\w-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*){32}")
_GLUED_KEY = re.compile(
    r"^(\w{2,20})(?:：[ \t]*|:(?=[^\s/]))", re.MULTILINE
)  # `title:x`, `title：x`
_HASHTAG = re.compile(
    r"^((?:title|标题)[ \t]*:[ \t]++|[ \t]*-[ \t]++(?![\[{]|[\w-]+:\s))"
    r"(?!['\"])([^\n]*(?<!\S)#[^\s#][^\n]*)$",
    re.MULTILINE | re.IGNORECASE,
)  # in YAML a comment, whose sign has a blank after it where people mean one
_WIKI_LINK = re.compile(r"(['\"])\[\[(?:[^\[\]|\n]*\|)?([^\[\]\n]+)\]\]\1")  # of Obsidian
_WIDE_SPACE = re.compile(r"^([\w-]{1,64}:)[\xa0\u3000]+", re.MULTILINE)
_INDENT = re.compile(r"^[ \t]*\t[ \t]*", re.MULTILINE)
Head = tuple[Mapping[str, object], tuple[RecordWarning, ...]]
"""The table of a head, and warnings."""

# Each matches in one way only: a megabyte of `# # #` must cost no more than one pass over it.
_ATX = re.compile(r"^#{1,6}[ \t]+(\S[^\n]*)$", re.MULTILINE)
_FIRST_HEADING = re.compile(r"\s*+#[ \t]+\S[^\n]*")
_SETEXT = re.compile(r"^([^\n]+)\n(?:=+|-+)[ \t]*$", re.MULTILINE)


def parse_front_matter(text: str, document: Document, context: ParseContext) -> Parsed:
    """One article. Raises Rejected (`front_matter`, `too_deep`) for an unreadable head."""
    fenced = split(with_braces(text))
    table, warnings = _READERS[fenced.syntax](fenced.head)
    raw = head_article(table, fenced.body, warnings)
    if has_run_time(fenced.head, fenced.body, raw.dates):
        raw = replace(raw, has_run_time=True)
    yield raw


def parse_markdown(text: str, document: Document, context: ParseContext) -> Parsed:
    """One article; the first heading is its title and is not repeated in the body."""
    text = text.lstrip("\ufeff\u200b").replace("\r\n", "\n").replace("\r", "\n")
    headings = [match for pattern in (_ATX, _SETEXT) if (match := pattern.search(text))]
    title = None
    if headings:
        heading = min(headings, key=lambda match: match.start())
        title = _text_of_heading(heading[0])
        if not text[: heading.start()].strip():
            text = text[heading.end() :]
    yield RawArticle(parser="markdown", html=clean(render_markdown(expand_tags(text))), title=title)


def head_article(
    table: Mapping[str, object], body: str, warnings: tuple[RecordWarning, ...] = ()
) -> RawArticle:
    """The article of a head, in whatever syntax, and its body, which loses a first heading that
    is its title: the head repeats it, or has none as in Obsidian and MkDocs."""
    raw = article(
        table, to_html(body), parser="front-matter", origin="front-matter", warnings=warnings
    )
    heading = _FIRST_HEADING.match(body)
    if heading and raw.title in (None, title := _text_of_heading(heading[0])):
        return replace(raw, title=title, html=to_html(body[heading.end() :]))
    return raw


def _text_of_heading(heading: str) -> str | None:
    return html_text(render_markdown(clean(heading.strip()))) or None


def _yaml(head: str) -> Head:
    if "\t" in head:  # YAML allows no tabs there, and people's editors write them
        head = _INDENT.sub(lambda match: match[0].expandtabs(2), head)
    if "\xa0" in head or "\u3000" in head:  # of a page or a Chinese keyboard, as the blank
        head = _WIDE_SPACE.sub(r"\1 ", head)
    if "#" in head:
        head = _HASHTAG.sub(lambda title: title[1] + orjson.dumps(title[2]).decode(), head)
    if "[[" in head:
        head = _WIKI_LINK.sub(r"\1\2\1", head)
    try:
        return load(head), ()
    except Unreadable as error:
        table, bad_keys = load_by_key(_GLUED_KEY.sub(_with_space, head))
        if not table:
            raise Rejected(
                Reason.FRONT_MATTER,
                f"the front matter is not YAML ({printable(str(error))}): write `key: value` lines",
            ) from error
        keys = f": {printable(', '.join(bad_keys))}" if bad_keys else ""
        text = f"front matter is not valid YAML; read line by line{keys}"
        return table, (warn(WarningKind.HEAD, text),)


def _with_space(key: re.Match[str]) -> str:
    return f"{key[1]}: " if field_of(key[1]) else key[0]


def _toml(head: str) -> Head:
    too_deep = Rejected(
        Reason.TOO_DEEP, "the TOML front matter is nested too deep: keep it to plain keys"
    )
    # tomllib is cubic in the parts of a dotted key: 50,000 of them took 102 s and 9.8 GB.
    if _LONG_DOTTED_KEY.search(head):
        raise too_deep
    try:
        return tomllib.loads(head), ()
    except RecursionError as error:
        raise too_deep from error
    except ValueError as error:  # TOMLDecodeError, or an integer of thousands of digits
        raise Rejected(
            Reason.FRONT_MATTER,
            f"the front matter between `+++` lines is not TOML ({printable(str(error), 120)}): "
            "correct that line",
        ) from error


def _json(head: str) -> Head:
    """Hexo's JSON heads have no braces; heads with braces are read, too."""
    head = head.strip().rstrip(",")
    try:
        return orjson.loads(head if head.startswith("{") else f"{{{head}}}"), ()
    except ValueError as error:
        check_memory(error)
        raise Rejected(
            Reason.FRONT_MATTER,
            f"the front matter above `;;;` is not JSON ({printable(str(error), 120)}): "
            "correct it, or write YAML between `---` lines",
        ) from error


def _keys(head: str) -> Head:
    rows = (line.partition(":") for line in head.splitlines())
    table = {key.strip(): value.strip() for key, _, value in rows if value.strip()}
    names = {key: names_of(value) for key, value in table.items() if key.lower() == "authors"}
    return {**table, **names}, ()


_READERS: dict[Syntax, Callable[[str], Head]] = {
    "yaml": _yaml,
    "toml": _toml,
    "json": _json,
    "keys": _keys,
}
