"""The format of bytes, from their content: file names and media types are unreliable."""

import re
from enum import StrEnum

from worker.errors import Reason, Rejected
from worker.formats.encoding.decode import decode
from worker.formats.head_fence import after_comments, has_head


class Format(StrEnum):
    """The formats that can be parsed; the value is `RawArticle.parser`."""

    FRONT_MATTER = "front-matter"
    MARKDOWN = "markdown"
    PAGE = "page"
    FEED = "feed"
    SITEMAP = "sitemap"
    JSON = "json"
    NDJSON = "ndjson"
    ZIP = "zip"
    TAR = "tar"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    ZSTD = "zstd"


FEED_ROOTS = frozenset({"rss", "feed", "rdf", "channel"})
"""Local names of the root elements of RSS, Atom, RSS 1.0 and CDF (w3.org/TR/NOTE-CDFsubmit)."""

SITEMAP_ROOTS = frozenset({"urlset", "sitemapindex"})
"""Root elements of the sitemap protocol (sitemaps.org)."""

_MAGIC = (
    (b"PK\x03\x04", Format.ZIP),
    (b"PK\x05\x06", Format.ZIP),  # an empty archive
    (b"\x1f\x8b", Format.GZIP),
    (b"BZh", Format.BZIP2),
    (b"\xfd7zXZ\x00", Format.XZ),
    (b"\x28\xb5\x2f\xfd", Format.ZSTD),
)

_LINE = re.compile(r"[^\n]+")
_LEADING = re.compile(r"[\s\ufeff\u200b]*")
_JSON_ARRAY = re.compile(r"\[\s*[\[{\]\"]")
_HEADING = re.compile(r"^(?:#{1,6}[ \t]+\S|(?:=+|-+)[ \t]*$)", re.MULTILINE)
_ELEMENT = re.compile(r"<(?:[\w.-]{1,40}:)?([A-Za-z][\w.-]{0,40})")
_HTML_ROOTS = frozenset(
    {"html", "head", "body", "title", "meta", "link", "script", "style", "div", "section", "p"}
    | {"article", "main", "header", "nav", "h1", "h2", "h3", "table", "ul", "ol", "span", "a"}
    | {"img", "figure", "blockquote", "center", "font", "br", "hr", "iframe", "pre", "b", "i"}
    | {"strong", "em"}
)


def sniff(data: bytes, charset: str | None = None) -> Format:
    """The format of `data`; `charset` is what the transport declared.

    Raises Rejected: `empty`, `not_text`, `unknown_format`.
    """
    return container(data) or sniff_text(decode(data, charset).text)


def container(data: bytes) -> Format | None:
    """The archive or compression format by its magic number; None for anything else."""
    for magic, kind in _MAGIC:
        if data.startswith(magic):
            return kind
    # POSIX and GNU tar: `ustar` at 257 (pax(1), "ustar Interchange Format").
    return Format.TAR if data[257:262] == b"ustar" else None


def sniff_text(text: str) -> Format:
    """The format of decoded text, from its first characters (and lines).

    Raises Rejected: `empty` for nothing but white space, `unknown_format` otherwise.
    """
    if "\n" not in text:  # lines of old Macs
        text = text.replace("\r", "\n")
    match = _LEADING.match(text)
    start = match.end() if match else 0
    if start == len(text):
        raise Rejected(
            Reason.EMPTY, "the file holds nothing but white space: drop it again, filled"
        )
    if has_head(text, start):
        return Format.FRONT_MATTER
    if feed_start(text):
        return Format.FEED
    if text[start] in "{[" and (kind := _json_kind(text, start)):
        return kind
    behind = after_comments(text, start)
    if behind > start and text[behind : behind + 1] not in ("", "<"):  # a note above an article
        return sniff_text(text[behind:])
    if text[start] == "<":
        return _markup(text, start)
    if _HEADING.search(text, start, start + 65536):
        return Format.MARKDOWN
    raise Rejected(
        Reason.UNKNOWN_FORMAT,
        "this is text without front matter or a heading: begin it with `---`, a title and `---`, "
        "or with a line `# Title`",
    )


def feed_start(text: str) -> int:
    """Where a feed begins after what its server printed before it, as PHP's warnings; else 0."""
    position = text.find("<?xml", 1, _LONGEST_WARNING)
    if (
        position < 0
        or not text[:position].strip("\ufeff\u200b \t\r\n")
        or not text.rstrip().endswith(_FEED_ENDS)
    ):
        return 0
    return position if prolog(text, position)[0] in FEED_ROOTS else 0


_LONGEST_WARNING = 4_000
_FEED_ENDS = ("</rss>", "</feed>", "</rdf:RDF>")


def prolog(text: str, start: int = 0) -> tuple[str, str, int]:
    """The local name (lower case) of the first element, the declarations before it, and its place.

    Skips declarations, comments and a DOCTYPE with `str.find`: linear, whatever they hold.
    """
    declarations: list[str] = []
    position = start
    while (position := text.find("<", position)) != -1:
        if text.startswith("<!--", position):
            end = text.find("-->", position + 4)
            width = 3
        elif text.startswith("<?", position):
            end, width = text.find(">", position), 1
        elif text.startswith("<!", position):
            end, width = _doctype_end(text, position), 1
            declarations.append(text[position : end + 1 if end != -1 else len(text)])
        else:
            element = _ELEMENT.match(text, position)
            return (element[1].lower() if element else ""), "".join(declarations), position
        if end == -1:
            break
        position = end + width
    return "", "".join(declarations), len(text)


def _doctype_end(text: str, start: int) -> int:
    """The end of a declaration: its `>`, or the one after its internal subset."""
    end = text.find(">", start)
    bracket = text.find("[", start, end if end != -1 else len(text))
    if bracket == -1:
        return end
    close = text.find("]", bracket)
    return text.find(">", close) if close != -1 else -1


def _markup(text: str, start: int) -> Format:
    root, declarations, _ = prolog(text, start)
    if root in FEED_ROOTS:
        return Format.FEED
    if root in SITEMAP_ROOTS:
        return Format.SITEMAP
    if root in _HTML_ROOTS or declarations[:14].lower() == "<!doctype html":
        return Format.PAGE
    raise Rejected(
        Reason.UNKNOWN_FORMAT,
        f"this is XML with the root element <{root}>, which is neither a feed nor a page: "
        "drop the feed or the articles themselves",
    )


def _json_kind(text: str, start: int) -> Format | None:
    """The kind of JSON that begins at `start`; None for Markdown, `[a link](/)`."""
    if text[start] == "{":
        return Format.NDJSON if _is_line_delimited(text, start) else Format.JSON
    return Format.JSON if _JSON_ARRAY.match(text, start) else None


def _is_line_delimited(text: str, start: int) -> bool:
    """Whether more than one line is an object of its own (a broken one counts by its brace)."""
    count = 0
    for match in _LINE.finditer(text, start):
        row = match[0].strip()
        if not row:
            continue
        is_whole = count > 0 or row.endswith("}")  # the first; a broken one may follow it
        if not row.startswith("{") or row.startswith(("{{", "{%")) or not is_whole:
            return False
        count += 1
        if count > 1:
            return True
    return False
