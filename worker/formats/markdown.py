"""A Markdown or text file without front matter: its first heading is the title."""

import re
from collections.abc import Iterator

from worker.formats.body import render_markdown
from worker.formats.values import clean
from worker.model import Document, Profile, RawArticle, Refusal
from worker.settings import Limits
from worker.sites import Sites

# Nothing here is matched in two ways: a megabyte of `# # #` must cost no more than its reading.
_ATX = re.compile(r"^#{1,6}[ \t]+(\S[^\n]*)$", re.MULTILINE)
_SETEXT = re.compile(r"^([^\n]+)\n(?:=+|-+)[ \t]*$", re.MULTILINE)


def parse_markdown(
    text: str, document: Document, *, profile: Profile, sites: Sites, limits: Limits
) -> Iterator[RawArticle | Refusal]:
    """One article; the heading that became the title is not repeated in the body."""
    text = text.lstrip("\ufeff\u200b").replace("\r\n", "\n").replace("\r", "\n")
    found = [match for pattern in (_ATX, _SETEXT) if (match := pattern.search(text))]
    heading = min(found, key=lambda match: match.start(), default=None)
    title = None
    if heading:
        title = clean(heading[1]).strip().rstrip("#").strip() or None
        if not text[: heading.start()].strip():
            text = text[heading.end() :]
    yield RawArticle(parser="markdown", html=clean(render_markdown(text)), title=title)
