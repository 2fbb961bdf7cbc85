"""The body of a page that no rule knows, by trafilatura."""

import logging
import re
from functools import cache
from types import ModuleType

from lxml import html as lxml_html


def extracted_body(text: str) -> str:
    """The body of the page `text` as HTML; empty where nothing looks like an article."""
    try:
        found = _trafilatura().extract(
            text,
            output_format="html",
            include_comments=False,
            include_images=True,
            include_links=True,
            include_formatting=True,
        )
    except Exception:  # heuristics over any input: whatever fails there, nothing was found
        return ""
    inner = _BODY.search(found or "")
    return inner[1].strip() if inner else ""


def text_length(html: str) -> int:
    """Characters of text, white space not counted."""
    if not html.strip():
        return 0
    return len(
        "".join(lxml_html.fragment_fromstring(html, create_parent="div").text_content().split())
    )


_BODY = re.compile(r"<body>(.*)</body>", re.DOTALL)


@cache
def _trafilatura() -> ModuleType:
    """Imported when first needed: it costs a second and 40 MB that most workers never use."""
    import trafilatura

    for name in ("trafilatura", "htmldate", "justext"):
        # They log parts of pages; what matters is told by a warning on the record.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    return trafilatura
