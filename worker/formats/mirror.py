"""The habits of the bots that mirror feeds into Hexo posts: escaped braces, and times of a run.

Such a bot writes every brace of a file as an entity, so that Hexo's template language leaves it
alone, and stamps the time of its own run where a post has no date.
"""

import re
from collections.abc import Sequence

from worker.model import DateText

# All of a mirror's posts have these three keys in this order, and their body in one `<div>`.
_KEYS = re.compile(r"^author: [^\n]*\ncomments: false\ndate: ", re.MULTILINE)
_RUN_TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d")


def with_braces(text: str) -> str:
    """`text` with its two entities decoded; a raw `&` stays as it is."""
    # Mostly in the footer: to replace in all of the text costs 17 µs, to search it for more than
    # one character 6.
    start = text.find("&#12", text.find("&"))
    if start < 0:
        return text
    return text[:start] + text[start:].replace("&#123;", "{").replace("&#125;", "}")


def has_run_time(head: str, body: str, dates: Sequence[DateText]) -> bool:
    """Whether the date of a post is the time of the run that mirrored it.

    The posts of a mirror have RFC 822 dates in GMT, from a feed. Its only other form is
    `2022-03-20 12:33:29`, the time of the run. In real files it is up to three weeks after the day
    in the address of the post's picture. Elsewhere (Hexo, Hugo, Jekyll) the same form is the date
    of a person, so the mirror's own layout must be around it.
    """
    return (
        bool(dates)
        and _RUN_TIME.fullmatch(dates[0].text) is not None
        and _KEYS.search(head) is not None
        and body.lstrip().startswith("<div>")
        and body.rstrip().endswith("</div>")
    )
